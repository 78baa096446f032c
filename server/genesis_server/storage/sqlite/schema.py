"""The schema of the file: numbered forward migrations, each in one transaction with the version it leads to."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Generator, Iterator, Sequence
from importlib import resources

from genesis_server.resilience.errors import ResourceError

APPLICATION_ID = 0x47454E53
"""What SQLite's application_id says of a Genesis store ("GENS")."""


def migrations() -> Sequence[str]:
    """The scripts that ship, in order: number n leads from version n - 1 to n."""
    folder = resources.files("genesis_server.storage.sqlite") / "migrations"
    scripts = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".sql")), key=lambda entry: entry.name)
    return [script.read_text(encoding="utf-8") for script in scripts]


def version_of(connection: sqlite3.Connection) -> int:
    """The schema version of a file, 0 when it is empty; call it in a transaction where others may write.

    Raises ResourceError when another program's data is in it.
    """
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    empty = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0] == 0
    if application != APPLICATION_ID and not (empty and version == 0):
        raise ResourceError("STORAGE_UNAVAILABLE", "The file is an SQLite database but not a Genesis store: name another file.")
    return version


def migrate(connection: sqlite3.Connection, scripts: Sequence[str]) -> None:
    """Bring a file to version len(scripts); safe when several processes do it at once. Raises ResourceError for a newer file."""
    # Each look is one transaction: another process may be in the middle of the first migration.
    with _transaction(connection, "BEGIN"):
        version = version_of(connection)
    while version != len(scripts):
        if version > len(scripts):
            raise newer(version, len(scripts))
        with _transaction(connection, "BEGIN IMMEDIATE"):
            if version_of(connection) == version:
                for statement in statements(scripts[version]):
                    connection.execute(statement)
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version = {version + 1}")
            version = version_of(connection)


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection, begin: str) -> Generator[None]:
    connection.execute(begin)
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def newer(version: int, known: int) -> ResourceError:
    """The refusal of a file that a newer Genesis wrote."""
    return ResourceError(
        "STORAGE_UNAVAILABLE",
        f"The store has schema version {version}, this Genesis knows versions up to {known}: "
        "run the newer Genesis, or restore a backup that was made before the upgrade.",
        facts={"schema_version": str(version), "known_version": str(known)},
    )


def statements(script: str) -> Iterator[str]:
    """The statements of a script; `executescript` would commit in between."""
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""
