"""Flag files, Redis and several servers as operators treat them: replaced, broken, gone, fought over; whoever asks notices nothing.

GENESIS_FLAGS_LONG=1 tries longer: 10 s of replacements, 1 000 fights over a flag.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import genesis
from flag_asker import NO_LIMIT, asking, boolean, text, until
from servers import Server, clean_environment, running, start, stop

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
        log = server.log.read_text()
        assert "Traceback" not in log
        assert len(log.splitlines()) < 2_000, "a log of so many lines hides what matters"


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
    print(f"{number} files, {len(asker.answers)} seen, {len(asker.seconds)} calls, P99 {asker.p99() * 1000:.1f} ms, last after {took:.3f} s")
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


def test_ten_thousand_flags_come_into_use_while_calls_go_on(tmp_path: Path) -> None:
    """No call fails or waits for it."""
    path = tmp_path / "flags.json"
    path.write_text(many(10_000, 0))
    begun = time.monotonic()
    with running(tmp_path, settings={"GENESIS_FLAGS_FILE": str(path), **NO_LIMIT}) as server, genesis.connect(server.address) as client:
        started = time.monotonic() - begun
        with asking(server, "left") as asker:
            until(lambda: len(asker.seconds) > 200, 10)
            calm = asker.p99()
            took = []
            for turn in (1, 2, 3):
                replace(path, many(10_000, turn))
                took.append(until(lambda turn=turn: asker.answers[-1] == (str(turn),), 10))
        print(
            f"10 000 flags: start {started:.2f} s, in use after {[round(one, 2) for one in took]} s, "
            f"P99 {calm * 1000:.1f} ms before and {asker.p99() * 1000:.1f} ms meanwhile, at most {max(asker.seconds) * 1000:.0f} ms"
        )
        assert not asker.faults
        assert max(asker.seconds) < 0.5
        path.write_bytes(b" " * (20 << 20))
        until(lambda: flags_health(client)[0] == "degraded", 5)
        assert "16" in flags_health(client)[1]
        assert value(client) == "3"
