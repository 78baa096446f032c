"""`genesis backup` and `genesis restore`: the embedded store."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from genesis_server.cli import options as o
from genesis_server.cli import session
from genesis_server.cli.config import load_settings
from genesis_server.cli.failure import CommandError

DataDir = Annotated[Path | None, typer.Option(metavar="FOLDER", help="Where the embedded store keeps its file.")]


def backup(
    ctx: typer.Context,
    target: Annotated[Path, typer.Argument(metavar="FILE", help="The new file of the backup.", show_default=False)],
    config: o.ConfigFile = None,
    data_dir: DataDir = None,
) -> None:
    """Copy the embedded store to a new file and verify the copy. The server may run meanwhile."""
    from genesis_server.storage.backup import BackupError, back_up

    source = _store(config, data_dir)
    try:
        facts = back_up(source, target)
    except BackupError as error:
        raise CommandError(str(error)) from error
    session.of(ctx).note(
        f"{target}: {facts.documents} documents, {facts.journal_entries} journal entries, {facts.bytes} bytes,"
        f" schema {facts.schema_version}"
    )


def restore(
    ctx: typer.Context,
    source: Annotated[Path, typer.Argument(metavar="FILE", help="A file that `genesis backup` wrote.", show_default=False)],
    config: o.ConfigFile = None,
    data_dir: DataDir = None,
    force: Annotated[bool, typer.Option("--force", help="Also when a server uses the store, or the store cannot be read.")] = False,
) -> None:
    """Put a backup in the place of the embedded store. The old file is kept beside it."""
    from genesis_server.storage.backup import BackupError
    from genesis_server.storage.backup import restore as put_back

    target = _store(config, data_dir)
    try:
        kept = put_back(source, target, now=time.time(), force=force)
    except BackupError as error:
        raise CommandError(str(error)) from error
    session.of(ctx).note(f"{target} is restored" + (f"; the old file is {kept}" if kept else ""))


def _store(config: Path | None, data_dir: Path | None) -> Path:
    from genesis_server.storage.opening import sqlite_path

    settings = load_settings(config, {"GENESIS_DATA_DIR": None if data_dir is None else str(data_dir.absolute())})
    path = sqlite_path(settings.store_url)
    if path is None:
        raise CommandError("the store is in memory: there is no file to back up or restore; name another with `store` or `data_dir`")
    return path
