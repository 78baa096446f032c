"""What the splitting of goals knows of English: verbs with their forms, closed classes, cues.

All of it is data (data/language/verbs.txt and english.toml); this module loads it and answers questions about words.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag
from functools import lru_cache
from importlib.resources import files
from typing import Annotated, cast

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict

from genesis_server.planning.data_file import DataFileError, parse
from genesis_server.text.words import stop_words, words

VERBS_FILE = "verbs.txt"
ENGLISH_FILE = "english.toml"
ENGLISH_SHARE = 0.15
FEW_WORDS = 4
_VOWELS = "aeiou"


class VerbForm(IntFlag):
    """What a word can be as a form of a verb."""

    NONE = 0
    BASE = 1
    ING = 2
    PAST = 4
    """Past tense or participle; for many verbs they are one."""


def _set_of_list(value: object) -> object:
    return frozenset(cast("list[object]", value)) if isinstance(value, list) else value


def _tuple_of_list(value: object) -> object:
    return tuple(cast("list[object]", value)) if isinstance(value, list) else value


def _phrases_have_words(value: tuple[str, ...]) -> tuple[str, ...]:
    if not all(phrase.split() for phrase in value):
        raise ValueError("a phrase without a word is never found")
    return value


WordSet = Annotated[frozenset[str], BeforeValidator(_set_of_list)]
PhraseList = Annotated[tuple[str, ...], BeforeValidator(_tuple_of_list), AfterValidator(_phrases_have_words)]


class English(BaseModel):
    """Closed classes and cues, as english.toml lists them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    determiners: WordSet
    pronouns: WordSet
    function_words: WordSet
    auxiliaries: WordSet
    question_words: WordSet
    particles: WordSet
    compound_heads: WordSet
    verb_pairs: WordSet
    lead_ins: PhraseList
    ing_lead_ins: PhraseList
    nominal_lead_ins: PhraseList
    next_cues: PhraseList
    open_cues: PhraseList
    time_openers: PhraseList
    parallel_cues: PhraseList
    before_cues: PhraseList
    after_cues: PhraseList
    inline_cues: PhraseList
    arrival_verbs: WordSet
    gerund_nouns: WordSet
    list_headers: WordSet
    light_verbs: WordSet
    subordinators: WordSet
    purpose_openers: WordSet
    back_pronouns: WordSet
    back_nouns: WordSet
    back_quantifiers: WordSet
    back_ones: WordSet
    definites: WordSet
    closing_verbs: WordSet
    opening_verbs: WordSet
    two_object_verbs: WordSet
    abbreviations: WordSet


@dataclass(frozen=True, slots=True)
class Phrases:
    """Phrases by their first word, longest first, for matching at a place in a text."""

    by_first_word: dict[str, tuple[tuple[str, ...], ...]]

    @classmethod
    def of(cls, phrases: tuple[str, ...]) -> Phrases:
        """Index `phrases`."""
        grouped: dict[str, list[tuple[str, ...]]] = {}
        for phrase in phrases:
            parts = tuple(phrase.split())
            grouped.setdefault(parts[0], []).append(parts)
        return cls({first: tuple(sorted(group, key=len, reverse=True)) for first, group in grouped.items()})

    def first_in(self, texts: list[str], start: int, end: int) -> tuple[int, int] | None:
        """The first phrase that stands within a range of words, as a range."""
        for place in range(start, end):
            length = self.length_at(texts, place)
            if length and place + length <= end:
                return place, place + length
        return None

    def length_at(self, texts: list[str], place: int) -> int:
        """How many words the longest phrase that stands at `place` has; 0 when none does."""
        if place >= len(texts):
            return 0
        for phrase in self.by_first_word.get(texts[place], ()):
            if tuple(texts[place : place + len(phrase)]) == phrase:
                return len(phrase)
        return 0


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Everything known of the language, ready for look-ups."""

    english: English
    forms: dict[str, VerbForm]
    """Every form of every verb."""
    ambiguous: frozenset[str]
    """Base forms that are nouns as often, or mostly."""
    mostly_nouns: frozenset[str]
    """Base forms that are mostly nouns."""
    lead_ins: Phrases
    ing_lead_ins: Phrases
    nominal_lead_ins: Phrases
    next_cues: Phrases
    open_cues: Phrases
    time_openers: Phrases
    parallel_cues: Phrases
    inline_cues: Phrases
    before_cues: Phrases
    after_cues: Phrases

    def form(self, word: str) -> VerbForm:
        """The verb forms a word can be; NONE for a word that is no known verb."""
        return self.forms.get(word, VerbForm.NONE)

    def is_english(self, text: str) -> bool:
        """Whether a text has enough English words in it to be split as English; a few plain words get the benefit of the doubt."""
        found = [word.text for word in words(text)]
        stops = stop_words()
        known = sum(len(word) > 1 and (word in self.forms or word in stops or word in self.english.function_words) for word in found)
        if known >= ENGLISH_SHARE * len(found) and known:
            return True
        return text.isascii() and len(found) < FEW_WORDS


@lru_cache(maxsize=1)
def lexicon() -> Lexicon:
    """The shipped lexicon. Raises DataFileError with every mistake of the files."""
    folder = files("genesis_server") / "data" / "language"
    return build_lexicon((folder / VERBS_FILE).read_text("utf-8"), (folder / ENGLISH_FILE).read_text("utf-8"))


def build_lexicon(verbs: str, english_text: str) -> Lexicon:
    """A lexicon of the text of the two files."""
    english, _ = parse(English, english_text, ENGLISH_FILE)
    forms: dict[str, VerbForm] = {}
    ambiguous: set[str] = set()
    mistakes: list[str] = []
    mostly_nouns: set[str] = set()
    known: set[str] = set()
    for number, line in enumerate(verbs.splitlines(), start=1):
        parts = line.split()
        if not parts or line.startswith("#"):
            continue
        base, irregular = parts[0], [part for part in parts[1:] if not part.startswith("~")]
        if base in known or not all(part.replace("-", "").isalpha() and part.islower() for part in (base, *irregular)):
            rule = "a verb stands once, in lower case, with its past forms and at most one mark, ~ or ~~"
            mistakes.append(f"{VERBS_FILE}:{number}: {line!r}: {rule}")
            continue
        known.add(base)
        if parts[-1] in {"~", "~~"}:
            ambiguous.add(base)
        if parts[-1] == "~~":
            mostly_nouns.add(base)
        for form, kind in _forms(base, irregular):
            forms[form] = forms.get(form, VerbForm.NONE) | kind
    if mistakes:
        raise DataFileError(mistakes)
    return Lexicon(
        english=english,
        forms=forms,
        ambiguous=frozenset(ambiguous),
        mostly_nouns=frozenset(mostly_nouns),
        lead_ins=Phrases.of(english.lead_ins),
        ing_lead_ins=Phrases.of(english.ing_lead_ins),
        nominal_lead_ins=Phrases.of(english.nominal_lead_ins),
        next_cues=Phrases.of(english.next_cues),
        open_cues=Phrases.of(english.open_cues),
        time_openers=Phrases.of(english.time_openers),
        parallel_cues=Phrases.of(english.parallel_cues),
        inline_cues=Phrases.of(english.inline_cues),
        before_cues=Phrases.of(english.before_cues),
        after_cues=Phrases.of(english.after_cues),
    )


def _forms(base: str, irregular: list[str]) -> list[tuple[str, VerbForm]]:
    """A verb's forms; where spelling rules leave a choice (travelled, traveled) both."""
    past = irregular or [stem + "ed" for stem in _stems_before_vowel(base)]
    ing = [stem + "ing" for stem in _stems_before_vowel(base, keep_y=True)]
    return [(base, VerbForm.BASE), *((form, VerbForm.PAST) for form in past), *((form, VerbForm.ING) for form in ing)]


def _stems_before_vowel(base: str, *, keep_y: bool = False) -> list[str]:
    """What stands before -ed and -ing."""
    if base.endswith("e") and not base.endswith(("ee", "oe", "ye")):
        return [base[:-1]]
    if base.endswith("e"):
        return [base[:-1], base]
    if base.endswith("y") and base[-2:-1] not in _VOWELS and not keep_y:
        return [base[:-1] + "i"]
    doubles = len(base) > 2 and base[-1] not in "aeiouwxyh" and base[-2] in _VOWELS and base[-3] not in _VOWELS
    return [base, base + base[-1]] if doubles else [base]
