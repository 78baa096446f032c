"""What reports say: of a plan, and of work that was done without a lease."""

from __future__ import annotations

from dataclasses import dataclass

from genesis_server.dispatch.leasing import spent_elsewhere
from genesis_server.model.update import Known, TaskDone
from genesis_server.model.work import AttemptOutcome, Declined, Done, PlanRun, Report, Usage, Values
from genesis_server.orchestration.dispatching.state import State
from genesis_server.orchestration.outcomes import name_elsewhere, outcome_elsewhere, outcome_put
from genesis_server.planning.update.refusals import task_not_found
from genesis_server.resilience.errors import invalid_field
from genesis_server.routing.policy import RoutingPolicy
from genesis_server.storage.base import Put


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What a report without a lease comes to."""

    run: PlanRun
    """With what it used."""
    usage: Usage
    """As told, else as expected."""
    put: Put
    """Its line of history; its key is always the same for a report with a request id."""
    agent_id: str
    """Who did it; empty: nobody knows."""
    fault: str | None
    """None: it succeeded."""


def done_elsewhere(tenant: str, report: Report, state: State, run: PlanRun, *, policy: RoutingPolicy, now: float) -> Elsewhere:
    """Take a report of work that was done without a lease; it moves budget and history, and not the plan.

    Raises ResourceError TASK_NOT_FOUND, ValidationError INVALID_FIELD for what was declined, and for money in another currency.
    """
    task = state.tasks.get(report.task_id)
    if task is None:
        raise task_not_found(state.plan, report.task_id)
    if isinstance(report.outcome, Declined):
        raise invalid_field("declined", "only who holds a lease can decline")
    assignment = state.assignments.get(report.task_id)
    agent_id = report.agent_id or (assignment.target.id if assignment is not None else "")
    error = "" if isinstance(report.outcome, Done) else report.outcome.error
    usage = report.usage or state.expected(task, policy)
    after = spent_elsewhere(run, usage)
    outcome = AttemptOutcome.DONE if isinstance(report.outcome, Done) else AttemptOutcome.FAILED
    kept = outcome_elsewhere(report, outcome, error, agent_id=agent_id, task=task, assignment=assignment, expected=usage, now=now)
    fault = None if isinstance(report.outcome, Done) else error or "it failed"
    return Elsewhere(after, usage, outcome_put(tenant, kept, name_elsewhere(report, after)), agent_id, fault)


def done_event(report: Report) -> TaskDone:
    """A report of success as an event of its plan."""
    outputs = report.outcome.outputs if isinstance(report.outcome, Done) else Values()
    return TaskDone(report.task_id, outputs.plain, outputs.references)


def puts_out_the_same(report: Report, known: Known) -> bool:
    """Whether what a report brings is what its task is known to have put out; one that brings nothing does."""
    if not isinstance(report.outcome, Done):
        return True
    told = report.outcome.outputs
    mine = dict(known.outputs.get(report.task_id, {})), dict(known.references.get(report.task_id, {}))
    return mine == (dict(told.plain), dict(told.references))
