"""A rulebook: rules compiled once, asked for each task."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from operator import attrgetter

from genesis_server.model.routing import BlockedRule, FiredRule
from genesis_server.routing.rules.blocking import blocked_rule
from genesis_server.routing.rules.compiler import Test, compile_condition
from genesis_server.routing.rules.condition import facts_of, print_condition
from genesis_server.routing.rules.facts import CandidateFacts, TaskFacts
from genesis_server.routing.rules.index import RuleIndex
from genesis_server.routing.rules.judging import CompiledRule, RuleColumns, columns_of
from genesis_server.routing.rules.rule import Rule

ALGORITHM = "1"
"""Raised when the same rules would decide otherwise."""

PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
"""A fact in an explanation."""


_number = attrgetter("number")


@dataclass(frozen=True, slots=True)
class _Asked:
    """What `fired` needs of a rule."""

    rule: CompiledRule
    when: Test
    has_window: bool


@dataclass(frozen=True, eq=False)
class Rulebook:
    """Immutable; `compile_rulebook` makes one."""

    version: str
    """`rulebook_` and a hash of what the rules say; comments, order and lines do not count."""
    text: str
    """What it was read from."""
    compiled: tuple[CompiledRule, ...]
    """All rules, the first asked first; a rule's number is its place here."""
    _asked: tuple[_Asked | None, ...] = field(repr=False)
    _index: RuleIndex = field(repr=False)
    _left_out: frozenset[int] = field(default=frozenset(), repr=False)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules that are not left out, highest priority first, then by id."""
        return tuple([each.rule for each in self.compiled if each.number not in self._left_out])

    def fired(self, facts: TaskFacts) -> tuple[CompiledRule, ...]:
        """The rules that fire for a task, highest priority first, then by id."""
        return tuple(self._firing(self._index.candidates(facts.values), facts))

    def fired_each(self, tasks: Iterable[TaskFacts]) -> list[tuple[CompiledRule, ...]]:
        """The same for each of several tasks, in less time; what is equal is one object."""
        index = self._index
        # Rules that wait under no value are asked once for tasks that are alike in all that these rules read.
        steady: dict[object, tuple[CompiledRule, ...]] = {}
        known: dict[tuple[int, ...], tuple[CompiledRule, ...]] = {}
        found: list[tuple[CompiledRule, ...]] = []
        for facts in tasks:
            values = facts.values
            key = index.read_always(values), facts.now
            fired = steady.get(key)
            if fired is None:
                fired = tuple(self._firing(index.always, facts))
                fired = steady[key] = known.setdefault(tuple([rule.number for rule in fired]), fired)
            waiting = index.waiting(values)
            more = self._firing(set(waiting), facts) if waiting else None
            if more:
                together = sorted([*fired, *more], key=_number)
                fired = known.setdefault(tuple([rule.number for rule in together]), tuple(together))
            found.append(fired)
        return found

    def _firing(self, numbers: Iterable[int], facts: TaskFacts) -> list[CompiledRule]:
        """Those of some rules that fire for a task, in the order of the numbers."""
        values, asked = facts.values, self._asked
        found: list[CompiledRule] = []
        for number in numbers:
            entry = asked[number]
            if entry is not None and entry.when(values) and (not entry.has_window or entry.rule.rule.valid_at(facts.now)):
                found.append(entry.rule)
        return found

    def blocked(self, facts: TaskFacts) -> tuple[BlockedRule, ...]:
        """Why each of the other rules does not fire, in the same order; slower, for explanations only."""
        fired = {rule.number for rule in self.fired(facts)}
        others = [each.rule for each in self.compiled if each.number not in fired and each.number not in self._left_out]
        return tuple([blocked_rule(rule, facts) for rule in others])

    def told(self, fired: CompiledRule, facts: TaskFacts, candidate_count: int) -> FiredRule:
        """A fired rule for people; `candidate_count` says how many candidates of the task it is about."""
        rule, read = fired.rule, {name: facts.fact(name) for name in fired.reads}
        pieces = [(read.get(piece) or facts.fact(piece)).value if number % 2 else piece for number, piece in enumerate(fired.told)]
        return FiredRule(
            rule_id=rule.id,
            effect=rule.effect,
            priority=rule.priority,
            explanation="".join(pieces),
            facts=tuple(read.values()),
            candidate_count=candidate_count,
        )

    def columns(self, candidates: Sequence[CandidateFacts]) -> RuleColumns:
        """Who each rule is about; to be kept as long as the rulebook and the candidates are."""
        return columns_of(self.compiled, candidates)

    def without(self, rule_ids: Collection[str]) -> Rulebook:
        """The same without some rules, made in no time; columns of the whole rulebook fit it, and its version is that of the whole."""
        left_out = self._left_out | {each.number for each in self.compiled if each.id in rule_ids}
        asked = tuple([None if number in left_out else entry for number, entry in enumerate(self._asked)])
        return replace(self, _asked=asked, _left_out=left_out)


def compile_rulebook(rules: Iterable[Rule], text: str = "") -> Rulebook:
    """The rulebook of some rules. ValueError when two of them have one id."""
    ordered = sorted(rules, key=lambda rule: rule.order)
    if len({rule.id for rule in ordered}) < len(ordered):
        raise ValueError("two rules have the same id")
    compiled = tuple([_compiled(rule, number) for number, rule in enumerate(ordered)])
    asked = tuple([_asked(each) if each.rule.enabled else None for each in compiled])
    index = RuleIndex((each.number, each.rule.when) for each in compiled if each.rule.enabled)
    return Rulebook(_version(ordered), text, compiled, asked, index)


def _compiled(rule: Rule, number: int) -> CompiledRule:
    return CompiledRule(rule, number, compile_condition(rule.who), facts_of(rule.when), tuple(PLACEHOLDER.split(rule.explanation)))


def _asked(each: CompiledRule) -> _Asked:
    rule = each.rule
    return _Asked(each, compile_condition(rule.when), rule.valid_from is not None or rule.valid_until is not None)


def _version(rules: Sequence[Rule]) -> str:
    content = [
        [
            rule.id,
            rule.effect.name,
            rule.priority,
            rule.weight,
            rule.enabled,
            rule.valid_from,
            rule.valid_until,
            print_condition(rule.when),
            print_condition(rule.who),
            rule.explanation,
            rule.description,
        ]
        for rule in sorted(rules, key=lambda rule: rule.id)
    ]
    text = f"{ALGORITHM} {json.dumps(content)}"
    return f"rulebook_{blake2b(text.encode('ascii'), digest_size=6).hexdigest()}"


EMPTY_RULEBOOK = compile_rulebook(())
"""Without any rule: nobody is refused and nobody preferred."""
