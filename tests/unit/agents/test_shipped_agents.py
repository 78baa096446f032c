"""The agents that ship: a software company run by agents."""

from collections import Counter

import pytest

from genesis_server.agents.registry import AgentRegistry
from genesis_server.model.catalogue import Catalogue
from genesis_server.model.money import Money

AGENTS = [
    "spec",
    "architecture",
    "build",
    "frontend",
    "qa",
    "security",
    "deploy",
    "monitoring",
    "support",
    "onboarding",
    "marketing",
    "content",
    "email",
    "billing",
    "analytics",
]
SKILLS = [
    "spec.write",
    "spec.review",
    "architecture.design",
    "architecture.review",
    "api.design",
    "build.backend",
    "build.database",
    "code.review",
    "code.fix",
    "frontend.build",
    "frontend.design",
    "qa.test_plan",
    "qa.test_run",
    "qa.verify",
    "security.scan",
    "security.review",
    "security.incident",
    "deploy.release",
    "deploy.rollback",
    "deploy.infrastructure",
    "monitoring.setup",
    "monitoring.diagnose",
    "monitoring.report",
    "support.answer",
    "support.triage",
    "onboarding.plan",
    "onboarding.train",
    "marketing.campaign",
    "marketing.audience",
    "content.write",
    "content.edit",
    "content.research",
    "email.send",
    "email.draft",
    "billing.invoice",
    "billing.audit",
    "analytics.query",
    "analytics.pipeline",
    "analytics.report",
]


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return AgentRegistry().catalogue


def test_fifteen_agents_offer_the_skills_that_methods_ask_for(catalogue: Catalogue) -> None:
    """A method's capability is somebody's skill, under exactly that name."""
    assert [agent.id for agent in catalogue.agents] == AGENTS
    assert {skill.id for agent in catalogue.agents for skill in agent.skills} == set(SKILLS)


def test_some_skills_are_offered_twice(catalogue: Catalogue) -> None:
    """When an agent is excluded or ill, somebody else can do its work."""
    offered = Counter(skill.id for agent in catalogue.agents for skill in agent.skills)
    assert sum(count > 1 for count in offered.values()) >= 8
    assert offered["code.review"] == 3


def test_every_card_says_enough_to_be_found_and_priced(catalogue: Catalogue) -> None:
    """Each skill can be matched by words and types, each agent has models of different price and quality."""
    for agent in catalogue.agents:
        assert agent.name
        assert agent.description
        assert agent.region in {"eu", "us"}
        assert agent.max_concurrent_tasks >= 1
        assert 2 <= len(agent.models) <= 3
        prices = [model.output_price.nanos for model in agent.models]
        priors = [model.success_prior for model in agent.models]
        assert prices == sorted(set(prices))
        assert priors == sorted(set(priors))
        for skill in agent.skills:
            assert skill.name
            assert skill.description
            assert skill.tags
            assert len(skill.examples) >= 3
            assert skill.inputs
            assert skill.outputs
            assert all(artefact.type for artefact in (*skill.inputs, *skill.outputs))
            assert skill.expected_seconds > 60


def test_a_model_has_one_price_everywhere(catalogue: Catalogue) -> None:
    """`medium-1` costs the same whoever runs on it."""
    prices: dict[str, set[tuple[Money, Money]]] = {}
    for agent in catalogue.agents:
        for model in agent.models:
            prices.setdefault(model.id, set()).add((model.input_price, model.output_price))
    assert set(prices) == {"small-1", "medium-1", "large-1"}
    assert all(len(found) == 1 for found in prices.values())


def test_every_example_finds_its_own_skill(catalogue: Catalogue) -> None:
    """The examples on the cards are answered by the agents that show them."""
    index = AgentRegistry().index
    for agent in catalogue.agents:
        for skill in agent.skills:
            for example in skill.examples:
                best = index.match(example, limit=1)[0]
                assert (best.offer.capability, best.score) == (skill.id, 1.0), example
