"""kill -9 under writes, and a full disk: nothing acknowledged is lost, nothing is torn."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import pytest
from storage_writer import BATCH, FILLER

from genesis_server.resilience.errors import ResourceError
from genesis_server.storage.backup import back_up
from genesis_server.storage.base import Key
from genesis_server.storage.sqlite.store import SqliteStore

pytestmark = pytest.mark.chaos

CYCLES = 100
WRITERS = 3


class Writers:
    """Starts writers, kills them, and keeps what they were told was done."""

    def __init__(self) -> None:
        self.template = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("storage_writer.py"))], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.highest: defaultdict[tuple[str, str], int] = defaultdict(int)
        self.batches: dict[str, int] = {}
        self.tokens: list[int] = []
        self.acknowledged = 0
        self.pids: dict[str, int] = {}

    def tell(self, *words: object) -> None:
        assert self.template.stdin
        self.template.stdin.write((" ".join(map(str, words)) + "\n").encode())
        self.template.stdin.flush()

    def hear(self) -> list[str]:
        assert self.template.stdout
        words = self.template.stdout.readline().decode().split()
        assert words, "the template process ended"
        match words[0]:
            case "put" | "count":
                kind = (words[0], words[1])
                self.highest[kind] = max(self.highest[kind], int(words[2]))
            case "append":
                self.batches[words[1]] = int(words[2])
            case "lease":
                self.tokens.append(int(words[2]))
            case "started":
                self.pids[words[1]] = int(words[2])
            case "failed":
                pytest.fail(" ".join(words))
        self.acknowledged += words[0] in {"put", "count", "append", "lease"}
        return words

    def start(self, path: Path, name: str, *, wait: bool) -> None:
        self.tell("write", path, name)
        while name not in self.pids:
            self.hear()
        before = self.acknowledged
        while wait and self.acknowledged < before + 5:
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
        while self.hear() != ["mark"]:
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


async def entries_after(store: SqliteStore, after: int) -> list[tuple[int, bytes]]:
    return [(entry.sequence, entry.value) for entry in await store.read("acme", "audit", after=after, limit=1_000_000)]


class Judge:
    """Looks at the store after each kill; remembers what it saw, so that nothing may go back."""

    def __init__(self) -> None:
        self.seen: dict[str, int] = {}
        self.batches: dict[str, int] = {}
        self.last = 0

    async def look(self, path: Path, writers: Writers) -> None:
        store = SqliteStore(path, clock=time.time)
        try:
            await self._documents(store, writers)
            await self._journal(store, writers)
            lease = await store.acquire("acme", "task", "judge", seconds=0.0, slots=1000)
            assert lease is not None
            assert lease.token > max(writers.tokens, default=0)
            writers.tokens.append(lease.token)
        finally:
            await store.close()

    async def _documents(self, store: SqliteStore, writers: Writers) -> None:
        found = {document.key.id: document for document in await store.list("acme", "own", limit=10_000)}
        shared = await store.get(Key("acme", "shared", "counter"))
        for name, document in found.items():
            stamp = b"%d" % document.version
            assert document.value == stamp + FILLER + stamp, f"{name} is torn"
        if shared is not None:
            assert int(shared.value) == shared.version
            found["counter"] = shared
        for (_, name), version in writers.highest.items():
            assert found[name].version >= version, f"acknowledged version {version} of {name} is lost"
        for name, version in self.seen.items():
            assert found[name].version >= version, f"{name} went back"
        self.seen = {name: document.version for name, document in found.items()}

    async def _journal(self, store: SqliteStore, writers: Writers) -> None:
        entries = await entries_after(store, self.last)
        assert [sequence for sequence, _ in entries] == list(range(self.last + 1, self.last + len(entries) + 1))
        for batch, group in groupby(entries, key=lambda entry: entry[1].decode()):
            sequences = [sequence for sequence, _ in group]
            assert len(sequences) == BATCH, f"batch {batch} is torn"
            assert batch not in self.batches, f"batch {batch} is there twice"
            self.batches[batch] = sequences[-1]
        self.last += len(entries)
        for batch, last in writers.batches.items():
            assert self.batches.get(batch) == last, f"acknowledged batch {batch} is lost"
        writers.batches.clear()


async def test_nothing_acknowledged_is_lost_over_a_hundred_kills(writers: Writers, tmp_path: Path) -> None:
    """Writers are killed in the middle of everything, one first while the others go on; each time all they were told is there."""
    path, judge, chance = tmp_path / "store.db", Judge(), random.Random(2)
    for cycle in range(CYCLES):
        names = [f"w{cycle}.{number}" for number in range(WRITERS)]
        for name in names:
            writers.start(path, name, wait=False)
        writers.start(path, f"w{cycle}.last", wait=True)
        for name in [*names, f"w{cycle}.last"]:
            time.sleep(chance.uniform(0.0, 0.02))  # noqa: ASYNC251  # the moment of the kill is what is tried
            writers.kill(name)
        writers.drain()
        await judge.look(path, writers)
    repeated = [token for token, times in Counter(writers.tokens).items() if times > 1]
    assert not repeated
    assert writers.acknowledged > CYCLES * 20
    print(f"{writers.acknowledged} acknowledged writes, {judge.last} journal entries, {max(judge.seen.values())} counted")


async def test_a_kill_while_a_new_store_is_made(writers: Writers, tmp_path: Path) -> None:
    """Servers that die during their very first start leave a store that opens."""
    chance = random.Random(3)
    for cycle in range(30):
        path, judge = tmp_path / str(cycle) / "store.db", Judge()
        writers.highest.clear()
        writers.tokens.clear()
        for name in (f"a{cycle}", f"b{cycle}"):
            writers.start(path, name, wait=False)
        for name in (f"a{cycle}", f"b{cycle}"):
            time.sleep(chance.uniform(0.0, 0.012))  # noqa: ASYNC251  # the moment of the kill is what is tried
            writers.kill(name)
        writers.drain()
        await judge.look(path, writers)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of half a megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(folder)], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip(f"a full disk needs the right to mount one: {mounted.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


async def test_a_full_disk(small_disk: Path, tmp_path: Path) -> None:
    """On a full disk writes are refused whole and reads go on; when space returns the store goes on, and nothing is missing."""
    path, ballast = small_disk / "store.db", small_disk / "ballast"
    store = SqliteStore(path, clock=time.time)
    ballast.write_bytes(b"x" * 150_000)
    done: list[bytes] = []
    with pytest.raises(ResourceError) as caught:  # noqa: PT012
        for number in range(1000):
            value = b"%d" % number + b"." * 3000
            await store.append("acme", "audit", [value, value])
            done += [value, value]
    assert caught.value.reason == "STORAGE_FULL"
    assert caught.value.retry_after_seconds
    for _ in range(3):
        with pytest.raises(ResourceError, match="disk of the store is full"):
            await store.append("acme", "audit", [b"y" * 30_000])
        with pytest.raises(ResourceError, match="disk of the store is full"):
            await store.put(Key("acme", "plan", "p1"), b"z" * 30_000)
    assert [value for _, value in await entries_after(store, 0)] == done
    assert await store.get(Key("acme", "plan", "p1")) is None
    ballast.unlink()
    assert await store.append("acme", "audit", [b"y" * 30_000]) == len(done) + 1
    await store.check()
    await store.close()
    store = SqliteStore(path, clock=time.time)
    assert [value for _, value in await entries_after(store, 0)] == [*done, b"y" * 30_000]
    await asyncio.to_thread(back_up, path, tmp_path / "backup.db")
    await store.close()


def test_a_store_on_a_full_disk_does_not_open_halfway(small_disk: Path) -> None:
    """A first start without space says that the disk is full; with space the same place works."""
    ballast = small_disk / "ballast"
    with contextlib.suppress(OSError):
        ballast.write_bytes(b"x" * 1_000_000)
    with pytest.raises(ResourceError) as caught:
        SqliteStore(small_disk / "store.db", clock=time.time)
    assert caught.value.reason == "STORAGE_FULL"
    ballast.unlink()

    async def use() -> None:
        store = SqliteStore(small_disk / "store.db", clock=time.time)
        await store.check()
        await store.close()

    asyncio.run(use())
