"""Start, drain, stop: what load balancers, clients and operators see."""

from __future__ import annotations

import asyncio
import os
import signal
import socket

import grpc
import grpc.aio
import pytest
from edge_server import failure, serving
from google.rpc import error_details_pb2
from grpc_channelz.v1 import channelz_pb2, channelz_pb2_grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from genesis.v1 import orchestrator_service_pb2 as pb
from genesis.v1 import orchestrator_service_pb2_grpc as pb_grpc
from genesis_server.rpc.channel_options import ChannelOptions
from genesis_server.rpc.deserialisation import MEBIBYTE, SizeBounds
from genesis_server.rpc.health import HealthServicer
from genesis_server.rpc.ports import check_port_free, split_address
from genesis_server.rpc.registration import collect
from genesis_server.rpc.server import Drain
from genesis_server.rpc.stop_signals import StopSignals

GOOD = pb.PlanRequest(goal="release the website")
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
UNKNOWN = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
SERVICE = "genesis.v1.OrchestratorService"


async def test_health_tells_every_service_and_liveness_apart() -> None:
    async with serving() as edge:
        stub = health_pb2_grpc.HealthStub(edge.channel)
        edge.server.health.set_ready(False)
        statuses = (await stub.List(health_pb2.HealthListRequest())).statuses
        assert {name: answer.status for name, answer in statuses.items()} == {
            "": NOT_SERVING,
            "readiness": NOT_SERVING,
            SERVICE: NOT_SERVING,
            "liveness": SERVING,
        }
        edge.server.health.set_ready(True)
        for service in ("", "readiness", "liveness", SERVICE):
            assert (await stub.Check(health_pb2.HealthCheckRequest(service=service))).status == SERVING
        assert (await failure_code(stub.Check(health_pb2.HealthCheckRequest(service="nobody")))) is grpc.StatusCode.NOT_FOUND


async def failure_code(call: object) -> grpc.StatusCode:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call  # type: ignore[misc]
    return caught.value.code()


async def test_a_watcher_sees_every_change_and_the_drain() -> None:
    async with serving() as edge:
        watch = aiter(health_pb2_grpc.HealthStub(edge.channel).Watch(health_pb2.HealthCheckRequest(service=SERVICE)))
        unknown = aiter(health_pb2_grpc.HealthStub(edge.channel).Watch(health_pb2.HealthCheckRequest(service="nobody")))
        assert (await anext(watch)).status == SERVING
        assert (await anext(unknown)).status == UNKNOWN
        edge.server.health.set_ready(False)
        assert (await anext(watch)).status == NOT_SERVING
        edge.server.health.set_ready(True)
        assert (await anext(watch)).status == SERVING
        edge.server.health.enter_graceful_shutdown()
        assert (await anext(watch)).status == NOT_SERVING


def test_a_draining_server_never_says_it_is_ready_again() -> None:
    health = HealthServicer([SERVICE])
    health.set_ready(True)
    assert health.ready
    health.enter_graceful_shutdown()
    health.set_ready(True)
    assert not health.ready


async def test_probes_have_a_plaintext_port_of_their_own_with_nothing_else_on_it() -> None:
    async with (
        serving(health_address="127.0.0.1:0") as edge,
        grpc.aio.insecure_channel(f"127.0.0.1:{edge.server.health_port}") as channel,
    ):
        assert (await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())).status == SERVING
        assert (await failure(pb_grpc.OrchestratorServiceStub(channel).Plan(GOOD))).reason == "UNKNOWN_METHOD"


async def test_reflection_and_channelz_are_there_when_asked_for() -> None:
    async with serving(reflection=True, channelz=True) as edge:
        request = reflection_pb2.ServerReflectionRequest(list_services="*")
        stream = reflection_pb2_grpc.ServerReflectionStub(edge.channel).ServerReflectionInfo(iter([request]))
        names = {service.name for service in (await anext(aiter(stream))).list_services_response.service}
        assert {SERVICE, "grpc.health.v1.Health"} <= names
        assert [answer async for answer in stream] == []
        servers = await channelz_pb2_grpc.ChannelzStub(edge.channel).GetServers(channelz_pb2.GetServersRequest())
        assert len(servers.server) >= 1
    async with serving() as edge:
        stub = channelz_pb2_grpc.ChannelzStub(edge.channel)
        assert (await failure(stub.GetServers(channelz_pb2.GetServersRequest()))).reason == "UNKNOWN_METHOD"


async def test_a_drain_serves_then_refuses_with_a_hint_and_lets_calls_finish() -> None:
    started, release = asyncio.Event(), asyncio.Event()

    async def slow(request: object, context: object) -> pb.PlanResponse:
        started.set()
        await release.wait()
        return pb.PlanResponse(stored=True)

    async with serving(drain=Drain(lame_duck_seconds=0.3, refuse_seconds=0.3, grace_seconds=10)) as edge:
        edge.service.behaviours["Plan"] = slow
        running = edge.stub.Plan(GOOD)
        await asyncio.wait_for(started.wait(), 5)
        stopping = asyncio.create_task(edge.server.stop())
        await asyncio.sleep(0)
        stub = health_pb2_grpc.HealthStub(edge.channel)
        assert (await stub.Check(health_pb2.HealthCheckRequest())).status == NOT_SERVING
        await edge.stub.Flag(pb.FlagRequest())
        await asyncio.wait_for(edge.admission.closed(), 5)
        late = await failure(edge.stub.Flag(pb.FlagRequest()))
        assert (late.code, late.reason) == (grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN")
        assert late.find(error_details_pb2.RetryInfo) is not None
        assert late.trailers["grpc-retry-pushback-ms"] == "1000"
        assert (await stub.Check(health_pb2.HealthCheckRequest(service="liveness"))).status == SERVING
        release.set()
        assert (await running).stored
        await asyncio.wait_for(stopping, 10)
        assert edge.sample("genesis_server_faults_total") == 0


async def test_a_call_that_outlives_the_grace_is_cut_off() -> None:
    started = asyncio.Event()

    async def hang(request: object, context: object) -> None:
        started.set()
        await asyncio.Event().wait()

    async with serving(drain=Drain(lame_duck_seconds=0, refuse_seconds=0, grace_seconds=0.05)) as edge:
        edge.service.behaviours["Plan"] = hang
        running = edge.stub.Plan(GOOD)
        await asyncio.wait_for(started.wait(), 5)
        await asyncio.wait_for(edge.server.stop(), 5)
        assert await failure_code(running) in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}


async def test_forcing_ends_all_waiting() -> None:
    started = asyncio.Event()

    async def hang(request: object, context: object) -> None:
        started.set()
        await asyncio.Event().wait()

    async with serving(drain=Drain(lame_duck_seconds=3600, grace_seconds=3600)) as edge:
        edge.service.behaviours["Plan"] = hang
        running = edge.stub.Plan(GOOD)
        await asyncio.wait_for(started.wait(), 5)
        forced = asyncio.Event()
        stopping = asyncio.create_task(edge.server.stop(forced))
        await asyncio.sleep(0)
        forced.set()
        await asyncio.wait_for(stopping, 5)
        await failure_code(running)
        edge.server._drain = Drain(0, 0, 0)


async def test_the_first_signal_asks_and_the_second_forces() -> None:
    signals = StopSignals()
    signals.install()
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(signals.requested.wait(), 5)
        assert not signals.forced.is_set()
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.wait_for(signals.forced.wait(), 5)
    finally:
        signals.uninstall()


async def test_a_second_server_on_the_port_fails_and_says_which_address_and_what_to_do() -> None:
    async with serving() as edge:
        with pytest.raises(OSError, match=rf"127\.0\.0\.1:{edge.server.port} is in use.*choose another address"):
            check_port_free(f"127.0.0.1:{edge.server.port}")
        edge.server._address = f"127.0.0.1:{edge.server.port}"
        with pytest.raises(OSError, match="is in use"):
            await edge.server.start()


async def test_processes_may_share_a_port_when_they_say_so() -> None:
    async with serving(reuse_port=True) as first:
        first.server._address = f"127.0.0.1:{first.server.port}"
        await first.server.start()


def test_a_free_port_and_a_unix_socket_need_no_more() -> None:
    check_port_free("127.0.0.1:0")
    check_port_free("unix:/nowhere/at/all")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    check_port_free(f"127.0.0.1:{port}")


def test_an_address_that_is_not_ours_is_named() -> None:
    with pytest.raises(OSError, match=r"192\.0\.2\.1:50051"):
        check_port_free("192.0.2.1:50051")


@pytest.mark.parametrize(
    ("address", "place"),
    [("127.0.0.1:1", ("127.0.0.1", 1)), ("[::]:50051", ("::", 50051)), ("localhost:0", ("localhost", 0)), ("unix:/x", None)],
)
def test_addresses_are_read(address: str, place: tuple[str, int] | None) -> None:
    assert split_address(address) == place


@pytest.mark.parametrize("address", ["", "50051", ":50051", "host:", "host:port", "host:65536"])
def test_an_address_that_is_none_says_how_one_looks(address: str) -> None:
    with pytest.raises(ValueError, match="must look like"):
        split_address(address)


def test_a_service_with_a_method_that_is_not_built_does_not_start() -> None:
    class Half(pb_grpc.OrchestratorServiceServicer):
        pass

    with pytest.raises(TypeError, match=r"OrchestratorService/Plan must be a coroutine function"):
        collect([(pb_grpc.add_OrchestratorServiceServicer_to_server, Half())], SizeBounds())


def test_a_streaming_method_that_writes_instead_of_yielding_does_not_start() -> None:
    class Writes(health_pb2_grpc.HealthServicer):
        async def Check(self, request: object, context: object) -> None: ...  # noqa: N802
        async def List(self, request: object, context: object) -> None: ...  # noqa: N802
        async def Watch(self, request: object, context: object) -> None: ...  # noqa: N802

    with pytest.raises(TypeError, match="Health/Watch must be an async generator"):
        collect([(health_pb2_grpc.add_HealthServicer_to_server, Writes())], SizeBounds())


def test_the_channel_lets_in_a_little_more_than_the_largest_bound() -> None:
    bounds = SizeBounds(default=MEBIBYTE, per_method={"/x": 8 * MEBIBYTE})
    arguments = dict(ChannelOptions().arguments(max_receive_bytes=bounds.channel_limit, reuse_port=False))
    assert arguments["grpc.max_receive_message_length"] == 10 * MEBIBYTE
    assert arguments["grpc.so_reuseport"] == 0
    assert arguments["grpc.keepalive_time_ms"] == 60_000
    assert SizeBounds(default=MEBIBYTE).channel_limit == MEBIBYTE + MEBIBYTE // 4
