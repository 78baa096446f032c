"""What the fired rules do with candidates: who is refused and by which rule, who goes first, what is added to the score.

`who` reads nothing but the candidate, so it is asked once for a catalogue. rule.py says what each effect means.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from genesis_server.model.routing import RuleEffect
from genesis_server.routing.rules.compiler import Test
from genesis_server.routing.rules.facts import CandidateFacts
from genesis_server.routing.rules.rule import HARD_EFFECTS, REFUSALS, Rule

Booleans = npt.NDArray[np.bool_]
Indexes = npt.NDArray[np.intp]
Numbers = npt.NDArray[np.float64]

NOBODY = -1
"""In `refused_by` where no rule refuses."""
MAX_WEIGHT = 1.0


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A rule with its place among all rules, first asked first, and its `who` as a closure."""

    rule: Rule
    number: int
    who: Test
    reads: tuple[str, ...]
    """The names of the facts its `when` reads."""
    told: tuple[str, ...]
    """Its explanation in pieces: text, the name of a fact, text, and so on."""

    @property
    def id(self) -> str:
        """The rule's id."""
        return self.rule.id

    @property
    def effect(self) -> RuleEffect:
        """What it does."""
        return self.rule.effect

    @property
    def priority(self) -> int:
        """The higher goes first."""
        return self.rule.priority


@dataclass(frozen=True, slots=True, eq=False)
class RuleOutcome:
    """What the fired rules do with some candidates; the columns go by their order."""

    refused_by: Indexes
    """Number of the rule that refuses the candidate, or NOBODY."""
    bonus: Numbers
    """What is added to the score, -1 to 1."""
    preference: Indexes
    """The lower goes first; only the order means something."""

    @property
    def refused(self) -> Booleans:
        """Who is refused."""
        return self.refused_by != NOBODY

    def at(self, rows: Indexes) -> RuleOutcome:
        """The same for the candidates at some places."""
        return RuleOutcome(self.refused_by[rows], self.bonus[rows], self.preference[rows])


@dataclass(frozen=True, eq=False)
class RuleColumns:
    """Who each rule is about, over all candidates of a catalogue."""

    row_count: int
    columns: Mapping[int, Booleans]
    """By number of the rule."""

    def who(self, rule: CompiledRule) -> Booleans:
        """Whether each candidate is in the rule's `who`."""
        return self.columns[rule.number]

    def outcome(self, fired: Sequence[CompiledRule]) -> RuleOutcome:
        """What fired rules do with all candidates."""
        return RuleOutcome(self._refusals(fired), self._bonus(fired), self._preference(fired))

    def _refusals(self, fired: Sequence[CompiledRule]) -> Indexes:
        refused_by = np.full(self.row_count, NOBODY, dtype=np.intp)
        open_rows = np.ones(self.row_count, dtype=np.bool_)
        hard = [rule for rule in fired if rule.effect in HARD_EFFECTS]
        for rule in sorted(hard, key=lambda rule: (-rule.priority, rule.effect not in REFUSALS, rule.number)):
            who = self.who(rule)
            spoken_of = open_rows & (~who if rule.effect is RuleEffect.REQUIRE else who)
            if rule.effect in REFUSALS:
                refused_by[spoken_of] = rule.number
            open_rows &= ~spoken_of
        return refused_by

    def _bonus(self, fired: Sequence[CompiledRule]) -> Numbers:
        bonus = np.zeros(self.row_count)
        for rule in fired:
            if rule.effect is RuleEffect.WEIGHT:
                bonus[self.who(rule)] += rule.rule.weight
        return np.clip(bonus, -MAX_WEIGHT, MAX_WEIGHT)

    def _preference(self, fired: Sequence[CompiledRule]) -> Indexes:
        levels: dict[int, list[Booleans]] = defaultdict(list)
        for rule in fired:
            if rule.effect is RuleEffect.PREFER:
                levels[rule.priority].append(self.who(rule))
        rank = np.zeros(self.row_count, dtype=np.intp)
        for _, level in sorted(levels.items(), reverse=True):
            missed = np.sum([~who for who in level], axis=0)
            # Ranks are packed again after each level, so that they stay small however many levels there are.
            rank = np.unique(rank * (len(level) + 1) + missed, return_inverse=True)[1].astype(np.intp)
        return rank


def columns_of(rules: Sequence[CompiledRule], candidates: Sequence[CandidateFacts]) -> RuleColumns:
    """Who each rule is about."""
    columns = {
        rule.number: np.fromiter((rule.who(candidate.values) for candidate in candidates), dtype=np.bool_, count=len(candidates))
        for rule in rules
    }
    return RuleColumns(len(candidates), columns)


def judge(fired: Sequence[CompiledRule], columns: RuleColumns, rows: Indexes) -> RuleOutcome:
    """What the fired rules do with the candidates at `rows`, in their order."""
    return columns.outcome(fired).at(rows)
