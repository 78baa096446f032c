"""What the rulebook says of every task of a call: the facts it reads, the rules that fire, and what they do with the candidates."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from operator import itemgetter
from weakref import WeakKeyDictionary

import numpy as np

from genesis_server.model.plan import Task
from genesis_server.model.routing import BlockedRule, FiredRule, RuleEffect, UnassignedReason
from genesis_server.routing.candidates import Candidates
from genesis_server.routing.limits import flag
from genesis_server.routing.pool import Indexes, Pool, column
from genesis_server.routing.rules.blocking import blocked_rule
from genesis_server.routing.rules.building import CallFacts, candidate_facts
from genesis_server.routing.rules.facts import TASK_PLACES, TaskFacts
from genesis_server.routing.rules.judging import NOBODY, CompiledRule, RuleColumns, RuleOutcome
from genesis_server.routing.rules.rule import REFUSALS
from genesis_server.routing.rules.rulebook import Rulebook
from genesis_server.routing.sharing import once_each

Fired = tuple[CompiledRule, ...]

_MOST_BOOKS = 8
_MOST_VERDICTS = 256
"""Sets of fired rules whose verdicts a book keeps, where the pool is small."""
_MOST_VERDICTS_OF_ROWS = 2_000_000
"""Sets times rows of the pool, where it is large; 24 bytes each, up to 80 where short columns are read one by one."""
_MOST_COUNTS = 4_096
_BOOKS: WeakKeyDictionary[Pool, dict[object, Book]] = WeakKeyDictionary()


@dataclass(frozen=True, eq=False)
class Verdicts:
    """What a set of fired rules does with each row of the pool."""

    fired: Fired
    outcome: RuleOutcome

    @cached_property
    def numbers(self) -> frozenset[int]:
        """The numbers of the rules."""
        return frozenset([rule.number for rule in self.fired])

    @cached_property
    def allowing(self) -> Sequence[CompiledRule]:
        """Those of the rules that shield from others."""
        return [rule for rule in self.fired if rule.effect is RuleEffect.ALLOW]

    @cached_property
    def reader(self) -> Callable[[Sequence[object]], object]:
        """Takes the values that the rules and their explanations read out of those of all facts."""
        return _reader(name for rule in self.fired for name in (*rule.reads, *rule.told[1::2]))

    @cached_property
    def refused_by(self) -> Sequence[int]:
        """Number of the rule that refuses each row, to be read one by one; negative: none does."""
        return column(self.outcome.refused_by)

    @cached_property
    def bonus(self) -> Sequence[float]:
        """What is added to the score of each row, to be read one by one."""
        return column(self.outcome.bonus)

    @cached_property
    def preference(self) -> Sequence[int]:
        """Which rows go first, to be read one by one: the lower."""
        return column(self.outcome.preference)


@dataclass(frozen=True, eq=False)
class Book:
    """A rulebook over a pool; what is found out once is kept as long as the pool is."""

    rulebook: Rulebook
    columns: RuleColumns
    _verdicts: dict[tuple[int, ...], Verdicts] = field(default_factory=dict[tuple[int, ...], Verdicts])
    _who: dict[int, Sequence[bool]] = field(default_factory=dict[int, "Sequence[bool]"])
    _against: dict[int | None, Sequence[CompiledRule]] = field(default_factory=dict[int | None, "Sequence[CompiledRule]"])
    _counts: dict[tuple[int, str], int] = field(default_factory=dict[tuple[int, str], int])
    _readers: dict[int, Callable[[Sequence[object]], object]] = field(default_factory=dict[int, "Callable[[Sequence[object]], object]"])

    @cached_property
    def rules(self) -> Sequence[CompiledRule]:
        """All rules of the rulebook, highest priority first."""
        kept = {rule.id for rule in self.rulebook.rules}
        return [rule for rule in self.rulebook.compiled if rule.id in kept]

    @cached_property
    def asked(self) -> Sequence[CompiledRule]:
        """The rules that are switched on, highest priority first."""
        return [rule for rule in self.rules if rule.rule.enabled]

    @cached_property
    def facts_read(self) -> Sequence[str]:
        """The facts that rules which are switched on read, in the catalogue's order."""
        read = {name for rule in self.asked for name in rule.reads}
        return [name for name in TASK_PLACES if name in read]

    def verdicts(self, fired: Fired) -> Verdicts:
        """What these rules do with every row; kept, because the tasks of a plan fire few different sets of rules."""
        key = tuple([rule.number for rule in fired])
        found = self._verdicts.get(key)
        if found is None:
            kept = len(self._verdicts)
            if kept >= _MOST_VERDICTS or (kept + 1) * self.columns.row_count > _MOST_VERDICTS_OF_ROWS:
                self._verdicts.clear()
            found = self._verdicts[key] = Verdicts(fired, self.columns.outcome(fired))
        return found

    def who(self, rule: CompiledRule) -> Sequence[bool]:
        """For each row of the pool whether the rule is about it."""
        found = self._who.get(rule.number)
        if found is None:
            found = self._who[rule.number] = column(self.columns.who(rule))
        return found

    def count(self, rule: CompiledRule, capability: str | None, rows: Sequence[int]) -> int:
        """How many of some rows the rule is about; they are all that offer `capability`, unless it is None."""
        found = None if capability is None else self._counts.get((rule.number, capability))
        if found is None:
            who = self.who(rule)
            found = sum([who[row] for row in rows])
            if capability is not None:
                if len(self._counts) >= _MOST_COUNTS:
                    self._counts.clear()
                self._counts[rule.number, capability] = found
        return found

    def against(self, row: int | None) -> Sequence[CompiledRule]:
        """The rules that could take a task from a row of the pool, or give it to somebody when nobody has it.

        Those that refuse come first, because it is known at once what they would change; then the highest priority.
        """
        found = self._against.get(row)
        if found is None:
            some = [rule for rule in self.asked if self._could_take(rule, row)]
            found = self._against[row] = sorted(some, key=lambda rule: rule.effect not in REFUSALS)
        return found

    def _could_take(self, rule: CompiledRule, row: int | None) -> bool:
        if row is None or rule.effect is RuleEffect.ALLOW:
            return rule.effect is RuleEffect.ALLOW
        helps = rule.effect in {RuleEffect.REQUIRE, RuleEffect.PREFER} or (rule.effect is RuleEffect.WEIGHT and rule.rule.weight > 0)
        return self.who(rule)[row] != helps

    def reader(self, rule: CompiledRule) -> Callable[[Sequence[object]], object]:
        """Takes the values that a rule and its explanation read out of those of all facts."""
        found = self._readers.get(rule.number)
        if found is None:
            found = self._readers[rule.number] = _reader([*rule.reads, *rule.told[1::2]])
        return found


@dataclass(frozen=True, eq=False)
class Rulings:
    """The rulebook over the tasks of a call."""

    book: Book
    facts: Sequence[TaskFacts]
    """For each task."""
    fired: Sequence[Fired]
    """For each task, highest priority first."""
    verdicts: Sequence[Verdicts]
    """Of the rules that fired, for each task; what is equal is one object."""
    _told: dict[tuple[object, ...], FiredRule] = field(default_factory=dict[tuple[object, ...], FiredRule])
    _told_all: dict[tuple[object, ...], tuple[FiredRule, ...]] = field(default_factory=dict[tuple[object, ...], "tuple[FiredRule, ...]"])
    _blocked: dict[tuple[object, ...], BlockedRule] = field(default_factory=dict[tuple[object, ...], BlockedRule])

    def told(self, job: int, rule: CompiledRule, candidate_count: int) -> FiredRule:
        """A rule that fired for a task, in words; what was told once is told again for a task with the same facts."""
        key = (rule.number, candidate_count, self.book.reader(rule)(self.facts[job].values))
        found = self._told.get(key)
        if found is None:
            found = self._told[key] = self.book.rulebook.told(rule, self.facts[job], candidate_count)
        return found

    def told_all(self, job: int, capability: str | None, rows: Sequence[int]) -> tuple[FiredRule, ...]:
        """All rules that fired for a task, in words; `rows` are its candidates', all that offer `capability` unless it is None."""
        verdicts = self.verdicts[job]
        if not verdicts.fired:
            return ()
        key = (verdicts, capability, verdicts.reader(self.facts[job].values))
        found = self._told_all.get(key)
        if found is None or capability is None:
            told = [self.told(job, rule, self.book.count(rule, capability, rows)) for rule in verdicts.fired]
            found = self._told_all[key] = tuple(told)
        return found

    def blocked(self, job: int, rule: CompiledRule) -> BlockedRule:
        """Why a rule did not fire for a task."""
        key = (rule.number, self.book.reader(rule)(self.facts[job].values))
        found = self._blocked.get(key)
        if found is None:
            found = self._blocked[key] = blocked_rule(rule.rule, self.facts[job])
        return found


def _reader(names: Iterable[str]) -> Callable[[Sequence[object]], object]:
    places = dict.fromkeys([TASK_PLACES[name] for name in names])
    return itemgetter(*places) if places else _nothing


def _nothing(_values: Sequence[object]) -> None:
    """What a rule reads that holds for every task."""


def rule_on(tasks: Sequence[Task], *, rulebook: Rulebook, pool: Pool, call: CallFacts) -> Rulings:
    """The facts of every task, and the rules that fire for it."""
    book = _book_of(rulebook, pool)
    facts = call.of_tasks(tasks)
    fired = rulebook.fired_each(facts)
    return Rulings(book, facts, fired, once_each(fired, book.verdicts))


def _book_of(rulebook: Rulebook, pool: Pool) -> Book:
    books = _BOOKS.setdefault(pool, {})
    # A rulebook without some of its rules has the version of the whole.
    key = (rulebook.version, tuple([rule.id for rule in rulebook.rules]))
    book = books.get(key)
    if book is None:
        if len(books) >= _MOST_BOOKS:
            books.clear()
        book = books[key] = Book(rulebook, rulebook.columns([candidate_facts(*choice) for choice in pool.choices]))
    return book


def judged(candidates: Candidates, rulings: Rulings) -> Candidates:
    """The candidates with what the rules do with them."""
    if not any(rulings.fired):
        return candidates
    rows, size = candidates.rows, len(candidates.rows)
    refused_by, bonus = np.full(size, NOBODY, dtype=np.intp), np.zeros(size)
    preference = np.zeros(size, dtype=np.intp)
    number_of = {verdicts: number for number, verdicts in enumerate(dict.fromkeys(rulings.verdicts))}
    numbers = np.repeat([number_of[verdicts] for verdicts in rulings.verdicts], np.diff(candidates.starts))
    by_number: Indexes = np.argsort(numbers, kind="stable")
    ends = np.cumsum(np.bincount(numbers, minlength=len(number_of))).tolist()
    for verdicts, begin, end in zip(number_of, [0, *ends], ends, strict=False):
        if verdicts.fired:
            places = by_number[begin:end]
            outcome, some = verdicts.outcome, rows[places]
            refused_by[places] = outcome.refused_by[some]
            bonus[places] = outcome.bonus[some]
            preference[places] = outcome.preference[some]
    failed = np.where(refused_by != NOBODY, candidates.failed | flag(UnassignedReason.RULE), candidates.failed)
    return replace(candidates, failed=failed, refused_by=refused_by, bonus=bonus, preference=preference)
