"""What a book of verdicts keeps."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from genesis_server.model.routing import RuleEffect
from genesis_server.routing import rulings
from genesis_server.routing.rules.condition import ALWAYS, Atom, Operator
from genesis_server.routing.rules.facts import CandidateFacts
from genesis_server.routing.rules.rule import Rule
from genesis_server.routing.rules.rulebook import compile_rulebook
from genesis_server.routing.rulings import Book, Fired, Verdicts

RULES = [Rule(f"no-{number}", RuleEffect.DENY, who=Atom("agent.id", Operator.EQUAL, f"a{number}"), when=ALWAYS) for number in range(6)]


class _Counted(dict[tuple[int, ...], Verdicts]):
    """Verdicts kept, and the most there ever were."""

    most = 0

    def __setitem__(self, key: tuple[int, ...], value: Verdicts) -> None:
        super().__setitem__(key, value)
        self.most = max(self.most, len(self))


@pytest.mark.parametrize(
    ("rows", "most_sets", "most_of_rows", "kept"),
    [(4, 5, 1_000, 5), (4, 256, 12, 3), (4, 256, 15, 3), (4, 256, 3, 1), (4, 256, 1_000, 64), (0, 7, 0, 7)],
)
def test_a_book_keeps_no_more_verdicts_than_fit_and_says_the_same_when_it_has_forgotten(
    monkeypatch: pytest.MonkeyPatch, rows: int, most_sets: int, most_of_rows: int, kept: int
) -> None:
    """By number of sets, and by sets times rows of the pool; the one asked for is always kept."""
    monkeypatch.setattr(rulings, "_MOST_VERDICTS", most_sets)
    monkeypatch.setattr(rulings, "_MOST_VERDICTS_OF_ROWS", most_of_rows)
    rulebook = compile_rulebook(RULES)
    columns = rulebook.columns([CandidateFacts.of({"agent.id": f"a{number}"}) for number in range(rows)])
    verdicts = _Counted()
    book = Book(rulebook, columns, verdicts)
    sets: list[Fired] = [fired for size in range(7) for fired in combinations(rulebook.compiled, size)]
    for _ in range(2):
        for fired in sets:
            found = book.verdicts(fired)
            assert book.verdicts(fired) is found
            assert np.array_equal(found.outcome.refused_by, columns.outcome(fired).refused_by)
    assert verdicts.most == kept
