"""Connections to the file, and what SQLite's errors mean to a caller."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import time
from dataclasses import dataclass, field
from pathlib import Path

from genesis_server.resilience.errors import ResourceError
from genesis_server.storage.sqlite.schema import migrate, migrations

FULL_RETRY_SECONDS = 5.0
"""When to ask again after the disk was full."""
UNAVAILABLE_RETRY_SECONDS = 1.0
"""When to ask again after the file did not answer."""
FREE_BYTES_OF_A_FULL_DISK = 64 * 1024
"""With less than this free, an input/output error is taken for a full disk (SQLite cannot always tell)."""

_OPENING_PAUSE_SECONDS = 0.01
_LOCK_PAUSE_SECONDS = 0.0005
_BROKEN = frozenset(
    {
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_READONLY,
    }
)
_MEANING = {
    sqlite3.SQLITE_BUSY: "another process holds its lock",
    sqlite3.SQLITE_LOCKED: "another process holds its lock",
    sqlite3.SQLITE_IOERR: "the disk reports an error",
    sqlite3.SQLITE_CORRUPT: "its file is damaged, restore a backup",
    sqlite3.SQLITE_NOTADB: "its file is damaged or no store, restore a backup",
    sqlite3.SQLITE_CANTOPEN: "its file cannot be opened, look at the folder and its permissions",
    sqlite3.SQLITE_READONLY: "its file cannot be written, look at its permissions",
}


def create(path: Path) -> None:
    """Make the folder (mode 0700) and the file (mode 0600) where they are missing."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise ResourceError(
            "STORAGE_UNAVAILABLE",
            f"The store cannot be created ({error.strerror}): name another place, or look at the folder and its permissions.",
            retry_after_seconds=UNAVAILABLE_RETRY_SECONDS,
        ) from error


def connect(path: Path, *, busy_seconds: float, durable: bool = True) -> sqlite3.Connection:
    """Open an existing file in WAL mode; a commit is on disk when it returns (unless not `durable`). Raises sqlite3.Error."""
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None, check_same_thread=False)
    try:
        connection.execute(f"PRAGMA busy_timeout = {round(busy_seconds * 1000)}")
        _use_wal(connection, time.monotonic() + busy_seconds)
        connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'OFF'}")
        connection.execute("PRAGMA journal_size_limit = 67108864")
    except BaseException:
        connection.close()
        raise
    return connection


def _use_wal(connection: sqlite3.Connection, deadline: float) -> None:
    """Switch to WAL; SQLite's own busy timeout does not cover several processes switching at once."""
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if _kind(error) != sqlite3.SQLITE_BUSY or time.monotonic() >= deadline:
                raise
            time.sleep(_OPENING_PAUSE_SECONDS)
        else:
            return


def translate(error: sqlite3.Error, folder: Path) -> ResourceError:
    """What a caller is told: the disk is full, or the store does not answer; nothing was written in both cases."""
    kind = _kind(error)
    cause = getattr(error, "sqlite_errorname", None) or type(error).__name__
    if kind == sqlite3.SQLITE_FULL or (kind in _BROKEN and _disk_is_full(folder)):
        return ResourceError(
            "STORAGE_FULL",
            "The disk of the store is full, nothing was written: free space, then try again.",
            facts={"cause": cause},
            retry_after_seconds=FULL_RETRY_SECONDS,
        )
    return ResourceError(
        "STORAGE_UNAVAILABLE",
        f"The store does not answer ({_MEANING.get(kind, 'it reports ' + cause)}), nothing was written: try again later.",
        facts={"cause": cause},
        retry_after_seconds=UNAVAILABLE_RETRY_SECONDS,
    )


def _kind(error: sqlite3.Error) -> int:
    """The primary result code; 0 when the error did not come from SQLite itself."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _disk_is_full(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free < FREE_BYTES_OF_A_FULL_DISK
    except OSError:
        return False


@dataclass(slots=True)
class Session:
    """One thread's connection, opened anew when it broke or when the file was replaced under it (by a restore)."""

    path: Path
    busy_seconds: float
    durable: bool = True
    read_only: bool = False
    _connection: sqlite3.Connection | None = field(default=None, init=False)
    _inode: tuple[int, int] = field(default=(0, 0), init=False)

    def connection(self) -> sqlite3.Connection:
        """The connection to the file that is at the path now, its schema up to date. Raises sqlite3.Error, ResourceError."""
        inode = self._file()
        if self._connection is not None and inode != self._inode:
            self.close()
        if self._connection is None:
            self._connection = connect(self.path, busy_seconds=self.busy_seconds, durable=self.durable)
            self._inode = inode
            migrate(self._connection, migrations())
            self._connection.execute("PRAGMA query_only = ON" if self.read_only else "PRAGMA busy_timeout = 0")
        return self._connection

    def begin(self) -> sqlite3.Connection:
        """Begin a transaction. Raises sqlite3.Error, ResourceError.

        A writer asks for the lock at short intervals itself: SQLite's own waiting grows to 100 ms a step, and between processes that
        write all the time the one that waits was seen to get nothing for more than a second.
        """
        connection = self.connection()
        if self.read_only:
            connection.execute("BEGIN")
            return connection
        deadline = time.monotonic() + self.busy_seconds
        while True:
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if _kind(error) != sqlite3.SQLITE_BUSY or time.monotonic() >= deadline:
                    raise
                time.sleep(_LOCK_PAUSE_SECONDS)
            else:
                return connection

    def failed(self, error: sqlite3.Error | ResourceError) -> ResourceError:
        """Undo what is open, let go of a broken connection, and say what a caller is told."""
        if self._connection is not None and self._connection.in_transaction:
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
        if isinstance(error, ResourceError):
            self.close()
            return error
        if _kind(error) in _BROKEN:
            self.close()
        return translate(error, self.path.parent)

    def close(self) -> None:
        """Let go of the connection."""
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None

    def _file(self) -> tuple[int, int]:
        """What is at the path: writing on into a file that was deleted would lose what is acknowledged."""
        try:
            found = self.path.stat()
        except OSError:
            return (0, 0)
        return (found.st_dev, found.st_ino)
