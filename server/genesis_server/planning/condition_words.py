"""The words of conditions (data/language/conditions.toml), ready for look-ups."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict

from genesis_server.model.plan import GuardOperator
from genesis_server.planning.data_file import parse
from genesis_server.planning.lexicon import PhraseList, Phrases, WordSet

CONDITIONS_FILE = "conditions.toml"


class Comparisons(BaseModel):
    """Phrases that compare, by what they ask for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    less: PhraseList
    at_most: PhraseList
    greater: PhraseList
    at_least: PhraseList
    equal: PhraseList
    contains: PhraseList


class ConditionWords(BaseModel):
    """The lists of conditions.toml; what each is for stands there."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    markers: PhraseList
    negative_markers: WordSet
    existence_markers: WordSet
    time_markers: PhraseList
    else_cues: PhraseList
    courtesies: PhraseList
    asking_words: WordSet
    asking_gap: WordSet
    regardless_cues: PhraseList
    true_words: WordSet
    false_words: WordSet
    completions: WordSet
    failures: WordSet
    negations: WordSet
    copulas: WordSet
    auxiliaries: WordSet
    possibles: WordSet
    movements: WordSet
    pronouns: WordSet
    finders: WordSet
    finder_subjects: WordSet
    weather: WordSet
    determiners: WordSet
    alternatives: WordSet
    comparisons: Comparisons


@dataclass(frozen=True, slots=True)
class Conditionals:
    """The lists with their phrases indexed."""

    words: ConditionWords
    markers: Phrases
    time_markers: Phrases
    else_cues: Phrases
    courtesies: Phrases
    regardless_cues: Phrases
    comparisons: tuple[tuple[GuardOperator, Phrases], ...]


@lru_cache(maxsize=1)
def conditionals() -> Conditionals:
    """The shipped lists. Raises DataFileError with every mistake."""
    return build_conditionals((files("genesis_server") / "data" / "language" / CONDITIONS_FILE).read_text("utf-8"))


def build_conditionals(text: str) -> Conditionals:
    """The lists of the text of the file. Raises DataFileError with every mistake."""
    words, _ = parse(ConditionWords, text, CONDITIONS_FILE)
    asked = words.comparisons
    comparisons = (
        (GuardOperator.AT_MOST, Phrases.of(asked.at_most)),
        (GuardOperator.AT_LEAST, Phrases.of(asked.at_least)),
        (GuardOperator.LESS, Phrases.of(asked.less)),
        (GuardOperator.GREATER, Phrases.of(asked.greater)),
        (GuardOperator.EQUAL, Phrases.of(asked.equal)),
        (GuardOperator.CONTAINS, Phrases.of(asked.contains)),
    )
    return Conditionals(
        words=words,
        markers=Phrases.of(words.markers),
        time_markers=Phrases.of(words.time_markers),
        else_cues=Phrases.of(words.else_cues),
        courtesies=Phrases.of(words.courtesies),
        regardless_cues=Phrases.of(words.regardless_cues),
        comparisons=comparisons,
    )
