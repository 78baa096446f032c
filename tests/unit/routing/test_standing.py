"""Candidates of all tasks in long columns, against the same said plainly and in short ones."""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import given, settings
from routing_cases import CALL_CONSTRAINTS, CAPABLE_CATALOGUES, plans

from genesis_server.agents.index import CatalogueIndex
from genesis_server.model.catalogue import Catalogue
from genesis_server.model.plan import Plan
from genesis_server.model.routing import ExplanationLevel, RoutingConstraints
from genesis_server.routing import pool as pool_module
from genesis_server.routing.candidates import gather
from genesis_server.routing.policy import default_policy
from genesis_server.routing.pool import pool_of
from genesis_server.routing.router import route_plan
from genesis_server.routing.selection import near_best_of
from genesis_server.routing.standing import standing_of
from genesis_server.routing.ties import TieBreaker


@given(plans(), CAPABLE_CATALOGUES)
def test_a_task_is_contested_where_a_tie_or_load_may_decide(plan: Plan, catalogue: Catalogue) -> None:
    index, policy = CatalogueIndex(catalogue), default_policy()
    pool = pool_of(index, policy)
    candidates = gather(
        plan.tasks, index=index, pool=pool, policy=policy, constraints=RoutingConstraints(), unhealthy=frozenset(), most=10_000
    )
    standing = standing_of(candidates, policy)
    for job, part in enumerate(candidates.parts):
        score, preference = standing.score[part], candidates.values.preference[part]
        order = standing.order[part.start : part.start + standing.feasible[job]]
        if len(order) < 2:
            continue
        owners = [pool.owner_list[row] for row in candidates.values.rows[part]]
        near_best = near_best_of(order, score, preference, owners, policy.load.near_best)
        tie = TieBreaker(0).between(candidates, part.start, score, order[0], order[1])
        assert standing.contested[job] == bool(len(near_best) > 1 or tie)


@given(plans(), CAPABLE_CATALOGUES, CALL_CONSTRAINTS)
@settings(max_examples=40)
def test_views_of_long_columns_decide_as_lists_do(plan: Plan, catalogue: Catalogue, constraints: RoutingConstraints) -> None:
    asked = partial(route_plan, plan, index=CatalogueIndex(catalogue), constraints=constraints)
    for level in (ExplanationLevel.SUMMARY, ExplanationLevel.FULL):
        lists = asked(explanation=level)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(pool_module, "LONG", 0)
            assert asked(explanation=level) == lists
