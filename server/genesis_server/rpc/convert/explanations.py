"""The proof of a route, put into its answer: written where it belongs, as routes are."""

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
)
from genesis_server.rpc.convert.values import Fields, number, write_money, write_target

if TYPE_CHECKING:
    from google.protobuf.internal.containers import RepeatedCompositeFieldContainer


def write_explanation(explanation: RouteExplanation, message: routing_pb2.RouteExplanation) -> None:
    """The proof at its level, into a message."""
    message.level = number(explanation.level)
    message.decisive_difference = explanation.decisive_difference
    message.tie_break = explanation.tie_break
    message.feasible_count = explanation.feasible_count
    message.candidate_count = explanation.candidate_count
    for candidate in explanation.candidates:
        _write_candidate(candidate, message.candidates.add())
    _write_facts(explanation.facts, message.facts)
    for fired in explanation.fired:
        _write_fired(fired, message.fired_rules.add())
    for blocked in explanation.blocked:
        _write_blocked(blocked, message.blocked_rules.add())
    if explanation.load is not None:
        _write_load(explanation.load, message.load_choice)
    for counterfactual in explanation.counterfactuals:
        _write_counterfactual(counterfactual, message.counterfactuals.add())
    if explanation.decisive is not None:
        _write_decisive(explanation.decisive, message.decisive_set)


def facts_to_proto(facts: Iterable[Fact]) -> list[Fields]:
    """The facts."""
    return [{"name": fact.name, "value": fact.value} for fact in facts]


def _write_facts(facts: Iterable[Fact], into: RepeatedCompositeFieldContainer[routing_pb2.Fact]) -> None:
    for fact in facts:
        into.add(name=fact.name, value=fact.value)


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


def _write_fired(rule: FiredRule, message: routing_pb2.FiredRule) -> None:
    message.rule_id = rule.rule_id
    message.effect = number(rule.effect)
    message.priority = rule.priority
    message.explanation = rule.explanation
    _write_facts(rule.facts, message.facts)
    message.candidate_count = rule.candidate_count


def _write_blocked(rule: BlockedRule, message: routing_pb2.BlockedRule) -> None:
    message.rule_id = rule.rule_id
    message.effect = number(rule.effect)
    message.priority = rule.priority
    message.fact.name = rule.fact.name
    message.fact.value = rule.fact.value
    message.needed = rule.needed


def _write_load(choice: LoadChoice, message: routing_pb2.LoadChoice) -> None:
    for target in choice.near_best:
        write_target(target, message.near_best.add())
    for target in choice.compared:
        write_target(target, message.compared.add())
    message.text = choice.text


def _write_counterfactual(item: Counterfactual, message: routing_pb2.Counterfactual) -> None:
    message.text = item.text
    message.change = item.change
    if item.target is not None:
        write_target(item.target, message.target)


def _write_decisive(decisive: DecisiveSet, message: routing_pb2.DecisiveSet) -> None:
    # There even if it names nothing.
    message.SetInParent()
    message.facts.extend(decisive.facts)
    message.rules.extend(decisive.rules)
    if decisive.without is not None:
        write_target(decisive.without, message.without)
