"""Flags in Redis over the wire: two servers with stores of their own share them, and go on when Redis does not."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from redis_server import DURABLE, RedisServer, running_redis

import genesis
from genesis_server.flags.last_good import LastGood
from genesis_server.settings.fields import STORE_FILE
from genesis_server.storage.opening import open_store
from servers import Server, clean_environment, running

OFF = {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "off"}
ON = OFF | {"defaultVariant": "on"}
PASSWORD = "correct-horse"
SECONDS = 15.0
"""How long something may take that is waited for."""


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    with running_redis(tmp_path / "redis", *DURABLE, "--requirepass", PASSWORD) as server:
        yield server


@pytest.fixture
def settings(redis: RedisServer) -> dict[str, str]:
    """What names the Redis."""
    return {"GENESIS_FLAGS_REDIS_URL": redis.url.replace("//", f"//:{PASSWORD}@"), "GENESIS_FLAGS_REDIS_PREFIX": "shop:flags"}


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def component(server: Server, name: str) -> dict[str, Any]:
    """What `GET /health` says of a component."""
    with urllib.request.urlopen(f"http://{server.http}/health", timeout=5) as answer:
        return next(one for one in json.load(answer)["components"] if one["name"] == name)


async def kept(server: Server) -> bytes:
    """What the server's store keeps of the flags in Redis."""
    store = open_store(f"sqlite://{server.data_dir / STORE_FILE}", clock=time.time)
    try:
        return await LastGood(store).load("redis shop:flags") or b""
    finally:
        await store.close()


def is_on(client: genesis.Client, key: str) -> bool:
    return client.flag(key).flags[0].value.bool_value


def test_servers_that_name_one_redis_share_their_flags_and_go_on_without_it(
    redis: RedisServer, settings: dict[str, str], tmp_path: Path
) -> None:
    with (
        running(tmp_path / "one", settings=settings) as one,
        running(tmp_path / "two", settings=settings) as two,
        genesis.connect(one.address) as first,
        genesis.connect(two.address) as second,
    ):
        assert first.put_flag("dark_mode", ON, "try it", expected_version=0).change.version == 1
        assert is_on(first, "dark_mode")
        until(lambda: "dark_mode" in {flag.key for flag in second.list_flags()})
        assert is_on(second, "dark_mode")
        with pytest.raises(genesis.Aborted) as caught:
            second.put_flag("dark_mode", OFF, "too late", expected_version=0)
        assert caught.value.reason == "VERSION_MISMATCH"
        assert second.put_flag("llm_integration_enabled", OFF, "too dear").change.version == 1
        until(lambda: not is_on(first, "llm_integration_enabled"))

        redis.kill()
        until(lambda: component(one, "flags")["status"] == "degraded")
        assert "Redis that keeps the flags" in component(one, "flags")["message"]
        begun = time.monotonic()
        with pytest.raises(genesis.Unavailable) as caught:
            first.put_flag("dark_mode", OFF, "while it is gone")
        assert time.monotonic() - begun < 5
        assert caught.value.reason == "FLAG_SOURCE_UNAVAILABLE"
        assert is_on(first, "dark_mode")
        assert not is_on(second, "llm_integration_enabled")

        redis.start()
        until(lambda: component(one, "flags")["status"] == "healthy")
        assert first.put_flag("dark_mode", OFF, "back again").change.version == 2
        until(lambda: not is_on(second, "dark_mode"))
    assert PASSWORD not in one.log.read_text() + two.log.read_text()


def test_a_server_that_starts_without_its_redis_begins_with_the_flags_of_before(
    redis: RedisServer, settings: dict[str, str], tmp_path: Path
) -> None:
    with running(tmp_path / "one", settings=settings) as server, genesis.connect(server.address) as client:
        client.put_flag("dark_mode", ON, "try it")
        until(lambda: b"dark_mode" in asyncio.run(kept(server)))
    redis.kill()
    with running(tmp_path / "one", settings=settings) as server, genesis.connect(server.address) as client:
        assert is_on(client, "dark_mode")
        assert component(server, "flags")["status"] == "degraded"


def test_a_server_without_the_client_of_redis_says_what_to_install(settings: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "hide").mkdir()
    (tmp_path / "hide" / "redis.py").write_text("raise ImportError('not installed')\n")
    environment = clean_environment(**settings, GENESIS_DATA_DIR=str(tmp_path / "data"), PYTHONPATH=str(tmp_path / "hide"))
    ended = subprocess.run(
        [sys.executable, "-m", "genesis_server", "serve"], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode != 0
    assert "pip install 'genesis-orchestrator[redis]'" in " ".join((ended.stderr + ended.stdout).split())
    assert PASSWORD not in ended.stderr + ended.stdout
