from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from engines import Clock

from genesis_server.resilience.errors import ResourceError
from genesis_server.storage.sqlite import schema
from genesis_server.storage.sqlite.store import SqliteStore

FIRST = "CREATE TABLE a (x TEXT);\n-- a comment; with a semicolon\nINSERT INTO a VALUES ('one; two');\n"
SECOND = "ALTER TABLE a ADD COLUMN y TEXT DEFAULT 'new';\nCREATE INDEX b ON a (y);\n"
BROKEN = "INSERT INTO a (x) VALUES ('half');\nINSERT INTO missing VALUES (1);\n"


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    opened = sqlite3.connect(tmp_path / "s.db", isolation_level=None)
    yield opened
    opened.close()


def test_migrations_run_in_order_and_once(connection: sqlite3.Connection) -> None:
    """An old file is brought up to date step by step with its data, a present one is left alone."""
    schema.migrate(connection, [FIRST])
    assert schema.version_of(connection) == 1
    schema.migrate(connection, [FIRST, SECOND])
    schema.migrate(connection, [FIRST, SECOND])
    assert schema.version_of(connection) == 2
    assert connection.execute("SELECT x, y FROM a").fetchall() == [("one; two", "new")]


def test_a_failing_migration_leaves_nothing(connection: sqlite3.Connection) -> None:
    """A step that fails in the middle is undone whole; the steps before it stay."""
    with pytest.raises(sqlite3.OperationalError):
        schema.migrate(connection, [FIRST, BROKEN])
    assert schema.version_of(connection) == 1
    assert connection.execute("SELECT x FROM a").fetchall() == [("one; two",)]
    assert not connection.in_transaction


def test_a_newer_file_is_refused(connection: sqlite3.Connection) -> None:
    """An old Genesis does not touch what a newer one wrote, and says what to do."""
    schema.migrate(connection, [FIRST, SECOND])
    with pytest.raises(ResourceError, match=r"version 2, this Genesis knows versions up to 1: run the newer Genesis, or restore"):
        schema.migrate(connection, [FIRST])


def test_another_programs_database_is_refused(tmp_path: Path, clock: Clock) -> None:
    """A database of something else is not written to."""
    path = tmp_path / "photos.db"
    foreign = sqlite3.connect(path)
    foreign.execute("CREATE TABLE photos (x)")
    foreign.close()
    with pytest.raises(ResourceError, match="not a Genesis store"):
        SqliteStore(path, clock=clock)
    foreign = sqlite3.connect(path)
    assert [row[0] for row in foreign.execute("SELECT name FROM sqlite_schema")] == ["photos"]
    foreign.close()


async def test_a_store_of_a_newer_genesis_does_not_open(tmp_path: Path, clock: Clock) -> None:
    """The refusal reaches whoever opens the store."""
    path = tmp_path / "store.db"
    store = SqliteStore(path, clock=clock)
    await store.close()
    raw = sqlite3.connect(path)
    raw.execute("PRAGMA user_version = 99")
    raw.close()
    with pytest.raises(ResourceError, match="schema version 99"):
        SqliteStore(path, clock=clock)


async def test_many_open_a_new_store_at_once(tmp_path: Path, clock: Clock) -> None:
    """Worker processes that start together on one new file all get it."""
    for round_ in range(10):
        path = tmp_path / str(round_) / "store.db"
        with ThreadPoolExecutor(8) as pool:
            stores = list(pool.map(lambda _, path=path: SqliteStore(path, clock=clock), range(8)))
        for store in stores:
            await store.append("acme", "audit", [b""])
        assert len(await stores[0].read("acme", "audit")) == 8
        for store in stores:
            await store.close()


def test_the_shipped_migrations_are_numbered() -> None:
    """Each script stands at its number; the names sort as the numbers do."""
    from importlib import resources

    folder = resources.files("genesis_server.storage.sqlite") / "migrations"
    numbers = sorted(int(entry.name.split("_")[0]) for entry in folder.iterdir())
    assert numbers == list(range(1, len(schema.migrations()) + 1))
