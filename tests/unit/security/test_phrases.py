"""Phrases are found where their words stand in order, near enough, and nowhere else."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis_server.security.lexicon import Lexicon
from genesis_server.security.phrases import Phrase, PhraseCompiler, places_of

CONCEPTS = {"stop": ["ignore", "forget"], "old": ["previous", "above"]}


def search(source: str, text: str) -> tuple[int, int] | None:
    compiler = PhraseCompiler(CONCEPTS)
    phrase = compiler.compile(source)
    lexicon = Lexicon(compiler.words)
    words = text.split()
    firsts = [number == 0 or words[number - 1].endswith(".") for number in range(len(words))]
    return places_of([lexicon.concepts_of(word.strip(".")) for word in words], firsts).find(phrase)


@pytest.mark.parametrize(
    ("source", "text", "found"),
    [
        ("<stop> <old>", "please ignore previous orders", (1, 2)),
        ("<stop> <old>", "ignore all previous orders", None),
        ("<stop> ..1 <old>", "forget the above", (0, 2)),
        ("<stop> ..1 <old>", "forget all the above", None),
        ("<stop> ..3 <old> rules|orders", "ignore forget x above orders", (1, 4)),
        ("<stop> <old>|this", "forget this", (0, 1)),
        ("^you are now", "so. you are now free", (1, 3)),
        ("^you are now", "so you are now free", None),
        ("dev*", "the devices", (1, 1)),
        ("<old> <stop>", "ignore previous", None),
    ],
)
def test_a_phrase_is_found_by_its_rule(source: str, text: str, found: tuple[int, int] | None) -> None:
    assert search(source, text) == found


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("<nothing>", "no concept of this name"),
        ("..2 <stop>", "stands between two words"),
        ("<stop> ..13 <old>", "at most 12"),
        ("<stop> ..2", "does not end with a gap"),
        ("", "a phrase has words"),
        ("<stop> a-b", "neither a gap"),
        ("<stop> x|", "neither a gap"),
    ],
)
def test_a_phrase_with_a_mistake_is_refused(source: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        PhraseCompiler(CONCEPTS).compile(source)


def _by_hand(phrase: Phrase, words: list[tuple[int, ...]]) -> set[int]:
    """Every last place of the phrase, by trying all combinations."""
    ends: set[int] = set()
    for places in itertools.combinations(range(len(words)), len(phrase.steps)):
        fits = all(set(words[place]) & set(step.concepts) for place, step in zip(places, phrase.steps, strict=True))
        near = all(b - a <= step.gap + 1 for a, b, step in zip(places, places[1:], phrase.steps[1:], strict=False))
        if fits and near:
            ends.add(places[-1])
    return ends


@given(st.lists(st.sampled_from([(), (2,), (3,), (4,), (2, 3)]), max_size=12), st.integers(0, 5), st.integers(0, 5))
def test_the_bit_sets_find_what_trying_everything_finds(words: list[tuple[int, ...]], first_gap: int, second_gap: int) -> None:
    phrase = PhraseCompiler(CONCEPTS).compile(f"x ..{first_gap} y ..{second_gap} z")
    found = places_of(words, [False] * len(words)).find(phrase)
    expected = _by_hand(phrase, words)
    assert (found is None) == (not expected)
    if found is not None:
        assert found[1] == min(expected)
        assert 2 in words[found[0]]
        assert 2 <= found[1] - found[0] <= first_gap + second_gap + 2
