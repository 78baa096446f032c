"""Events of plans from the wire, and streams of versions that neither crowd calls out nor hold the server's stop up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import cast

import grpc
import pytest
from edge_server import serving
from work_cases import FakeDispatcher

from genesis.v1 import orchestrator_service_pb2, update_pb2
from genesis_server.model.plan import Plan, Task
from genesis_server.model.provenance import DegradationLevel, Provenance
from genesis_server.orchestration.plan_store import PlanStore, StoredPlan
from genesis_server.orchestration.updating import Updater
from genesis_server.resilience.errors import NetworkError, ResourceError, ValidationError
from genesis_server.rpc import admission as bounds
from genesis_server.rpc.admission import Admission
from genesis_server.rpc.convert.updates import event_from_proto
from genesis_server.rpc.updates import UpdateAnswers
from genesis_server.storage.opening import open_store

WATCH = update_pb2.WatchPlanRequest(plan_id="p1")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[PlanStore]:
    opened = open_store(f"sqlite://{tmp_path / 'store.db'}", clock=lambda: 0.0)
    store = PlanStore(opened)
    await store.create("acme", StoredPlan(Plan("go", (Task("a", "go"),), id="p1", version=1), Provenance(DegradationLevel.HEURISTIC)))
    yield store
    await opened.close()


def answers_over(store: PlanStore, admission: Admission) -> UpdateAnswers:
    return UpdateAnswers(updater=cast("Updater", None), store=store, dispatcher=FakeDispatcher(), admission=admission)


async def test_who_watches_is_sent_elsewhere_when_the_server_stops(store: PlanStore) -> None:
    admission = Admission(max_concurrent=1)
    async with asyncio.timeout(10), aclosing(answers_over(store, admission).watch(WATCH, "acme")) as versions:
        assert (await anext(versions)).version == 1
        asyncio.get_running_loop().call_soon(admission.close)
        with pytest.raises(NetworkError) as caught:
            await anext(versions)
    assert (caught.value.reason, caught.value.retry_after_seconds) == ("SHUTTING_DOWN", 1.0)


async def test_a_stream_ends_with_its_plan_and_a_plan_that_is_not_there_has_none(store: PlanStore) -> None:
    answers = answers_over(store, Admission(max_concurrent=1))
    async with asyncio.timeout(10), aclosing(answers.watch(WATCH, "acme")) as versions:
        assert (await anext(versions)).version == 1
        await store.delete("acme", "p1")
        assert await anext(versions, None) is None
    with pytest.raises(ResourceError) as caught:
        await anext(answers.watch(WATCH, "acme"))
    assert caught.value.reason == "PLAN_NOT_FOUND"


async def test_one_watcher_too_many_is_refused_until_another_leaves(store: PlanStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "MAX_WATCHES", 1)
    answers = answers_over(store, Admission(max_concurrent=1))
    async with asyncio.timeout(10), aclosing(answers.watch(WATCH, "acme")) as first:
        await anext(first)
        with pytest.raises(ResourceError) as caught:
            await anext(answers.watch(WATCH, "acme"))
        assert (caught.value.reason, caught.value.facts) == ("OVERLOADED", {"limit": "1"})
    async with asyncio.timeout(10), aclosing(answers.watch(WATCH, "acme")) as second:
        assert (await anext(second)).version == 1


async def test_a_watcher_takes_no_calls_place() -> None:
    """With room for one call, a call is answered while somebody watches."""
    release = asyncio.Event()

    async def wait(request: object, context: object) -> AsyncIterator[update_pb2.WatchPlanResponse]:
        yield update_pb2.WatchPlanResponse(version=1)
        await release.wait()

    async with serving(max_concurrent=1) as edge:
        edge.service.behaviours["WatchPlan"] = wait
        stream = edge.stub.WatchPlan(WATCH)
        assert (await stream.read()).version == 1
        await edge.stub.Plan(orchestrator_service_pb2.PlanRequest(goal="release the website"))
        release.set()
        assert await stream.read() == grpc.aio.EOF


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_json_does_not_know_is_the_callers_mistake(number: float) -> None:
    done, told = update_pb2.UpdatePlanRequest(), update_pb2.UpdatePlanRequest()
    done.done.outputs.update({"a": {"b": [number]}})
    told.information.facts["a"] = number
    for request, field in ((done, "done.outputs"), (told, "information.facts")):
        with pytest.raises(ValidationError) as caught:
            event_from_proto(request, actor="ann")
        assert caught.value.violations[0].field == field
