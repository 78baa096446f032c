"""`genesis worker`: any program becomes an agent; it is run once for each task."""

from __future__ import annotations

import json
import logging
import os
import re
import shlex
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from genesis_server.cli import session
from genesis_server.cli.failure import CommandError, usage_errors
from genesis_server.cli.programs import ProgramError, as_reference, outputs_of, run_program
from genesis_server.cli.watchdog import running_watchdog

if TYPE_CHECKING:
    from genesis import TaskContext
    from genesis.v1.catalogue_pb2 import AgentCard

_AGENT = "Agent"
_NO_NAME = re.compile(r"\W+")
EPILOG = (
    "The program gets its inputs as a JSON object on standard input, and the task in GENESIS_TASK_ID, GENESIS_TASK_GOAL, "
    "GENESIS_TASK_ACCEPTANCE, GENESIS_TASK_SKILL, GENESIS_TASK_MODEL, GENESIS_TASK_OUTPUTS (names, by commas), GENESIS_TASK_ATTEMPT, "
    "GENESIS_TASK_DEADLINE (seconds since the epoch), GENESIS_TASK_PLAN_ID, GENESIS_TASK_PLAN_GOAL, GENESIS_TASK_CORRELATION_ID and "
    "TRACEPARENT. What it prints is the result: a JSON object with the outputs by name, or the task's only output, which is named after "
    "the skill where --skill made it; an object with uri and sha256 is a value that lies elsewhere. A line `genesis:progress 0.4 words` "
    "on standard error tells how far it is; its other last lines there are the error. Exit codes: 0 done; 64 to 78 (sysexits.h) failed, "
    "and this agent need not try again, but for 75 "
    "(EX_TEMPFAIL); 75 and every other failed, and may be tried again. A task that is cancelled gets SIGTERM, and SIGKILL after the "
    "grace time; whatever it has started in its process group ends with it."
)


@dataclass(frozen=True, slots=True)
class ProgramWorker:
    """Does a task by running a program."""

    command: tuple[str, ...]
    grace_seconds: float
    """Between SIGTERM and SIGKILL."""
    watching: Callable[[int], AbstractContextManager[object]] = nullcontext
    """Gets the process group of each program while it runs."""

    async def do(self, context: TaskContext) -> dict[str, Any]:
        """Run the program for a task; what it put out. Raises genesis.TaskFailed."""
        from genesis import Reference, TaskFailed

        declared = {one.name: one.type for one in context.task.outputs}
        try:
            ended = await run_program(
                self.command,
                stdin=stdin_of(context.inputs),
                environment=environment_of(context, os.environ, time.time()),
                on_progress=context.progress,
                grace_seconds=self.grace_seconds,
                watching=self.watching,
            )
            outputs = outputs_of(ended, declared)
            return {name: Reference(**found) if (found := as_reference(value)) else value for name, value in outputs.items()}
        except ProgramError as error:
            raise TaskFailed(str(error), permanent=error.permanent) from error
        except ValueError as error:
            raise TaskFailed(f"the program printed a value that cannot be sent: {error}", permanent=True) from error


def stdin_of(inputs: Mapping[str, Any]) -> bytes:
    """The inputs as a JSON object; a reference as an object with uri, sha256 and media_type."""
    from genesis import Reference

    def plain(value: Any) -> Any:
        if isinstance(value, Reference):
            return {"uri": value.uri, "sha256": value.sha256, "media_type": value.media_type}
        return value

    return json.dumps({name: plain(value) for name, value in inputs.items()}, ensure_ascii=False).encode()


def environment_of(context: TaskContext, inherited: Mapping[str, str], now: float) -> dict[str, str]:
    """The variables of the program: those of the worker without its own settings and keys, and the task's. `now`: since the epoch."""
    task, left = context.task, context.time_left()
    told = {
        "ID": task.id,
        "GOAL": task.goal,
        "ACCEPTANCE": task.acceptance,
        "SKILL": context.skill_id,
        "MODEL": context.model_id,
        "OUTPUTS": ",".join(one.name for one in task.outputs),
        "ATTEMPT": str(context.attempt),
        "DEADLINE": "" if left is None else f"{now + left:.3f}",
        "PLAN_ID": context.plan_id,
        "PLAN_GOAL": context.goal,
        "CORRELATION_ID": context.correlation_id,
    }
    kept = {name: value for name, value in inherited.items() if not name.startswith("GENESIS_")}
    # A variable cannot hold a zero character.
    own = {f"GENESIS_TASK_{name}": value.replace("\0", "") for name, value in told.items()}
    return kept | own | ({"TRACEPARENT": context.traceparent} if context.traceparent else {})


def worker(
    ctx: typer.Context,
    *,
    command: Annotated[str, typer.Option(metavar="TEXT", help="The program and its arguments, run for each task.", show_default=False)],
    agent: Annotated[str | None, typer.Option(metavar="ID", help="The agent's id.", rich_help_panel=_AGENT)] = None,
    skill: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ID[=TEXT]", help="Something it can do, with a description that tasks find it by; repeatable.", rich_help_panel=_AGENT
        ),
    ] = None,
    card: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Its card in an agents file instead; --agent names one of many.", rich_help_panel=_AGENT),
    ] = None,
    slots: Annotated[int | None, typer.Option(min=1, help="How many tasks it does at once.", rich_help_panel=_AGENT)] = None,
    key: Annotated[
        str | None,
        typer.Option(
            envvar="GENESIS_AGENT_KEY",
            metavar="KEY",
            help="Its key, KEY_ID:SECRET; better given as a variable.",
            show_default=False,
            rich_help_panel=_AGENT,
        ),
    ] = None,
    tenant: Annotated[
        str, typer.Option(envvar="GENESIS_AGENT_TENANT", help="The tenant the key belongs to.", rich_help_panel=_AGENT)
    ] = "default",
    grace: Annotated[
        str, typer.Option(metavar="SPAN", help="How long a task may take to end when it is cancelled or the worker stops.")
    ] = "10s",
) -> None:
    """Join as an agent, and run a program for each task, until SIGTERM or SIGINT."""
    from genesis_server.cli import options as o
    from genesis_server.cli.carded import carded_worker

    run = session.of(ctx)
    argv = _split(command)
    seconds = o.parse_span(grace)
    chosen = card_of(agent, skill or [], card, slots)
    options = run.connect_options()
    if key:
        options["agent_key"], options["agent"], options["tenant"] = key, chosen.id, tenant
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    with usage_errors(), running_watchdog(seconds) as watchdog:
        made = carded_worker(chosen, ProgramWorker(argv, seconds, watchdog.watching).do, grace=seconds)
        run.note(f"{chosen.id} offers {', '.join(one.id for one in chosen.skills)} to {run.server}")
        made.run(run.server, **options)


def _split(command: str) -> tuple[str, ...]:
    try:
        words = tuple(shlex.split(command))
    except ValueError as error:
        raise CommandError(f"--command {command!r} cannot be read: {error}") from error
    if not words:
        raise CommandError("--command is empty: give a program, for example --command 'python3 work.py'")
    return words


def card_of(agent: str | None, skills: list[str], file: Path | None, slots: int | None) -> AgentCard:
    """The agent's card, from the options or from an agents file."""
    from genesis.v1.catalogue_pb2 import AgentCard

    if file is not None:
        if skills:
            raise CommandError("give the skills with --skill or in the --card file, not both")
        card = _card_in(file, agent)
    else:
        if agent is None or not skills:
            raise CommandError("give --agent ID and at least one --skill ID=WORDS, or --card FILE")
        card = AgentCard(id=agent)
        for text in skills:
            skill_id, _, words = text.partition("=")
            skill = card.skills.add(id=skill_id.strip(), description=words.strip())
            # What the program prints needs a name.
            skill.outputs.add(name=_NO_NAME.sub("_", skill.id))
    if slots is not None:
        card.max_concurrent_tasks = slots
    return card


def _card_in(file: Path, agent: str | None) -> AgentCard:
    from genesis_server.cli.catalogues import read_catalogue
    from genesis_server.rpc.convert import catalogue_to_proto

    cards = {card.id: card for card in catalogue_to_proto(read_catalogue(file).catalogue).agents}
    if agent is not None and agent in cards:
        return cards[agent]
    if agent is None and len(cards) == 1:
        return next(iter(cards.values()))
    there = ", ".join(cards) or "none"
    wanted = f"has no agent {agent!r}" if agent else "has not exactly one agent: name it with --agent"
    raise CommandError(f"{file} {wanted}; there are: {there}")
