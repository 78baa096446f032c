"""The words the splitting goes by: shipped lists load, broken ones tell every mistake with its line."""

from __future__ import annotations

from importlib.resources import files

import pytest

from genesis_server.planning.data_file import DataFileError
from genesis_server.planning.lexicon import Phrases, VerbForm, build_lexicon, lexicon

FOLDER = files("genesis_server") / "data" / "language"
ENGLISH = (FOLDER / "english.toml").read_text("utf-8")


@pytest.mark.parametrize(
    ("word", "form"),
    [
        ("write", VerbForm.BASE),
        ("writing", VerbForm.ING),
        ("wrote", VerbForm.PAST),
        ("written", VerbForm.PAST),
        ("shipped", VerbForm.PAST),
        ("shipping", VerbForm.ING),
        ("notified", VerbForm.PAST),
        ("notifying", VerbForm.ING),
        ("cancelled", VerbForm.PAST),
        ("canceled", VerbForm.PAST),
        ("agreed", VerbForm.PAST),
        ("deployed", VerbForm.PAST),
        ("set", VerbForm.BASE | VerbForm.PAST),
        ("banana", VerbForm.NONE),
    ],
)
def test_every_form_of_a_verb_is_known(word: str, form: VerbForm) -> None:
    assert lexicon().form(word) == form


def test_there_are_hundreds_of_verbs() -> None:
    known = lexicon()
    assert sum(bool(form & VerbForm.BASE) for form in known.forms.values()) > 700
    assert known.mostly_nouns < known.ambiguous


@pytest.mark.parametrize(
    ("text", "english"),
    [
        ("Book a flight to Rome", True),
        ("Quarterly sales", True),
        ("Deploy Kubernetes", True),
        ("Reserva un vuelo a Roma y un hotel", False),
        ("Bitte buche einen Flug nach Rom", False),
        ("予約する", False),
        ("احجز رحلة إلى روما", False),
    ],
)
def test_english_is_told_from_other_languages(text: str, english: bool) -> None:
    assert lexicon().is_english(text) is english


def test_the_longest_phrase_counts() -> None:
    phrases = Phrases.of(("i want", "i want to", "please"))
    words = ["i", "want", "to", "go"]
    assert phrases.length_at(words, 0) == 3
    assert phrases.length_at(words, 1) == 0
    assert phrases.length_at(words, 9) == 0


def test_every_mistake_in_the_verbs_is_told_with_its_line() -> None:
    with pytest.raises(DataFileError) as refused:
        build_lexicon("# verbs\nwrite wrote\n\nWrite\nwrite\nrun ran2 ~\n", ENGLISH)
    assert [mistake.split(": ")[0] for mistake in refused.value.mistakes] == ["verbs.txt:4", "verbs.txt:5", "verbs.txt:6"]


def test_every_mistake_in_the_cues_is_told_with_its_line() -> None:
    broken = (
        ENGLISH.replace("\nparticles =", "\nparticle =")
        .replace('auxiliaries = ["is",', 'auxiliaries = [3, "is",')
        .replace('before_cues = ["before",', 'before_cues = ["",')
    )
    lines = broken.splitlines()

    def line(start: str) -> int:
        return next(number for number, text in enumerate(lines, start=1) if text.startswith(start))

    with pytest.raises(DataFileError) as refused:
        build_lexicon("write wrote\n", broken)
    told = "\n".join(refused.value.mistakes)
    for key in ("particle", "auxiliaries", "before_cues"):
        assert f"english.toml:{line(key)}: {key}" in told
    assert "english.toml:1: particles: is missing" in told


def test_a_file_that_is_no_toml_is_told_with_its_line() -> None:
    with pytest.raises(DataFileError, match=r"english\.toml:2: "):
        build_lexicon("write\n", "particles = []\n= 3\n")
