"""Writers for test_storage_kill.py: a template process that forks a writer for each line it reads.

The template imports everything once and has no threads, so that a writer costs a fork. Every acknowledged call becomes one line on
standard output, written in one piece after the call returned. A line "mark" is answered by "mark": all that killed writers wrote
comes before it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from itertools import count
from pathlib import Path

from genesis_server.storage.base import Key, VersionConflictError
from genesis_server.storage.sqlite.store import SqliteStore

BATCH = 5
FILLER = b"." * 1500


def say(*words: object) -> None:
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


async def documents(store: SqliteStore, name: str) -> None:
    """Own documents, compare-and-set; a value carries its version at both ends."""
    for number in count():
        key = Key("acme", "own", f"{name}-{number % 4}")
        found = await store.get(key)
        expected = found.version if found else 0
        stamp = b"%d" % (expected + 1)
        say("put", key.id, await store.put(key, stamp + FILLER + stamp, expected=expected))


async def counter(store: SqliteStore) -> None:
    """One document that all writers count up."""
    key = Key("acme", "shared", "counter")
    while True:
        found = await store.get(key)
        expected = found.version if found else 0
        try:
            version = await store.put(key, b"%d" % (expected + 1), expected=expected)
        except VersionConflictError:
            await asyncio.sleep(0)
        else:
            say("count", key.id, version)


async def journal(store: SqliteStore, name: str) -> None:
    """Batches in one stream; each entry names its batch."""
    for number in count():
        batch = f"{name}:{number}"
        say("append", batch, await store.append("acme", "audit", [batch.encode()] * BATCH))


async def leases(store: SqliteStore, name: str) -> None:
    """One lease that everybody wants; half of them are never given back."""
    for number in count():
        lease = await store.acquire("acme", "task", name, seconds=0.01)
        if lease is None:
            await asyncio.sleep(0.002)
        else:
            say("lease", lease.name, lease.token)
            if number % 2:
                await store.release(lease)


async def write(path: Path, name: str) -> None:
    store = SqliteStore(path, clock=time.time)
    await asyncio.gather(documents(store, name), counter(store), journal(store, name), leases(store, name))


def main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in iter(sys.stdin.readline, ""):
        word, *rest = line.split()
        if word == "mark":
            say("mark")
        elif (pid := os.fork()) == 0:
            try:
                asyncio.run(write(Path(rest[0]), rest[1]))
            except BaseException as error:  # noqa: BLE001
                say("failed", rest[1], type(error).__name__, error)
            os._exit(1)
        else:
            say("started", rest[1], pid)


if __name__ == "__main__":
    main()
