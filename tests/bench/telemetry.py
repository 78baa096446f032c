"""What telemetry costs: the same calls with and without it, in turn."""

from __future__ import annotations

import contextlib
from functools import partial

import grpc.aio
from bench import GOAL, SECONDS, SETTINGS, Bench, Call, cpu_per_call, run
from figures import Figure, figure

from collector import collecting
from genesis.v1 import orchestrator_service_pb2 as api
from genesis.v1 import orchestrator_service_pb2_grpc as api_grpc
from servers import Server, running

ROUNDS, BLOCKS, CALLS = 12, 10, 6
"""A round has small blocks of calls to each server in turn, so that neighbours on the machine change all alike, and lasts as long as spans
are gathered before they are exported, so that it has its share of exports."""
REFERENCE_MS = 131.57
"""The time of a whole Orchestrate that the demand is stated for: telemetry may take 1 % of it."""
RATIOS = {"1 %": "0.01", "100 %": "1"}
OFF = "off"


def measure(bench: Bench) -> list[Figure]:
    """CPU of calls with traces sampled and exported, over the same without an exporter, paired in each round; and the difference in ms."""
    with collecting() as collector, contextlib.ExitStack() as stack:
        servers = {
            OFF: stack.enter_context(running(bench.folder / "off", settings=SETTINGS)),
            **{
                name: stack.enter_context(
                    running(
                        bench.folder / f"on{ratio}",
                        settings={**SETTINGS, "GENESIS_OTLP_ENDPOINT": collector.url, "GENESIS_TRACE_SAMPLE_RATIO": ratio},
                    )
                )
                for name, ratio in RATIOS.items()
            },
        }
        found = run(_milliseconds(bench, servers))
    figures: list[Figure] = []
    for method in ("Plan", "Orchestrate"):
        off = found[OFF, method]
        for name in RATIOS:
            on = found[name, method]
            told = f"{method}, {name} of traces sampled"
            figures.append(figure(f"{told}: CPU over that without", "×", [one / other for one, other in zip(on, off, strict=True)]))
            more = [one - other for one, other in zip(on, off, strict=True)]
            aim = REFERENCE_MS / 100 if method == "Orchestrate" else None
            figures.append(figure(f"{told}: CPU it adds", "ms", more, aim=aim))
    return figures


async def _milliseconds(bench: Bench, servers: dict[str, Server]) -> dict[tuple[str, str], list[float]]:
    async with contextlib.AsyncExitStack() as stack:
        calls: dict[tuple[str, str], tuple[int, Call]] = {}
        stubs = {
            name: api_grpc.OrchestratorServiceStub(await stack.enter_async_context(grpc.aio.insecure_channel(server.address)))
            for name, server in servers.items()
        }
        for name, stub in stubs.items():
            calls[name, "Plan"] = servers[name].process.pid, partial(stub.Plan, api.PlanRequest(goal=GOAL), timeout=SECONDS)
        for name, stub in stubs.items():
            calls[name, "Orchestrate"] = (
                servers[name].process.pid,
                partial(stub.Orchestrate, api.OrchestrateRequest(goal=GOAL), timeout=SECONDS),
            )
        for pid, call in calls.values():
            await cpu_per_call(pid, call, 5 * CALLS, at_once=4)
        found: dict[tuple[str, str], list[float]] = {key: [] for key in calls}
        there = list(calls)
        for number in range(ROUNDS):
            bench.tell(f"round {number + 1} of {ROUNDS}")
            milliseconds = dict.fromkeys(calls, 0.0)
            for block in range(BLOCKS):
                # There and back again: what grows or shrinks steadily meanwhile meets all alike.
                for key in there if block % 2 else reversed(there):
                    pid, call = calls[key]
                    milliseconds[key] += await cpu_per_call(pid, call, CALLS, at_once=4) * 1e3
            for key, total in milliseconds.items():
                found[key].append(total / BLOCKS)
        return found
