"""From starting the process to serving, and the memory of a server that does nothing.

What is asked is the health of gRPC, by a client that tries again every 20 ms: with the back-off gRPC's clients have by default, a server
that serves after 1.2 s would be seen after 1.2 s or after 2.4 s, as chance has it.
"""

from __future__ import annotations

import compileall
import time
from pathlib import Path

import psutil
from bench import SETTINGS, Bench
from figures import Figure, cpu_seconds, figure

import genesis
import genesis_server
from genesis.v1 import orchestrator_service_pb2 as api
from genesis.v1 import orchestrator_service_pb2_grpc as api_grpc
from servers import running

TIMES = 7
MOST_SECONDS, MOST_MEGABYTES = 2.0, 120.0


def measure(bench: Bench) -> list[Figure]:
    """Seconds from the start of the process to SERVING, with and without waiting, and resident memory some calls of Health later."""
    for package in (genesis_server, genesis):
        # As set-up does; sources edited since would be compiled at every start where Python may not write bytecode.
        compileall.compile_dir(str(Path(str(package.__file__)).parent), quiet=1)
    seconds, computing, megabytes = [], [], []
    for number in range(TIMES):
        begin = time.perf_counter()
        with running(bench.folder / f"start{number}", settings=SETTINGS) as server:
            seconds.append(time.perf_counter() - begin)
            computing.append(cpu_seconds(server.process.pid))
            with server.channel() as channel:
                for _ in range(20):
                    api_grpc.OrchestratorServiceStub(channel).Health(api.HealthRequest())
            megabytes.append(psutil.Process(server.process.pid).memory_info().rss / 1e6)
    return [
        figure("cold start, process to SERVING", "s", seconds, aim=MOST_SECONDS),
        figure("cold start, CPU of the server", "s", computing, scales=True),
        figure("idle memory, resident", "MB", megabytes, aim=MOST_MEGABYTES),
    ]
