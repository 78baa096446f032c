"""What an event about the carrying out of a plan makes of its run."""

from __future__ import annotations

import pytest

from genesis_server.model.caller import Caller, Role
from genesis_server.model.money import Money
from genesis_server.model.plan import Plan, PlanState, Task
from genesis_server.model.provenance import DegradationLevel, Provenance
from genesis_server.model.routing import BudgetSummary, Routing
from genesis_server.model.update import ChangeBudget, StartDispatch
from genesis_server.model.work import PlanRun, RunBudget, Usage
from genesis_server.orchestration.orchestrator import Call
from genesis_server.orchestration.plan_store import StoredPlan
from genesis_server.orchestration.run_changes import changed_run
from genesis_server.resilience.errors import GenesisError

CALL = Call(Caller("acme", "ann", frozenset({Role.CLIENT})), "corr-1")


def stored(*, routed: bool = True, own: bool = False, state: PlanState = PlanState.ACTIVE) -> StoredPlan:
    plan = Plan("go", (Task("a", "go"),), id="p1", version=3, state=state)
    routing = Routing((), BudgetSummary(Money(), Money(), None, met=True)) if routed else None
    return StoredPlan(plan, Provenance(DegradationLevel.HEURISTIC), routing, own_catalogue=own)


def refusal(plan: StoredPlan, event: ChangeBudget | StartDispatch, run: PlanRun | None = None) -> str:
    with pytest.raises(GenesisError) as caught:
        changed_run(plan, run, event, CALL, 5.0)
    return caught.value.reason


def test_who_asks_for_a_dispatch_finds_the_work_in_the_trace_and_under_the_id_of_the_call() -> None:
    run = changed_run(stored(), PlanRun("p1", 2, 1.0, RunBudget(tokens=9), traceparent="00-old", correlation_id="old"),
                      StartDispatch(7, "00-new"), CALL, 5.0)  # fmt: skip
    assert (run.dispatched, run.priority, run.begin, run.budget) == (True, 7, 1.0, RunBudget(tokens=9))
    assert (run.traceparent, run.correlation_id, run.caller) == ("00-new", "corr-1", CALL.caller)


def test_another_budget_starts_nothing() -> None:
    run = changed_run(stored(routed=False), None, ChangeBudget(RunBudget(tasks=2)), CALL, 5.0)
    assert (run.dispatched, run.begin, run.budget) == (False, 5.0, RunBudget(tasks=2))


@pytest.mark.parametrize("plan", [stored(routed=False), stored(own=True)])
def test_a_plan_no_agent_can_get_is_not_handed_out(plan: StoredPlan) -> None:
    assert refusal(plan, StartDispatch()) == "PLAN_NOT_ROUTED"


@pytest.mark.parametrize("event", [StartDispatch(), ChangeBudget(RunBudget())])
def test_a_plan_that_has_ended_stays_as_it_is(event: ChangeBudget | StartDispatch) -> None:
    assert refusal(stored(state=PlanState.DONE), event) == "PLAN_ENDED"


def test_a_run_that_spent_money_keeps_its_currency() -> None:
    spent = PlanRun("p1", 2, 1.0, spent=Usage(Money(1, "USD")))
    assert refusal(stored(), ChangeBudget(RunBudget(Money(5, "EUR"))), spent) == "INVALID_FIELD"
    assert changed_run(stored(), spent, ChangeBudget(RunBudget(Money(5, "USD"))), CALL, 5.0).budget.cost == Money(5, "USD")
