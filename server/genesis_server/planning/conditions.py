"""What a condition of a goal asks for: a thing, a comparison and a value.

"The price drops below 200 $" is `price` LESS 200; "the tests pass" is `tests` IS_TRUE; "there are errors" is `errors` IS_TRUE;
"the status is open" is `status` EQUAL "open". What is not understood, and what joins things with "or", is one statement that is true
or false as a whole: its words are the artefact. The words it goes by are data (data/language/conditions.toml).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from genesis_server.model.plan import GuardOperator
from genesis_server.planning.condition_words import Conditionals, conditionals
from genesis_server.planning.lexicon import lexicon
from genesis_server.planning.quantities import Piece, amount_at

LONGEST_NAME = 3
LONGEST_STATEMENT = 6
LONGEST_VALUE = 200
SO = "so"
_NUMERIC = frozenset({GuardOperator.LESS, GuardOperator.AT_MOST, GuardOperator.GREATER, GuardOperator.AT_LEAST})
_OPPOSITE = {
    GuardOperator.EQUAL: GuardOperator.NOT_EQUAL,
    GuardOperator.NOT_EQUAL: GuardOperator.EQUAL,
    GuardOperator.LESS: GuardOperator.AT_LEAST,
    GuardOperator.AT_LEAST: GuardOperator.LESS,
    GuardOperator.GREATER: GuardOperator.AT_MOST,
    GuardOperator.AT_MOST: GuardOperator.GREATER,
    GuardOperator.IS_TRUE: GuardOperator.IS_FALSE,
    GuardOperator.IS_FALSE: GuardOperator.IS_TRUE,
}


class Sense(Enum):
    """How a condition was understood."""

    COMPARISON = "comparison"
    OUTCOME = "outcome"
    COMPLETION = "completion"
    """It says no more than that something is over."""
    EXISTENCE = "existence"
    STATE = "state"
    STATEMENT = "statement"


@dataclass(frozen=True, slots=True)
class Reading:
    """One condition."""

    artefact: str
    """Name in snake_case; empty when a pronoun or nothing stands for the thing."""
    operator: GuardOperator
    value: str
    sense: Sense
    subject: tuple[int, int] | None
    """Where its subject stands in the goal."""
    pronoun: str = ""
    """The subject, when it is a pronoun."""
    outside: bool = False
    """Whether no action of the plan can decide it: the weather."""


def opposite(operator: GuardOperator) -> GuardOperator | None:
    """The operator that holds exactly where this one does not; None for CONTAINS, which has none."""
    return _OPPOSITE.get(operator)


def read(marker: str, said: list[Piece]) -> list[Reading]:
    """The conditions behind a marker ("if", "unless", …); all must hold. Empty when nothing is said."""
    known = conditionals()
    found = [part for piece in said if piece.kind != "mark" for part in _spelled_out(piece, known)]
    if all(piece.text in known.words.determiners for piece in found):
        return []
    reader = _Reader(known)
    texts = [piece.text for piece in found]
    if texts == [SO]:
        return [if_so()]
    if marker in known.words.existence_markers:
        readings = [reader.existence(found, negated=False)]
    elif any(text in known.words.alternatives and text == "or" for text in texts):
        readings = [reader.statement(found, negated=False)]
    else:
        readings = reader.all_of(found)
    if marker not in known.words.negative_markers:
        return readings
    return negated(readings, found)


def _spelled_out(piece: Piece, known: Conditionals) -> list[Piece]:
    """A short form as its words: "it's" as "it" and "is"."""
    thing, mark, short = piece.text.partition("'")
    if not mark or short not in {"s", "re"} or thing not in known.words.pronouns | known.words.finder_subjects:
        return [piece]
    cut = piece.start + len(thing)
    return [replace(piece, text=thing, end=cut), replace(piece, text="is", start=cut)]


def if_so() -> Reading:
    """What "if so" asks for: that the action before it came out well."""
    return Reading("", GuardOperator.IS_TRUE, "", Sense.OUTCOME, None, pronoun=SO)


def negated(readings: list[Reading], said: list[Piece]) -> list[Reading]:
    """What holds exactly where not all of `readings` do; one statement about the words as a whole when there is no simpler way."""
    other = opposite(readings[0].operator) if len(readings) == 1 else None
    if other is not None:
        return [replace(readings[0], operator=other)]
    return [_Reader(conditionals()).statement([piece for piece in said if piece.kind != "mark"], negated=True)] if readings else []


def snake_case(names: list[str], longest: int) -> str:
    """The last words of a name, joined."""
    plain = (name.removesuffix("'s").replace("'", "").replace("-", "_").replace(".", "_") for name in names[-longest:])
    return "_".join(part for part in plain if part).strip("_")[:LONGEST_VALUE]


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the pieces of one condition."""

    known: Conditionals

    def all_of(self, found: list[Piece]) -> list[Reading]:
        """Conditions joined by "and"; "the lint and the tests pass" is one."""
        readings: list[Reading] = []
        start = 0
        cuts = [place for place, piece in enumerate(found) if piece.text == "and"]
        for cut in [*cuts, len(found)]:
            part = found[start:cut]
            if not part or (cut < len(found) and not (self._has_predicate(part) and self._has_predicate(found[cut + 1 :]))):
                continue
            reading = self.one(part)
            if readings and reading.subject is None and not reading.artefact:
                reading = replace(reading, artefact=readings[-1].artefact, pronoun=readings[-1].pronoun, subject=readings[-1].subject)
            readings.extend(self._shared(part, reading) or [reading])
            start = cut + 1
        return readings

    def _shared(self, found: list[Piece], reading: Reading) -> list[Reading]:
        """The same of the things joined in front of the last one: "the lint and the tests pass"."""
        if reading.subject is None or reading.sense is Sense.STATEMENT:
            return []
        start = 0
        shared: list[Reading] = []
        for place, piece in enumerate(found):
            if piece.text == "and" and place > start and piece.end < reading.subject[1]:
                thing = found[start:place]
                shared.append(replace(reading, artefact=self._name(thing), subject=(thing[0].start, thing[-1].end)))
                start = place + 1
        if shared:
            last = [piece for piece in found[start:] if piece.end <= reading.subject[1]]
            return [*shared, replace(reading, artefact=self._name(last), subject=(last[0].start, last[-1].end))]
        return []

    def one(self, found: list[Piece]) -> Reading:
        """One condition, which has at most one predicate."""
        compared = self._comparison(found)
        if compared is not None:
            return compared
        words = self.known.words
        texts = [piece.text for piece in found]
        turned = sum(text in words.negations for text in texts) % 2 == 1
        thing = self._thing_that_is_there(texts)
        if thing < len(texts):
            return self.existence(found[thing:], negated=turned)
        copula = next((place for place, text in enumerate(texts) if text in words.copulas), None)
        if copula is not None:
            possible = texts[copula] == "be" and not words.possibles.isdisjoint(texts[:copula])
            return self.statement(found, negated=False) if possible else self._state(found, copula, turned=turned)
        outcomes = [place for place, text in enumerate(texts) if self._outcome(text) is not None and text not in words.negations]
        if outcomes:
            at = outcomes[0] or outcomes[-1]
            return self._about(found[:at], texts[at], turned=turned)
        return self.statement(found, negated=False)

    def _thing_that_is_there(self, texts: list[str]) -> int:
        """Where the thing stands in "there are errors" and "you find errors"; behind the end when it is said otherwise."""
        words = self.known.words
        if texts[0] == "there" and texts[1:2] and texts[1] in words.copulas:
            return 2
        if texts[0] not in words.finder_subjects:
            return len(texts)
        verb = next((place for place, text in enumerate(texts[1:5], start=1) if text not in words.auxiliaries), len(texts))
        return verb + 1 if verb < len(texts) and texts[verb] in words.finders else len(texts)

    def existence(self, found: list[Piece], *, negated: bool) -> Reading:
        """Whether there is such a thing."""
        name = self._name(found)
        operator = GuardOperator.IS_FALSE if negated else GuardOperator.IS_TRUE
        if found[-1].text in self.known.words.failures:
            other = GuardOperator.IS_TRUE if negated else GuardOperator.IS_FALSE
            return Reading("", other, "", Sense.OUTCOME, (found[0].start, found[-1].end))
        return Reading(name, operator, "", Sense.EXISTENCE, (found[0].start, found[-1].end))

    def statement(self, found: list[Piece], *, negated: bool) -> Reading:
        """The words as a whole, true or false."""
        words = self.known.words
        texts = [piece.text for piece in found]
        turned = negated
        if not any(text in words.alternatives for text in texts):
            turned ^= sum(text in words.negations for text in texts) % 2 == 1
        skipped = words.determiners | words.negations | words.pronouns | words.auxiliaries | words.copulas
        kept = [text for text in texts if text not in skipped] or texts
        pronoun = texts[0] if texts[0] in words.pronouns else ""
        operator = GuardOperator.IS_FALSE if turned else GuardOperator.IS_TRUE
        outside = any(text in words.weather for text in texts)
        name = snake_case(kept[:LONGEST_STATEMENT], LONGEST_STATEMENT)
        return Reading(name, operator, "", Sense.STATEMENT, (found[0].start, found[-1].end), "" if outside else pronoun, outside)

    def _comparison(self, found: list[Piece]) -> Reading | None:
        """The first comparison with a value it can be made with."""
        texts = [piece.text for piece in found]
        words = self.known.words
        for place in range(len(found)):
            lengths = [(kind, phrases.length_at(texts, place)) for kind, phrases in self.known.comparisons]
            operator, length = max(lengths, key=lambda one: one[1])
            behind = place + length
            if not length or behind >= len(found):
                continue
            amount = amount_at(found, behind)
            if operator in _NUMERIC and amount is None:
                continue
            if operator in _NUMERIC or (operator is GuardOperator.EQUAL and amount is not None and amount.end == len(found)):
                value = _figure(amount.value) if amount is not None else ""
            else:
                value = self._value(found[behind:])
            turned = sum(text in words.negations for text in [*texts[:place], *texts[behind:]]) % 2 == 1
            kind = operator if not turned else opposite(operator)
            if kind is None or not value:
                return self.statement(found, negated=False)
            if not place and amount is not None and amount.unit.isalpha() and amount.seconds is None:
                return Reading(amount.unit, kind, value, Sense.COMPARISON, (found[0].start, found[amount.end - 1].end))
            return self._with_subject(found[:place], Reading("", kind, value, Sense.COMPARISON, None))
        return None

    def _state(self, found: list[Piece], copula: int, *, turned: bool) -> Reading:
        """What something is: "the table is free", "the status is open"."""
        words = self.known.words
        rest = [piece for piece in found[copula + 1 :] if piece.text not in words.negations and piece.text not in words.auxiliaries]
        while rest and rest[0].text in words.copulas:
            rest = rest[1:]
        subject = found[:copula]
        if not subject and rest:
            known = self._outcome(rest[0].text) is not None
            return self._about([], rest[0].text, turned=turned) if known else self.statement(found, negated=False)
        outcome = next((piece.text for piece in rest[:3] if self._outcome(piece.text) is not None), None)
        if not rest or outcome is not None:
            return self._about(subject, outcome or "true", turned=turned)
        amount = amount_at(rest, 0)
        value = _figure(amount.value) if amount is not None and amount.end == len(rest) else self._value(rest)
        if any(piece.text in words.weather for piece in rest) or not value:
            return self.statement(found, negated=False)
        operator = GuardOperator.NOT_EQUAL if turned else GuardOperator.EQUAL
        return self._with_subject(subject, Reading("", operator, value, Sense.STATE, None))

    def _about(self, subject: list[Piece], outcome: str, *, turned: bool) -> Reading:
        good = self._outcome(outcome) is not False
        operator = GuardOperator.IS_TRUE if good is not turned else GuardOperator.IS_FALSE
        sense = Sense.COMPLETION if outcome in self.known.words.completions else Sense.OUTCOME
        return self._with_subject(subject, Reading("", operator, "", sense, None))

    def _with_subject(self, subject: list[Piece], reading: Reading) -> Reading:
        words = self.known.words
        strip = words.movements | words.copulas | words.auxiliaries | words.negations | {"to"}
        kept = list(subject)
        while kept and kept[-1].text in strip:
            kept.pop()
        if len(kept) > 2 and kept[0].text in words.finder_subjects and kept[1].text in words.finders:
            kept = kept[2:]
        while len(kept) > 1 and kept[0].text in words.negations | {"there"} | words.copulas:
            kept = kept[1:]
        if not kept or (len(kept) == 1 and kept[0].text in words.negations):
            return reading
        span = (kept[0].start, kept[-1].end)
        if len(kept) == 1 and kept[0].text in words.pronouns:
            return replace(reading, pronoun=kept[0].text, subject=span)
        return replace(reading, artefact=self._name(kept), subject=span)

    def _name(self, found: list[Piece]) -> str:
        """The head noun with the words in front of it that say which: "the response code of the server" is `response_code`."""
        words = self.known.words
        closed = lexicon().english.function_words
        kept: list[str] = []
        for piece in found:
            text = piece.text
            if text in words.negations or piece.kind == "sign":
                continue
            if text in closed or text in words.determiners or (kept and (text in words.copulas or self._outcome(text) is not None)):
                if kept:
                    break
                continue
            kept.append(text)
        return snake_case(kept, LONGEST_NAME)

    def _value(self, found: list[Piece]) -> str:
        while len(found) > 1 and found[0].text in self.known.words.determiners:
            found = found[1:]
        return " ".join(piece.text for piece in found)[:LONGEST_VALUE]

    def _outcome(self, text: str) -> bool | None:
        if text in self.known.words.true_words:
            return True
        return False if text in self.known.words.false_words else None

    def _has_predicate(self, found: list[Piece]) -> bool:
        """Whether a part says something of a thing, or is only a thing."""
        words = self.known.words
        told = (piece.text in words.copulas or piece.text in words.movements or self._outcome(piece.text) is not None for piece in found)
        return any(told) or self._comparison(found) is not None


def _figure(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)
