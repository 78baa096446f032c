"""The Redis of the flags as URLs name it: with passwords, over TLS and sockets; and what it says of itself when it refuses."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from redis_process import Process, following, refused
from redis_server import RedisServer, running_redis

from genesis_server.flags.sources.redis import MISSING_EXTRA, open_place
from genesis_server.storage.sqlite.store import SqliteStore


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    with running_redis(tmp_path / "redis") as server:
        yield server


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "store.db", clock=time.time)
    yield opened
    await opened.close()


async def test_a_wrong_password_is_told_and_never_shown(tmp_path: Path, store: SqliteStore, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with running_redis(tmp_path / "locked", "--requirepass", "right-horse") as server:
        errors: list[str] = []
        for credentials in ("", ":wrong-battery@", "nobody:wrong-battery@"):
            async with following(Process(server.url.replace("//", f"//{credentials}"), store)) as process:
                assert process.layer.stale
                errors += [*(error.message for error in await refused(process)), *process.flags.mistakes]
        assert sum("another user or password than flags_redis_url has" in error for error in errors) >= 3
        assert "battery" not in caplog.text + "".join(errors)
        async with following(Process(server.url.replace("//", "//:right-horse@"), store)) as process:
            await process.write("a", 1)
            assert process.defaults == {"a": "on"}
    assert "horse" not in caplog.text


async def test_a_user_without_rights_is_told_so(tmp_path: Path, store: SqliteStore) -> None:
    with running_redis(tmp_path / "redis") as server:
        with server.client() as client:
            client.execute_command("ACL", "SETUSER", "ann", "on", ">pass", "~other*", "&*", "+@all")
            client.execute_command("ACL", "SETUSER", "bob", "on", ">pass", "~*", "&other", "+@all", "-info")
        async with following(Process(server.url.replace("//", "//ann:pass@"), store)) as process:
            assert "give it the keys and the channel of flags_redis_prefix (NOPERM)" in process.flags.mistakes[0]
        bob = Process(server.url.replace("//", "//bob:pass@"), store)
        await bob.flags.start()
        # Who may not tell others writes all the same; they look at the counter.
        await bob.write("a", 1)
        assert (bob.defaults, await bob.place.persistent()) == ({"a": "on"}, None)
        await bob.flags.close()


async def test_tls_is_spoken_to_a_rediss_url(ca, tmp_path: Path, store: SqliteStore) -> None:  # type: ignore[no-untyped-def]
    certificate, key = ca.issue("redis")
    files = (
        "--tls-cert-file",
        str(certificate),
        "--tls-key-file",
        str(key),
        "--tls-ca-cert-file",
        str(ca.path),
        "--tls-auth-clients",
        "no",
    )
    port = RedisServer(tmp_path).port
    with running_redis(tmp_path / "redis", "--port", "0", "--tls-port", str(port), *files):
        url = f"rediss://localhost:{port}/0?ssl_ca_certs={ca.path}"
        async with following(Process(url, store)) as process:
            await process.write("a", 1)
            await process.until(lambda: process.propagated != [])
            assert process.flags.mistakes == ()
        async with following(Process(f"rediss://localhost:{port}/0", store)) as process:
            assert "cannot be reached" in process.flags.mistakes[0]


async def test_flags_over_a_unix_socket(tmp_path: Path, store: SqliteStore) -> None:
    with running_redis(tmp_path / "redis", "--port", "0", "--unixsocket", str(tmp_path / "r.sock")):
        async with following(Process(f"unix://{tmp_path}/r.sock", store)) as process:
            await process.write("a", 1)
            assert (await process.flags.get("a")) is not None


def test_without_the_library_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "genesis_server.flags.sources.redis_place", None)
    with pytest.raises(ImportError):
        open_place("redis://127.0.0.1", prefix="p")
    assert "genesis-orchestrator[redis]" in MISSING_EXTRA


@pytest.mark.parametrize("url", ["redis://:secret@127.0.0.1:1/0?nonsense=1", "redis://:secret@127.0.0.1:port/0", "http://:secret@x/"])
def test_a_url_the_client_cannot_use_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ValueError, match="cannot be used by the client of Redis") as caught:
        open_place(url, prefix="p")
    assert "secret" not in str(caught.value)


async def test_options_of_a_url_cannot_take_the_bounds_away(redis: RedisServer, store: SqliteStore) -> None:
    url = f"{redis.url}?socket_connect_timeout=600&socket_timeout=600&decode_responses=True"
    async with following(Process(url, store)) as process:
        await process.write("a", 1)
        assert process.flags.mistakes == ()
