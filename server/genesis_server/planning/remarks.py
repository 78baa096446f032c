"""What a goal says about its actions besides what to do: demands, deadlines, durations."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass

from genesis_server.model.plan import Requirement, RequirementKind
from genesis_server.planning.clauses import Clause
from genesis_server.planning.durations import read_duration
from genesis_server.planning.quantities import Piece, pieces
from genesis_server.planning.requirement_words import demands
from genesis_server.planning.requirements import Demand, read_demands
from genesis_server.planning.tokens import Sentence, without_quotes

OPENERS_REACH = 6


@dataclass(frozen=True, slots=True)
class Said:
    """What a goal says about one action."""

    requirements: tuple[Requirement, ...]
    expected_seconds: float | None
    deadline_seconds: float | None


@dataclass(frozen=True, slots=True)
class About:
    """Where a goal speaks of one action; ranges are (start, end) in the goal."""

    regions: list[tuple[int, int]]
    core: int
    """Where the action's own words begin."""
    verb: str
    conditions: list[tuple[int, int]]
    """Conditions, which demand nothing."""
    asking: list[tuple[int, int]]
    """Where "must" is the request itself."""


class Remarks:
    """The words of one goal, for looking up what they demand."""

    def __init__(self, goal: str) -> None:
        """Prepare a goal; what it quotes demands nothing."""
        self.goal = goal
        self.pieces = pieces(without_quotes(goal))
        self._starts = [piece.start for piece in self.pieces]
        self._of_all: list[Demand] = []

    def within(self, start: int, end: int) -> list[Piece]:
        """The pieces that stand within a range of the goal."""
        return self.pieces[bisect_left(self._starts, start) : bisect_right(self._starts, end - 1)]

    def demand_of_all(self, start: int, end: int) -> bool:
        """Read a sentence about all actions; whether it demands anything of them."""
        found = read_demands(self.goal, self.within(start, end))
        self._of_all.extend(found)
        return bool(found)

    def read_of_all(self) -> None:
        """Read what single words demand of all actions: "…, all by Friday"."""
        self._of_all.extend(demand for demand in read_demands(self.goal, self.pieces) if demand.of_all)

    def of(self, about: About) -> Said:
        """What is said about an action, with what is demanded of all."""
        own: list[Demand] = []
        expected: float | None = None
        for start, end in _cut(about.regions, about.core):
            found = _without(self.within(*_with_sign(self.goal, start, end)), about.conditions)
            told = [demand for demand in read_demands(self.goal, found) if not _asks(demand, about.asking)]
            own.extend(told)
            if expected is None:
                taken = {place for demand in told for place in range(demand.first, demand.end)}
                expected = read_duration(found, verb=about.verb, taken=taken)
        seen = {(demand.requirement.kind, demand.requirement.span): demand for demand in [*own, *self._of_all]}
        deadlines = [demand.deadline_seconds for demand in seen.values() if demand.deadline_seconds is not None]
        return Said(tuple(demand.requirement for demand in seen.values()), expected, min(deadlines, default=None))


def is_about_all(sentence: Sentence, parts: list[Clause], remarks: Remarks) -> bool:
    """Whether a sentence only demands something of every action: "everything must be done by Friday"; reads its demands then."""
    known = demands()
    texts = sentence.texts
    at = 0
    while at < min(OPENERS_REACH, len(texts)) and texts[at] in known.words.whole_openers:
        at += 1
    if not known.whole_subjects.length_at(texts, at):
        return False
    if not all(texts[clause.verb] in known.words.whole_participles for clause in parts):
        return False
    return remarks.demand_of_all(sentence.tokens[0].start, sentence.tokens[-1].end)


def _asks(demand: Demand, asking: list[tuple[int, int]]) -> bool:
    """Whether a "must" is the request itself: "the bug must be fixed"."""
    span = demand.requirement.span
    if demand.requirement.kind is not RequirementKind.MUST or span is None:
        return False
    return any(start <= span.start < end for start, end in asking)


def _cut(regions: list[tuple[int, int]], place: int) -> list[tuple[int, int]]:
    """The regions in order, the one that holds `place` as two."""
    cut: list[tuple[int, int]] = []
    for start, end in sorted(regions):
        cut.extend([(start, place), (place, end)] if start < place < end else [(start, end)])
    return cut


def _without(found: list[Piece], ranges: list[tuple[int, int]]) -> list[Piece]:
    """The pieces that stand in none of the ranges."""
    if not ranges:
        return found
    return [piece for piece in found if not any(start <= piece.start < end for start, end in ranges)]


def _with_sign(goal: str, start: int, end: int) -> tuple[int, int]:
    """A region with the money sign that stands right at its end, which is no word."""
    while end < len(goal) and goal[end] in " $€£¥%":
        end += 1
    return start, end
