"""What the server refuses to take on, and what it tells the caller to do."""

from __future__ import annotations

import asyncio

import grpc
import pytest
from edge_server import failure, serving, stream_failure
from google.rpc import error_details_pb2
from hypothesis import given
from hypothesis import strategies as st

from genesis.v1 import orchestrator_service_pb2 as pb
from genesis_server.rpc.interceptors.limits import Limits
from genesis_server.rpc.rates import CallerRates

GOOD = pb.PlanRequest(goal="release the website")
STREAM = pb.PlanStreamRequest(plan=GOOD)


async def test_calls_above_the_bound_are_refused_at_once_and_health_is_not() -> None:
    release = asyncio.Event()
    started = asyncio.Event()

    async def wait(request: object, context: object) -> pb.PlanResponse:
        started.set()
        await release.wait()
        return pb.PlanResponse()

    async with serving(max_concurrent=1) as edge:
        edge.service.behaviours["Plan"] = wait
        running = edge.stub.Plan(GOOD)
        await asyncio.wait_for(started.wait(), 5)
        refused = await failure(edge.stub.Plan(GOOD))
        assert (refused.code, refused.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED")
        assert refused.info.metadata["limit"] == "1"
        assert refused.find(error_details_pb2.RetryInfo) is not None
        assert (await stream_failure(edge.stub.PlanStream(STREAM))).reason == "OVERLOADED"
        await edge.stub.Health(pb.HealthRequest())
        assert edge.sample("genesis_calls_in_flight") == 1
        release.set()
        await running
        await edge.stub.Plan(GOOD)


async def test_a_caller_above_its_rate_is_told_when_to_come_back() -> None:
    time = [100.0]
    async with serving(limits=Limits(rate_per_second=2, rate_burst=2), clock=lambda: time[0]) as edge:
        ann, bob = (("authorization", "Bearer ann"),), (("authorization", "Bearer bob"),)
        await edge.stub.Plan(GOOD, metadata=ann)
        await edge.stub.Plan(GOOD, metadata=ann)
        refused = await failure(edge.stub.Plan(GOOD, metadata=ann))
        assert (refused.code, refused.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "RATE_LIMITED")
        assert refused.find(error_details_pb2.RetryInfo).retry_delay.ToTimedelta().total_seconds() == 0.5
        assert refused.find(error_details_pb2.QuotaFailure) is not None
        assert refused.trailers["grpc-retry-pushback-ms"] == "500"
        assert (await stream_failure(edge.stub.PlanStream(STREAM, metadata=ann))).reason == "RATE_LIMITED"
        await edge.stub.Plan(GOOD, metadata=bob)
        await edge.stub.Plan(GOOD)
        await edge.stub.Health(pb.HealthRequest(), metadata=ann)
        time[0] += 0.5
        await edge.stub.Plan(GOOD, metadata=ann)


async def test_more_credentials_behind_the_first_make_no_other_caller() -> None:
    async with serving(limits=Limits(rate_per_second=1, rate_burst=1), clock=lambda: 100.0) as edge:
        ann = ("authorization", "Bearer ann")
        await edge.stub.Plan(GOOD, metadata=(ann,))
        assert (await failure(edge.stub.Plan(GOOD, metadata=(ann, ("authorization", "Bearer another"))))).reason == "RATE_LIMITED"


@given(
    steps=st.lists(st.tuples(st.sampled_from(["ann", "bob"]), st.floats(0, 3, allow_nan=False)), max_size=60),
    rate=st.floats(0.5, 20),
    burst=st.integers(1, 10),
)
def test_no_caller_ever_gets_more_than_the_burst_and_the_rate(steps: list[tuple[str, float]], rate: float, burst: int) -> None:
    now = [0.0]
    rates = CallerRates(per_second=rate, burst=burst, clock=lambda: now[0])
    allowed = {"ann": 0, "bob": 0}
    for caller, pause in steps:
        now[0] += pause
        wait = rates.take(caller)
        assert wait >= 0
        allowed[caller] += wait == 0
        assert allowed[caller] <= burst + now[0] * rate + 1e-6


@given(burst=st.integers(1, 5), rate=st.floats(0.5, 20))
def test_waiting_as_told_is_enough(burst: int, rate: float) -> None:
    now = [0.0]
    rates = CallerRates(per_second=rate, burst=burst, clock=lambda: now[0])
    for _ in range(burst):
        assert rates.take("ann") == 0
    wait = rates.take("ann")
    assert wait > 0
    now[0] += wait + 1e-9
    assert rates.take("ann") == 0


def test_callers_are_forgotten_beyond_a_bound() -> None:
    rates = CallerRates(per_second=1, burst=1, clock=lambda: 0.0, max_callers=2)
    assert rates.take("ann") == 0
    assert rates.take("ann") > 0
    assert rates.take("bob") == 0
    assert rates.take("cid") == 0
    assert rates.take("ann") == 0


@pytest.mark.parametrize("deadline", [0.0, 30.0])
async def test_a_call_is_served_with_or_without_a_bound_on_its_time(deadline: float) -> None:
    async with serving(limits=Limits(rate_per_second=0, default_deadline_seconds=deadline)) as edge:
        await edge.stub.Plan(GOOD)
        await edge.stub.Plan(GOOD, timeout=10)
