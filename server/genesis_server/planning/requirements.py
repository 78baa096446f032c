"""What a goal demands of an action beyond doing it: limits, deadlines, exceptions.

Read from left to right; where several fit, a deadline comes before a limit and a limit before words. "Within 2 hours" is a deadline
counted from the plan's start; weekdays and dates stay words, for planning has no clock. The words it goes by are data
(data/language/requirements.toml).
"""

from __future__ import annotations

from dataclasses import dataclass

from genesis_server.model.plan import Requirement, RequirementKind
from genesis_server.model.span import Span
from genesis_server.planning.quantities import Amount, Piece, amount_at
from genesis_server.planning.requirement_words import Demands, demands

_ENDS = frozenset({",", ";", ":", "(", ")", "[", "]", "—", "–", ".", "!", "?"})
FIRST_YEAR, LAST_YEAR = 1900, 2199


@dataclass(frozen=True, slots=True)
class Demand:
    """A requirement where it stands among pieces."""

    requirement: Requirement
    first: int
    end: int
    """One past its last piece."""
    deadline_seconds: float | None = None
    """Counted from the plan's start, for a relative deadline."""
    of_all: bool = False
    """Whether it is one of all actions: "…, all by Friday"."""


def read_demands(goal: str, found: list[Piece]) -> list[Demand]:
    """The demands among pieces of a goal, in textual order; none overlaps another. Linear for phrases of bounded length."""
    return _Reader(goal, found, demands()).read()


class _Reader:
    """Reads one range of pieces."""

    def __init__(self, goal: str, found: list[Piece], known: Demands) -> None:
        self.goal = goal
        self.found = found
        self.texts = [piece.text for piece in found]
        self.known = known
        self.end = len(found)

    def read(self) -> list[Demand]:
        kept: list[Demand] = []
        place = through = 0
        while place < self.end:
            demand = self._at(place, told=place < through)
            if demand is None:
                place += 1
                continue
            kept.append(demand)
            if demand.requirement.kind is RequirementKind.MUST:
                place, through = place + self.known.must.length_at(self.texts, place), demand.end
            else:
                place = demand.end
        told = [demand for demand in kept if demand.requirement.kind is not RequirementKind.MUST]
        return [
            demand
            for demand in kept
            if demand.requirement.kind is not RequirementKind.MUST or not any(demand.first < other.first < demand.end for other in told)
        ]

    def _at(self, place: int, *, told: bool) -> Demand | None:
        by = self._deadline(place) or self._limit(place) or self._limit_behind(place)
        if by is not None:
            return by
        length = self.known.except_.length_at(self.texts, place)
        if length:
            return self._phrase(RequirementKind.EXCEPT, place, length)
        length = self.known.only.length_at(self.texts, place)
        if length and not self._is_no_only(place, length):
            return self._phrase(RequirementKind.ONLY, place, length)
        length = 0 if told else self.known.must.length_at(self.texts, place)
        return self._phrase(RequirementKind.MUST, place, length, through=True) if length else None

    def _is_no_only(self, place: int, length: int) -> bool:
        words = self.known.words
        following = self.texts[place + length] if place + length < self.end else ""
        return following in words.only_not_before or (place > 0 and self.texts[place - 1] in words.only_not_after)

    def _deadline(self, place: int) -> Demand | None:
        """A point in time, or a length of it: "by Friday", "before noon", "within 2 hours"."""
        length = self.known.within.length_at(self.texts, place)
        amount = self._amount(place + length) if length else None
        if amount is not None and amount.seconds is not None:
            return self._demand(RequirementKind.BY, place, amount.end, amount, deadline=amount.seconds)
        length = self.known.by.length_at(self.texts, place)
        end = self._past_time(place + length) if length else None
        if end is None:
            return None
        return self._demand(RequirementKind.BY, place, end + self.known.by_after.length_at(self.texts, end))

    def _limit(self, place: int) -> Demand | None:
        """A bound in front of its amount: "at most 5", "under 200 $", "within 300 metres"."""
        for kind, phrases in ((RequirementKind.AT_MOST, self.known.at_most), (RequirementKind.AT_LEAST, self.known.at_least)):
            length = phrases.length_at(self.texts, place)
            amount = self._amount(place + length) if length else None
            if amount is not None:
                return self._demand(kind, place, amount.end, amount)
        if self.texts[place] == "within":
            amount = self._amount(place + 1)
            return None if amount is None else self._demand(RequirementKind.AT_MOST, place, amount.end, amount)
        return None

    def _limit_behind(self, place: int) -> Demand | None:
        """A bound behind its amount: "200 $ or less"."""
        if self.found[place].kind == "mark":
            return None
        amount = self._amount(place)
        if amount is None:
            return None
        for kind, phrases in ((RequirementKind.AT_MOST, self.known.at_most_after), (RequirementKind.AT_LEAST, self.known.at_least_after)):
            length = phrases.length_at(self.texts, amount.end)
            if length and self._amount(amount.end + length) is None:
                return self._demand(kind, place, amount.end + length, amount)
        return None

    def _amount(self, place: int) -> Amount | None:
        while place < self.end and self.texts[place] in {"a", "the", "about", "total"} and amount_at(self.found, place) is None:
            place += 1
        return amount_at(self.found, place) if place < self.end else None

    def _phrase(self, kind: RequirementKind, place: int, length: int, *, through: bool = False) -> Demand | None:
        """Words up to the next comma or the like; `through`: whatever further demands stand among them."""
        end = place + length
        while end < self.end and self.texts[end] not in _ENDS:
            if not through and self.texts[end] in self.known.words.phrase_ends and end > place + length:
                break
            end += 1
        while end > place + length and self.texts[end - 1] in {"and", "or", "but"}:
            end -= 1
        return self._demand(kind, place, end) if end > place + length else None

    def _past_time(self, place: int) -> int | None:
        """Where a point in time that begins at `place` ends; None when none does."""
        words = self.known.words
        end: int | None = None
        at = place
        while at < self.end:
            text = self.texts[at]
            if text in words.times or text in words.clock_words or self._is_time(at) or (text in words.ordinals and end == at):
                end = at + 1
            elif text not in words.time_fillers:
                break
            at += 1
        return end

    def _is_time(self, at: int) -> bool:
        """Whether a number tells the hour, the day or the year."""
        text, words = self.texts[at], self.known.words
        if self.found[at].kind != "number":
            return False
        if any(near in words.months | words.clock_words | words.ordinals for near in self._beside(at)):
            return True
        if ":" in text or text.count("-") == 2 or text.count("/") in {1, 2} or text.count(".") == 2:
            return True
        return len(text) == len(str(FIRST_YEAR)) and text.isdecimal() and FIRST_YEAR <= int(text) <= LAST_YEAR

    def _beside(self, at: int) -> list[str]:
        return [*self.texts[max(at - 1, 0) : at], *self.texts[at + 1 : at + 3]]

    def _demand(
        self, kind: RequirementKind, first: int, end: int, amount: Amount | None = None, *, deadline: float | None = None
    ) -> Demand:
        start, stop = self.found[first].start, self.found[end - 1].end
        text = self.goal[start:stop]
        units = [piece for piece in self.found[first:end] if amount is not None and piece.text == amount.unit]
        unit = self.goal[units[-1].start : units[-1].end] if units else ""
        requirement = Requirement(kind, text, amount.value if amount is not None else None, unit, Span(start, stop, text))
        before = self.texts[max(first - 2, 0) : first]
        of_all = before[-1:] != [] and (before[-1] in self.known.words.alls or (before[-1] == "for" and before[0] in self.known.words.alls))
        return Demand(requirement, first, end, deadline, of_all)
