"""`genesis rules`: check, test and explain a rulebook on this machine; read, try and activate one on a server."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, TypeVar

import typer

from genesis_server.cli import options as o
from genesis_server.cli import session
from genesis_server.cli.exits import ExitCode
from genesis_server.cli.failure import CommandError
from genesis_server.cli.files import read_text
from genesis_server.cli.updates import pairs

if TYPE_CHECKING:
    from genesis.options import ActivateOptions, PreviewOptions
    from genesis_server.routing.rules.facts import CandidateFacts
    from genesis_server.routing.rules.rulebook import Rulebook
    from genesis_server.routing.rules.scenarios import Scenario

app = typer.Typer(no_args_is_help=True, help="The rulebook: check, test, explain; read, try, activate, go back.")

_T = TypeVar("_T")
_HERE, _THERE = "On this machine", "On the server"
RulebookFile: TypeAlias = Annotated[
    Path | None, typer.Argument(metavar="[FILE]", help="A rulebook; the one that ships when left out.", show_default=False)
]
Which: TypeAlias = Annotated[str, typer.Argument(metavar="FILE|VERSION", help="A rulebook file, or a version that was in use.")]
AgentsFile: TypeAlias = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Agents to decide between; those that ship when left out.", show_default=False)
]
Cause: TypeAlias = Annotated[str, typer.Option(metavar="TEXT", help="Why, for the record.", show_default=False)]


@app.command("lint", rich_help_panel=_HERE)
def lint_file(ctx: typer.Context, file: RulebookFile = None) -> None:
    """Tell every mistake, and every rule that is unreachable, shadowed or in conflict. Exit code 1 when there is any of these."""
    from genesis.admin.v1 import policy_service_pb2 as policy
    from genesis_server.cli.show.rulebook import findings_view
    from genesis_server.orchestration.policy.desk import check_text
    from genesis_server.rpc.convert.rulebooks import linted_to_proto

    run = session.of(ctx)
    answer = linted_to_proto(check_text(_text(file)))
    run.answer(answer, lambda console: console.print(findings_view(answer.findings, valid=answer.valid, version=answer.version)))
    serious = [finding for finding in answer.findings if finding.kind != policy.RULEBOOK_FINDING_KIND_NOT_CHECKED]
    raise typer.Exit(ExitCode.FAILED if serious else ExitCode.OK)


@app.command("test", rich_help_panel=_HERE)
def run_tests(
    ctx: typer.Context,
    file: RulebookFile = None,
    *,
    scenarios: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Scenarios; those that ship when left out.", show_default=False)
    ] = None,
    agents: AgentsFile = None,
) -> None:
    """Run scenarios: facts of a task and what the rules must make of them. Exit code 1 when one comes out otherwise."""
    from genesis_server.routing.rules.scenarios import run_scenarios

    run = session.of(ctx)
    results = run_scenarios(_rulebook(file), _scenarios(scenarios), _candidates(agents))
    failed = [result for result in results if result.failures]
    if run.json:
        told = [{"name": result.scenario.name, "line": result.scenario.line, "failures": result.failures} for result in results]
        typer.echo(json.dumps(told, indent=2))
    else:
        for result in failed:
            run.out.print(f"line {result.scenario.line} {result.scenario.name}", style="bold red", markup=False)
            for failure in result.failures:
                run.out.print(f"  {failure}", markup=False)
        run.out.print(f"{len(results) - len(failed)} of {len(results)} scenarios come out as expected")
    raise typer.Exit(ExitCode.FAILED if failed else ExitCode.OK)


@app.command("explain", rich_help_panel=_HERE)
def explain(
    ctx: typer.Context,
    file: RulebookFile = None,
    *,
    fact: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="A fact, for example task.capability=deploy.release or task.difficulty=0.9; repeatable."),
    ] = None,
    at: Annotated[str, typer.Option(metavar="INSTANT", help="When, for example 2026-01-31T22:00:00Z.", show_default=False)] = "",
    agents: AgentsFile = None,
) -> None:
    """Say which rules fire for a task with these facts, what keeps the others from it, and what that makes of each agent."""
    from genesis_server.cli.show.rules_explained import explained_json, explained_view
    from genesis_server.routing.rules.scenarios import run_scenarios

    run = session.of(ctx)
    rulebook, scenario = _rulebook(file), _asked(pairs(fact, "--fact"), at)
    (result,) = run_scenarios(rulebook, [scenario], _candidates(agents))
    if run.json:
        typer.echo(json.dumps(explained_json(rulebook, result), indent=2))
    else:
        run.out.print(explained_view(rulebook, result))


@app.command("show", rich_help_panel=_THERE)
def show(
    ctx: typer.Context,
    version: Annotated[str, typer.Argument(metavar="[VERSION]", help="The one in use when left out.", show_default=False)] = "",
) -> None:
    """Print a rulebook that is or was in use."""
    run = session.of(ctx)
    with run.client() as client:
        answer = client.get_rulebook(version)
    run.note(f"{answer.version}, {answer.rule_count} rules, {'in use' if answer.in_use else 'not in use'}")
    run.answer(answer, lambda console: console.out(answer.text, highlight=False))


@app.command("preview", rich_help_panel=_THERE)
def preview(
    ctx: typer.Context,
    which: Which,
    *,
    plan: Annotated[str, typer.Option(metavar="PLAN_ID", help="Only decisions of this plan.")] = "",
    pages: Annotated[int, typer.Option(min=1, help="At most this many pages of 200 recorded routings.")] = 5,
) -> None:
    """Make recorded routings again under another rulebook; say which would change, and why. Nothing is changed."""
    from genesis.admin.v1.policy_service_pb2 import PreviewRulebookResponse
    from genesis_server.cli.show.rulebook import preview_view

    run = session.of(ctx)
    options: PreviewOptions = {"page_size": 200, "plan_id": plan, **_text_or_version(which)}
    with run.client() as client, run.waiting("deciding again …"):
        found = list(islice(client.preview_rulebook(**options), pages))
    if run.json:
        whole = PreviewRulebookResponse()
        for page in found:
            whole.decision_count += page.decision_count
            whole.changed_count += page.changed_count
            whole.changes.extend(page.changes)
            whole.skipped_decision_ids.extend(page.skipped_decision_ids)
            whole.version, whole.next_page_token = page.version, page.next_page_token
        typer.echo(session.as_json(whole))
    else:
        run.out.print(preview_view(found))


@app.command("activate", rich_help_panel=_THERE)
def activate(
    ctx: typer.Context,
    which: Which,
    *,
    cause: Cause,
    expected_version: Annotated[str, typer.Option(metavar="VERSION", help="Only when this one is in use.")] = "",
    request_id: o.RequestId = None,
) -> None:
    """Take a rulebook into use on every process of the server."""
    _activate(ctx, {**_text_or_version(which), "expected_version": expected_version, "request_id": request_id or ""}, cause)


@app.command("rollback", rich_help_panel=_THERE)
def rollback(
    ctx: typer.Context,
    version: Annotated[
        str,
        typer.Argument(metavar="[VERSION]", help="Where to go; before the last change when left out.", show_default=False),
    ] = "",
    *,
    cause: Cause,
    request_id: o.RequestId = None,
) -> None:
    """Go back to a rulebook that was in use before."""
    run = session.of(ctx)
    expected = ""
    if not version:
        with run.client() as client:
            last = next(client.rulebook_changes(page_size=1), None)
        if last is None:
            raise CommandError("the rulebook was never changed, so there is nothing to go back to", code=ExitCode.REFUSED)
        version, expected = last.from_version, last.to_version
    _activate(ctx, {"version": version, "expected_version": expected, "request_id": request_id or ""}, cause)


@app.command("history", rich_help_panel=_THERE)
def history(ctx: typer.Context, limit: Annotated[int, typer.Option(min=1, help="At most this many.")] = 50) -> None:
    """List which rulebook was taken into use when, by whom and why, newest first."""
    from genesis.admin.v1.policy_service_pb2 import ListRulebookChangesResponse
    from genesis_server.cli.show.rulebook import changes_view

    run = session.of(ctx)
    with run.client() as client:
        changes = list(islice(client.rulebook_changes(page_size=min(limit, 200)), limit))
    run.answer(ListRulebookChangesResponse(changes=changes), lambda console: console.print(changes_view(changes)))


def _activate(ctx: typer.Context, options: ActivateOptions, cause: str) -> None:
    from genesis_server.cli.show.rulebook import changes_view

    run = session.of(ctx)
    with run.client() as client:
        answer = client.activate_rulebook(cause, **options)
    run.answer(answer, lambda console: console.print(changes_view([answer.change])))


def _text_or_version(which: str) -> PreviewOptions:
    path = Path(which)
    if which == "-" or path.exists():
        return {"text": read_text(path)}
    if not which.startswith("rulebook_"):
        raise CommandError(f"{which} is no file; give one, or a version as `genesis rules history` tells it")
    return {"version": which}


def _text(file: Path | None) -> str:
    from genesis_server.routing.rules.loading import default_rulebook

    return default_rulebook().text if file is None else read_text(file)


def _rulebook(file: Path | None) -> Rulebook:
    from genesis_server.routing.rules.loading import default_rulebook, load_rulebook

    return default_rulebook() if file is None else _loaded(load_rulebook, read_text(file), file.name)


def _scenarios(file: Path | None) -> tuple[Scenario, ...]:
    from genesis_server.routing.rules.scenario_file import FILE_NAME, load_scenarios

    return _loaded(load_scenarios, *_given_or_shipped(file, FILE_NAME))


def _asked(facts: dict[str, Any], at: str) -> Scenario:
    """A scenario of the facts on the command line."""
    from genesis_server.routing.rules.scenario_file import load_scenarios

    lines = ["[[scenarios]]", 'name = "asked"', "expect = {}", *([f"at = {json.dumps(at)}"] if at else [])]
    for name, value in facts.items():
        scope, dot, key = name.partition(".")
        if scope not in {"task", "plan", "caller"} or not dot or not key.isidentifier():
            raise CommandError(f"there is no fact {name!r} to give; facts begin with task., plan. or caller., and time comes from --at")
        lines.append(f"{scope}.{key} = {json.dumps(value, ensure_ascii=False)}")
    return _loaded(load_scenarios, "\n".join(lines), "facts")[0]


def _candidates(agents: Path | None) -> tuple[CandidateFacts, ...]:
    from genesis_server.agents.loading import DEFAULT_FILE_NAME, load_agents
    from genesis_server.routing.rules.building import catalogue_candidates

    return catalogue_candidates(_loaded(load_agents, *_given_or_shipped(agents, DEFAULT_FILE_NAME)))


def _given_or_shipped(file: Path | None, shipped: str) -> tuple[str, str]:
    """A text and its name: of the file, or of the one that ships."""
    from importlib.resources import files

    return ((files("genesis_server") / "data" / shipped).read_text("utf-8"), shipped) if file is None else (read_text(file), file.name)


def _loaded(load: Callable[[str, str], _T], text: str, name: str) -> _T:
    """What a text holds; its mistakes are a usage error with a line for each."""
    from genesis_server.text.toml_file import DataFileError

    try:
        return load(text, name)
    except DataFileError as error:
        raise CommandError(f"{name} has mistakes", details=[str(mistake) for mistake in error.mistakes]) from error
