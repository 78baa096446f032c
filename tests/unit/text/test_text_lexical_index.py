"""The lexical index: which text is nearest."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis_server.text import index as text_index
from genesis_server.text.index import FEW, LexicalIndex

TERMS = st.sampled_from([f"t{number}" for number in range(12)])
BAGS = st.lists(st.dictionaries(TERMS, st.floats(1, 9), max_size=6), max_size=8)


@given(BAGS, st.lists(TERMS, max_size=8))
def test_scores_are_shares_between_zero_and_one(bags: list[dict[str, float]], query: list[str]) -> None:
    """No similarity is negative or above 1, and one text has one score."""
    scores = LexicalIndex(bags).scores(query)
    assert scores.shape == (len(bags),)
    assert np.all(scores >= 0)
    assert np.all(scores <= 1 + 1e-9)


@given(BAGS, st.lists(TERMS, max_size=8), st.randoms(use_true_random=False))
def test_the_order_of_the_texts_does_not_change_their_scores(bags: list[dict[str, float]], query: list[str], rnd: random.Random) -> None:
    """A catalogue in another order gets bit by bit the same scores."""
    order = list(range(len(bags)))
    rnd.shuffle(order)
    scores, shuffled = LexicalIndex(bags).scores(query), LexicalIndex([bags[n] for n in order]).scores(query)
    assert [scores[n] for n in order] == list(shuffled)


@given(BAGS, st.lists(st.lists(TERMS, max_size=8), max_size=6), st.integers(1, 40))
def test_queries_asked_together_get_the_scores_they_get_alone(bags: list[dict[str, float]], queries: list[list[str]], most: int) -> None:
    """Bit by bit, also when they are too many to be worked out at once."""
    lexical = LexicalIndex(bags)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_index, "MOST_AT_ONCE", most)
        together = lexical.all_scores(queries)
    assert together.shape == (len(queries), len(bags))
    assert together.tolist() == [lexical.scores(query).tolist() for query in queries]


def test_a_text_is_nearest_to_itself_also_when_its_words_are_common() -> None:
    """Words that stand in many texts are found by the long lists as well as rare ones by the short."""
    bags = [{"common": 1.0, f"own{number}": 1.0} for number in range(2 * FEW)]
    scores = LexicalIndex(bags).scores(["common", "own7"])
    assert scores.argmax() == 7
    assert scores[7] == pytest.approx(1.0)
    assert scores[8] > 0


def test_repeated_words_count_more_but_not_twice() -> None:
    """Saying a word twice turns the query towards it, sublinearly."""
    index = LexicalIndex([{"a": 1.0}, {"b": 1.0}])
    even, leaning = index.scores(["a", "b"]), index.scores(["a", "a", "b"])
    assert even[0] == even[1]
    assert leaning[0] > leaning[1] > 0


def test_unknown_words_weigh_as_the_rarest_and_no_words_match_nothing() -> None:
    """A query of foreign words is near to nothing."""
    index = LexicalIndex([{"a": 1.0}])
    assert index.idf("zebra") > index.idf("a")
    assert index.scores(["zebra"])[0] == 0
    assert index.scores([])[0] == 0
