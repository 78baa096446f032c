"""A recorded decision, made again from its stored input and snapshots, whatever the server uses now."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from genesis_server import __version__
from genesis_server.model.decision import Decision
from genesis_server.model.plan import Plan
from genesis_server.model.routing import ExplanationLevel, Routing
from genesis_server.orchestration.decisions.comparing import plan_differences, routing_differences
from genesis_server.orchestration.decisions.making import Materials, algorithm, make_plan, make_routing, make_settled
from genesis_server.orchestration.decisions.materials import StoredMaterials
from genesis_server.orchestration.decisions.recorder import without_proof
from genesis_server.planning.model_draft import UnusableDraftError
from genesis_server.planning.planner import Draft
from genesis_server.routing.rules.rulebook import Rulebook


@dataclass(frozen=True, slots=True)
class Replayed:
    """A decision made again."""

    decision: Decision
    """As it was recorded."""
    plan: Plan
    """The plan it gives now, under the recorded id."""
    same: bool
    differences: tuple[str, ...]
    """What differs, one sentence each; empty when it is the same."""
    note: str
    """Something to know about it; empty: nothing."""
    routing: Routing | None = None
    """For ROUTE, with the proof that was asked for."""
    draft: Draft | None = None
    """For PLAN."""


@dataclass(frozen=True, slots=True)
class Compared:
    """A routing by two rulebooks; they are one object when nothing differs."""

    recorded: Rulebook
    before: Routing
    after: Routing


class Replayer:
    """Makes decisions again on a thread."""

    def __init__(self, materials: StoredMaterials) -> None:
        """Take the snapshots from `materials`."""
        self._materials = materials

    async def replay(self, decision: Decision, explanation: ExplanationLevel) -> Replayed:
        """The same again with as much proof as is asked for now. Raises ResourceError DECISION_EXPIRED and the storage's errors."""
        materials = await self._materials.of(decision)
        return await asyncio.to_thread(replayed, decision, materials, explanation)

    async def under(self, decision: Decision, rulebook: Rulebook) -> Compared:
        """A routing by the rulebook of its time and by another one, both with a summary. Raises as `replay`."""
        materials = await self._materials.of(decision)
        return await asyncio.to_thread(_both, decision, materials, rulebook)


def replayed(decision: Decision, materials: Materials, explanation: ExplanationLevel) -> Replayed:
    """A decision made again from its snapshots: pure."""
    if decision.asked is None or decision.routing is None:
        return _plan_again(decision, materials)
    plan, routing = routed_again(decision, materials, explanation)
    differences = (*plan_differences(decision.plan, plan), *routing_differences(decision.routing, without_proof(routing)))
    return Replayed(decision, _named(plan, decision), not differences, differences, _note(decision), routing=routing)


def routed_again(decision: Decision, materials: Materials, explanation: ExplanationLevel) -> tuple[Plan, Routing]:
    """The plan and routing of a ROUTE decision."""
    asked = decision.asked
    if asked is None:
        raise ValueError(f"{decision.head.id} is no routing")
    if asked.repaired:
        draft = decision.plan if asked.draft is None else asked.draft
        settled = make_settled(draft, asked, caller=decision.caller, materials=materials, explanation=explanation)
        return settled.plan, settled.routing
    routing = make_routing(decision.plan, asked, caller=decision.caller, materials=materials, explanation=explanation)
    return decision.plan, routing


def _plan_again(decision: Decision, materials: Materials) -> Replayed:
    if decision.planning is None:
        raise ValueError(f"{decision.head.id} has no input")
    try:
        draft = make_plan(decision.planning, materials)
    except UnusableDraftError as error:
        refused = f"the language model's draft {error}"
        return Replayed(decision, decision.plan, same=False, differences=(refused,), note=_note(decision))
    differences = plan_differences(decision.plan, draft.plan)
    return Replayed(decision, _named(draft.plan, decision), not differences, differences, _note(decision), draft=draft)


def _both(decision: Decision, materials: Materials, rulebook: Rulebook) -> Compared:
    plan, after = routed_again(decision, replace(materials, rulebook=rulebook), ExplanationLevel.SUMMARY)
    before = after
    if plan_differences(decision.plan, plan) or without_proof(after) != decision.routing:
        _, before = routed_again(decision, materials, ExplanationLevel.SUMMARY)
    return Compared(materials.rulebook, before, after)


def _named(plan: Plan, decision: Decision) -> Plan:
    recorded = decision.plan
    return replace(plan, id=recorded.id, version=recorded.version, create_time=recorded.create_time, counters=recorded.counters)


def _note(decision: Decision) -> str:
    now = algorithm()
    if decision.algorithm == now:
        return ""
    made_by = decision.head.provenance.server_version
    return f"it was made by Genesis {made_by} ({decision.algorithm}) and again by {__version__} ({now}), which may decide otherwise"
