"""The tripwire's rules as data (data/tripwire.toml), read and compiled.

A file has `[concepts]` (name → words, any language; `ignor*` is every word that begins so) and `[[families]]` with `name`,
`meaning`, `phrases` (see `phrases.py`) and `patterns`: tables of a regular expression over the normalised text (small letters, no
accents, no look-alikes), and the pieces of text of which it `needs` one, so that most texts skip it. Every repeat in a pattern is
bounded, so that no text makes it slow.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any, cast

from genesis_server.security.data_file import Complaints, bounded_expression
from genesis_server.security.lexicon import Lexicon
from genesis_server.security.phrases import Phrase, PhraseCompiler
from genesis_server.text.words import stop_words

_KEYS = frozenset({"name", "meaning", "phrases", "patterns"})


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression, tried on texts that hold one of `needs`."""

    needs: tuple[str, ...]
    expression: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Family:
    """One kind of attack."""

    name: str
    meaning: str
    phrases: tuple[Phrase, ...]
    patterns: tuple[Pattern, ...]


@dataclass(frozen=True, slots=True)
class TripwireRules:
    """All families, and the dictionary their phrases speak of."""

    families: tuple[Family, ...]
    lexicon: Lexicon


@lru_cache(maxsize=1)
def shipped_rules() -> TripwireRules:
    """The rules that ship with the server."""
    name = "tripwire.toml"
    return parse_rules((files("genesis_server") / "data" / name).read_text("utf-8"), name)


def parse_rules(source: str, name: str) -> TripwireRules:
    """Read rules. Raises ValueError naming every mistake with file and line."""
    complaints = Complaints(source, name)
    try:
        document = tomllib.loads(source)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{name}: {error}") from error
    for key in document.keys() - {"concepts", "families"}:
        complaints.add(f"{key} is not known here; a file has [concepts] and [[families]]", key)
    compiler = PhraseCompiler(_concepts(document.get("concepts", {}), complaints))
    families = _families(document.get("families", []), compiler, complaints)
    complaints.raise_if_any()
    return TripwireRules(tuple(families), Lexicon(compiler.words, (word for word in stop_words() if len(word) > 1)))


def _concepts(table: Any, complaints: Complaints) -> dict[str, list[str]]:
    result: dict[str, list[str]] = {}
    if not isinstance(table, dict):
        complaints.add("concepts must be a table", "concepts")
        return result
    for name, words in cast("dict[str, object]", table).items():
        result[name] = _texts(words, f"concept {name}", name, complaints)
        for word in result[name]:
            if not re.fullmatch(r"[^\W_]+\*?", word):
                complaints.add(f"concept {name}: {word!r} is not one word", f'"{word}"')
    return result


def _families(tables: Any, compiler: PhraseCompiler, complaints: Complaints) -> list[Family]:
    if not isinstance(tables, list) or not tables:
        complaints.add("there must be at least one [[families]]", "families")
        return []
    result: list[Family] = []
    line = 0
    for table in cast("list[dict[str, object]]", tables):
        line = complaints.line_of("[[families]]", line)
        name, meaning = table.get("name"), table.get("meaning")
        if not isinstance(name, str) or not re.fullmatch(r"[a-z][a-z_]*", name):
            complaints.add(f"a family's name is of small letters and underscores, not {name!r}", "name", line)
            continue
        if any(family.name == name for family in result):
            complaints.add(f"family {name} stands twice", "name", line)
        for key in sorted(table.keys() - _KEYS):
            complaints.add(f"family {name}: {key} is not known; known are {', '.join(sorted(_KEYS))}", key, line)
        if not isinstance(meaning, str) or not meaning:
            complaints.add(f"family {name} has no meaning", "name", line)
        phrases = _phrases(table.get("phrases", []), name, line, compiler, complaints)
        patterns = _patterns(table.get("patterns", []), name, line, complaints)
        if not table.get("phrases") and not table.get("patterns"):
            complaints.add(f"family {name} has neither phrases nor patterns", "name", line)
        result.append(Family(name, str(meaning), tuple(phrases), tuple(patterns)))
    return result


def _phrases(value: Any, family: str, line: int, compiler: PhraseCompiler, complaints: Complaints) -> list[Phrase]:
    result: list[Phrase] = []
    for text in _texts(value, f"family {family}: phrases", "phrases", complaints, line):
        try:
            result.append(compiler.compile(text))
        except ValueError as error:
            complaints.add(f"family {family}: {text!r}: {error}", text, line)
    return result


def _texts(value: Any, what: str, near: str, complaints: Complaints, line: int = 0) -> list[str]:
    items = cast("list[object]", value) if isinstance(value, list) else [None]
    if not all(isinstance(item, str) and item for item in items):
        complaints.add(f"{what} must be a list of texts", near, line)
    return [item for item in items if isinstance(item, str) and item]


def _patterns(value: Any, family: str, line: int, complaints: Complaints) -> list[Pattern]:
    result: list[Pattern] = []
    for item in cast("list[object]", value) if isinstance(value, list) else [None]:
        entry = cast("dict[str, object]", item) if isinstance(item, dict) else {}
        text, needs = entry.get("pattern"), entry.get("needs")
        if entry.keys() != {"pattern", "needs"} or not isinstance(text, str):
            complaints.add(
                f"family {family}: patterns must be a list of {{ needs = [...], pattern = '...' }}", str(text or "patterns"), line
            )
            continue
        words = _texts(needs, f"family {family}: needs", text, complaints, line)
        try:
            result.append(Pattern(tuple(words), bounded_expression(text)))
        except (ValueError, re.error) as error:
            complaints.add(f"family {family}: pattern {text!r}: {error}", text, line)
    return result
