"""The words of demands and of durations (data/language/requirements.toml), ready for look-ups."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict

from genesis_server.planning.data_file import parse
from genesis_server.planning.lexicon import PhraseList, Phrases, WordSet

REQUIREMENTS_FILE = "requirements.toml"


class RequirementWords(BaseModel):
    """The lists of requirements.toml; what each is for stands there."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    must: PhraseList
    only: PhraseList
    only_not_before: WordSet
    only_not_after: WordSet
    except_: PhraseList
    at_most: PhraseList
    at_least: PhraseList
    at_most_after: PhraseList
    at_least_after: PhraseList
    by: PhraseList
    within: PhraseList
    by_after: PhraseList
    times: WordSet
    time_fillers: WordSet
    months: WordSet
    clock_words: WordSet
    ordinals: WordSet
    phrase_ends: WordSet
    whole_subjects: PhraseList
    whole_openers: WordSet
    whole_participles: WordSet
    alls: WordSet
    lasting: WordSet
    waiting: WordSet
    about: WordSet
    not_before: WordSet
    not_after: WordSet
    lasting_not: WordSet


@dataclass(frozen=True, slots=True)
class Demands:
    """The lists with their phrases indexed."""

    words: RequirementWords
    must: Phrases
    only: Phrases
    except_: Phrases
    at_most: Phrases
    at_least: Phrases
    at_most_after: Phrases
    at_least_after: Phrases
    by: Phrases
    within: Phrases
    by_after: Phrases
    whole_subjects: Phrases


@lru_cache(maxsize=1)
def demands() -> Demands:
    """The shipped lists. Raises DataFileError with every mistake."""
    return build_demands((files("genesis_server") / "data" / "language" / REQUIREMENTS_FILE).read_text("utf-8"))


def build_demands(text: str) -> Demands:
    """The lists of the text of the file. Raises DataFileError with every mistake."""
    words, _ = parse(RequirementWords, text, REQUIREMENTS_FILE)
    return Demands(
        words=words,
        must=Phrases.of(words.must),
        only=Phrases.of(words.only),
        except_=Phrases.of(words.except_),
        at_most=Phrases.of(words.at_most),
        at_least=Phrases.of(words.at_least),
        at_most_after=Phrases.of(words.at_most_after),
        at_least_after=Phrases.of(words.at_least_after),
        by=Phrases.of(words.by),
        within=Phrases.of(words.within),
        by_after=Phrases.of(words.by_after),
        whole_subjects=Phrases.of(words.whole_subjects),
    )
