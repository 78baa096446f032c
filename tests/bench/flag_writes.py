"""What a durable write of a flag costs: PutFlag at 100 a second over the wire, next to a bare write and fsync on the same disk.

Calls are sent when they are due, whether or not the earlier ones are answered, and their time counts from then. The bare writes are
measured before and after, because disks and neighbours change their minds.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import grpc
from bench import SETTINGS, Bench, open_loop
from figures import Figure, cpu_seconds, percentiles, single

from genesis.admin.v1 import flag_admin_service_pb2 as api
from genesis.admin.v1 import flag_admin_service_pb2_grpc
from genesis_server.flags.audit_log import AuditLog
from genesis_server.flags.desk import FlagAction, FlagDesk, FlagEdit
from genesis_server.flags.emergency import EmergencyFlags
from genesis_server.flags.live import LiveFlags
from genesis_server.flags.overrides import Overrides
from genesis_server.flags.sources.stored import StoredFlags
from genesis_server.model.caller import Caller, Role
from genesis_server.storage.sqlite.store import SqliteStore
from servers import running

SECONDS = 8.0
RATE = 100.0
FLAGS = 200
BLOCK = b"." * 4096
MOST_P99_MS = 10.0
ROOT = Caller("bench", "root", frozenset({Role.ADMIN}))


def definition(number: int) -> str:
    """A flag with a rule, another one for each number."""
    flag = {
        "state": "ENABLED",
        "variants": {"on": True, "off": False},
        "defaultVariant": "off",
        "targeting": {"if": [{"in": [{"var": "tenant"}, ["acme", "globex"]]}, "on", {"fractional": [["on", number % 101], ["off", 7]]}]},
        "metadata": {"description": f"The flag of a measurement, as written {number} times."},
    }
    return json.dumps(flag)


async def at_rate(call: Callable[[int], Awaitable[object]], seconds: float) -> list[float]:
    """Milliseconds from when each call was due to its end, when every flag has been written once."""
    for number in range(FLAGS):
        await call(number)
    return await open_loop(call, rate=RATE, until=lambda calls: calls >= RATE * seconds)


def bare_writes(folder: Path, seconds: float) -> list[float]:
    """Milliseconds of a write and fsync of 4 KiB, one after the other."""
    took: list[float] = []
    file = os.open(folder / "bare", os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    begin = time.perf_counter()
    for number in range(round(RATE * seconds)):
        time.sleep(max(0.0, begin + number / RATE - time.perf_counter()))
        start = time.perf_counter()
        os.write(file, BLOCK)
        os.fsync(file)
        took.append((time.perf_counter() - start) * 1e3)
    os.close(file)
    return took


async def at_the_desk(folder: Path, seconds: float) -> list[float]:
    """Changes by a desk in this process."""
    store = SqliteStore(folder / "desk.db", clock=time.time)
    live, audit = LiveFlags(overrides=Overrides()), AuditLog(store)
    written = StoredFlags(store, audit, take=live.take, now=time.time)
    emergency = EmergencyFlags(store, audit, take=live.take_emergency, now=time.time)
    desk = FlagDesk(written=written, live=live, audit=audit, emergency=emergency, now=time.time)
    following = asyncio.create_task(written.follow())
    try:
        return await at_rate(
            lambda number: desk.change(ROOT, f"bench.{number % FLAGS}", FlagEdit(FlagAction.PUT, definition(number)), cause="bench"),
            seconds,
        )
    finally:
        following.cancel()
        await store.close()


async def over_the_wire(address: str, seconds: float) -> list[float]:
    """PutFlag at a server."""
    async with grpc.aio.insecure_channel(address) as channel:
        stub = flag_admin_service_pb2_grpc.FlagAdminServiceStub(channel)
        return await at_rate(
            lambda number: stub.PutFlag(
                api.PutFlagRequest(key=f"bench.{number % FLAGS}", definition_json=definition(number), cause="bench")
            ),
            seconds,
        )


def measure(bench: Bench) -> list[Figure]:
    """P50 and P99 of a bare write and fsync of 4 KiB, of a change without the wire, and of PutFlag; the server's CPU for a call."""
    folder = bench.folder / "flags"
    folder.mkdir()
    found = {"bare write and fsync of 4 KiB, before": bare_writes(folder, SECONDS)}
    found["a write of a flag without the wire"] = asyncio.run(at_the_desk(folder, SECONDS))
    with running(folder / "server", settings=SETTINGS) as server:
        before = cpu_seconds(server.process.pid)
        found["PutFlag at 100 a second, on disk"] = asyncio.run(over_the_wire(server.address, SECONDS))
        cpu = (cpu_seconds(server.process.pid) - before) / (FLAGS + RATE * SECONDS) * 1e3
    found["bare write and fsync of 4 KiB, after"] = bare_writes(folder, SECONDS)
    figures: list[Figure] = []
    for told, took in found.items():
        of = percentiles(took)
        aim = MOST_P99_MS if told.startswith("PutFlag") else None
        figures += [single(f"{told}, P50", "ms", of["p50"]), single(f"{told}, P99", "ms", of["p99"], aim=aim)]
    return [*figures, single("PutFlag: server's CPU", "ms", cpu)]
