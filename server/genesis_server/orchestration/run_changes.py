"""An event about how a plan is carried out changes its run."""

from __future__ import annotations

from dataclasses import replace

from genesis_server.dispatch.budget import currency_of
from genesis_server.model.update import ChangeBudget, RunEvent
from genesis_server.model.work import PlanRun
from genesis_server.orchestration.orchestrator import Call
from genesis_server.orchestration.plan_store import StoredPlan, has_ended
from genesis_server.orchestration.runs import refuse_unrouted
from genesis_server.planning.update.refusals import plan_ended
from genesis_server.resilience.errors import invalid_field


def changed_run(stored: StoredPlan, run: PlanRun | None, event: RunEvent, call: Call, now: float) -> PlanRun:
    """The run after an event about how the plan is carried out. Raises RoutingError PLAN_NOT_ROUTED, DecompositionError PLAN_ENDED."""
    plan = stored.plan
    if has_ended(plan.state):
        raise plan_ended(plan)
    run = run or PlanRun(plan.id, plan.version, now, correlation_id=call.correlation_id, caller=call.caller)
    if isinstance(event, ChangeBudget):
        counted, cost = currency_of(run), event.budget.cost
        if cost is not None and run.spent.cost.nanos and cost.currency != counted:
            raise invalid_field("budget.cost.currency_code", f"is {cost.currency}, but this run counts in {counted}; convert the amount")
        return replace(run, budget=event.budget)
    refuse_unrouted(plan.id, routed=stored.routing is not None, own_catalogue=stored.own_catalogue)
    return replace(
        run,
        dispatched=True,
        priority=event.priority,
        caller=call.caller,
        correlation_id=call.correlation_id,
        traceparent=event.traceparent,
    )
