"""What was worked out once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from genesis_server.resilience.remembering import remember, remembers_texts


@pytest.fixture(autouse=True)
def _allowed_again() -> Iterator[None]:
    yield
    remember(True)


def test_a_short_text_is_looked_at_once_and_a_long_one_each_time() -> None:
    """Long texts take much memory."""
    asked: list[str] = []

    @remembers_texts(most=2, longest=3)
    def found(text: str) -> int:
        asked.append(text)
        return len(text)

    assert [found(text) for text in ("one", "one", "four", "four")] == [3, 3, 4, 4]
    assert asked == ["one", "four", "four"]


def test_only_the_last_texts_are_remembered() -> None:
    """The memory is bounded."""
    asked: list[str] = []
    found = remembers_texts(most=2)(asked.append)
    for text in ("a", "b", "c", "c", "a"):
        found(text)
    assert asked == ["a", "b", "c", "a"]


def test_a_call_that_may_not_use_what_others_left_looks_itself() -> None:
    """It neither reads what is remembered nor leaves anything."""
    asked: list[str] = []
    found = remembers_texts(most=2)(asked.append)
    found("a")
    remember(False)
    found("a")
    found("b")
    remember(True)
    found("a")
    found("b")
    assert asked == ["a", "a", "b", "b"]
