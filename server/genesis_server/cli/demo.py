"""`genesis demo`: a server, three workers, a goal, and how it gets done although one of them fails; nothing is left behind."""

from __future__ import annotations

import contextlib
import shlex
import signal
import sys
import time
from collections.abc import Generator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from genesis_server.cli import options as o
from genesis_server.cli import session
from genesis_server.cli.catalogues import catalogue_option
from genesis_server.cli.demo_processes import DemoServer, running_server, running_workers
from genesis_server.cli.text import span

if TYPE_CHECKING:
    from genesis.options import OrchestrateOptions
    from genesis.v1.catalogue_pb2 import Catalogue

DEFAULT_GOAL = "Release the new billing feature to all customers"
DEFAULT_BUDGET = "0.25 USD"
"""Goes with the default goal; goals of one's own have no limit."""
AGENTS = Path(str(files("genesis_server"))) / "data" / "demo_agents.toml"
FAILING_AGENT = "quick-hands"
_TASKS_BEFORE_IT_FAILS = 2
_WORKER_HELP = (
    "A program of your own that works for one of the demo's agents, in any language: it gets a folder and the agent's id as arguments, "
    "and a line of JSON with the server's address and the agent's card on standard input. May be repeated."
)
_IDLE_SECONDS = 3.0
"""A goal of one's own ends when nothing has moved for so long."""


def demo(
    ctx: typer.Context,
    goal: Annotated[str, typer.Option(metavar="TEXT", help="Your own goal, in words.")] = DEFAULT_GOAL,
    catalogue: o.CatalogueFile = None,
    worker: Annotated[list[str] | None, typer.Option(metavar="AGENT=COMMAND", help=_WORKER_HELP)] = None,
) -> None:
    """Start a server and three workers, hand them a goal, watch it getting done although one worker fails, stop them all.

    With agents and tools of your own (--catalogue) the answer is shown, and not carried out. Exit code 0 however it comes out.
    """
    run = session.of(ctx)
    given = catalogue_option(run, catalogue)
    programs = dict(_program(one) for one in worker or ())
    started = time.monotonic()
    # Its own goal is for the three agents alone; goals of others may need agents that nobody runs here.
    known = AGENTS if goal == DEFAULT_GOAL else None
    with _ending_well(), running_server(known) as server:
        own = session.Session(server=server.address, timeout=run.timeout, json=run.json, no_color=run.no_color)
        if given is not None:
            _await_serving(own, server, started)
            _advise(own, goal, given)
        else:
            _carry_out(own, server, goal, programs, started)
    run.note(f"all processes have stopped; {span(time.monotonic() - started)} in all")


def _await_serving(own: session.Session, server: DemoServer, started: float) -> None:
    with own.waiting("a server starts …"):
        server.await_serving()
    own.note(f"a server answers at {server.address} after {span(time.monotonic() - started)}")


def _budget(goal: str) -> str | None:
    return DEFAULT_BUDGET if goal == DEFAULT_GOAL else None


def _advise(own: session.Session, goal: str, catalogue: Catalogue) -> None:
    from genesis_server.cli.show.whole import show_orchestration

    with own.client() as client, own.waiting("planning, routing, validating …"):
        answer = client.orchestrate(goal, catalogue=catalogue, budget=_budget(goal))
    own.answer(answer, lambda console: show_orchestration(console, answer))


def _program(given: str) -> tuple[str, list[str]]:
    """An agent's id, and the words of its command. Raises typer.BadParameter."""
    agent, equals, command = given.partition("=")
    if not agent or not equals or not command.strip():
        raise typer.BadParameter("give AGENT=COMMAND", param_hint="--worker")
    return agent, shlex.split(command)


def _carry_out(own: session.Session, server: DemoServer, goal: str, programs: Mapping[str, Sequence[str]], started: float) -> None:
    from genesis_server.agents.loading import load_agents
    from genesis_server.cli.following import show_until_end
    from genesis_server.cli.show.demo_summary import DemoSummary, summary_view
    from genesis_server.cli.show.whole import show_orchestration
    from genesis_server.rpc.convert import catalogue_to_proto

    cards = catalogue_to_proto(load_agents(AGENTS.read_text("utf-8"), AGENTS.name)).agents
    if unknown := programs.keys() - {card.id for card in cards}:
        raise typer.BadParameter(f"the demo has no agent {', '.join(sorted(unknown))}", param_hint="--worker")
    with running_workers(server, [card.id for card in cards], programs) as workers, own.client() as client:
        _await_serving(own, server, started)
        with own.waiting("three workers join …"):
            workers.join(client, cards, {FAILING_AGENT: _TASKS_BEFORE_IT_FAILS})
        own.note(f"joined: {', '.join(card.id for card in cards)}; {FAILING_AGENT} will begin to fail")
        for agent, command in programs.items():
            own.note(f"{agent} is another program: {' '.join(command)}")
        budget = _budget(goal)
        options: OrchestrateOptions = {"budget": budget, "dispatch": True, "run_budget": {"cost": budget} if budget else None}
        with own.waiting("planning, routing, validating …"):
            answer = client.orchestrate(goal, **options)
        if not own.json:
            show_orchestration(own.out, answer)
            own.out.print()
        began = time.monotonic()
        picture = show_until_end(own, client, answer.plan.id, idle_seconds=_IDLE_SECONDS)
        took = time.monotonic() - began
        summary = DemoSummary(
            picture=picture,
            routed={route.task_id: route.assignment.target.id for route in answer.routes if route.HasField("assignment")},
            breakers=tuple(client.breakers()),
            files={file.name: file.stat().st_size for file in sorted(workers.folder.iterdir())},
            took=took,
        )
        stored = client.get_plan(answer.plan.id, contents=own.json)
        own.answer(stored, lambda console: console.print(summary_view(summary, time.time())))


@contextlib.contextmanager
def _ending_well() -> Generator[None]:
    """Let SIGTERM, and a terminal that is closed, end the command by an exception, so that everything is stopped on the way out."""

    def end(number: int, _: object) -> NoReturn:
        sys.exit(128 + number)

    # What has no terminals has no SIGHUP.
    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM))}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
