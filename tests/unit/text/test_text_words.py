"""Words: what a text is made of when it is matched."""

from hypothesis import given
from hypothesis import strategies as st

from genesis_server.resilience.remembering import remember
from genesis_server.text.words import Word, content_stems, stem, stem_set, words


def test_words_keep_their_places_and_fall_apart_at_camel_and_snake_case() -> None:
    """A match can be shown in the text it came from, however a name is written."""
    found = words("Fix getUser_name v2")
    assert [word.text for word in found] == ["fix", "get", "user", "name", "v", "2"]
    assert found[0] == Word("fix", 0, 3)


def test_content_stems_drop_stop_words_and_endings() -> None:
    """`the tests are running` and `run a test` have the same content words."""
    assert content_stems("the tests are running") == ["test", "run"]
    assert content_stems("Run a test") == ["run", "test"]


def test_stems_fold_compatible_characters() -> None:
    """A ligature typed by a word processor does not hide a word."""
    assert stem("ﬁles") == stem("files")


@given(st.text(max_size=60))
def test_without_memory_the_stems_are_the_same(text: str) -> None:
    """`performance_optimizations_enabled` is off: the same answers, slower."""
    kept, once = content_stems(text), stem_set(text)
    assert once == set(kept)
    remember(False)
    try:
        assert (content_stems(text), stem_set(text)) == (kept, once)
    finally:
        remember(True)
