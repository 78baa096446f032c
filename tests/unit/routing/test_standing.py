"""Whether somebody else may be as good as the best, found for all tasks at once, against the same said plainly."""

from __future__ import annotations

from hypothesis import given
from routing_cases import CAPABLE_CATALOGUES, plans

from genesis_server.agents.index import CatalogueIndex
from genesis_server.model.catalogue import Catalogue
from genesis_server.model.plan import Plan
from genesis_server.model.routing import RoutingConstraints
from genesis_server.routing.candidates import gather
from genesis_server.routing.policy import default_policy
from genesis_server.routing.pool import pool_of
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
