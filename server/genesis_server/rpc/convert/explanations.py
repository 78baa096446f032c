"""The proof of a route."""

from __future__ import annotations

from collections.abc import Iterable

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
from genesis_server.rpc.convert.values import Fields, money_to_proto, target_to_proto


def explanation_to_proto(explanation: RouteExplanation) -> Fields:
    """The proof at its level. What most proofs have none of is left out: that there is nothing costs as much as a value to say."""
    fields: Fields = {
        "level": explanation.level,
        "candidates": map(_candidate, explanation.candidates),
        "decisive_difference": explanation.decisive_difference,
        "tie_break": explanation.tie_break,
        "feasible_count": explanation.feasible_count,
        "candidate_count": explanation.candidate_count,
    }
    if explanation.facts:
        fields["facts"] = facts_to_proto(explanation.facts)
    if explanation.fired:
        fields["fired_rules"] = map(_fired, explanation.fired)
    if explanation.blocked:
        fields["blocked_rules"] = map(_blocked, explanation.blocked)
    if explanation.load is not None:
        fields["load_choice"] = _load(explanation.load)
    if explanation.counterfactuals:
        fields["counterfactuals"] = map(_counterfactual, explanation.counterfactuals)
    if explanation.decisive is not None:
        fields["decisive_set"] = _decisive(explanation.decisive)
    return fields


def facts_to_proto(facts: Iterable[Fact]) -> list[Fields]:
    """The facts."""
    return [_fact(fact) for fact in facts]


def _fact(fact: Fact) -> Fields:
    return {"name": fact.name, "value": fact.value}


def _candidate(candidate: Candidate) -> Fields:
    parts = candidate.parts
    fields: Fields = {
        "target": target_to_proto(candidate.target),
        "score": candidate.score,
        "parts": {
            "skill_match": parts.skill_match,
            "success": parts.success,
            "cost": parts.cost,
            "load": parts.load,
            "rules": parts.rules,
        },
        "expected_cost": money_to_proto(candidate.expected_cost),
        "detail": candidate.detail,
    }
    if candidate.failed:
        fields["failed"] = candidate.failed
    return fields


def _fired(rule: FiredRule) -> Fields:
    return {
        "rule_id": rule.rule_id,
        "effect": rule.effect,
        "priority": rule.priority,
        "explanation": rule.explanation,
        "facts": facts_to_proto(rule.facts),
        "candidate_count": rule.candidate_count,
    }


def _blocked(rule: BlockedRule) -> Fields:
    return {
        "rule_id": rule.rule_id,
        "effect": rule.effect,
        "priority": rule.priority,
        "fact": _fact(rule.fact),
        "needed": rule.needed,
    }


def _load(choice: LoadChoice) -> Fields:
    return {"near_best": _targets(choice.near_best), "compared": _targets(choice.compared), "text": choice.text}


def _targets(targets: Iterable[Target]) -> list[Fields]:
    return [target_to_proto(target) for target in targets]


def _counterfactual(item: Counterfactual) -> Fields:
    return {"text": item.text, "change": item.change, "target": _target(item.target)}


def _decisive(decisive: DecisiveSet) -> Fields:
    return {"facts": decisive.facts, "rules": decisive.rules, "without": _target(decisive.without)}


def _target(target: Target | None) -> Fields | None:
    return None if target is None else target_to_proto(target)
