"""Writers for test_flag_writes.py: a template process that forks a writer for each line it reads, as storage_writer.py does.

Every acknowledged write becomes one line on standard output, written in one piece after the call returned. A line "mark" is answered
by "mark": all that killed writers wrote comes before it.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import random
import signal
import sys
import time
from itertools import count
from pathlib import Path

from genesis_server.flags.audit_log import AuditLog
from genesis_server.flags.desk import FlagAction, FlagDesk, FlagEdit
from genesis_server.flags.emergency import EMERGENCY_FLAGS, EmergencyFlags
from genesis_server.flags.live import LiveFlags
from genesis_server.flags.overrides import Overrides
from genesis_server.flags.sources.stored import StoredFlags
from genesis_server.model.caller import Caller, Role
from genesis_server.resilience.errors import ResourceError
from genesis_server.storage.sqlite.store import SqliteStore

SHARED = ("shared.a", "shared.b")


def definition(number: int, size: int) -> str:
    """A flag that tells its number, and is so large."""
    metadata = {"number": number, "description": "." * size}
    return json.dumps({"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "on", "metadata": metadata})


def opened(path: Path) -> tuple[FlagDesk, StoredFlags, EmergencyFlags, SqliteStore]:
    """What a server has between its edge and the store."""
    store = SqliteStore(path, clock=time.time)
    live, audit = LiveFlags(overrides=Overrides()), AuditLog(store)
    written = StoredFlags(store, audit, take=live.take, now=time.time)
    emergency = EmergencyFlags(store, audit, take=live.take_emergency, now=time.time)
    return FlagDesk(written=written, live=live, audit=audit, emergency=emergency, now=time.time), written, emergency, store


def say(*words: object) -> None:
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


async def change(desk: FlagDesk, actor: Caller, seed: str) -> None:
    """Own and shared flags, whole and by verbs, without end."""
    chance = random.Random(seed)
    for number in count():
        key = chance.choice([f"own.{actor.subject.partition('.')[0]}", *SHARED])
        action = chance.choice([FlagAction.PUT, FlagAction.PUT, FlagAction.ENABLE, FlagAction.DISABLE, FlagAction.DELETE])
        edit = FlagEdit(action, text=definition(number, chance.choice([10, 2000, 20_000])) if action is FlagAction.PUT else "")
        try:
            done = await desk.change(actor, key, edit, cause=f"{seed} {number}")
        except ResourceError as error:
            # It is not there, or others came first five times.
            if error.reason not in {"FLAG_NOT_FOUND", "VERSION_MISMATCH"}:
                raise
        else:
            say("ack", done.audit_sequence, action, key, done.version)


async def switch(desk: FlagDesk, actor: Caller) -> None:
    """Emergency flags, set and cleared without end; their entries are found by the cause."""
    for number in count():
        verb = desk.set_emergency if number % 2 == 0 else desk.clear_emergency
        key = EMERGENCY_FLAGS[number // 2 % len(EMERGENCY_FLAGS)]
        cause = f"{actor.subject} {number}"
        if (await verb(actor, key, cause=cause)).cause == cause:
            say("told", *cause.split())
        await asyncio.sleep(0.003)


async def write(path: Path, name: str) -> None:
    desk, written, _, _ = opened(path)
    actor = Caller("chaos", name, frozenset({Role.ADMIN}))
    await written.start()
    await asyncio.gather(written.follow(), switch(desk, actor), *(change(desk, actor, f"{name}:{task}") for task in range(3)))


def main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    logging.disable()
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
