"""Keyword arguments into requests: the one place both clients build their messages in."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any, Unpack

from genesis import _values as values
from genesis.options import (
    AgentOptions,
    CallOptions,
    DeleteOptions,
    LimitOptions,
    OrchestrateOptions,
    PageOptions,
    PlanLike,
    PlanOptions,
    RouteOptions,
    ValidateOptions,
)
from genesis.v1.agent_service_pb2 import AgentServiceListRequest
from genesis.v1.common_pb2 import DataClass, DegradationLevel
from genesis.v1.orchestrator_service_pb2 import (
    DeletePlanRequest,
    FlagRequest,
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


def plan(goal: str, **options: Unpack[PlanOptions]) -> PlanRequest:
    """The request for a plan."""
    _known(options, PlanOptions)
    return PlanRequest(goal=goal, **_planning(options))


def orchestrate(goal: str, **options: Unpack[OrchestrateOptions]) -> OrchestrateRequest:
    """The request for a routed, judged plan."""
    _known(options, OrchestrateOptions)
    return OrchestrateRequest(
        goal=goal,
        constraints=_constraints(options),
        explanation=values.enum_number(ExplanationLevel, "EXPLANATION_LEVEL_", options.get("explanation", 0)),
        **_planning(options),
    )


def route(subject: PlanLike, **options: Unpack[RouteOptions]) -> RouteRequest:
    """The request for a routing."""
    _known(options, RouteOptions)
    return RouteRequest(
        catalogue=_catalogue(options),
        constraints=_constraints(options),
        explanation=values.enum_number(ExplanationLevel, "EXPLANATION_LEVEL_", options.get("explanation", 0)),
        seed=options.get("seed", 0),
        **_source(subject),
    )


def validate(subject: PlanLike, **options: Unpack[ValidateOptions]) -> ValidateRequest:
    """The request for a verdict."""
    _known(options, ValidateOptions)
    return ValidateRequest(
        goal=options.get("goal", ""),
        routes=options.get("routes", ()),
        catalogue=_catalogue(options),
        constraints=_constraints(options),
        **_source(subject),
    )


def delete_plan(plan_id: str, **options: Unpack[DeleteOptions]) -> DeletePlanRequest:
    """The request to delete a plan."""
    _known(options, DeleteOptions)
    return DeletePlanRequest(plan_id=plan_id, version=options.get("version", 0), request_id=_request_id(options))


def get_plan(plan_id: str, **options: Unpack[CallOptions]) -> GetPlanRequest:
    """The request to read a plan."""
    _known(options, CallOptions)
    return GetPlanRequest(plan_id=plan_id)


def list_plans(**options: Unpack[PageOptions]) -> ListPlansRequest:
    """The request for the first page of plans."""
    _known(options, PageOptions)
    return ListPlansRequest(page_size=options.get("page_size", 0))


def flag(keys: Iterable[str], **options: Unpack[CallOptions]) -> FlagRequest:
    """The request for flags."""
    _known(options, CallOptions)
    return FlagRequest(keys=keys)


def health(**options: Unpack[CallOptions]) -> HealthRequest:
    """The request for the server's health."""
    _known(options, CallOptions)
    return HealthRequest()


def agents(**options: Unpack[AgentOptions]) -> AgentServiceListRequest:
    """The request for the first page of agents."""
    _known(options, AgentOptions)
    return AgentServiceListRequest(page_size=options.get("page_size", 0), skill_id=options.get("skill_id", ""))


def _planning(options: PlanOptions) -> dict[str, Any]:
    return {
        "request_id": _request_id(options),
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
    )


def _catalogue(options: PlanOptions | RouteOptions | ValidateOptions) -> Any:
    given = options.get("catalogue")
    return None if given is None else values.catalogue(given)


def _source(subject: PlanLike) -> dict[str, Any]:
    if isinstance(subject, str):
        return {"plan_id": subject}
    return {"plan": subject if isinstance(subject, Plan) else values.from_json(subject, Plan(), "plan")}


def _request_id(options: PlanOptions | DeleteOptions) -> str:
    return options.get("request_id") or str(uuid.uuid4())


def _known(options: Any, shape: Any) -> None:
    unknown = sorted(options.keys() - shape.__optional_keys__)
    if unknown:
        raise TypeError(f"unexpected keyword argument {unknown[0]!r}; there are {', '.join(sorted(shape.__optional_keys__))}")
