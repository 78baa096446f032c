"""kill -9 of a server under every kind of write of flags over gRPC: who was answered finds it done, and the record is one chain.

10 kills by default; GENESIS_CHAOS_KILLS=100 for the figures that are told.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from threading import Lock, Thread
from typing import Any

import grpc
import pytest
from chaos_arena import Template, template

import genesis
from errors import failure
from genesis import audit
from genesis.admin.v1 import flag_admin_service_pb2 as api
from genesis.admin.v1 import flag_admin_service_pb2_grpc
from servers import clean_environment, free_port

pytestmark = pytest.mark.chaos

KILLS = int(os.environ.get("GENESIS_CHAOS_KILLS", "10"))
START_SECONDS = 30.0
REFUSED = {"VERSION_MISMATCH", "READ_ONLY_MODE", "FLAG_NOT_FOUND"}
"""What writers may hear while the server is well: others were first, writes are refused for a while, the flag is not there yet."""
EMERGENCY = ("emergency_shutdown", "read_only_mode")
Admin = flag_admin_service_pb2_grpc.FlagAdminServiceStub


class Record:
    """What writers were told was done, and what they did not expect to hear."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.changes: dict[int, tuple[str, str, str, int]] = {}
        """Action, flag, cause and version by the entry's number."""
        self.causes: set[str] = set()
        """Of emergency flags that were switched."""
        self.wrong: list[str] = []

    def __len__(self) -> int:
        return len(self.changes) + len(self.causes)

    def change(self, action: str, cause: str, change: api.FlagChange) -> None:
        with self._lock:
            assert change.audit_sequence not in self.changes, "two writes were told the same number"
            self.changes[change.audit_sequence] = (action, change.key, cause, change.version)


def put(admin: Admin, number: int, cause: str, record: Record) -> None:
    definition = {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "off", "metadata": {"number": number}}
    request = api.PutFlagRequest(key=f"put.{number % 3}", definition_json=json.dumps(definition), cause=cause)
    record.change("put", cause, admin.PutFlag(request, timeout=20).change)


def weigh(admin: Admin, number: int, cause: str, record: Record) -> None:
    request = api.SetFlagWeightRequest(key=f"put.{number % 3}", percent=number % 101, cause=cause)
    record.change("set_weight", cause, admin.SetFlagWeight(request, timeout=20).change)


def switch_and_delete(admin: Admin, number: int, cause: str, record: Record) -> None:
    key = f"switched.{number % 2}"
    match number % 4:
        case 0:
            record.change("enable", cause, admin.EnableFlag(api.EnableFlagRequest(key="otel_enabled", cause=cause), timeout=20).change)
        case 1:
            definition = '{"state":"ENABLED","variants":{"on":true,"off":false}}'
            change = admin.PutFlag(api.PutFlagRequest(key=key, definition_json=definition, cause=cause), timeout=20).change
            record.change("put", cause, change)
        case 2:
            record.change("disable", cause, admin.DisableFlag(api.DisableFlagRequest(key=key, cause=cause), timeout=20).change)
        case _:
            record.change("delete", cause, admin.DeleteFlag(api.DeleteFlagRequest(key=key, cause=cause), timeout=20).change)


def alarm(admin: Admin, number: int, cause: str, record: Record) -> None:
    key = EMERGENCY[number // 2 % 2]
    if number % 2:
        admin.ClearEmergencyFlag(api.ClearEmergencyFlagRequest(key=key, cause=cause), timeout=20)
        # One that was clear stays as it is, and is no write.
    else:
        admin.SetEmergencyFlag(api.SetEmergencyFlagRequest(key=key, cause=cause), timeout=20)
        record.causes.add(cause)


WRITERS: tuple[Callable[[Admin, int, str, Record], None], ...] = (put, weigh, switch_and_delete, alarm)


def write_until_killed(address: str, seed: int, write: Callable[[Admin, int, str, Record], None], record: Record) -> None:
    """Write, each time as soon as the answer before is there, until nobody answers."""
    with grpc.insecure_channel(address) as channel:
        admin = Admin(channel)
        for number in count():
            try:
                write(admin, number, f"{write.__name__} {seed}.{number}", record)
            except grpc.RpcError as error:
                found = failure(error)
                if found.reason in REFUSED:
                    continue
                if found.reason:
                    record.wrong.append(f"{found.code.name} {found.reason}: {found.message}")
                return


class Place:
    """Where a server is, was and will be: the address and the data stay."""

    def __init__(self, forge: Template, folder: Path) -> None:
        self._forge = forge
        self._folder = folder
        self._pid = 0
        self.address = f"127.0.0.1:{free_port()}"
        self.log = folder / "server.log"
        self._environment = clean_environment(
            GENESIS_LISTEN=self.address,
            GENESIS_HTTP_LISTEN="127.0.0.1:0",
            GENESIS_DATA_DIR=str(folder / "data"),
            GENESIS_LAME_DUCK_SECONDS="0",
            GENESIS_STORAGE_TEST_MODE="true",
            GENESIS_RATE_PER_SECOND="1000000",
            GENESIS_RATE_BURST="1000000",
            GENESIS_LOG_LEVEL="warning",
        )

    def start(self) -> genesis.Client:
        """Start it; somebody who is connected to it."""
        order = {"name": "server", "role": "server", "log": str(self.log), "environment": self._environment, "arguments": []}
        self._pid = self._forge.start(**order)
        client = genesis.connect(self.address, retry=None, health_checking=False)
        end = time.monotonic() + START_SECONDS
        while True:
            try:
                client.health(timeout=1)
            except genesis.GenesisError:
                assert time.monotonic() < end, self.log.read_text()[-2000:]
                time.sleep(0.02)
            else:
                return client

    def kill(self) -> None:
        """End it at once."""
        pid, self._pid = self._pid, 0
        os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):
            while True:
                os.kill(pid, 0)
                time.sleep(0.001)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with template() as forge:
        yield Place(forge, tmp_path)


def judge(client: genesis.Client, record: Record) -> int:
    """Look at the server as whoever audits it does; how many entries there are."""
    assert not record.wrong
    pages = list(client.audit_pages(oldest_first=True, page_size=200))
    entries: dict[int, Any] = {entry.sequence: entry for page in pages for entry in page.entries}
    assert audit.proven(pages).entries == len(entries)
    for number, told in record.changes.items():
        assert number in entries, f"the acknowledged write {number} is lost"
        entry = entries[number]
        assert (entry.action, entry.key, entry.cause, entry.version) == told
    lost = record.causes - {entry.cause for entry in entries.values()}
    assert not lost, f"acknowledged switches of emergency flags are lost: {lost}"
    by_key: defaultdict[str, list[Any]] = defaultdict(list)
    for entry in entries.values():
        by_key[entry.key].append(entry)
    states = {flag.key: flag for flag in client.emergency_flags()}
    for key in EMERGENCY:
        its = by_key.pop(key, [])
        if its:
            assert (states[key].set, states[key].cause) == (its[-1].action == "set_emergency", its[-1].cause)
    flags = {flag.key: flag for flag in client.list_flags(page_size=200)}
    for key, its in by_key.items():
        assert [entry.version for entry in its] == list(range(1, len(its) + 1)), f"the versions of {key} have gaps"
        if its[-1].after_json:
            assert (flags[key].version, flags[key].definition_json) == (len(its), its[-1].after_json)
        else:
            assert key not in flags or not flags[key].written
    return len(entries)


@pytest.mark.timeout(60 + 10 * KILLS)
def test_whoever_was_answered_finds_his_write_of_a_flag_after_any_kill(place: Place) -> None:
    """Four writers at once: definitions, shares, switches and deletions, emergency flags."""
    chance, record = random.Random(7), Record()
    client = place.start()
    for seed in range(KILLS):
        for key in EMERGENCY:
            client.clear_emergency_flag(key, f"calm {seed}")
        writers = [Thread(target=write_until_killed, args=(place.address, seed, write, record)) for write in WRITERS]
        for writer in writers:
            writer.start()
        time.sleep(chance.uniform(0.02, 0.6))
        place.kill()
        for writer in writers:
            writer.join()
        client.close()
        client = place.start()
        entries = judge(client, record)
    client.close()
    place.kill()
    assert entries >= len(record) > 5 * KILLS
    log = place.log.read_text()
    assert "Traceback" not in log
    print(f"{KILLS} kills, {len(record)} acknowledged writes, {entries} entries, {len(log.splitlines())} lines of warnings")
