"""Flag files, Redis and several servers as operators treat them: replaced, broken, gone, fought over; whoever asks notices nothing.

GENESIS_FLAGS_LONG=1 tries longer: 10 s of replacements, 1 000 fights over a flag.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

import pytest
from redis import Redis
from redis_server import DURABLE, RedisServer, running_redis

import genesis
from flag_asker import NO_LIMIT, asking, boolean, text, until
from servers import Server, clean_environment, running, start, stop

SECRET = "correct-horse"
LONG = os.environ.get("GENESIS_FLAGS_LONG") == "1"


def document(value: str, **flags: Any) -> str:
    """A flag file in which two flags have the same value."""
    return json.dumps({"flags": {"left": text(value), "right": text(value), **flags}}, indent=1)


def replace(path: Path, content: str | bytes) -> None:
    """Put a new file in the place of the one at `path` at once."""
    new = path.with_name(f".{path.name}.new")
    new.write_bytes(content.encode() if isinstance(content, str) else content)
    new.replace(path)


def value(client: genesis.Client, key: str = "left") -> str:
    return client.flag(key).flags[0].value.string_value


def flags_health(client: genesis.Client) -> tuple[str, str]:
    """How the flags are, and why."""
    component = next(one for one in client.health().components if one.name == "flags")
    return {1: "healthy", 2: "degraded", 3: "unhealthy"}[component.status], component.message


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Path]]:
    """A server with a flag file."""
    folder = tmp_path_factory.mktemp("file")
    path = folder / "flags" / "flags.json"
    path.parent.mkdir()
    path.write_text(document("0"))
    with running(folder / "server", settings={"GENESIS_FLAGS_FILE": str(path), **NO_LIMIT}) as server:
        yield server, path
        assert "Traceback" not in server.log.read_text()


@pytest.fixture
def client(followed: tuple[Server, Path]) -> Iterator[genesis.Client]:
    """Somebody at that server; the file is whole when a test begins."""
    server, path = followed
    if not path.is_file() or path.is_symlink():
        path.unlink(missing_ok=True)
    replace(path, document("0"))
    with genesis.connect(server.address, retry=None) as connected:
        until(lambda: value(connected) == "0" and flags_health(connected)[0] == "healthy", 5)
        yield connected


def test_a_new_file_holds_within_a_second_however_it_came(client: genesis.Client, followed: tuple[Server, Path]) -> None:
    """Renamed into place, written in place, a symbolic link that points elsewhere, taken away and come back."""
    _, path = followed
    replace(path, document("renamed"))
    took = [until(lambda: value(client) == "renamed", 1)]
    path.write_text(document("in place"))
    took.append(until(lambda: value(client) == "in place", 1))
    for name in ("one", "two"):
        folder = path.with_name(name)
        folder.mkdir()
        (folder / path.name).write_text(document(name))
        link = path.with_name("link")
        link.symlink_to(Path(name) / path.name)
        link.replace(path)
        took.append(until(lambda name=name: value(client) == name, 1))
    path.unlink()
    took.append(until(lambda: flags_health(client)[0] == "degraded", 2))
    assert value(client) == "two", "the last good content holds"
    assert client.flag("left").flags[0].reason == genesis.v1.orchestrator_service_pb2.FLAG_REASON_STALE
    assert "is not there" in flags_health(client)[1]
    path.write_text(document("back"))
    took.append(until(lambda: value(client) == "back" and flags_health(client)[0] == "healthy", 1))
    print("in use after", [round(seconds, 3) for seconds in took], "s")


def test_a_file_that_is_cut_off_anywhere_changes_nothing(client: genesis.Client, followed: tuple[Server, Path]) -> None:
    """Health says that it is broken, and where."""
    _, path = followed
    whole = document("whole").encode()
    chance = random.Random(1)
    for _ in range(12):
        replace(path, whole[: chance.randrange(len(whole) - 1)])
        time.sleep(0.08)
        assert value(client) in {"0", "whole"}
    replace(path, whole[: len(whole) // 2])
    until(lambda: flags_health(client)[0] == "degraded", 2)
    assert "flags.json" in flags_health(client)[1]
    replace(path, whole)
    until(lambda: value(client) == "whole" and flags_health(client)[0] == "healthy", 1)


def test_a_file_replaced_a_hundred_times_a_second_fails_no_call_and_shows_no_half(
    client: genesis.Client, followed: tuple[Server, Path]
) -> None:
    """Whoever asks for two flags of one file gets both from the same one; the last one holds within a second."""
    server, path = followed
    with asking(server, "left", "right") as asker:
        until(lambda: asker.answers, 5)
        end, number = time.monotonic() + (10 if LONG else 3), 0
        while time.monotonic() < end:
            number += 1
            replace(path, document(str(number)))
            time.sleep(0.01)
        took = until(lambda: asker.answers[-1] == (str(number), str(number)), 1)
    print(
        f"{number} files, {len(asker.answers)} seen, {len(asker.seconds)} calls, P99 {asker.p99() * 1000:.1f} ms, last after {took:.3f} s"
    )
    assert not asker.faults
    assert all(left == right for left, right in asker.answers)
    seen = [int(left) for left, _ in asker.answers]
    assert seen == sorted(seen), "an older file came back"


def test_one_bad_flag_among_good_ones_is_left_out_by_itself(client: genesis.Client, followed: tuple[Server, Path]) -> None:
    """Health names its file and line, its last good definition holds, and the repair is told too."""
    _, path = followed
    replace(path, document("1", shaky=boolean("on")))
    until(lambda: value(client) == "1", 1)
    broken = document("2", shaky=boolean("maybe"), never={"state": "WRONG"})
    replace(path, broken)
    until(lambda: value(client) == "2", 1)
    state, message = flags_health(client)
    line = next(number for number, words in enumerate(broken.splitlines(), 1) if '"maybe"' in words)
    assert state == "degraded"
    assert f"flags.json:{line}" in message
    assert client.flag("shaky").flags[0].value.bool_value
    assert any("maybe" in mistake for mistake in client.get_flag("shaky").flag.mistakes)
    with pytest.raises(genesis.NotFound):
        client.flag("never")
    replace(path, document("3", shaky=boolean("off")))
    until(lambda: value(client) == "3" and flags_health(client)[0] == "healthy", 1)
    assert not client.flag("shaky").flags[0].value.bool_value


def test_a_restart_with_a_broken_file_begins_with_what_was_last_good(tmp_path: Path) -> None:
    """Health says so; the first start ever with such a file does not come up, and tells every mistake with its line."""
    path = tmp_path / "flags.json"
    bad = document("1", one=boolean("maybe"), two={**boolean(), "targeting": {"fractoinal": []}})
    path.write_text(bad)
    settings = {"GENESIS_FLAGS_FILE": str(path)}
    server = start(tmp_path, settings=settings, wait=False)
    assert server.process.wait(timeout=30) == 2
    told = server.log.read_text()
    lines = bad.splitlines()
    for word in ("maybe", "fractoinal"):
        assert f"flags.json:{next(number for number, words in enumerate(lines, 1) if word in words)}" in told
        assert word in told
    assert "Traceback" not in told
    path.write_text(document("good"))
    with running(tmp_path, settings=settings) as server, genesis.connect(server.address) as client:
        assert value(client) == "good"
        time.sleep(0.3)
    path.write_text("{")
    with running(tmp_path, settings=settings) as server, genesis.connect(server.address) as client:
        assert value(client) == "good"
        assert flags_health(client)[0] == "degraded"
        assert client.flag("left").flags[0].reason == genesis.v1.orchestrator_service_pb2.FLAG_REASON_STALE
        path.write_text(document("repaired"))
        until(lambda: value(client) == "repaired" and flags_health(client)[0] == "healthy", 1)
    assert "Traceback" not in server.log.read_text()


def many(count: int, turn: int) -> str:
    """A file of so many flags, each with a rule."""
    rule = {"if": [{"in": [{"var": "plan"}, ["beta", "staff"]]}, "on", {"fractional": [["on", turn % 100], ["off", 100 - turn % 100]]}]}
    return json.dumps({"flags": {"left": text(str(turn)), **{f"flag_{number:05d}": boolean(targeting=rule) for number in range(count)}}})


def test_ten_thousand_flags_come_into_use_while_calls_go_on(client: genesis.Client, followed: tuple[Server, Path]) -> None:
    """No call fails or waits for it; a file that is too large changes nothing."""
    server, path = followed
    with asking(server, "left") as asker:
        until(lambda: len(asker.seconds) > 200, 60)
        calm, took = asker.p99(), list[float]()
        asker.seconds.clear()
        for turn in (1, 2, 3):
            replace(path, many(10_000, turn))
            took.append(until(lambda turn=turn: asker.answers[-1] == (str(turn),), 60))
    print(
        f"10 000 flags: in use after {[round(one, 2) for one in took]} s, "
        f"P99 {calm * 1000:.1f} ms before and {asker.p99() * 1000:.1f} ms meanwhile, at most {max(asker.seconds) * 1000:.0f} ms"
    )
    assert not asker.faults
    # The collector looks at all that is new once, which is a tenth of a second of CPU, and more on a busy machine.
    assert asker.p99() < 0.1
    assert max(asker.seconds) < 2
    replace(path, b" " * (20 << 20))
    until(lambda: flags_health(client)[0] == "degraded", 5)
    assert "16" in flags_health(client)[1]
    assert value(client) == "3"


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running_redis(tmp_path_factory.mktemp("redis"), *DURABLE) as server:
        yield server


@pytest.fixture(scope="module")
def sharing(redis: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Server]]:
    """Two servers with stores of their own, and one Redis."""
    folder = tmp_path_factory.mktemp("sharing")
    settings = {"GENESIS_FLAGS_REDIS_URL": redis.url, **NO_LIMIT}
    with both([folder / "one", folder / "two"], [settings, settings]) as servers:
        yield servers


@contextmanager
def both(folders: Sequence[Path], settings: Sequence[dict[str, str]]) -> Iterator[tuple[Server, Server]]:
    """Two servers, which start at the same time."""
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor() as pool:
        first, second = pool.map(lambda folder, its: start(folder, settings=its), folders, settings)
    try:
        yield first, second
    except BaseException:
        first.process.kill()
        second.process.kill()
        raise
    finally:
        codes = [stop(server) for server in (first, second)]
    assert codes == [0, 0]
    for server in (first, second):
        assert "Traceback" not in server.log.read_text()


@contextmanager
def clients(servers: tuple[Server, Server]) -> Iterator[tuple[genesis.Client, genesis.Client]]:
    first, second = servers
    with genesis.connect(first.address, retry=None) as one, genesis.connect(second.address, retry=None) as two:
        yield one, two


def is_on(client: genesis.Client, key: str) -> bool:
    try:
        return client.flag(key).flags[0].value.bool_value
    except genesis.NotFound:
        return False


def refused_soon(client: genesis.Client, key: str) -> genesis.Unavailable:
    """How a write is refused while Redis is not as it should be."""
    begun = time.monotonic()
    with pytest.raises(genesis.Unavailable) as caught:
        client.put_flag(key, boolean("off"), "while it is gone")
    assert time.monotonic() - begun < 3
    assert caught.value.reason == "FLAG_SOURCE_UNAVAILABLE"
    assert caught.value.retry_after is not None
    return caught.value


@pytest.mark.parametrize("trouble", ["frozen", "killed", "wiped", "wrong type", "password"])
def test_whatever_happens_to_redis_answers_stay_right_and_quick(trouble: str, redis: RedisServer, sharing: tuple[Server, Server]) -> None:
    """Health says so, writes are refused in time, emergency flags work, and when it is back all is as it was."""
    key = f"in_{trouble.replace(' ', '_')}"
    with clients(sharing) as (one, two):
        until(lambda: flags_health(one)[0] == flags_health(two)[0] == "healthy", 10)
        one.put_flag(key, boolean("on"), "a beginning")
        seen = until(lambda: is_on(two, key), 1)
        with asking(sharing[1], key, pause=0.002) as asker:
            until(lambda: asker.answers, 5)
            {"frozen": freeze, "killed": kill, "wiped": wipe, "wrong type": spoil, "password": lock}[trouble](redis)
            told = until(lambda: flags_health(two)[0] == "degraded", 5)
            if trouble != "wiped":
                refused_soon(two, key)
            set_flag = two.set_emergency_flag("read_only_mode", "no Redis").flag
            assert set_flag.set
            until(lambda: is_on(two, "read_only_mode"), 1)
            two.clear_emergency_flag("read_only_mode", "test")
            time.sleep(0.5)
            repair(redis, trouble)
            if trouble == "wiped":
                for flag in list(two.list_flags()):
                    if flag.mistakes and flag.written:
                        two.put_flag(flag.key, json.loads(flag.definition_json), "again")
            back = until(lambda: flags_health(one)[0] == flags_health(two)[0] == "healthy", 12)
        print(f"{trouble}: seen after {seen:.3f} s, told after {told:.2f} s, back after {back:.2f} s, P99 {asker.p99() * 1000:.1f} ms")
        assert not asker.faults
        assert set(asker.answers) == {("True",)}
        # Redis is given a second: whoever waited for it would take longer than a busy machine does.
        assert statistics.median(asker.seconds) < 0.05
        assert asker.p99() < 0.5
        one.put_flag(key, boolean("off"), "the end")
        until(lambda: not is_on(two, key), 2)


def freeze(redis: RedisServer) -> None:
    redis.freeze()


def kill(redis: RedisServer) -> None:
    redis.kill()


def wipe(redis: RedisServer) -> None:
    with redis.client() as client:
        client.flushall()


def spoil(redis: RedisServer) -> None:
    with redis.client() as client:
        client.rename("{genesis:flags}:written", "aside")
        client.set("{genesis:flags}:written", "not a hash")


def lock(redis: RedisServer) -> None:
    with redis.client() as client:
        client.config_set("requirepass", SECRET)
    with Redis(port=redis.port, password=SECRET) as client:
        client.client_kill_filter(_type="normal")
        client.client_kill_filter(_type="pubsub")


def repair(redis: RedisServer, trouble: str) -> None:
    if trouble == "frozen":
        redis.thaw()
    elif trouble == "killed":
        redis.start()
    elif trouble == "wrong type":
        with redis.client() as client:
            client.rename("aside", "{genesis:flags}:written")
    elif trouble == "password":
        with Redis(port=redis.port, password=SECRET) as client:
            client.config_set("requirepass", "")


@pytest.fixture(scope="module")
def siblings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Server]]:
    """Two servers on one store."""
    folder = tmp_path_factory.mktemp("siblings")
    settings = {"GENESIS_DATA_DIR": str(folder / "data"), **NO_LIMIT}
    with both([folder / "one", folder / "two"], [settings, settings]) as servers:
        yield servers


def test_a_write_is_in_use_on_the_other_server_of_the_store_within_a_second(siblings: tuple[Server, Server]) -> None:
    with clients(siblings) as (one, two):
        one.put_flag("told", text("-1"), "begin")
        until(lambda: "told" in {flag.key for flag in two.flag().flags}, 1)
        took = []
        for number in range(50):
            one.put_flag("told", text(str(number)), "test")
            took.append(until(lambda number=number: value(two, "told") == str(number), 1))
    took.sort()
    print(f"propagation of 50 writes: P50 {took[25] * 1000:.0f} ms, P99 {took[-1] * 1000:.0f} ms")


def test_of_those_who_fight_over_a_flag_one_wins_each_version(siblings: tuple[Server, Server]) -> None:
    """At two servers, and the record of it is one chain."""
    rounds = 125 if LONG else 12
    with clients(siblings) as (one, two):
        one.put_flag("fought_over", text("nobody"), "begin")
        until(lambda: "fought_over" in {flag.key for flag in two.flag().flags}, 1)
        winners: dict[int, str] = {}
        lock = Lock()

        def fight(name: int) -> None:
            client = (one, two)[name % 2]
            won = 0
            while won < rounds:
                version = client.get_flag("fought_over").flag.version
                try:
                    change = client.put_flag("fought_over", text(f"{name}"), f"by {name}", expected_version=version).change
                except genesis.Aborted:
                    continue
                with lock:
                    assert change.version == version + 1
                    assert change.version not in winners
                    winners[change.version] = str(name)
                won += 1

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(fight, range(8)))
        assert sorted(winners) == list(range(2, 8 * rounds + 2))
        entries = list(one.audit_entries(key="fought_over", oldest_first=True))
        assert {entry.version: entry.cause[3:] for entry in entries[1:]} == winners
        until(lambda: value(two, "fought_over") == winners[8 * rounds + 1] == value(one, "fought_over"), 1)
    whole = [verified(server) for server in siblings]
    assert whole[0]["whole"]
    assert whole[0]["head"] == whole[1]["head"]


def verified(server: Server) -> dict[str, Any]:
    """What `genesis audit verify` says."""
    command = [sys.executable, "-m", "genesis_server", "audit", "verify", "--json"]
    environment = clean_environment(GENESIS_SERVER=server.address)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
    return json.loads(done.stdout)


def test_two_servers_that_write_two_hundred_flags_each_at_once_lose_none(siblings: tuple[Server, Server]) -> None:
    count = 200

    def write(client: genesis.Client, name: str) -> None:
        for number in range(count):
            client.put_flag(f"bulk_{name}_{number}", text(name), "at once")

    with clients(siblings) as (one, two):
        begun = time.monotonic()
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(write, (one, two), ("one", "two")))
        print(f"{2 * count} writes by two servers in {time.monotonic() - begun:.2f} s")
        expected = {f"bulk_{name}_{number}" for name in ("one", "two") for number in range(count)}
        for client in (one, two):
            until(lambda client=client: expected <= {flag.key for flag in client.list_flags(page_size=200)}, 2)
