"""Backup while the server runs, verification, and restore. Plain functions on files, for the command line.

A backup is one SQLite file with everything that was acknowledged when the copy began. It is copied by SQLite's online backup
(https://www.sqlite.org/backup.html), verified and moved into place whole: a file with the backup's name is a complete backup.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Generator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from genesis_server.resilience.errors import ResourceError
from genesis_server.storage.sqlite import schema

REISSUE_GAP = 2**32
"""How far the counters jump at a restore, so that no fencing token or revision given out since the backup is given again."""

_BUSY_SECONDS = 5.0


class BackupError(Exception):
    """A backup, a verification or a restore that was not done; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class StoreFacts:
    """What is in a store or backup."""

    schema_version: int
    bytes: int
    documents: int
    journal_entries: int
    revision: int
    """Position of the last change."""


def back_up(source: Path, target: Path) -> StoreFacts:
    """Copy the store at `source`, which may be in use, to the new file `target` (mode 0600). Raises BackupError."""
    if target.exists():
        raise BackupError(f"{target} exists: name a new file.")
    return _copy(source, target)


def verify(path: Path) -> StoreFacts:
    """Check every page and index of a store or backup, and that this Genesis knows its schema. Raises BackupError."""
    with _failing(f"{path} cannot be used"), _opened(path) as connection:
        problems = [row[0] for row in connection.execute("PRAGMA integrity_check(10)")]
        if problems != ["ok"]:
            raise BackupError(f"{path} is damaged: {'; '.join(problems)}. Use another backup.")
        version, known = schema.version_of(connection), len(schema.migrations())
        if version > known:
            raise BackupError(f"{path}: {schema.newer(version, known).message}")
        if version == 0:
            raise BackupError(f"{path} is empty: it holds no store.")
        counts = [connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("documents", "journal")]  # noqa: S608
        (revision,) = connection.execute("SELECT value FROM counters WHERE name = 'revision'").fetchone()
    return StoreFacts(version, path.stat().st_size, counts[0], counts[1], revision)


def restore(backup: Path, target: Path, *, now: float, force: bool = False) -> Path | None:
    """Put a backup in the place of the store at `target`; where the old file was kept (None when there was none).

    Refuses a store that is in use, or that cannot be read, unless forced. Servers that run on a store that was forced go over to the
    restored file with their next call; what they wrote in the meantime is in the old file. `now` (seconds since the epoch) names the
    old file. Raises BackupError; the store is then as it was.
    """
    verify(backup)
    fresh = target.with_name(f"{target.name}.restoring")
    _remove(fresh)
    try:
        with _failing(f"{target} cannot be restored"):
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            _copy(backup, fresh)
            with _opened(fresh, mode="rw") as connection:
                connection.execute("UPDATE counters SET value = value + ?", (REISSUE_GAP,))
            with _exclusive(target, force=force):
                kept = _set_aside(target, now)
                fresh.replace(target)
                _sync_folder(target.parent)
            return kept
    finally:
        _remove(fresh)


def _copy(source: Path, target: Path) -> StoreFacts:
    """Copy to `target` by way of a temporary file, so that it is there whole or not at all."""
    part = target.with_name(f"{target.name}.part")
    _remove(part)
    try:
        with _failing(f"{source} cannot be copied to {target}"):
            os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
            with _opened(source) as reading, _opened(part, mode="rw") as writing:
                reading.backup(writing)
                writing.execute("PRAGMA journal_mode = DELETE")
            facts = verify(part)
            with part.open("rb") as file:
                os.fsync(file.fileno())
            part.replace(target)
            _sync_folder(target.parent)
    finally:
        _remove(part)
    return facts


@contextlib.contextmanager
def _exclusive(target: Path, *, force: bool) -> Generator[None]:
    """Hold the store so that nobody opens it meanwhile, its write-ahead log folded in."""
    if not target.exists():
        yield
        return
    with contextlib.ExitStack() as stack:
        try:
            connection = stack.enter_context(_opened(target, mode="rw"))
            # Leaving WAL works for the only connection, and nobody else.
            connection.execute("PRAGMA journal_mode = DELETE")
            connection.execute("BEGIN EXCLUSIVE")
        except (sqlite3.Error, BackupError) as error:
            if not force:
                raise BackupError(f"{target} is in use or cannot be read ({error}): stop the server, or force the restore.") from error
        yield


def _set_aside(target: Path, now: float) -> Path | None:
    if not target.exists():
        return None
    stamp = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
    kept = target.with_name(f"{target.name}.{stamp}.old")
    if kept.exists():
        raise BackupError(f"{kept} exists: wait a second and restore again.")
    # The log first: the restored file must never be opened with the log of the old one.
    for suffix in ("-wal", "-shm", ""):
        with contextlib.suppress(FileNotFoundError):
            target.with_name(target.name + suffix).rename(kept.with_name(kept.name + suffix))
    return kept


@contextlib.contextmanager
def _opened(path: Path, *, mode: str = "ro") -> Generator[sqlite3.Connection]:
    if not path.is_file():
        raise BackupError(f"{path} does not exist: name the file of a store.")
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, isolation_level=None, timeout=_BUSY_SECONDS)
    with contextlib.closing(connection):
        yield connection


@contextlib.contextmanager
def _failing(what: str) -> Generator[None]:
    """Say what failed in words."""
    try:
        yield
    except OSError as error:
        raise BackupError(f"{what}: {error.strerror or error}.") from error
    except sqlite3.Error as error:
        raise BackupError(f"{what}: {error}.") from error
    except ResourceError as error:
        raise BackupError(f"{what}: {error.message}") from error


def _sync_folder(folder: Path) -> None:
    """Make a rename durable."""
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _remove(path: Path) -> None:
    for suffix in ("", "-journal", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
