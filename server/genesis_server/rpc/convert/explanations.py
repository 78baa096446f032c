"""The proof of a route."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

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
from genesis_server.rpc.convert.values import Fields, number, target_to_proto, write_money, write_target

if TYPE_CHECKING:
    from google.protobuf.internal.containers import RepeatedCompositeFieldContainer


def explanation_to_proto(explanation: RouteExplanation) -> Fields:
    """The proof at its level without its candidates, which `write_candidates` adds.

    What most proofs have none of is left out: it takes as long to say that there is nothing.
    """
    fields: Fields = {
        "level": explanation.level,
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


def write_candidates(candidates: Iterable[Candidate], into: RepeatedCompositeFieldContainer[routing_pb2.Candidate]) -> None:
    """Add candidates to those of a proof."""
    for candidate in candidates:
        _write_candidate(candidate, into.add())


def _write_candidate(candidate: Candidate, message: routing_pb2.Candidate) -> None:
    write_target(candidate.target, message.target)
    message.score = candidate.score
    parts, parts_message = candidate.parts, message.parts
    parts_message.skill_match = parts.skill_match
    parts_message.success = parts.success
    parts_message.cost = parts.cost
    parts_message.load = parts.load
    parts_message.rules = parts.rules
    write_money(candidate.expected_cost, message.expected_cost)
    if candidate.failed:
        message.failed.extend([number(reason) for reason in candidate.failed])
    if candidate.detail:
        message.detail = candidate.detail


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
