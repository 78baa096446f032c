"""What carries stored plans on, put together: events are decided by the updater, and what is new is routed by the orchestrator."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from genesis_server.agents.index import CatalogueIndex
from genesis_server.model.plan import Plan
from genesis_server.model.routing import ExplanationLevel, Routing
from genesis_server.orchestration.orchestrator import Call, Orchestrator
from genesis_server.orchestration.plan_store import StoredPlan
from genesis_server.orchestration.snapshots import Snapshots
from genesis_server.orchestration.updating import Updater


def updater_over(orchestrator: Orchestrator, snapshots: Callable[[Call], Snapshots], observe: Callable[[str, float], None]) -> Updater:
    """The updater of the orchestrator's plans; `observe` is told of every phase."""

    async def reroute(call: Call, stored: StoredPlan, plan: Plan, *, index: CatalogueIndex | None, excluded: frozenset[str]) -> Routing:
        """The routing of a plan's next version, under the constraints it was routed under."""
        constraints = replace(stored.constraints, excluded_targets=stored.constraints.excluded_targets | excluded)
        seed = stored.provenance.seed
        routed = await orchestrator.route(call, plan, index=index, constraints=constraints, explanation=ExplanationLevel.SUMMARY, seed=seed)
        return routed.routing

    return Updater(
        store=orchestrator.store,
        snapshots=snapshots,
        route=reroute,
        suspect=orchestrator.suspect,
        clock=time.perf_counter,
        now=time.time,
        observe=observe,
    )
