"""How long Orchestrate of the demo's goal takes, one call at a time: the server's own time, and what a caller waits."""

from __future__ import annotations

import time

from bench import GOAL, SETTINGS, Bench
from figures import Figure, percentiles, single

from genesis.v1 import orchestrator_service_pb2 as api
from genesis.v1 import orchestrator_service_pb2_grpc as api_grpc
from servers import running

CALLS, WARM_UP = 300, 30
MOST_P50_MS = 15.0


def measure(bench: Bench) -> list[Figure]:
    """P50 and P99 of both, in ms; the server's time is the sum of the phases that the answer tells."""
    inside, outside = [], []
    with running(bench.folder / "orchestrate", settings=SETTINGS) as server, server.channel() as channel:
        stub = api_grpc.OrchestratorServiceStub(channel)
        for number in range(WARM_UP + CALLS):
            start = time.perf_counter()
            answer = stub.Orchestrate(api.OrchestrateRequest(goal=GOAL))
            seconds = time.perf_counter() - start
            if number >= WARM_UP:
                outside.append(seconds * 1e3)
                inside.append(sum(phase.duration.ToTimedelta().total_seconds() for phase in answer.provenance.phases) * 1e3)
    told = f"Orchestrate of the demo's goal, {len(answer.plan.tasks)} tasks"
    server_ms, client_ms = percentiles(inside), percentiles(outside)
    return [
        single(f"{told}: server's time, P50", "ms", server_ms["p50"], aim=MOST_P50_MS, scales=True),
        single(f"{told}: server's time, P99", "ms", server_ms["p99"], scales=True),
        single(f"{told}: caller's time, P50", "ms", client_ms["p50"], scales=True),
        single(f"{told}: caller's time, P99", "ms", client_ms["p99"], scales=True),
    ]
