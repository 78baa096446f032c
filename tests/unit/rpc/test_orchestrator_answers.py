"""What plans that are carried out are asked and answered with: budgets, runs, artefacts, reports."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from work_cases import BALANCE, FakeDispatcher

from genesis.v1 import orchestrator_service_pb2 as pb
from genesis.v1 import update_pb2, work_pb2
from genesis_server.model.caller import Caller, Role
from genesis_server.model.plan import Plan, PlanCounters, PlanState, Task
from genesis_server.model.provenance import DegradationLevel, Provenance
from genesis_server.model.update import Approve, Known, PlanDiff
from genesis_server.model.work import RunBudget, TaskRun
from genesis_server.orchestration.dispatching.answers import RunView, TaskRunView
from genesis_server.orchestration.orchestrator import Call
from genesis_server.orchestration.plan_store import PlanStore, StoredPlan
from genesis_server.orchestration.results import Planned, RunOptions
from genesis_server.orchestration.updating import UpdateAnswer, Updater
from genesis_server.resilience.errors import GenesisError, ResourceError, SecurityError
from genesis_server.rpc.admission import Admission
from genesis_server.rpc.context import set_caller
from genesis_server.rpc.orchestrator import OrchestratorServicer
from genesis_server.rpc.reports import ReportAnswers
from genesis_server.rpc.updates import UpdateAnswers
from genesis_server.security.agent_identity import AgentIdentity
from genesis_server.storage.opening import open_store
from genesis_server.telemetry.context import begin_call, set_call

ANN = Caller("acme", "ann", frozenset({Role.CLIENT}))
BUILD = Caller("acme", "build", frozenset({Role.AGENT}))
PROVENANCE = Provenance(DegradationLevel.HEURISTIC)
PLAN = Plan("go", (Task("a", "go"), Task("b", "on")), id="p1", version=1)
RUN = RunView(BALANCE, (TaskRunView(TaskRun("a", dead_letter="no way")),), dispatched=True, priority=7)
TRACE = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"


class Context:
    """A call without a deadline."""

    def time_remaining(self) -> None:
        return None


class FakePlanner:
    """Notes how plans are to be carried out."""

    def __init__(self, store: PlanStore) -> None:
        self.store = store
        self.runs: list[RunOptions | None] = []

    async def plan(self, call: Call, wish: Any, *, run: RunOptions | None = None) -> Planned:
        self.runs.append(run)
        return Planned(PLAN, PROVENANCE)

    async def plan_events(self, call: Call, wish: Any, *, run: RunOptions | None = None) -> AsyncIterator[Planned]:
        self.runs.append(run)
        yield Planned(PLAN, PROVENANCE)

    async def orchestrate(self, call: Call, wish: Any, *, constraints: Any, explanation: Any, run: RunOptions | None = None) -> Any:
        self.runs.append(run)
        raise ResourceError("OVERLOADED", "that is all")


class Desk:
    """A servicer with what it stands on."""

    def __init__(self, store: PlanStore) -> None:
        self.store, self.dispatcher, self.planner = store, FakeDispatcher(), FakePlanner(store)
        self.exhausted = False

        async def check_budget(tenant: str, plan_id: str) -> None:
            if self.exhausted:
                raise ResourceError("BUDGET_EXHAUSTED", f"nothing is left of {tenant}'s {plan_id}")

        nothing = cast("Any", None)
        self.servicer = OrchestratorServicer(
            orchestrator=cast("Any", self.planner),
            catalogues=nothing,
            large=nothing,
            tokens=nothing,
            status=nothing,
            flags=nothing,
            decisions=nothing,
            updates=nothing,
            reports=ReportAnswers(dispatcher=self.dispatcher, identity=AgentIdentity(lambda _tenant, _agent: False)),
            dispatcher=self.dispatcher,
            check_budget=check_budget,
        )

    async def ask(self, method: str, request: Any) -> Any:
        return await getattr(self.servicer, method)(request, Context())


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    opened = open_store(f"sqlite://{tmp_path / 'store.db'}", clock=lambda: 0.0)
    set_caller(ANN)
    set_call(begin_call("m", {"x-correlation-id": "c1", "traceparent": TRACE}))
    yield Desk(PlanStore(opened))
    await opened.close()


async def test_a_plan_that_nobody_carries_out_has_no_balance(desk: Desk) -> None:
    await desk.store.create("acme", StoredPlan(PLAN, PROVENANCE))
    found = await desk.ask("GetPlan", pb.GetPlanRequest(plan_id="p1"))
    assert (found.HasField("balance"), len(found.runs), len(found.artefacts), found.HasField("dispatch")) == (False, 0, 0, False)


async def test_a_plan_that_is_carried_out_shows_balance_runs_and_artefacts(desk: Desk) -> None:
    known = Known(outputs={"b": {"n": 1}})
    await desk.store.create("acme", StoredPlan(PLAN, PROVENANCE, known=known))
    desk.dispatcher.run = RUN
    found = await desk.ask("GetPlan", pb.GetPlanRequest(plan_id="p1"))
    assert (found.balance.limit.tasks, found.runs[0].dead_letter, found.dispatch.priority) == (9, "no way", 7)
    assert (found.artefacts[0].task_id, found.artefacts[0].artefact.WhichOneof("content")) == ("b", None)
    found = await desk.ask("GetPlan", pb.GetPlanRequest(plan_id="p1", include_artefact_contents=True))
    assert found.artefacts[0].artefact.value.number_value == 1
    desk.dispatcher.run = replace(RUN, dispatched=False)
    assert not (await desk.ask("GetPlan", pb.GetPlanRequest(plan_id="p1"))).HasField("dispatch")


async def test_a_budget_is_opened_with_a_plan_however_it_is_made(desk: Desk) -> None:
    budget = work_pb2.RunBudget(tokens=5)
    await desk.ask("Plan", pb.PlanRequest(goal="g", run_budget=budget))
    async for _ in desk.servicer.PlanStream(pb.PlanStreamRequest(plan={"goal": "g", "run_budget": budget}), cast("Any", Context())):
        pass
    with pytest.raises(ResourceError, match="that is all"):
        await desk.ask("Orchestrate", pb.OrchestrateRequest(goal="g", run_budget=budget, dispatch={"priority": 9}))
    await desk.ask("Plan", pb.PlanRequest(goal="g"))
    opened = RunOptions(RunBudget(tokens=5), traceparent=TRACE)
    assert desk.planner.runs == [opened, opened, replace(opened, dispatched=True, priority=9), None]


async def test_a_plan_whose_budget_is_used_up_is_not_routed_again(desk: Desk) -> None:
    await desk.store.create("acme", StoredPlan(PLAN, PROVENANCE))
    desk.exhausted = True
    with pytest.raises(ResourceError) as caught:
        await desk.ask("Route", pb.RouteRequest(plan_id="p1"))
    assert caught.value.reason == "BUDGET_EXHAUSTED"


DONE = work_pb2.ReportRequest(plan_id="p1", task_id="a", done=work_pb2.ReportedDone())
LEASED = work_pb2.ReportRequest(plan_id="p1", task_id="a", done=work_pb2.ReportedDone(), lease={"lease_id": "l", "token": 1})


async def test_a_client_reports_what_was_done_elsewhere_and_an_agent_its_own_leases(desk: Desk) -> None:
    assert (await desk.ask("Report", DONE)).next == "b is ready"
    set_caller(BUILD)
    await desk.ask("Report", LEASED)
    both = Caller("acme", "ann", frozenset({Role.CLIENT, Role.AGENT}))
    set_caller(both)
    await desk.ask("Report", DONE)
    assert [agent_id for _, agent_id in desk.dispatcher.reports] == [None, "build", None]


async def test_an_agent_reports_nothing_it_holds_no_lease_of(desk: Desk) -> None:
    set_caller(BUILD)
    with pytest.raises(SecurityError) as caught:
        await desk.ask("Report", DONE)
    assert caught.value.reason == "PERMISSION_DENIED"
    assert desk.dispatcher.reports == []


class FakeUpdater:
    """Notes events."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    async def update(self, call: Call, plan_id: str, version: int, event: Any) -> UpdateAnswer:
        self.events.append(event)
        nothing = cast("Any", ())
        return UpdateAnswer(
            plan_id="p1",
            version=2,
            diff=PlanDiff(),
            ready=nothing,
            undecided=nothing,
            counters=PlanCounters(),
            state=PlanState.ACTIVE,
            replanned=False,
            routes=nothing,
            note="",
            provenance=PROVENANCE,
            balance=BALANCE,
        )


async def test_an_approval_bears_the_name_of_whoever_gave_it_and_an_event_tells_the_balance(desk: Desk) -> None:
    updater = FakeUpdater()
    answers = UpdateAnswers(
        updater=cast("Updater", updater), store=desk.store, dispatcher=desk.dispatcher, admission=Admission(max_concurrent=1)
    )
    request = update_pb2.UpdatePlanRequest(plan_id="p1", approve={"task_id": "a"})
    answer = await answers.update(request, Call(ANN, ""))
    assert (updater.events, answer.balance.limit.tasks) == ([Approve("a", "ann")], 9)


async def test_who_asks_for_it_is_told_of_the_work_on_a_plan(desk: Desk) -> None:
    await desk.store.create("acme", StoredPlan(replace(PLAN, state=PlanState.DONE), PROVENANCE))
    desk.dispatcher.run = RUN
    answers = UpdateAnswers(
        updater=cast("Updater", None), store=desk.store, dispatcher=desk.dispatcher, admission=Admission(max_concurrent=1)
    )
    for wanted, runs in ((True, ["a"]), (False, [])):
        request = update_pb2.WatchPlanRequest(plan_id="p1", include_runs=wanted)
        [only] = [message async for message in answers.watch(request, "acme")]
        assert ([run.task_id for run in only.runs], only.HasField("balance"), only.version) == (runs, wanted, 1)
    request = update_pb2.WatchPlanRequest(plan_id="p1", include_runs=True, after_version=1)
    [only] = [message async for message in answers.watch(request, "acme")]
    assert (only.version, only.event, len(only.runs)) == (1, "", 1)
    with pytest.raises(GenesisError):
        await anext(answers.watch(update_pb2.WatchPlanRequest(plan_id="gone", include_runs=True), "acme"))
