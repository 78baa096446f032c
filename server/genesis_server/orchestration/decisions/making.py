"""The decisions themselves, as functions of what a record holds: the first time and every replay run this same code."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from genesis_server.agents.index import CatalogueIndex
from genesis_server.model.caller import Caller
from genesis_server.model.decision import PlanInput, RouteInput
from genesis_server.model.plan import Plan
from genesis_server.model.provenance import DegradationLevel
from genesis_server.model.routing import ExplanationLevel, Routing
from genesis_server.model.validation import Verdict
from genesis_server.orchestration.repair import Settled, settle
from genesis_server.planning.methods import MethodLibrary
from genesis_server.planning.model_draft import plan_from_draft
from genesis_server.planning.planner import ALGORITHM as PLANNING_ALGORITHM
from genesis_server.planning.planner import Draft, plan_goal
from genesis_server.routing.policy import ALGORITHM as ROUTING_ALGORITHM
from genesis_server.routing.policy import RoutingPolicy
from genesis_server.routing.router import route_plan
from genesis_server.routing.rules.rulebook import Rulebook
from genesis_server.validation.fixes import apply_fix
from genesis_server.validation.judge import judge_of
from genesis_server.validation.policy import default_policy as default_validation_policy

Phase = Callable[[str], AbstractContextManager[None]]
"""Measures a phase by its name."""


@dataclass(frozen=True, slots=True)
class Materials:
    """The snapshots a decision is made from."""

    agents: CatalogueIndex
    methods: MethodLibrary
    rulebook: Rulebook
    routing: RoutingPolicy


def algorithm() -> str:
    """What this code calls itself: decisions of another one may not come out the same."""
    return f"planning {PLANNING_ALGORITHM}, routing {ROUTING_ALGORITHM}, validation {default_validation_policy().version}"


def _unmeasured(_: str) -> AbstractContextManager[None]:
    return nullcontext()


def make_plan(planning: PlanInput, materials: Materials) -> Draft:
    """The plan of a goal. Raises DecompositionError as `plan_goal`, and UnusableDraftError for a draft that was never used."""
    if planning.model_draft is not None:
        made = plan_from_draft(planning.goal, planning.model_draft, index=materials.agents, givens=planning.givens)
        return Draft(made.plan, DegradationLevel.LLM, "")
    return plan_goal(planning.goal, index=materials.agents, methods=materials.methods, givens=planning.givens, max_level=planning.max_level)


def make_routing(plan: Plan, asked: RouteInput, *, caller: Caller, materials: Materials, explanation: ExplanationLevel) -> Routing:
    """The routing of a plan. Raises RoutingError and ValidationError as `route_plan`."""
    return route_plan(
        plan,
        index=materials.agents,
        constraints=asked.constraints,
        explanation=explanation,
        seed=asked.seed,
        unhealthy=asked.unhealthy,
        policy=materials.routing,
        rulebook=materials.rulebook,
        caller=caller,
        now=asked.now,
        load=asked.load,
    )


def make_settled(
    draft: Plan,
    asked: RouteInput,
    *,
    caller: Caller,
    materials: Materials,
    explanation: ExplanationLevel,
    phase: Phase = _unmeasured,
) -> Settled:
    """A drafted plan routed, judged and repaired. Raises as `make_routing`."""

    def route(plan: Plan) -> Routing:
        with phase("route"):
            return make_routing(plan, asked, caller=caller, materials=materials, explanation=explanation)

    judge_again = judge_of(
        goal=draft.goal,
        index=materials.agents,
        constraints=asked.constraints,
        structural_only=asked.structural_only,
        unhealthy=asked.unhealthy,
    )

    def judge(plan: Plan, routing: Routing) -> Verdict:
        with phase("validate"):
            return judge_again(plan, routing.routes)

    routing = route(draft)
    return settle(Settled(draft, routing, judge(draft, routing)), route=route, judge=judge, apply=apply_fix)
