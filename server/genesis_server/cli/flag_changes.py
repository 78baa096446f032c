"""`genesis flag set` and `genesis flag delete`: change a definition, or tell what that would do."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from genesis_server.cli import options as o
from genesis_server.cli import session
from genesis_server.cli.failure import CommandError, from_client
from genesis_server.cli.files import read_text

if TYPE_CHECKING:
    from genesis import Client
    from genesis.admin.v1.flag_admin_service_pb2 import (
        DeleteFlagResponse,
        DisableFlagResponse,
        EnableFlagResponse,
        Flag,
        PutFlagResponse,
        SetFlagWeightResponse,
    )
    from genesis.options import FlagChangeOptions, FlagPreviewOptions
    from genesis_server.flags.strategies import FlagObject

    _Changed = PutFlagResponse | DeleteFlagResponse | SetFlagWeightResponse | EnableFlagResponse | DisableFlagResponse

_HOW, _TRY = "What to write: one of these", "Try it first"
EXAMPLES = (
    'genesis flag set new_search --new --percent 5 --cause "a first try"\n\n'
    'genesis flag set new_search --percent 25 --if-version 1 --cause "it went well"\n\n'
    "genesis flag set new_search --canary plan=beta,staff --percent 5 --dry-run\n\n"
    'genesis flag set new_search --from 2026-12-01T08:00:00Z --until 2026-12-05T08:00:00Z --cause "slowly"\n\n'
    'genesis flag set new_search --file flag.json --cause "a rule of its own"'
)
Key: TypeAlias = Annotated[str, typer.Argument(metavar="KEY", help="Key of the flag.", show_default=False)]
Cause: TypeAlias = Annotated[str, typer.Option(metavar="TEXT", help="Why, for the record; to be given unless nothing is changed.")]
Seen: TypeAlias = Annotated[
    int | None,
    typer.Option("--if-version", min=0, metavar="N", help="Only when the written definition has this version; 0: never written."),
]
DryRun: TypeAlias = Annotated[bool, typer.Option("--dry-run", help="Change nothing; tell what would be changed.", rich_help_panel=_TRY)]
Contexts: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help='With --dry-run: whom to try it on; a JSON list, or a line for each, such as {"targetingKey": "ann", "plan": "pro"}.',
        rich_help_panel=_TRY,
    ),
]


def set_flag(
    ctx: typer.Context,
    key: Key,
    *,
    percent: Annotated[
        float | None,
        typer.Option(
            min=0, max=100, metavar="P", help="On for this share of the subjects; with --canary, of the others.", rich_help_panel=_HOW
        ),
    ] = None,
    on: Annotated[
        bool | None, typer.Option("--on/--off", help="On or off for everybody.", rich_help_panel=_HOW, show_default=False)
    ] = None,
    canary: Annotated[
        str, typer.Option(metavar="ATTRIBUTE=V1,V2", help="On for those whose attribute is one of these.", rich_help_panel=_HOW)
    ] = "",
    start: Annotated[
        str, typer.Option("--from", metavar="INSTANT", help="On for ever more of the subjects from here …", rich_help_panel=_HOW)
    ] = "",
    until: Annotated[
        str, typer.Option(metavar="INSTANT", help="… until here, for example 2026-12-05T08:00:00Z.", rich_help_panel=_HOW)
    ] = "",
    file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="The flag's object of flagd's flag file, JSON; - is stdin.", show_default=False, rich_help_panel=_HOW
        ),
    ] = None,
    new: Annotated[bool, typer.Option("--new", help="The flag is made now: it must never have been written.")] = False,
    cause: Cause = "",
    if_version: Seen = None,
    dry_run: DryRun = False,
    contexts: Contexts = None,
    request_id: o.RequestId = None,
) -> None:
    """Define a flag: on, off, for a share of the subjects, for some first, for ever more over time, or by a rule of your own.

    Who is in at a smaller share is in at every larger one. A boolean flag that is there keeps its variants and its metadata, unless
    its definition comes from a file.
    """
    ways = {"--file": file, "--canary": canary, "--from": start, "--percent": None if canary else percent, "--on or --off": on}
    said = [way for way, value in ways.items() if value not in {None, ""}]
    if len(said) != 1:
        raise CommandError(f"say what to write, one of {', '.join(ways)}; not {' and '.join(said) or 'none'}")
    if bool(start) != bool(until):
        raise CommandError("give both --from and --until")
    run = session.of(ctx)
    change: FlagPreviewOptions
    if file is not None:
        change = {"definition": read_text(file)}
    elif canary or start or new:
        there = None if new else _there(run, key)
        if there is not None and if_version is None:
            # What is read here must be what is written over.
            if_version = there.version
        strategy = partial(_strategy, canary=canary, percent=percent or 0.0, on=on, start=start, until=until)
        change = {"definition": _written_by(strategy, there)}
    elif percent is not None:
        change = {"percent": percent}
    else:
        change = {"enabled": bool(on)}
    expected = 0 if new else if_version
    _make(run, key, change, {"expected_version": expected, "request_id": request_id or ""}, cause, contexts=contexts, dry_run=dry_run)


def delete_flag(
    ctx: typer.Context,
    key: Key,
    *,
    cause: Cause = "",
    if_version: Seen = None,
    dry_run: DryRun = False,
    contexts: Contexts = None,
    request_id: o.RequestId = None,
) -> None:
    """Take the written definition of a flag away: that of the server's file, or the one that ships, holds again."""
    options: FlagChangeOptions = {"expected_version": if_version, "request_id": request_id or ""}
    _make(session.of(ctx), key, {"deleted": True}, options, cause, contexts=contexts, dry_run=dry_run)


def _make(
    run: session.Session,
    key: str,
    change: FlagPreviewOptions,
    options: FlagChangeOptions,
    cause: str,
    *,
    contexts: Path | None,
    dry_run: bool,
) -> None:
    """Make a change, or tell what it would do."""
    from genesis_server.cli.show.flag_changes import change_view, preview_view

    if not dry_run and not cause:
        raise CommandError("give --cause TEXT, which says why, for the record; or --dry-run, to change nothing")
    if contexts is not None and not dry_run:
        raise CommandError("--contexts is for --dry-run")
    whom = () if contexts is None else _contexts(contexts)
    with run.client(health_checking=False) as client, _hint(run, key):
        if dry_run:
            change["contexts"] = whom
            preview = client.preview_flag(key, **change)
            run.answer(preview, lambda console: console.print(preview_view(preview, whom)))
            return
        answer = _changed(client, key, change, cause, options)
    run.answer(answer, lambda console: console.print(change_view(answer.change)))


def _changed(client: Client, key: str, change: FlagPreviewOptions, cause: str, options: FlagChangeOptions) -> _Changed:
    match change:
        case {"definition": definition}:
            return client.put_flag(key, definition, cause, **options)
        case {"percent": percent}:
            return client.set_flag_weight(key, percent, cause, **options)
        case {"enabled": True}:
            return client.enable_flag(key, cause, **options)
        case {"enabled": False}:
            return client.disable_flag(key, cause, **options)
        case _:
            return client.delete_flag(key, cause, **options)


def _there(run: session.Session, key: str) -> Flag | None:
    """The flag as it is defined; None when there is none."""
    import genesis

    with run.client(health_checking=False) as client:
        try:
            return client.get_flag(key).flag
        except genesis.NotFound:
            return None


def _written_by(strategy: Callable[..., FlagObject], there: Flag | None) -> FlagObject:
    """The flag as a strategy writes it, with variants and metadata of the boolean flag that is there."""
    if there is None or not there.definition_json:
        return strategy()
    found: dict[str, Any] = json.loads(there.definition_json)
    variants: dict[str, Any] = found.get("variants", {})
    chosen = next((name for name, value in variants.items() if value is True), None)
    other = next((name for name, value in variants.items() if value is False), None)
    if chosen is None or other is None:
        raise CommandError(f"the flag {there.key} has no variants that are true and false; write its whole definition with --file")
    return strategy(chosen=chosen, other=other, variants=variants, metadata=found.get("metadata", {}))


def _strategy(
    *, canary: str, percent: float, on: bool | None, start: str, until: str, chosen: str = "on", other: str = "off", **more: Any
) -> FlagObject:
    """The flag that the options say."""
    from genesis_server.flags import strategies
    from genesis_server.resilience.errors import ValidationError

    try:
        if canary:
            attribute, _, values = canary.partition("=")
            named = [value for value in values.split(",") if value]
            if not attribute or not named:
                raise CommandError(f"--canary {canary!r}: give ATTRIBUTE=V1,V2, for example plan=beta,staff")
            return strategies.canary(attribute, named, percent, chosen=chosen, other=other, **more)
        if start:
            return strategies.progressive(_instant(start, "--from"), _instant(until, "--until"), chosen=chosen, other=other, **more)
        if on is not None:
            return strategies.all_at_once(chosen if on else other, **more)
        return strategies.percentage(percent, chosen=chosen, other=other, **more)
    except ValidationError as error:
        raise CommandError(error.message) from error


def _instant(text: str, option: str) -> int:
    from genesis_server.routing.rules.facts import parse_instant

    try:
        return int(parse_instant(text))
    except ValueError as error:
        raise CommandError(f"{option}: {error}") from error


@contextmanager
def _hint(run: session.Session, key: str) -> Generator[None]:
    """Tell how to make a flag that there is not."""
    import genesis

    try:
        yield
    except genesis.NotFound as error:
        failure = from_client(error, run.server)
        hint = f"to make the flag {key}, add --new"
        raise CommandError(failure.message, code=failure.code, details=[*failure.details, hint]) from error


def _contexts(path: Path) -> Sequence[Mapping[str, Any]]:
    """The contexts of a file: a JSON list, or an object a line."""
    text = read_text(path)
    try:
        found: Any = json.loads(text) if text.lstrip().startswith("[") else [json.loads(line) for line in text.splitlines() if line.strip()]
    except (ValueError, RecursionError) as error:
        raise CommandError(f"{path} is no JSON list, and not an object a line: {error}") from error
    if not all(isinstance(one, dict) for one in found):
        raise CommandError(f'{path}: each context is an object, such as {{"targetingKey": "ann", "plan": "pro"}}')
    return found
