"""What a durable write of a flag costs: PutFlag at 100 a second over the wire, next to a bare write and fsync on the same disk.

Calls are sent when they are due, whether or not the earlier ones are answered (open loop), and their time counts from then. Prints, and
with --json FILE writes: P50 and P99 in milliseconds of a bare write and fsync of 4 KiB at the same rate, of a change at the desk alone
(in this process, no wire), and of PutFlag at a server, whose P99 is wanted at 10 ms at most; the server's CPU for a call. The bare writes
are measured before and after, because disks and neighbours change their minds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import grpc
import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

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

SETTINGS = {"GENESIS_RATE_PER_SECOND": "100000", "GENESIS_RATE_BURST": "100000"}
RATE = 100.0
FLAGS = 50
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


def percentiles(milliseconds: list[float]) -> dict[str, float]:
    """P50 and P99."""
    cut = statistics.quantiles(milliseconds, n=100, method="inclusive")
    return {"p50": cut[49], "p99": cut[98], "max": max(milliseconds)}


def cpu_seconds(process: psutil.Process) -> float:
    """User and system time so far."""
    times = process.cpu_times()
    return times.user + times.system


async def open_loop(call: Callable[[int], Awaitable[object]], seconds: float) -> dict[str, float]:
    """Milliseconds from when each call was due to its end."""
    loop = asyncio.get_running_loop()
    took: list[float] = []

    async def one(number: int, due: float) -> None:
        await call(number)
        took.append((loop.time() - due) * 1e3)

    for number in range(FLAGS):
        await call(number)
    begin, calls = loop.time() + 0.01, []
    for number in range(round(RATE * seconds)):
        due = begin + number / RATE
        await asyncio.sleep(due - loop.time())
        calls.append(asyncio.create_task(one(number, due)))
    await asyncio.gather(*calls)
    return percentiles(took)


def bare_writes(folder: Path, seconds: float) -> dict[str, float]:
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
    return percentiles(took)


async def at_the_desk(folder: Path, seconds: float) -> dict[str, float]:
    """Changes by a desk in this process."""
    store = SqliteStore(folder / "desk.db", clock=time.time)
    live, audit = LiveFlags(overrides=Overrides()), AuditLog(store)
    written = StoredFlags(store, audit, take=live.take, now=time.time)
    emergency = EmergencyFlags(store, audit, take=live.take_emergency, now=time.time)
    desk = FlagDesk(written=written, live=live, audit=audit, emergency=emergency, now=time.time)
    following = asyncio.create_task(written.follow())
    try:
        return await open_loop(
            lambda number: desk.change(ROOT, f"bench.{number % FLAGS}", FlagEdit(FlagAction.PUT, definition(number)), cause="bench"),
            seconds,
        )
    finally:
        following.cancel()
        await store.close()


async def over_the_wire(address: str, seconds: float) -> dict[str, float]:
    """PutFlag at a server."""
    async with grpc.aio.insecure_channel(address) as channel:
        stub = flag_admin_service_pb2_grpc.FlagAdminServiceStub(channel)
        return await open_loop(
            lambda number: stub.PutFlag(
                api.PutFlagRequest(key=f"bench.{number % FLAGS}", definition_json=definition(number), cause="bench")
            ),
            seconds,
        )


def measure(folder: Path, seconds: float) -> dict[str, object]:
    """Everything, in one folder."""
    result: dict[str, object] = {"rate_per_second": RATE, "seconds": seconds, "bare_fsync_ms": bare_writes(folder, seconds)}
    result["desk_ms"] = asyncio.run(at_the_desk(folder, seconds))
    with running(folder / "server", settings=SETTINGS) as server:
        process = psutil.Process(server.process.pid)
        before = cpu_seconds(process)
        put_flag = asyncio.run(over_the_wire(server.address, seconds))
        result["server_cpu_ms_per_call"] = (cpu_seconds(process) - before) / (FLAGS + round(RATE * seconds)) * 1e3
    result["put_flag_ms"] = put_flag
    result["bare_fsync_after_ms"] = bare_writes(folder, seconds)
    result["put_flag_p99_as_wanted"] = put_flag["p99"] <= MOST_P99_MS
    return result


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--folder", type=Path, help="where to write; by default a new folder for temporary files")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        result = measure(Path(name), options.seconds)
    for what, found in result.items():
        figures = "  ".join(f"{label} {value:.2f}" for label, value in found.items()) if isinstance(found, dict) else found
        print(f"{what:22} {figures}")
    if options.json:
        options.json.write_text(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
