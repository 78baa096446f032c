"""What the world of leases consists of at one moment, and how one moment becomes another."""

from __future__ import annotations

from typing import NamedTuple

from genesis_server.model.work import LeaseToken


class Message(NamedTuple):
    """What is on its way."""

    kind: str
    """assignment, report, accepted or refused."""
    worker: int
    task_id: str
    lease: LeaseToken
    failed: bool = False


class Held(NamedTuple):
    """A task as a worker sees it."""

    task_id: str
    lease: LeaseToken
    told: str = ""
    """What it reported: done, failed or nothing yet."""


class Op(NamedTuple):
    """A decision of the server that is under way."""

    name: str
    base: int
    """Version it was made on."""
    run: int
    done: tuple[str, ...]
    accepts: tuple[str, int, bool] | None
    """Task, token and whether it failed, of a report that is taken."""
    says: Message | None
    """What is sent afterwards."""
    cause: Message | None
    """The report it is about."""
    written: bool


class World(NamedTuple):
    """Everything at one moment."""

    version: int
    run: int
    """Number of the stored run."""
    done: tuple[str, ...]
    """Tasks that are done by the stored plan, which is written with the run."""
    up: bool
    ops: tuple[Op, ...]
    messages: tuple[Message, ...]
    alive: tuple[bool, ...]
    held: tuple[tuple[Held, ...], ...]
    faults: tuple[int, ...]
    accepted: tuple[tuple[str, int], ...]
    """What an omniscient observer has seen: reports of success that were written."""
    told: frozenset[tuple[str, int]]
    """Reports of success whose workers were told that they are taken."""


def agent_name(worker: int) -> str:
    """A worker's agent."""
    return f"w{worker + 1}"


def words_of(message: Message) -> str:
    """A message in words."""
    what = {"assignment": f"{message.task_id} for", "report": f"{'failure' if message.failed else 'success'} at {message.task_id} from"}
    return f"{what.get(message.kind, f'{message.kind}, {message.task_id}, to')} {agent_name(message.worker)} (token {message.lease.token})"


def is_under_way(world: World, report: Message) -> bool:
    """Whether a report or its answer is on its way, or being decided."""
    about = any(op.cause == report for op in world.ops)
    return about or any(message.lease == report.lease and message.worker == report.worker for message in world.messages)


def hold(world: World, worker: int, held: tuple[Held, ...]) -> World:
    """The world in which a worker holds this."""
    return world._replace(held=tuple([held if number == worker else one for number, one in enumerate(world.held)]))


def sent(world: World, message: Message) -> World:
    """The world with one more message on its way; the dead get none."""
    if message.kind != "report" and not world.alive[message.worker]:
        return world
    return world._replace(messages=tuple(sorted([*world.messages, message], key=_message_order)))


def _message_order(message: Message) -> tuple[str, int, str, int, str, bool]:
    return (message.kind, message.worker, message.task_id, message.lease.token, message.lease.lease_id, message.failed)


def _op_order(op: Op) -> tuple[str, int, int, bool, bool]:
    return (op.name, op.base, op.run, op.written, op.says is None)


def without(world: World, message: Message) -> World:
    """The world with one message less."""
    left = list(world.messages)
    left.remove(message)
    return world._replace(messages=tuple(left))


def with_op(world: World, op: Op) -> World:
    """The world with one more decision under way."""
    return world._replace(ops=tuple(sorted([*world.ops, op], key=_op_order)))


def without_op(world: World, op: Op) -> World:
    """The world with one decision less."""
    left = list(world.ops)
    left.remove(op)
    return world._replace(ops=tuple(left))


def spend(world: World, fault: int) -> World:
    """The world in which one more of these things has gone wrong."""
    return world._replace(faults=tuple([left - (number == fault) for number, left in enumerate(world.faults)]))
