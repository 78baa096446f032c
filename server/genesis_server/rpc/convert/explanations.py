"""The proof of a route."""

from __future__ import annotations

from collections.abc import Iterable

from genesis.v1 import routing_pb2
from genesis_server.model.routing import (
    BlockedRule,
    Candidate,
    Counterfactual,
    DecisiveSet,
    Fact,
    FiredRule,
    LoadChoice,
    RouteExplanation,
    Target,
)
from genesis_server.rpc.convert.values import money_to_proto, number, target_to_proto


def explanation_to_proto(explanation: RouteExplanation) -> routing_pb2.RouteExplanation:
    """The proof at its level."""
    return routing_pb2.RouteExplanation(
        level=number(explanation.level),
        candidates=[_candidate(candidate) for candidate in explanation.candidates],
        decisive_difference=explanation.decisive_difference,
        tie_break=explanation.tie_break,
        feasible_count=explanation.feasible_count,
        candidate_count=explanation.candidate_count,
        facts=facts_to_proto(explanation.facts),
        fired_rules=[_fired(rule) for rule in explanation.fired],
        blocked_rules=[_blocked(rule) for rule in explanation.blocked],
        load_choice=None if explanation.load is None else _load(explanation.load),
        counterfactuals=[_counterfactual(item) for item in explanation.counterfactuals],
        decisive_set=None if explanation.decisive is None else _decisive(explanation.decisive),
    )


def facts_to_proto(facts: Iterable[Fact]) -> list[routing_pb2.Fact]:
    """The facts."""
    return [routing_pb2.Fact(name=fact.name, value=fact.value) for fact in facts]


def _candidate(candidate: Candidate) -> routing_pb2.Candidate:
    parts = candidate.parts
    return routing_pb2.Candidate(
        target=target_to_proto(candidate.target),
        score=candidate.score,
        parts=routing_pb2.ScoreParts(
            skill_match=parts.skill_match, success=parts.success, cost=parts.cost, load=parts.load, rules=parts.rules
        ),
        expected_cost=money_to_proto(candidate.expected_cost),
        failed=[number(reason) for reason in candidate.failed],
        detail=candidate.detail,
    )


def _fired(rule: FiredRule) -> routing_pb2.FiredRule:
    return routing_pb2.FiredRule(
        rule_id=rule.rule_id,
        effect=number(rule.effect),
        priority=rule.priority,
        explanation=rule.explanation,
        facts=facts_to_proto(rule.facts),
        candidate_count=rule.candidate_count,
    )


def _blocked(rule: BlockedRule) -> routing_pb2.BlockedRule:
    return routing_pb2.BlockedRule(
        rule_id=rule.rule_id,
        effect=number(rule.effect),
        priority=rule.priority,
        fact=routing_pb2.Fact(name=rule.fact.name, value=rule.fact.value),
        needed=rule.needed,
    )


def _load(choice: LoadChoice) -> routing_pb2.LoadChoice:
    return routing_pb2.LoadChoice(near_best=_targets(choice.near_best), compared=_targets(choice.compared), text=choice.text)


def _targets(targets: Iterable[Target]) -> list[routing_pb2.Target]:
    return [target_to_proto(target) for target in targets]


def _counterfactual(item: Counterfactual) -> routing_pb2.Counterfactual:
    return routing_pb2.Counterfactual(text=item.text, change=item.change, target=_target(item.target))


def _decisive(decisive: DecisiveSet) -> routing_pb2.DecisiveSet:
    return routing_pb2.DecisiveSet(facts=decisive.facts, rules=decisive.rules, without=_target(decisive.without))


def _target(target: Target | None) -> routing_pb2.Target | None:
    return None if target is None else target_to_proto(target)
