"""What each layer around a call costs: the bare server, then one more layer, and so on, then all."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from functools import partial

import grpc.aio
from bench import HERE, SECONDS, SETTINGS, Bench, run
from figures import Figure, figure

from collector import collecting
from genesis.v1 import orchestrator_service_pb2 as api
from genesis.v1 import orchestrator_service_pb2_grpc as api_grpc
from servers import clean_environment

ROUNDS, CALLS = 9, 1_000
REQUEST = api.FlagRequest(keys=["otel_enabled"])


def measure(bench: Bench) -> list[Figure]:
    """CPU of a call that does nothing, times the echo's, by how many layers it goes through; 1 % of the traces are sampled."""
    with collecting() as collector, _serving(bench, collector.url) as (pid, ports):
        found = run(_ratios(bench, pid, ports))
    figures: list[Figure] = []
    for number, (name, values) in enumerate(found.items()):
        told = {0: "no layer", 1: f"first layer, {name}", len(found) - 1: f"… and {name}, which is all"}.get(number, f"… and {name}")
        figures.append(figure(f"layers: {told}", "× echo", values))
    return figures


async def _ratios(bench: Bench, pid: int, ports: dict[str, int]) -> dict[str, list[float]]:
    async with contextlib.AsyncExitStack() as stack:
        methods = {}
        for name, port in ports.items():
            channel = await stack.enter_async_context(grpc.aio.insecure_channel(f"127.0.0.1:{port}"))
            methods[name] = (pid, partial(api_grpc.OrchestratorServiceStub(channel).Flag, REQUEST, timeout=SECONDS), CALLS)
        return await bench.ratios(methods, rounds=ROUNDS)


@contextlib.contextmanager
def _serving(bench: Bench, collector: str) -> Iterator[tuple[int, dict[str, int]]]:
    """The process of the servers, and their ports by the name of the innermost layer."""
    environment = clean_environment(
        **SETTINGS,
        GENESIS_DATA_DIR=str(bench.folder / "layers"),
        GENESIS_STORAGE_TEST_MODE="true",
        GENESIS_OTLP_ENDPOINT=collector,
        GENESIS_TRACE_SAMPLE_RATIO="0.01",
    )
    with (
        (bench.folder / "layers.log").open("w") as log,
        subprocess.Popen(
            [sys.executable, str(HERE / "layers_server.py")], env=environment, stdout=subprocess.PIPE, stderr=log, text=True
        ) as process,
    ):
        try:
            assert process.stdout is not None
            lines = [line.split() for line in iter(process.stdout.readline, "serving\n")]
            ports = {name: int(port) for name, port in lines}
            yield process.pid, ports
        finally:
            process.terminate()
