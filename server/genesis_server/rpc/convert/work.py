"""Work: values, usage, budgets, attempts, reports."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from genesis.v1 import orchestrator_service_pb2, work_pb2
from genesis_server.model.plan import Plan
from genesis_server.model.update import Known
from genesis_server.model.work import (
    DEFAULT_PRIORITY,
    ArtefactReference,
    Attempt,
    Balance,
    Declined,
    Done,
    Failed,
    LeaseToken,
    Report,
    RunBudget,
    Usage,
    Values,
)
from genesis_server.orchestration.dispatching.answers import Reported, TaskRunView
from genesis_server.orchestration.results import RunOptions
from genesis_server.resilience.errors import invalid_field
from genesis_server.rpc.convert.json_values import json_from_proto, json_to_proto
from genesis_server.rpc.convert.values import (
    duration_from_proto,
    duration_to_proto,
    money_from_proto,
    money_to_proto,
    number,
    time_to_proto,
)

MAX_CONTENTS_BYTES = 4 * 1024 * 1024
"""Contents of artefacts in one answer, as JSON."""


def values_to_proto(values: Values) -> list[work_pb2.ArtefactValue]:
    """Plain values, then references."""
    return [
        *(work_pb2.ArtefactValue(name=name, value=json_to_proto(value)) for name, value in values.plain.items()),
        *(work_pb2.ArtefactValue(name=name, reference=_reference(reference)) for name, reference in values.references.items()),
    ]


def values_from_proto(messages: Iterable[work_pb2.ArtefactValue], field: str) -> Values:
    """The values of a list. Raises ValidationError INVALID_FIELD for a name that stands twice, and for a value that is no JSON."""
    plain: dict[str, Any] = {}
    references: dict[str, ArtefactReference] = {}
    for place, message in enumerate(messages):
        path = f"{field}[{place}]"
        if message.name in plain or message.name in references:
            raise invalid_field(f"{path}.name", f"{message.name!r} stands twice", "unique")
        match message.WhichOneof("content"):
            case "value":
                plain[message.name] = json_from_proto(message.value, f"{path}.value")
            case "reference":
                lies = message.reference
                references[message.name] = ArtefactReference(lies.uri, lies.sha256, lies.media_type)
            case _:
                raise invalid_field(path, "needs a value or a reference", "required")
    return Values(plain, references)


def _reference(reference: ArtefactReference) -> work_pb2.ArtefactReference:
    return work_pb2.ArtefactReference(uri=reference.uri, sha256=reference.sha256, media_type=reference.media_type)


def usage_to_proto(usage: Usage) -> work_pb2.Usage:
    """What was used."""
    return work_pb2.Usage(cost=money_to_proto(usage.cost), tokens=usage.tokens, tasks=usage.tasks)


def usage_from_proto(message: work_pb2.Usage) -> Usage:
    """What was used; how many attempts, the server knows itself."""
    return Usage(money_from_proto(message.cost), message.tokens)


def run_budget_to_proto(budget: RunBudget) -> work_pb2.RunBudget:
    """What a run may use."""
    return work_pb2.RunBudget(
        cost=None if budget.cost is None else money_to_proto(budget.cost),
        tokens=budget.tokens,
        tasks=budget.tasks,
        time=None if budget.seconds is None else duration_to_proto(budget.seconds),
    )


def run_budget_from_proto(message: work_pb2.RunBudget) -> RunBudget:
    """What a run may use."""
    return RunBudget(
        cost=money_from_proto(message.cost) if message.HasField("cost") else None,
        tokens=message.tokens if message.HasField("tokens") else None,
        tasks=message.tasks if message.HasField("tasks") else None,
        seconds=duration_from_proto(message.time) if message.HasField("time") else None,
    )


def balance_to_proto(balance: Balance) -> work_pb2.RunBalance:
    """Where a run stands with its budget."""
    return work_pb2.RunBalance(
        limit=run_budget_to_proto(balance.limit),
        spent=usage_to_proto(balance.spent),
        reserved=usage_to_proto(balance.reserved),
        begin_time=time_to_proto(balance.begin),
        exhausted=balance.exhausted,
    )


def priority_from_proto(message: work_pb2.Dispatch) -> int:
    """How early agents get the plan, 0 to 9."""
    return message.priority if message.HasField("priority") else DEFAULT_PRIORITY


def run_options_from_proto(
    request: orchestrator_service_pb2.PlanRequest | orchestrator_service_pb2.OrchestrateRequest, *, traceparent: str
) -> RunOptions | None:
    """How the plan is to be carried out; None: it is advice without a budget.

    Raises ValidationError INVALID_FIELD for a dispatch with a catalogue of the request's own, whose agents nobody can reach.
    """
    dispatch = (
        request.dispatch if isinstance(request, orchestrator_service_pb2.OrchestrateRequest) and request.HasField("dispatch") else None
    )
    if dispatch is not None and request.HasField("catalogue"):
        message = "agents of a request's own catalogue cannot be reached; leave the catalogue out, or the dispatch"
        raise invalid_field("dispatch", message, "exclusive")
    if dispatch is None and not request.HasField("run_budget"):
        return None
    return RunOptions(
        budget=run_budget_from_proto(request.run_budget),
        dispatched=dispatch is not None,
        priority=DEFAULT_PRIORITY if dispatch is None else priority_from_proto(dispatch),
        traceparent=traceparent,
    )


def lease_to_proto(lease: LeaseToken) -> work_pb2.LeaseToken:
    """The proof of a lease."""
    return work_pb2.LeaseToken(lease_id=lease.lease_id, token=lease.token)


def lease_from_proto(message: work_pb2.LeaseToken) -> LeaseToken:
    """The proof of a lease."""
    return LeaseToken(message.lease_id, message.token)


def report_from_proto(request: work_pb2.ReportRequest) -> Report:
    """How a task went.

    Raises ValidationError INVALID_FIELD for a report that says nothing, outputs that are no JSON, and work declined without a lease.
    """
    lease = lease_from_proto(request.lease) if request.HasField("lease") else None
    outcome: Done | Failed | Declined
    match request.WhichOneof("outcome"):
        case "done":
            outcome = Done(values_from_proto(request.done.outputs, "done.outputs"))
        case "failed":
            outcome = Failed(request.failed.error, request.failed.permanent)
        case "declined":
            if lease is None:
                raise invalid_field("declined", "only a task that is held under a lease can be declined; name the lease", "lease")
            outcome = Declined(request.declined.reason, request.declined.hand_back)
        case _:
            raise invalid_field("outcome", "say how the task went", "required")
    return Report(
        request.plan_id,
        request.task_id,
        outcome,
        lease,
        usage_from_proto(request.usage) if request.HasField("usage") else None,
        request.agent_id,
        request.request_id,
    )


def reported_to_proto(reported: Reported) -> work_pb2.ReportResponse:
    """What became of a report."""
    return work_pb2.ReportResponse(
        duplicate=reported.duplicate,
        plan_version=reported.plan_version,
        task_state=number(reported.task_state),
        plan_state=number(reported.plan_state),
        next=reported.next,
        balance=balance_to_proto(reported.balance),
    )


def task_run_to_proto(view: TaskRunView) -> work_pb2.TaskRun:
    """How far the work on a task came. Leases stay secret."""
    return work_pb2.TaskRun(
        task_id=view.run.task_id,
        attempts=[_attempt(attempt) for attempt in view.run.attempts],
        waiting_for=number(view.waiting_for),
        waiting_message=view.waiting_message,
        dead_letter=view.run.dead_letter,
    )


def _attempt(attempt: Attempt) -> work_pb2.TaskAttempt:
    return work_pb2.TaskAttempt(
        number=attempt.number,
        agent_id=attempt.agent_id,
        session_id=attempt.session_id,
        outcome=number(attempt.outcome),
        error=attempt.error,
        begin_time=time_to_proto(attempt.begin),
        end_time=None if attempt.end is None else time_to_proto(attempt.end),
        usage=None if attempt.usage is None else usage_to_proto(attempt.usage),
        progress=attempt.fraction,
        progress_message=attempt.message,
    )


def artefacts_to_proto(plan: Plan, known: Known, *, contents: bool, max_bytes: int = MAX_CONTENTS_BYTES) -> list[work_pb2.TaskArtefact]:
    """What a plan's tasks put out, in the plan's order, plain values first.

    With `contents`, each comes with its value until the next one would make them more than `max_bytes` together.
    """
    found: list[work_pb2.TaskArtefact] = []
    left = max_bytes
    for task in plan.tasks:
        types = {output.name: output.type for output in task.outputs}
        values = Values(known.outputs.get(task.id, {}), known.references.get(task.id, {}))
        sizes = {name: json_size(value) for name, value in values.plain.items()}
        for artefact in values_to_proto(values) if contents else _named(values):
            size = sizes.get(artefact.name, 0)
            left -= size or artefact.ByteSize()
            if left < 0:
                artefact.ClearField("value")
                artefact.ClearField("reference")
            found.append(work_pb2.TaskArtefact(task_id=task.id, artefact=artefact, type=types.get(artefact.name, ""), size=size))
    return found


def _named(values: Values) -> Sequence[work_pb2.ArtefactValue]:
    names: Mapping[str, Any] = {**values.plain, **values.references}
    return [work_pb2.ArtefactValue(name=name) for name in names]


def json_size(value: Any) -> int:
    """Bytes of a value as JSON without spaces."""
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())
