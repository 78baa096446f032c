from __future__ import annotations

import pytest

from genesis_server.resilience.errors import DecompositionError
from genesis_server.resilience.ladder import walk


def failing(error: Exception) -> object:
    raise error


def test_the_best_level_that_works_answers() -> None:
    """The answer names its level and, best first, why the levels above it failed."""
    landing = walk(
        [
            ("llm", lambda: failing(DecompositionError("EMPTY_GOAL", "the model said nothing"))),
            ("heuristic", lambda: failing(KeyError("a secret"))),
            ("minimal", lambda: "one task"),
            ("never", lambda: failing(AssertionError("not reached"))),
        ],
        catch=Exception,
    )
    assert (landing.result, landing.level) == ("one task", "minimal")
    assert [(fall.level, fall.reason) for fall in landing.falls] == [("llm", "EMPTY_GOAL"), ("heuristic", "KeyError")]


def test_nothing_falls_when_the_top_works() -> None:
    """A good day has nothing to explain."""
    landing = walk([("heuristic", lambda: 1), ("minimal", lambda: 2)], catch=Exception)
    assert (landing.result, landing.level, landing.falls) == (1, "heuristic", ())


def test_the_last_level_raises_as_it_is() -> None:
    """When even the last level fails, the caller sees its error."""
    with pytest.raises(ValueError, match="at the bottom"):
        walk([("a", lambda: failing(KeyError())), ("b", lambda: failing(ValueError("at the bottom")))], catch=Exception)


def test_undeclared_errors_do_not_fall() -> None:
    """An error that the ladder was not told of goes up at once."""
    with pytest.raises(ValueError, match="a bug"):
        walk([("a", lambda: failing(ValueError("a bug"))), ("b", lambda: 1)], catch=(KeyError, OSError))


def test_a_ladder_needs_a_level() -> None:
    """No levels is the caller's mistake."""
    with pytest.raises(ValueError, match="needs a level"):
        walk([], catch=Exception)
