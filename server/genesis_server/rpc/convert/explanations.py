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
    """The proof at its level."""
    return {
        "level": explanation.level,
        "candidates": [_candidate(candidate) for candidate in explanation.candidates],
        "decisive_difference": explanation.decisive_difference,
        "tie_break": explanation.tie_break,
        "feasible_count": explanation.feasible_count,
        "candidate_count": explanation.candidate_count,
        "facts": facts_to_proto(explanation.facts),
        "fired_rules": [_fired(rule) for rule in explanation.fired],
        "blocked_rules": [_blocked(rule) for rule in explanation.blocked],
        "load_choice": None if explanation.load is None else _load(explanation.load),
        "counterfactuals": [_counterfactual(item) for item in explanation.counterfactuals],
        "decisive_set": None if explanation.decisive is None else _decisive(explanation.decisive),
    }


def facts_to_proto(facts: Iterable[Fact]) -> list[Fields]:
    """The facts."""
    return [_fact(fact) for fact in facts]


def _fact(fact: Fact) -> Fields:
    return {"name": fact.name, "value": fact.value}


def _candidate(candidate: Candidate) -> Fields:
    parts = candidate.parts
    return {
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
        "failed": candidate.failed,
        "detail": candidate.detail,
    }


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
