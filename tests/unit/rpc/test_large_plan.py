"""Large plans in a process of their own."""

from __future__ import annotations

import asyncio
import io
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import AsyncIterator

import psutil
import pytest

from genesis.v1 import catalogue_pb2, orchestrator_service_pb2, plan_pb2
from genesis_server.agents.index import CatalogueIndex
from genesis_server.model.catalogue import AgentCard, Catalogue, Skill
from genesis_server.resilience.errors import GenesisError, ResourceError, RoutingError, ValidationError
from genesis_server.rpc import large_plan_worker
from genesis_server.rpc.convert import plan_from_proto, verdict_to_proto
from genesis_server.rpc.large_plan import LargeAnswer, LargePlanProcess
from genesis_server.rpc.large_plan_jobs import HEADER, Answer, Job
from genesis_server.rpc.large_plan_worker import Judge, serve
from genesis_server.validation.judge import Limits, judge_plan

CATALOGUE = Catalogue((AgentCard("writer", (Skill("write", "write"),)),), snapshot_id="agents-1")
PLAN = plan_pb2.Plan(
    goal="Write a report",
    tasks=[plan_pb2.Task(id="a", goal="write a report", capability="write"), plan_pb2.Task(id="b", goal="write it", capability="dance")],
    edges=[plan_pb2.Edge(from_task_id="a", to_task_id="b")],
)
REQUEST = orchestrator_service_pb2.ValidateRequest(plan=PLAN)
ENDLESS_TASKS = 150_000


async def _no_plan(plan_id: str) -> plan_pb2.Plan:
    raise ResourceError("PLAN_NOT_FOUND", f"no plan {plan_id}")


@pytest.fixture
async def child() -> AsyncIterator[LargePlanProcess]:
    process = LargePlanProcess(queue_limit=2)
    yield process
    await process.close()


async def _validate(
    child: LargePlanProcess,
    request: orchestrator_service_pb2.ValidateRequest | bytes,
    *,
    seconds: float | None = 60.0,
    max_tasks: int = 200_000,
) -> LargeAnswer:
    data = request if isinstance(request, bytes) else request.SerializeToString()
    return await child.validate(
        data, catalogue=CATALOGUE, limits=Limits(max_tasks=max_tasks), fetch_plan=_no_plan, deadline_seconds=seconds
    )


def _response(answer: LargeAnswer) -> orchestrator_service_pb2.ValidateResponse:
    return orchestrator_service_pb2.ValidateResponse.FromString(answer.response)


def _endless() -> bytes:
    """A plan that takes a good part of a second."""
    tasks = [plan_pb2.Task(id=f"t{n}", goal=f"write page {n}", capability="write") for n in range(ENDLESS_TASKS)]
    return orchestrator_service_pb2.ValidateRequest(plan=plan_pb2.Plan(tasks=tasks)).SerializeToString()


async def test_the_verdict_is_the_one_of_the_server_itself_and_the_process_is_kept(child: LargePlanProcess) -> None:
    """The same plan gets the same verdict on both ways; a second request meets the same process, which knows the agents already."""
    assert child.process_id is None
    expected = verdict_to_proto(judge_plan(plan_from_proto(PLAN), index=CatalogueIndex(CATALOGUE)))
    first = _response(await _validate(child, REQUEST))
    process_id = child.process_id
    second = _response(await _validate(child, REQUEST))
    assert first.verdict == expected
    assert second == first
    assert first.provenance.agents_snapshot_id == "agents-1"
    assert child.process_id == process_id is not None
    assert psutil.Process(process_id).nice() >= 10


async def test_errors_come_back_as_errors(child: LargePlanProcess) -> None:
    with pytest.raises(ValidationError) as malformed:
        await _validate(child, b"\xff\xff\xff")
    assert malformed.value.reason == "MALFORMED_MESSAGE"
    with pytest.raises(ValidationError) as invalid:
        await _validate(child, orchestrator_service_pb2.ValidateRequest(plan=plan_pb2.Plan(tasks=[plan_pb2.Task(id="")])))
    assert [violation.field for violation in invalid.value.violations] == ["plan.tasks[0].id"]
    with pytest.raises(RoutingError) as too_many:
        await _validate(child, REQUEST, max_tasks=1)
    assert too_many.value.facts == {"limit": "1", "count": "2"}


async def test_a_request_that_names_a_stored_plan_gets_it_fetched(child: LargePlanProcess) -> None:
    request = orchestrator_service_pb2.ValidateRequest(plan_id="p1", goal="Write a report").SerializeToString()
    asked: list[str] = []

    async def fetch(plan_id: str) -> plan_pb2.Plan:
        asked.append(plan_id)
        return PLAN

    answer = await child.validate(request, catalogue=CATALOGUE, limits=Limits(), fetch_plan=fetch)
    assert asked == ["p1"]
    assert answer.goal == "Write a report"
    assert _response(answer).verdict == _response(await _validate(child, REQUEST)).verdict
    with pytest.raises(ResourceError) as missing:
        await _validate(child, request)
    assert missing.value.reason == "PLAN_NOT_FOUND"


async def test_a_process_that_died_is_replaced(child: LargePlanProcess) -> None:
    await _validate(child, REQUEST)
    first = child.process_id
    assert first is not None
    os.kill(first, signal.SIGKILL)
    assert _response(await _validate(child, REQUEST)).provenance.agents_snapshot_id == "agents-1"
    assert child.process_id != first


async def test_who_runs_out_of_time_is_told_and_the_busy_process_is_given_up(child: LargePlanProcess) -> None:
    await _validate(child, REQUEST)
    first = child.process_id
    assert first is not None
    with pytest.raises(ResourceError) as late:
        await _validate(child, _endless(), seconds=0.05)
    assert late.value.reason == "DEADLINE_EXCEEDED"
    assert child.process_id is None
    await child.close()
    assert not psutil.pid_exists(first)
    assert _response(await _validate(child, REQUEST)).verdict.finding_count >= 1


async def test_work_of_a_caller_who_went_away_is_given_up(child: LargePlanProcess) -> None:
    await _validate(child, REQUEST)
    call = asyncio.create_task(_validate(child, _endless()))
    await asyncio.sleep(0)
    assert child._turn.locked()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert child.process_id is None


async def test_more_requests_than_the_queue_holds_are_refused_with_a_hint(child: LargePlanProcess) -> None:
    calls = [asyncio.create_task(_validate(child, REQUEST)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(ResourceError) as refused:
        await _validate(child, REQUEST)
    assert (refused.value.reason, refused.value.facts) == ("OVERLOADED", {"limit": "2"})
    assert refused.value.retry_after_seconds is not None
    assert len(await asyncio.gather(*calls)) == 2


async def test_requests_that_are_too_large_together_are_refused_but_one_alone_is_taken() -> None:
    child = LargePlanProcess(queue_bytes=1)
    first = asyncio.create_task(_validate(child, REQUEST))
    await asyncio.sleep(0)
    with pytest.raises(ResourceError) as refused:
        await _validate(child, REQUEST)
    assert refused.value.reason == "OVERLOADED"
    assert (await first).response
    assert (await _validate(child, REQUEST)).response
    await child.close()


async def test_a_process_that_dies_of_a_request_twice_is_an_error(child: LargePlanProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("genesis_server.rpc.large_plan._PROGRAM", "raise SystemExit(3)")
    with pytest.raises(ResourceError) as broken:
        await _validate(child, REQUEST)
    assert broken.value.reason == "INTERNAL"


def test_no_process_stays_behind_when_the_server_is_killed() -> None:
    program = """
import asyncio, os, signal
from genesis_server.model.catalogue import Catalogue
from genesis_server.rpc.large_plan import LargePlanProcess
from genesis_server.validation.judge import Limits
async def main():
    child = LargePlanProcess()
    await child.validate(b"\\x1a\\x00", catalogue=Catalogue(), limits=Limits(), fetch_plan=None)
    print(child.process_id, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""
    ended = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, timeout=60, check=False)
    try:
        psutil.Process(int(ended.stdout)).wait(timeout=20)
    except psutil.NoSuchProcess:
        return


class TestJudge:
    """The child's work, without a process."""

    JOB = Job(Limits(), structural_only=False, catalogue_id="agents-1", catalogue=CATALOGUE)

    def _answer(self, request: bytes) -> Answer:
        return Judge().answer(self.JOB, request)

    @pytest.mark.parametrize(
        ("plan", "field"),
        [
            (plan_pb2.Plan(tasks=[plan_pb2.Task(id="a", kind=77)]), "plan.tasks[0].kind"),
            (plan_pb2.Plan(tasks=[plan_pb2.Task(id="a", state=77)]), "plan.tasks[0].state"),
            # Each edge twice, so that the graph itself would be asked for it.
            (
                plan_pb2.Plan(
                    tasks=[plan_pb2.Task(id="a"), plan_pb2.Task(id="b")],
                    edges=[plan_pb2.Edge(from_task_id="a", to_task_id="b", kind=77)] * 2,
                ),
                "plan.edges[0].kind",
            ),
        ],
    )
    def test_values_of_no_enum_are_refused(self, plan: plan_pb2.Plan, field: str) -> None:
        error = self._answer(orchestrator_service_pb2.ValidateRequest(plan=plan).SerializeToString()).error
        assert isinstance(error, ValidationError)
        assert error.reason == "INVALID_FIELD"
        assert error.violations[0].field == field

    def test_a_number_sent_as_bytes_is_a_field_nobody_knows(self) -> None:
        """As it is for small plans; it does not get mixed up with the kinds of other tasks."""
        task = plan_pb2.Task(id="a", goal="write a report", capability="write", kind=plan_pb2.TASK_KIND_PRIMITIVE).SerializeToString()
        unknown = b"\x1a\x01\x80"

        def sent(task: bytes) -> bytes:
            plan = b"\x22" + bytes([len(task)]) + task
            return orchestrator_service_pb2.ValidateRequest(plan=plan_pb2.Plan.FromString(plan)).SerializeToString()

        assert unknown in sent(task + unknown)
        assert self._answer(sent(task + unknown)).response == self._answer(sent(task)).response

    def test_a_requests_own_catalogue_comes_before_the_registered_agents(self) -> None:
        own = catalogue_pb2.Catalogue(tools=[catalogue_pb2.Tool(name="dance", description="dances")])
        request = orchestrator_service_pb2.ValidateRequest(plan=PLAN, catalogue=own)
        response = orchestrator_service_pb2.ValidateResponse.FromString(Judge().answer(self.JOB, request.SerializeToString()).response)
        assert response.provenance.agents_snapshot_id.startswith("request-")
        assert response.verdict != verdict_to_proto(judge_plan(plan_from_proto(PLAN), index=CatalogueIndex(CATALOGUE)))

    def test_agents_are_kept_between_jobs(self) -> None:
        judge, data = Judge(), REQUEST.SerializeToString()
        first = judge.answer(self.JOB, data)
        assert judge.answer(Job(Limits(), structural_only=False, catalogue_id="agents-1", catalogue=None), data) == first

    def test_a_fault_is_answered_and_logged(self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
        monkeypatch.setattr(large_plan_worker, "judge", None)
        error = Judge().answer(self.JOB, REQUEST.SerializeToString()).error
        assert error is not None
        assert error.reason == "INTERNAL"
        assert "judging a large plan failed" in caplog.text

    def test_it_ends_when_the_pipe_is_closed_and_when_nothing_comes(self) -> None:
        reader, writer = os.pipe()
        out = io.BytesIO()
        serve(reader, out, idle_seconds=0.0)
        assert out.getvalue() == b""
        job, data = pickle.dumps(self.JOB), REQUEST.SerializeToString()
        os.write(writer, HEADER.pack(len(job), len(data)) + job + data)
        os.close(writer)
        serve(reader, out, idle_seconds=5.0)
        os.close(reader)
        size, _ = HEADER.unpack(out.getvalue()[: HEADER.size])
        answer = pickle.loads(out.getvalue()[HEADER.size :])  # noqa: S301  (our own)
        assert isinstance(answer, Answer)
        assert size == len(out.getvalue()) - HEADER.size
        assert answer.response


@pytest.mark.parametrize("kind", GenesisError.__subclasses__())
def test_errors_keep_all_their_facts_across_processes(kind: type[GenesisError]) -> None:
    error = kind("REASON", "what is wrong", facts={"a": "1"}, retry_after_seconds=2.0, quota_subject="caller")
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301  (our own)
    assert type(copy) is kind
    assert str(copy) == "what is wrong"
    assert vars(copy) == vars(error)
