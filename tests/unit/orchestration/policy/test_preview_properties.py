"""A preview says of every recorded routing what making it again under the other rulebook gives."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path

from decision_cases import ANN, BOOKS, NOON, Office, index_of, materials, opened, targets
from hypothesis import HealthCheck, given, settings
from routing_cases import CATALOGUES, plans

from genesis_server.model.catalogue import Catalogue
from genesis_server.model.decision import RouteInput
from genesis_server.model.plan import Plan
from genesis_server.model.routing import ExplanationLevel, RoutingConstraints
from genesis_server.orchestration.decisions.making import make_routing
from genesis_server.orchestration.policy.preview import Previewer, edited_rules
from genesis_server.routing.rules.rulebook import Rulebook

NUMBERS = itertools.count()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)
@given(plan=plans(), catalogue=CATALOGUES, rulebook=BOOKS, other=BOOKS)
def test_the_changes_are_those_that_the_other_rulebook_makes(
    tmp_path: Path, plan: Plan, catalogue: Catalogue, rulebook: Rulebook, other: Rulebook
) -> None:
    """No more and no fewer, with rules that differ between the two as the cause."""
    on = materials(index_of(catalogue.agents, catalogue.tools), rulebook)

    async def scenario() -> None:
        async with opened(tmp_path / str(next(NUMBERS))) as store:
            office = Office(store)
            name = await office.routed(plan, on=on)
            preview = await Previewer(office.decisions, office.replayer).preview("acme", other, limit=10)
            then, now = (
                make_routing(
                    plan,
                    RouteInput(RoutingConstraints(), now=NOON),
                    caller=ANN,
                    materials=materials(on.agents, book),
                    explanation=ExplanationLevel.NONE,
                )
                for book in (rulebook, other)
            )
            models = [[route.assignment and route.assignment.target for route in routing.routes] for routing in (then, now)]
            expected = [route.task_id for route, before, after in zip(then.routes, *models, strict=True) if before != after]
            assert [change.task_id for change in preview.changes] == expected
            assert all(change.decision_id == name for change in preview.changes)
            assert preview.changed_count == bool(expected)
            assert {rule for change in preview.changes for rule in change.rule_ids} <= edited_rules(rulebook, other)
            assert len(targets(now)) == len(targets(then))

    asyncio.run(scenario())
