"""Thresholds and words as data."""

from __future__ import annotations

from importlib.resources import files

import pytest

from genesis_server.text.toml_file import DataFileError
from genesis_server.validation.policy import default_policy, load_policy
from genesis_server.validation.vocabulary import default_vocabulary, load_vocabulary

DATA = files("genesis_server") / "data"
POLICY = (DATA / "validation.toml").read_text("utf-8")
WORDS = (DATA / "language" / "elements.toml").read_text("utf-8")


def test_the_version_follows_the_numbers() -> None:
    changed = load_policy(POLICY.replace("\noverlap = 0.5", "\noverlap = 0.8"))
    assert load_policy(POLICY + "\n# a comment\n").version == default_policy().version
    assert changed.version != default_policy().version
    assert changed.redundancy.overlap == 0.8


def test_every_mistake_is_told_with_its_line() -> None:
    broken = POLICY.replace("text_threshold = 0.15", "text_threshold = 2.0").replace("\noverlap = 0.5", "\noverlapp = 0.5")
    with pytest.raises(DataFileError) as told:
        load_policy(broken)
    keys = {mistake.key for mistake in told.value.mistakes}
    assert keys == {"solvability.text_threshold", "redundancy.overlap", "redundancy.overlapp"}
    assert all(mistake.line > 1 for mistake in told.value.mistakes)


def test_verbs_are_told_from_words_that_are_nouns_as_often() -> None:
    known = load_vocabulary(WORDS, "# a comment\n\nbring brought\ncut cut ~\nreport ~~\n")
    assert known.verbs == {"bring"}
    assert known.verbs_before_objects == {"cut", "report"}


def test_broken_word_lists_are_refused() -> None:
    with pytest.raises(DataFileError, match=r"weekdays"):
        load_vocabulary(WORDS.replace('"monday"', '"Mon day"'), "")


def test_the_shipped_words_are_there() -> None:
    known = default_vocabulary()
    assert "translate" in known.verbs
    assert "march" in known.months


def test_verbs_stand_for_each_other_within_their_groups() -> None:
    known = default_vocabulary()
    assert known.likeness("book", "book") == 1.0
    assert 0 < known.likeness("book", "reserv") < 1.0
    assert known.likeness("book", "delet") == 0.0
    assert known.contrary(frozenset({"creat"}), frozenset({"delet"}))
    assert not known.contrary(frozenset({"creat"}), frozenset({"unheard"}))
    assert not known.contrary(frozenset(), frozenset({"delet"}))
