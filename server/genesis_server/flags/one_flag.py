"""Reads the object of one flag."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from genesis_server.flags.definition import BUCKETING, GENERATIONS, NEWEST, FlagDefinition, did_you_mean, type_word
from genesis_server.flags.json_lines import Path
from genesis_server.flags.json_text import depth_of, short
from genesis_server.flags.rules.compiling import CompiledRule, RuleMistakesError, compile_rule
from genesis_server.flags.rules.refs import inline_refs
from genesis_server.model.flags import JsonValue, Scalar

MAX_CHARACTERS = 100_000
"""Of a flag as JSON without blanks, its `$ref`s inlined."""
MAX_VARIANTS = 100
MAX_VALUE_DEPTH = 20
"""Objects and lists in one another in the value of a variant."""
HALF_A_CHARACTER = "holds half a character (\\ud8..)"
KEYS = ("state", "variants", "defaultVariant", "targeting", "metadata")
_STATES = ("ENABLED", "DISABLED")
_EXAMPLE = 'for example {"on": true, "off": false}'
_REF = '"$ref"'
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))

Note = Callable[[Path, str], None]
"""Takes a mistake: where it is, from the flag's object down, and what is wrong."""


@dataclass(frozen=True, slots=True)
class Shared:
    """What the flags of a document have in common."""

    metadata: Mapping[str, Scalar] = field(default_factory=dict[str, Scalar])
    evaluators: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    seals: tuple[str, str] = ("{}", "{}")
    """Both as JSON."""

    @classmethod
    def of(cls, metadata: Mapping[str, Scalar], evaluators: Mapping[str, JsonValue]) -> Shared:
        """Both, with their seals."""
        return cls(metadata, evaluators, (_ENCODER.encode(dict(metadata)), _ENCODER.encode(dict(evaluators))))


NOTHING_SHARED = Shared()


def flag_text(flag: JsonValue) -> str:
    """A flag's object as JSON without blanks, its members in the order they were written."""
    return _ENCODER.encode(flag)


def flag_digest(key: str, text: str, shared: Shared) -> str:
    """The digest of a definition: equal only when everything it is made from is."""
    metadata, evaluators = shared.seals
    parts = (key, metadata, evaluators if _REF in text else "", text)
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class FlagReader:
    """Makes the definition of a flag, telling `note` what is wrong on the way."""

    key: str
    shared: Shared
    switch: bool
    """Whether it must be boolean: Genesis itself asks for it."""
    note: Note

    def define(self, flag: JsonValue, *, text: str, raw: str, digest: str) -> FlagDefinition | None:
        """The definition; of use only when nothing was noted. None when it is too far off to go on."""
        if not isinstance(flag, dict):
            self.note((), f"must be an object, not {short(flag)}")
            return None
        if len(text) > MAX_CHARACTERS or not is_unicode(text):
            self.note((), f"is longer than {MAX_CHARACTERS} characters" if len(text) > MAX_CHARACTERS else HALF_A_CHARACTER)
            return None
        for name in flag:
            if name not in KEYS:
                self.note((name,), "is unknown here" + did_you_mean(name, KEYS))
        if flag.get("state") not in _STATES:
            self.note(("state",), f"must be ENABLED or DISABLED, not {short(flag.get('state'))}")
        variants = self._variants(flag.get("variants"))
        metadata = {**self.shared.metadata, **metadata_of(flag.get("metadata", {}), self._at("metadata"))}
        rule = self._rule(flag.get("targeting"), refers=_REF in text)
        definition = FlagDefinition(
            key=self.key,
            active=flag.get("state") == "ENABLED",
            variants=variants,
            default_variant=self._default(flag.get("defaultVariant"), variants),
            rule=rule,
            compiled=self._compiled(rule, metadata),
            metadata=metadata,
            text=text,
            raw=raw,
            digest=digest,
        )
        self._bounded(definition)
        return definition

    def _variants(self, value: JsonValue) -> dict[str, JsonValue]:
        note = self._at("variants")
        if not isinstance(value, dict) or not 0 < len(value) <= MAX_VARIANTS:
            note((), f"must name 1 to {MAX_VARIANTS} variants, {_EXAMPLE}")
            return {}
        first = type_word(next(iter(value.values())))
        for name, meant in value.items():
            word = type_word(meant)
            if not name:
                note((name,), "needs a name")
            if not word:
                note((name,), "must not be null")
            elif self.switch and word != "boolean":
                note((name,), f"must be true or false, not {short(meant)}: Genesis asks whether this flag is on")
            elif word != first:
                note((name,), f"is of type {word}, and the first variant of type {first or 'null'}; all must be of one")
            elif word == "object" and depth_of(meant) > MAX_VALUE_DEPTH:
                note((name,), f"is nested deeper than {MAX_VALUE_DEPTH}")
        return value

    def _default(self, value: JsonValue, variants: Mapping[str, JsonValue]) -> str | None:
        if value is None or (isinstance(value, str) and value in variants):
            return value
        names = ", ".join(map(short, variants)) or "none"
        self.note(("defaultVariant",), f"{short(value)} is none of the variants: {names[:300]}")
        return None

    def _rule(self, value: JsonValue, *, refers: bool) -> JsonValue:
        if value is None or value == {}:
            return None
        if not isinstance(value, dict):
            self.note(("targeting",), f"must be an object, for example {{}} for no rule, not {short(value)}")
            return None
        try:
            return inline_refs(value, self.shared.evaluators) if refers else value
        except RuleMistakesError as error:
            self._note_all(error)
            return None

    def _compiled(self, rule: JsonValue, metadata: Mapping[str, Scalar]) -> CompiledRule | None:
        if rule is None:
            return None
        generation = GENERATIONS.get(str(metadata.get(BUCKETING, NEWEST)), GENERATIONS[NEWEST])
        try:
            return compile_rule(self.key, rule, generation=generation)
        except RuleMistakesError as error:
            self._note_all(error)
            return None

    def _bounded(self, definition: FlagDefinition) -> None:
        grows = _REF in definition.text or len(definition.text) + len(self.shared.seals[0]) > MAX_CHARACTERS
        if grows and len(flag_text(definition.whole())) > MAX_CHARACTERS:
            self.note((), f"is longer than {MAX_CHARACTERS} characters with its $refs and the metadata of its set")

    def _note_all(self, error: RuleMistakesError) -> None:
        for path, what in error.mistakes:
            self.note(("targeting", *path), what)

    def _at(self, member: str) -> Note:
        return lambda path, what: self.note((member, *path), what)


def metadata_of(value: JsonValue, note: Note) -> dict[str, Scalar]:
    """Metadata of a flag or of a document: flat, or other clients of flagd refuse the whole document."""
    if not isinstance(value, dict):
        note((), f"must be an object, not {short(value)}")
        return {}
    metadata: dict[str, Scalar] = {}
    for name, item in value.items():
        if isinstance(item, str | int | float):
            metadata[name] = item
        else:
            note((name,), "must be a text, a number or a boolean")
    if BUCKETING in metadata and metadata[BUCKETING] not in GENERATIONS:
        note((BUCKETING,), f"must be {' or '.join(map(short, GENERATIONS))}, not {short(metadata[BUCKETING])}")
        del metadata[BUCKETING]
    return metadata


def is_unicode(text: str) -> bool:
    """Whether every character is whole, so that the text can be sent and stored."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
