"""A request id makes a retry safe."""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path

import grpc
import pytest
from edge_server import CALLER, Edge, MemoryDocuments, failure, serving
from hypothesis import given
from hypothesis import strategies as st

from genesis.v1 import orchestrator_service_pb2 as pb
from genesis_server.model.caller import Caller, Role
from genesis_server.resilience.errors import FieldViolation, ResourceError, ValidationError
from genesis_server.rpc.interceptors.idempotency import IdempotencyInterceptor
from genesis_server.rpc.remembered import Answer, Claim, decode, encode
from genesis_server.storage.base import Key
from genesis_server.storage.sqlite.store import SqliteStore

FIRST = pb.PlanRequest(request_id="r1", goal="release the website")


def counting(edge: Edge) -> None:
    """Let Plan answer with the number of the run."""

    async def plan(request: object, context: object) -> pb.PlanResponse:
        return pb.PlanResponse(plan={"id": f"plan_{len(edge.service.calls)}"})

    edge.service.behaviours["Plan"] = plan


async def test_the_same_request_gets_the_first_answer_and_runs_once() -> None:
    async with serving() as edge:
        counting(edge)
        assert (await edge.stub.Plan(FIRST)).plan.id == "plan_1"
        assert (await edge.stub.Plan(FIRST)).plan.id == "plan_1"
        assert len(edge.service.calls) == 1
        assert (await edge.stub.Plan(pb.PlanRequest(request_id="r2", goal="release the website"))).plan.id == "plan_2"


async def test_without_a_request_id_every_call_runs_and_nothing_is_stored() -> None:
    async with serving() as edge:
        counting(edge)
        request = pb.PlanRequest(goal="release the website")
        assert (await edge.stub.Plan(request)).plan.id == "plan_1"
        assert (await edge.stub.Plan(request)).plan.id == "plan_2"
        await edge.stub.Route(pb.RouteRequest(plan_id="p"))
        assert edge.documents.entries == {}


async def test_the_same_id_with_another_request_is_refused() -> None:
    async with serving() as edge:
        counting(edge)
        await edge.stub.Plan(FIRST)
        failed = await failure(edge.stub.Plan(pb.PlanRequest(request_id="r1", goal="another goal")))
        assert (failed.code, failed.reason) == (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED")
        assert failed.info.metadata["request_id"] == "r1"


async def test_an_id_belongs_to_its_method() -> None:
    async with serving() as edge:
        counting(edge)
        await edge.stub.Plan(FIRST)
        await edge.stub.Orchestrate(pb.OrchestrateRequest(request_id="r1", goal="release the website"))
        assert [name for name, _ in edge.service.calls] == ["Plan", "Orchestrate"]


async def test_an_id_belongs_to_its_tenant() -> None:
    documents = MemoryDocuments()
    for tenant in ("acme", "umbrella"):
        async with serving(documents=documents, caller=Caller(tenant, "ann", frozenset({Role.CLIENT}))) as edge:
            counting(edge)
            await edge.stub.Plan(FIRST)
            assert len(edge.service.calls) == 1


async def test_a_duplicate_that_arrives_meanwhile_waits_for_the_first_answer() -> None:
    release, started = asyncio.Event(), asyncio.Event()

    async def slow(request: object, context: object) -> pb.PlanResponse:
        started.set()
        await release.wait()
        return pb.PlanResponse(plan={"id": "only"})

    async with serving() as edge:
        edge.service.behaviours["Plan"] = slow
        first = edge.stub.Plan(FIRST)
        await asyncio.wait_for(started.wait(), 5)
        rest = [edge.stub.Plan(FIRST) for _ in range(5)]
        await asyncio.sleep(0)
        release.set()
        answers = [await call for call in (first, *rest)]
        assert {answer.plan.id for answer in answers} == {"only"}
        assert len(edge.service.calls) == 1


@pytest.mark.usefixtures("uncollected")
async def test_a_call_that_is_over_leaves_nothing_to_the_garbage_collector() -> None:
    """Or the server's memory grows from one look of the collector to the next."""

    def claims() -> int:
        return sum(type(one).__name__ == "_Claimed" for one in gc.get_objects())

    began, inside = claims(), list[int]()

    async def plan(request: object, context: object) -> pb.PlanResponse:
        await asyncio.sleep(0)
        inside.append(claims())
        return pb.PlanResponse()

    async with serving() as edge:
        edge.service.behaviours["Plan"] = plan
        for number in range(3):
            await edge.stub.Plan(pb.PlanRequest(request_id=f"r{number}", goal="release the website"))
    assert (inside[0], claims()) == (began + 1, began)


async def test_an_error_that_a_retry_cannot_mend_is_remembered_with_its_facts() -> None:
    async def refuse(request: object, context: object) -> None:
        raise ValidationError("INVALID_FIELD", "no", facts={"field": "goal"}, violations=[FieldViolation("goal", "no", "rule")])

    async with serving() as edge:
        edge.service.behaviours["Plan"] = refuse
        first, second = await failure(edge.stub.Plan(FIRST)), await failure(edge.stub.Plan(FIRST))
        assert first.reason == second.reason == "INVALID_FIELD"
        assert second.info.metadata["field"] == "goal"
        assert len(edge.service.calls) == 1


@pytest.mark.parametrize("error", [ResourceError("STORAGE_UNAVAILABLE", "gone", retry_after_seconds=1), RuntimeError("fault")])
async def test_an_error_that_a_retry_may_mend_is_not_remembered(error: Exception) -> None:
    async def fail(request: object, context: object) -> None:
        raise error

    async with serving() as edge:
        edge.service.behaviours["Plan"] = fail
        await failure(edge.stub.Plan(FIRST))
        counting(edge)
        assert (await edge.stub.Plan(FIRST)).plan.id == "plan_2"


async def test_a_cancelled_call_leaves_the_id_free() -> None:
    started = asyncio.Event()

    async def hang(request: object, context: object) -> None:
        started.set()
        await asyncio.Event().wait()

    async with serving() as edge:
        edge.service.behaviours["Plan"] = hang
        call = edge.stub.Plan(FIRST)
        await asyncio.wait_for(started.wait(), 5)
        call.cancel()
        await asyncio.wait_for(edge.admission.idle(), 5)
        counting(edge)
        assert (await edge.stub.Plan(FIRST)).plan.id == "plan_2"


async def test_an_answer_is_forgotten_after_a_day() -> None:
    now = [1000.0]
    async with serving(now=lambda: now[0]) as edge:
        counting(edge)
        await edge.stub.Plan(FIRST)
        now[0] += 23.9 * 3600
        assert (await edge.stub.Plan(FIRST)).plan.id == "plan_1"
        now[0] += 0.2 * 3600
        assert (await edge.stub.Plan(FIRST)).plan.id == "plan_2"


async def test_an_answer_survives_a_restart_of_the_server(tmp_path: Path) -> None:
    for expected_runs in (1, 0):
        store = SqliteStore(tmp_path / "genesis.sqlite3", clock=lambda: 1000.0)
        async with serving(documents=store, now=lambda: 1000.0) as edge:
            counting(edge)
            assert (await edge.stub.Plan(FIRST)).plan.id == "plan_1"
            assert len(edge.service.calls) == expected_runs
        await store.close()


class Step:
    """A sleep that a test lets go on."""

    def __init__(self) -> None:
        self.asleep = asyncio.Event()
        self.go = asyncio.Event()

    async def __call__(self, seconds: float) -> None:
        assert seconds > 0
        self.asleep.set()
        await self.go.wait()
        await asyncio.sleep(0)


async def once(layer: IdempotencyInterceptor, run: object, digest: str = "d") -> bytes:
    return await layer._once(Key("acme", "idempotency", "Plan:r1"), digest, run)


async def test_a_duplicate_at_another_process_waits_for_this_one() -> None:
    documents, here, there = MemoryDocuments(), Step(), Step()
    first = IdempotencyInterceptor(documents, sleep=here)
    second = IdempotencyInterceptor(documents, sleep=there)
    release = asyncio.Event()

    async def slow() -> bytes:
        await release.wait()
        return b"first"

    async def never() -> bytes:
        raise AssertionError("it ran twice")

    running = asyncio.create_task(once(first, slow))
    await here.asleep.wait()
    waiting = asyncio.create_task(once(second, never))
    await asyncio.wait_for(there.asleep.wait(), 5)
    with pytest.raises(ValidationError, match="another request"):
        await once(IdempotencyInterceptor(documents), never, "other digest")
    release.set()
    assert await running == b"first"
    there.go.set()
    assert await asyncio.wait_for(waiting, 5) == b"first"


async def test_the_claim_of_a_process_that_died_ends_and_another_takes_over() -> None:
    now = [1000.0]
    documents, there = MemoryDocuments(lambda: now[0]), Step()
    dead = IdempotencyInterceptor(documents, now=lambda: now[0])
    await dead._claim(Key("acme", "idempotency", "Plan:r1"), "d")

    async def answer() -> bytes:
        return b"second"

    waiting = asyncio.create_task(once(IdempotencyInterceptor(documents, now=lambda: now[0], sleep=there), answer))
    await asyncio.wait_for(there.asleep.wait(), 5)
    now[0] += 15.1
    there.go.set()
    assert await asyncio.wait_for(waiting, 5) == b"second"


async def test_a_claim_is_renewed_while_the_work_goes_on() -> None:
    now = [1000.0]
    documents, here = MemoryDocuments(lambda: now[0]), Step()
    layer = IdempotencyInterceptor(documents, now=lambda: now[0], sleep=here)
    release = asyncio.Event()

    async def slow() -> bytes:
        await release.wait()
        return b"late"

    running = asyncio.create_task(once(layer, slow))
    await here.asleep.wait()
    now[0] += 10
    here.asleep.clear()
    here.go.set()
    await here.asleep.wait()
    now[0] += 10
    assert await documents.get(Key("acme", "idempotency", "Plan:r1")) is not None
    here.go.clear()
    release.set()
    assert await running == b"late"
    assert await once(layer, slow) == b"late"


async def test_an_answer_that_cannot_be_kept_is_given_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    class Filling(MemoryDocuments):
        async def put(self, key: Key, value: bytes, **options: object) -> int:  # type: ignore[override]
            if self.puts:
                raise ResourceError("STORAGE_FULL", "full")
            return await super().put(key, value, **options)  # type: ignore[arg-type]

    async with serving(documents=Filling()) as edge:
        counting(edge)
        assert (await edge.stub.Plan(FIRST)).plan.id == "plan_1"
    assert "STORAGE_FULL" in caplog.text


async def test_a_claim_that_was_lost_meanwhile_keeps_the_other_processes_answer(caplog: pytest.LogCaptureFixture) -> None:
    documents = MemoryDocuments()
    key = Key(CALLER.tenant, "idempotency", "Plan:r1")

    async def overtaken(request: object, context: object) -> pb.PlanResponse:
        await documents.put(key, encode(Answer("x")))
        return pb.PlanResponse(plan={"id": "mine"})

    async with serving(documents=documents) as edge:
        edge.service.behaviours["Plan"] = overtaken
        assert (await edge.stub.Plan(FIRST)).plan.id == "mine"
    assert decode(documents.entries[key][0]) == Answer("x")
    assert "ended before its answer" in caplog.text


texts = st.text(max_size=20)


@given(
    digest=texts,
    response=st.binary(max_size=50),
    facts=st.dictionaries(texts, texts, max_size=3),
    violations=st.lists(st.builds(FieldViolation, texts, texts, texts), max_size=3),
)
def test_what_is_remembered_comes_back_the_same(
    digest: str, response: bytes, facts: dict[str, str], violations: list[FieldViolation]
) -> None:
    assert decode(encode(Claim(digest))) == Claim(digest)
    assert decode(encode(Answer(digest, response))) == Answer(digest, response)
    told = decode(encode(Answer(digest, error=ResourceError("PLAN_NOT_FOUND", "gone", facts=facts, violations=violations))))
    assert isinstance(told, Answer)
    assert isinstance(told.error, ResourceError)
    assert (told.error.reason, told.error.facts, told.error.violations) == ("PLAN_NOT_FOUND", facts, tuple(violations))
