"""kill -9 under writes of flags: nothing acknowledged is lost, the audit log stays one chain, versions have no gap.

15 kills of each of two writers and 3 of a server by default; GENESIS_CHAOS_KILLS=100 for the figures that are told.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from threading import Thread

import grpc
import pytest
from audit_proof import broken_at
from flag_writer import definition, opened

from genesis.admin.v1 import flag_admin_service_pb2 as api
from genesis.admin.v1 import flag_admin_service_pb2_grpc
from genesis_server.flags.audit import AuditEntry
from genesis_server.flags.audit_log import AuditLog
from genesis_server.flags.emergency import EMERGENCY_FLAGS
from genesis_server.settings.fields import STORE_FILE
from genesis_server.storage.sqlite.store import SqliteStore
from servers import Server, start

pytestmark = pytest.mark.chaos

KILLS = int(os.environ.get("GENESIS_CHAOS_KILLS", "15"))
SERVER_KILLS = int(os.environ.get("GENESIS_CHAOS_KILLS", "3"))
PAGE = 500


class Acknowledged:
    """What writers were told was done."""

    def __init__(self) -> None:
        self.changes: dict[int, tuple[str, str, int]] = {}
        """Action, flag and version by the entry's number."""
        self.causes: set[str] = set()
        """Of emergency flags that were switched."""

    def __len__(self) -> int:
        return len(self.changes) + len(self.causes)

    def change(self, number: int, action: str, key: str, version: int) -> None:
        assert number not in self.changes, "two writes were told the same number"
        self.changes[number] = (action, key, version)


class Writers:
    """Starts writers, kills them, and keeps what they were told was done."""

    def __init__(self) -> None:
        self.template = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("flag_writer.py"))], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.pids: dict[str, int] = {}
        self.acknowledged = Acknowledged()

    def tell(self, *words: object) -> None:
        assert self.template.stdin
        self.template.stdin.write((" ".join(map(str, words)) + "\n").encode())
        self.template.stdin.flush()

    def hear(self) -> str:
        assert self.template.stdout
        words = self.template.stdout.readline().decode().split()
        assert words, "the template process ended"
        match words[0]:
            case "ack":
                self.acknowledged.change(int(words[1]), words[2], words[3], int(words[4]))
            case "told":
                self.acknowledged.causes.add(" ".join(words[1:]))
            case "started":
                self.pids[words[1]] = int(words[2])
            case "failed":
                pytest.fail(" ".join(words))
        return words[0]

    def start(self, path: Path, name: str) -> None:
        self.tell("write", path, name)
        while name not in self.pids:
            self.hear()

    def wait_for(self, writes: int) -> None:
        """Return when so many more writes are acknowledged."""
        before = len(self.acknowledged)
        while len(self.acknowledged) < before + writes:
            self.hear()

    def kill(self, name: str) -> None:
        pid = self.pids.pop(name)
        os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):
            while True:
                os.kill(pid, 0)
                time.sleep(0.0005)

    def drain(self) -> None:
        """Read all that those who are dead now have said."""
        self.tell("mark")
        while self.hear() != "mark":
            pass

    def close(self) -> None:
        for name in list(self.pids):
            self.kill(name)
        with self.template:
            self.template.kill()


@pytest.fixture
def writers() -> Iterator[Writers]:
    made = Writers()
    yield made
    made.close()


async def everything(store: SqliteStore) -> Sequence[AuditEntry]:
    """The whole log, which must be one chain."""
    log, entries = AuditLog(store), list[AuditEntry]()
    while page := await log.page(after=len(entries), limit=PAGE, oldest_first=True):
        entries += page
    head = await log.head()
    assert broken_at(entries, head) == 0
    assert head.sequence == len(entries)
    return entries


async def judge(path: Path, acknowledged: Acknowledged) -> int:
    """Look at the store as the next server would; how many entries there are."""
    _, written, emergency, store = opened(path)
    try:
        entries = await everything(store)
        for number, told in acknowledged.changes.items():
            assert number <= len(entries), f"the acknowledged write {number} is lost"
            draft = entries[number - 1].draft
            assert (draft.action, draft.key, draft.version) == told
        lost = acknowledged.causes - {entry.draft.cause for entry in entries}
        assert not lost, "an acknowledged switch of an emergency flag is lost"
        by_key: defaultdict[str, list[AuditEntry]] = defaultdict(list)
        for entry in entries:
            by_key[entry.draft.key].append(entry)
        await emergency.start()
        for key in EMERGENCY_FLAGS:
            state, last = emergency.states[key], by_key.pop(key, [])[-1:]
            assert [(state.set, state.cause)] == [(entry.draft.action == "set_emergency", entry.draft.cause) for entry in last] or not last
        for key, its in by_key.items():
            assert [entry.draft.version for entry in its] == list(range(1, len(its) + 1)), f"the versions of {key} have gaps"
            assert [entry.draft.before for entry in its] == ["", *(entry.draft.after for entry in its[:-1])]
            flag = await written.get(key)
            assert flag is not None
            assert (flag.version, flag.text) == (len(its), its[-1].draft.after)
    finally:
        await store.close()
    return len(entries)


@pytest.mark.timeout(60 + 5 * KILLS)
async def test_no_acknowledged_write_of_a_flag_is_lost_by_kills(writers: Writers, tmp_path: Path) -> None:
    """Two processes write the same flags at once; each is killed in the middle, one while the other goes on."""
    path, chance, entries = tmp_path / "store.db", random.Random(5), 0
    for cycle in range(KILLS):
        names = [f"a.{cycle}", f"b.{cycle}"]
        for name in names:
            writers.start(path, name)
        writers.wait_for(3)
        chance.shuffle(names)
        for name in names:
            time.sleep(chance.uniform(0.0, 0.06))  # noqa: ASYNC251  # the moment of the kill is what is tried
            writers.kill(name)
        writers.drain()
        entries = await judge(path, writers.acknowledged)
    assert entries >= len(writers.acknowledged) > 5 * KILLS
    print(f"{2 * KILLS} kills, {len(writers.acknowledged)} acknowledged writes, {entries} entries")


def put_until_killed(server: Server, name: str, acknowledged: Acknowledged) -> None:
    """Write flags over the wire, each as soon as the one before is acknowledged, until nobody answers."""
    with server.channel() as channel, contextlib.suppress(grpc.RpcError):
        stub = flag_admin_service_pb2_grpc.FlagAdminServiceStub(channel)
        for number in count():
            key = f"wire.{number % 2}" if number % 3 else f"wire.{name}"
            request = api.PutFlagRequest(key=key, definition_json=definition(number, 500), cause=f"{name} {number}")
            change = stub.PutFlag(request, timeout=20).change
            acknowledged.change(change.audit_sequence, "put", key, change.version)


@pytest.mark.timeout(60 + 20 * SERVER_KILLS)
async def test_no_write_that_a_server_acknowledged_is_lost_by_kills(tmp_path: Path) -> None:
    """The same over the wire: whoever had an answer to PutFlag finds the flag as he wrote it, however the server ended."""
    chance, acknowledged, entries = random.Random(6), Acknowledged(), 0
    for cycle in range(SERVER_KILLS):
        server = start(tmp_path)
        callers = [Thread(target=put_until_killed, args=(server, f"{cycle}.{number}", acknowledged)) for number in range(4)]
        for caller in callers:
            caller.start()
        time.sleep(chance.uniform(0.05, 0.6))  # noqa: ASYNC251  # the moment of the kill is what is tried
        server.process.kill()
        server.process.wait()
        for caller in callers:
            caller.join()
        entries = await judge(server.data_dir / STORE_FILE, acknowledged)
    assert entries >= len(acknowledged) > SERVER_KILLS
    print(f"{SERVER_KILLS} kills of a server, {len(acknowledged)} acknowledged writes, {entries} entries")
