"""Keyword arguments into requests: the one place both clients build their messages in."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, Unpack

from genesis import _values as values
from genesis.admin.v1.policy_service_pb2 import (
    ActivateRulebookRequest,
    GetRulebookRequest,
    LintRulebookRequest,
    ListRulebookChangesRequest,
    PreviewRulebookRequest,
)
from genesis.options import (
    ActivateOptions,
    AgentOptions,
    CallOptions,
    DecisionOptions,
    DecisionsOptions,
    DeleteOptions,
    GetPlanOptions,
    LimitOptions,
    OrchestrateOptions,
    PageOptions,
    PlanLike,
    PlanOptions,
    PreviewOptions,
    RouteOptions,
    RulebookOptions,
    UpdateOptions,
    ValidateOptions,
    WatchOptions,
)
from genesis.v1.agent_service_pb2 import AgentServiceListRequest
from genesis.v1.common_pb2 import DataClass, DegradationLevel
from genesis.v1.decision_pb2 import DecisionKind, GetDecisionRequest, ListDecisionsRequest
from genesis.v1.orchestrator_service_pb2 import (
    DeletePlanRequest,
    GetPlanRequest,
    HealthRequest,
    ListPlansRequest,
    OrchestrateRequest,
    PlanRequest,
    RouteRequest,
    ValidateRequest,
)
from genesis.v1.plan_pb2 import Plan
from genesis.v1.routing_pb2 import ExplanationLevel, RoutingConstraints
from genesis.v1.update_pb2 import (
    ApproveTask,
    CancelPlan,
    Edit,
    Information,
    PausePlan,
    PlanEdit,
    ResumePlan,
    TaskDone,
    TaskFailed,
    UpdatePlanRequest,
    WatchPlanRequest,
)

EVENTS = {
    "done": {"done", "outputs"},
    "failed": {"failed", "error"},
    "information": {"facts", "about", "text"},
    "edit": {"edits"},
    "pause": {"pause"},
    "resume": {"resume"},
    "cancel": {"cancel"},
    "approve": {"approve", "refuse", "comment"},
    "budget": {"run_budget"},
    "dispatch": {"dispatch"},
}
"""The events of a plan, as the request names them, with the options that say each."""


def plan(goal: str, **options: Unpack[PlanOptions]) -> PlanRequest:
    """The request for a plan."""
    known(options, PlanOptions)
    return PlanRequest(goal=goal, **_planning(options))


def orchestrate(goal: str, **options: Unpack[OrchestrateOptions]) -> OrchestrateRequest:
    """The request for a routed, judged plan."""
    known(options, OrchestrateOptions)
    return OrchestrateRequest(
        goal=goal,
        constraints=_constraints(options),
        explanation=values.enum_number(ExplanationLevel, "EXPLANATION_LEVEL_", options.get("explanation", 0)),
        dispatch=values.dispatch(options.get("dispatch")),
        **_planning(options),
    )


def route(subject: PlanLike, **options: Unpack[RouteOptions]) -> RouteRequest:
    """The request for a routing."""
    known(options, RouteOptions)
    return RouteRequest(
        catalogue=_catalogue(options),
        constraints=_constraints(options),
        explanation=values.enum_number(ExplanationLevel, "EXPLANATION_LEVEL_", options.get("explanation", 0)),
        seed=options.get("seed", 0),
        **_source(subject),
    )


def validate(subject: PlanLike, **options: Unpack[ValidateOptions]) -> ValidateRequest:
    """The request for a verdict."""
    known(options, ValidateOptions)
    return ValidateRequest(
        goal=options.get("goal", ""),
        routes=options.get("routes", ()),
        catalogue=_catalogue(options),
        constraints=_constraints(options),
        apply_fixes=options.get("apply_fixes", False),
        **_source(subject),
    )


def update_plan(plan_id: str, **options: Unpack[UpdateOptions]) -> UpdatePlanRequest:
    """The request that tells a plan what happened.

    Raises:
        TypeError: when the options say nothing, or more than one thing.
    """
    known(options, UpdateOptions)
    given = {name for name, value in options.items() if value is not None and value is not False}
    said = [event for event, names in EVENTS.items() if given & names]
    if len(said) != 1 or {"approve", "refuse"} <= given:
        raise TypeError(
            "say one thing that happened: done, failed, facts or text, edits, pause, resume, cancel, approve, refuse, run_budget "
            f"or dispatch; not {', '.join(sorted(given & set[str]().union(*EVENTS.values()))) or 'none'}"
        )
    return UpdatePlanRequest(
        plan_id=plan_id,
        version=options.get("version", 0),
        request_id=request_id(options),
        **_event(said[0], options),
    )


def _event(name: str, options: UpdateOptions) -> dict[str, Any]:
    """The field of the request for an event."""
    said: Any
    match name:
        case "done":
            said = TaskDone(task_id=options.get("done", ""), outputs=values.struct(options.get("outputs", {})))
        case "failed":
            said = TaskFailed(task_id=options.get("failed", ""), error=options.get("error", ""))
        case "information":
            facts = values.struct(options.get("facts", {}))
            said = Information(facts=facts, task_ids=options.get("about", ()), text=options.get("text", ""))
        case "edit":
            edits = options.get("edits", ())
            said = PlanEdit(edits=[edit if isinstance(edit, Edit) else values.from_json(edit, Edit(), "edit") for edit in edits])
        case "approve":
            task_id = options.get("approve") or options.get("refuse") or ""
            said = ApproveTask(task_id=task_id, refused=bool(options.get("refuse")), comment=options.get("comment", ""))
        case "budget":
            said = values.run_budget(options.get("run_budget") or {})
        case "dispatch":
            said = values.dispatch(options.get("dispatch"))
        case _:
            said = {"pause": PausePlan, "resume": ResumePlan, "cancel": CancelPlan}[name]()
    return {name: said}


def watch_plan(plan_id: str, **options: Unpack[WatchOptions]) -> WatchPlanRequest:
    """The request to watch a plan."""
    known(options, WatchOptions)
    return WatchPlanRequest(plan_id=plan_id, after_version=options.get("after_version", 0), include_runs=options.get("runs", False))


def get_decision(decision_id: str, **options: Unpack[DecisionOptions]) -> GetDecisionRequest:
    """The request to read a decision."""
    known(options, DecisionOptions)
    return GetDecisionRequest(
        decision_id=decision_id,
        replay=options.get("replay", False),
        explanation=values.enum_number(ExplanationLevel, "EXPLANATION_LEVEL_", options.get("explanation", 0)),
        task_ids=options.get("task_ids", ()),
    )


def list_decisions(**options: Unpack[DecisionsOptions]) -> ListDecisionsRequest:
    """The request for the first page of decisions."""
    known(options, DecisionsOptions)
    start, end = options.get("start"), options.get("end")
    return ListDecisionsRequest(
        page_size=options.get("page_size", 0),
        plan_id=options.get("plan_id", ""),
        target_id=options.get("target_id", ""),
        rule_id=options.get("rule_id", ""),
        kind=values.enum_number(DecisionKind, "DECISION_KIND_", options.get("kind", 0)),
        start_time=None if start is None else values.timestamp(start),
        end_time=None if end is None else values.timestamp(end),
    )


def get_rulebook(version: str, **options: Unpack[CallOptions]) -> GetRulebookRequest:
    """The request to read a rulebook."""
    known(options, CallOptions)
    return GetRulebookRequest(version=version)


def lint_rulebook(text: str, **options: Unpack[CallOptions]) -> LintRulebookRequest:
    """The request to check a rulebook."""
    known(options, CallOptions)
    return LintRulebookRequest(text=text)


def preview_rulebook(**options: Unpack[PreviewOptions]) -> PreviewRulebookRequest:
    """The request for the first page of what a rulebook would change."""
    known(options, PreviewOptions)
    return PreviewRulebookRequest(page_size=options.get("page_size", 0), plan_id=options.get("plan_id", ""), **_rulebook(options))


def activate_rulebook(cause: str, **options: Unpack[ActivateOptions]) -> ActivateRulebookRequest:
    """The request to take a rulebook into use."""
    known(options, ActivateOptions)
    return ActivateRulebookRequest(
        request_id=request_id(options), expected_version=options.get("expected_version", ""), cause=cause, **_rulebook(options)
    )


def list_rulebook_changes(**options: Unpack[PageOptions]) -> ListRulebookChangesRequest:
    """The request for the first page of changes."""
    known(options, PageOptions)
    return ListRulebookChangesRequest(page_size=options.get("page_size", 0))


def _rulebook(options: RulebookOptions) -> dict[str, str]:
    given = {name: value for name in ("text", "version") if (value := options.get(name)) is not None}
    if len(given) != 1:
        raise TypeError("give the rulebook's text or its version, one of the two")
    return given


def delete_plan(plan_id: str, **options: Unpack[DeleteOptions]) -> DeletePlanRequest:
    """The request to delete a plan."""
    known(options, DeleteOptions)
    return DeletePlanRequest(plan_id=plan_id, version=options.get("version", 0), request_id=request_id(options))


def get_plan(plan_id: str, **options: Unpack[GetPlanOptions]) -> GetPlanRequest:
    """The request to read a plan."""
    known(options, GetPlanOptions)
    return GetPlanRequest(plan_id=plan_id, include_artefact_contents=options.get("contents", False))


def list_plans(**options: Unpack[PageOptions]) -> ListPlansRequest:
    """The request for the first page of plans."""
    known(options, PageOptions)
    return ListPlansRequest(page_size=options.get("page_size", 0))


def health(**options: Unpack[CallOptions]) -> HealthRequest:
    """The request for the server's health."""
    known(options, CallOptions)
    return HealthRequest()


def agents(**options: Unpack[AgentOptions]) -> AgentServiceListRequest:
    """The request for the first page of agents."""
    known(options, AgentOptions)
    return AgentServiceListRequest(page_size=options.get("page_size", 0), skill_id=options.get("skill_id", ""))


def _planning(options: PlanOptions) -> dict[str, Any]:
    budget = options.get("run_budget")
    return {
        "request_id": request_id(options),
        "run_budget": None if budget is None else values.run_budget(budget),
        "catalogue": _catalogue(options),
        "max_level": values.enum_number(DegradationLevel, "DEGRADATION_LEVEL_", options.get("max_level", 0)),
        "givens": [values.artefact(given) for given in options.get("givens", ())],
        "seed": options.get("seed", 0),
    }


def _constraints(options: LimitOptions) -> RoutingConstraints | None:
    if not LimitOptions.__optional_keys__ & options.keys():
        return None
    budget, deadline = options.get("budget"), options.get("deadline")
    return RoutingConstraints(
        budget=None if budget is None else values.money(budget),
        regions=list(options.get("regions", ())),
        data_class=values.enum_number(DataClass, "DATA_CLASS_", options.get("data_class", 0)),
        deadline=None if deadline is None else values.duration(deadline),
        excluded_targets=list(options.get("exclude", ())),
        sticky_key=options.get("sticky_key", ""),
    )


def _catalogue(options: PlanOptions | RouteOptions | ValidateOptions) -> Any:
    given = options.get("catalogue")
    return None if given is None else values.catalogue(given)


def _source(subject: PlanLike) -> dict[str, Any]:
    if isinstance(subject, str):
        return {"plan_id": subject}
    return {"plan": subject if isinstance(subject, Plan) else values.from_json(subject, Plan(), "plan")}


def request_id(options: Mapping[str, Any]) -> str:
    """The id of a changing request: the caller's, or a fresh one."""
    return options.get("request_id") or str(uuid.uuid4())


def known(options: Any, shape: Any) -> None:
    """Refuse keyword arguments there are none of."""
    unknown = sorted(options.keys() - shape.__optional_keys__)
    if unknown:
        raise TypeError(f"unexpected keyword argument {unknown[0]!r}; there are {', '.join(sorted(shape.__optional_keys__))}")
