"""What whole calls cost the server's processor, next to the echo; 1 % of the traces are sampled and exported."""

from __future__ import annotations

from functools import partial

import grpc.aio
from bench import GOAL, SECONDS, SETTINGS, Bench, Call, run
from figures import Figure, figure

from collector import collecting
from genesis.v1 import orchestrator_service_pb2 as api
from genesis.v1 import orchestrator_service_pb2_grpc as api_grpc
from servers import Server, running

ROUNDS, CALLS, PLANS = 15, 1_000, 40
MOST_FLAG = 1.8
NAMES = {
    "Flag": "Flag, one flag",
    "Flags": "Flag, all flags",
    "Health": "Health",
    "Plan": "Plan, with the write to disk",
    "Orchestrate": "Orchestrate, with the write to disk",
}


def measure(bench: Bench) -> list[Figure]:
    """CPU of calls, times the echo's."""
    settings = {**SETTINGS, "GENESIS_TRACE_SAMPLE_RATIO": "0.01"}
    with (
        collecting() as collector,
        running(bench.folder / "calls", settings={**settings, "GENESIS_OTLP_ENDPOINT": collector.url}) as server,
    ):
        found = run(_ratios(bench, server))
    return [figure(f"CPU of {told}", "× echo", found[name], aim=MOST_FLAG if name == "Flag" else None) for name, told in NAMES.items()]


async def _ratios(bench: Bench, server: Server) -> dict[str, list[float]]:
    async with grpc.aio.insecure_channel(server.address) as channel:
        stub = api_grpc.OrchestratorServiceStub(channel)
        calls: dict[str, tuple[Call, int]] = {
            "Flag": (partial(stub.Flag, api.FlagRequest(keys=["otel_enabled"]), timeout=SECONDS), CALLS),
            "Flags": (partial(stub.Flag, api.FlagRequest(), timeout=SECONDS), CALLS),
            "Health": (partial(stub.Health, api.HealthRequest(), timeout=SECONDS), CALLS),
            "Plan": (partial(stub.Plan, api.PlanRequest(goal=GOAL), timeout=SECONDS), PLANS),
            "Orchestrate": (partial(stub.Orchestrate, api.OrchestrateRequest(goal=GOAL), timeout=SECONDS), PLANS),
        }
        return await bench.ratios({name: (server.process.pid, call, count) for name, (call, count) in calls.items()}, rounds=ROUNDS)
