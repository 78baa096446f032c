"""Reads flag definitions in flagd's format: each by itself, so that one that is wrong takes no other along.

A document is `{"$schema"?, "metadata"?, "$evaluators"?, "flags"}`, where `flags` is an object by key, or a list of objects with
a `key`, as flagd's daemon takes it. What only some clients of flagd accept is a mistake, so that all of them read what is served.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Collection, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain

from genesis_server.flags.definition import FlagDefinition, FlagMistakesError, built_in_flags, did_you_mean, flags_not_built
from genesis_server.flags.json_lines import JsonLines, Path, path_text
from genesis_server.flags.json_text import JsonText, odd_numbers, short
from genesis_server.flags.near_keys import near_key
from genesis_server.flags.one_flag import (
    HALF_A_CHARACTER,
    NOTHING_SHARED,
    FlagReader,
    Shared,
    flag_digest,
    flag_text,
    is_unicode,
    metadata_of,
)
from genesis_server.model.flags import JsonValue, Scalar

MAX_DOCUMENT_BYTES = 16 * 1024 * 1024
MAX_FLAGS = 50_000
MAX_KEY = 128
"""Characters of a key."""
_TOP_KEYS = ("$schema", "metadata", "flags", "$evaluators")
_TWICE = "stands twice; keep one"
_NONE: Mapping[str, FlagDefinition] = {}


@dataclass(frozen=True, slots=True)
class FlagDocument:
    """What a document says."""

    definitions: Mapping[str, FlagDefinition]
    """The flags by key, in the order of the document; one with mistakes is here when a definition of before stands in for it."""
    mistakes: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """Keys of flags that are wrong, with every reason, naming file, line and path."""
    warnings: tuple[str, ...] = ()
    """What is likely meant otherwise, naming file, line and path."""
    metadata: Mapping[str, Scalar] = field(default_factory=dict[str, Scalar])
    """What the document says of its set of flags."""
    places: Mapping[str, Path] = field(default_factory=dict[str, Path])
    """Where each flag stands."""


def read_flags(data: bytes, *, name: str, previous: Mapping[str, FlagDefinition] = _NONE) -> FlagDocument:
    """Read a document called `name` in messages.

    A definition of `previous` is taken as it is when nothing it is made from has changed, and stands in for a flag that is wrong.
    Raises FlagMistakesError with every mistake when the document as a whole is of no use; never anything else, whatever the bytes are.
    """
    with _collector_at_rest():
        return _DocumentReader(data, name, own=tuple(built_in_flags()), not_built=flags_not_built()).read(previous)


def read_built_in(data: bytes) -> Mapping[str, FlagDefinition]:
    """Read the flags that ship. Raises FlagMistakesError with every mistake."""
    document = _DocumentReader(data, "flags.json", own=(), not_built=()).read(_NONE)
    if document.mistakes:
        raise FlagMistakesError(chain.from_iterable(document.mistakes.values()))
    return document.definitions


def read_flag(text: str, *, key: str) -> FlagDefinition:
    """Read the object of the flag `key`. Raises FlagMistakesError with every mistake, naming line and path in `text`."""
    data = text.encode("utf-8", "surrogatepass")
    return _DocumentReader(data, "definition", own=tuple(built_in_flags()), not_built=flags_not_built()).read_one(key)


@dataclass(frozen=True, slots=True)
class _Item:
    """A flag of a document."""

    key: str
    path: Path
    value: JsonValue
    """None when it was not read, being letter for letter as `unchanged` was."""
    start: int = 0
    """Where its object begins."""
    raw: str = ""
    """Its object letter for letter; empty when it has none of its own."""
    unchanged: FlagDefinition | None = None


class _DocumentReader:
    """Turns one document into definitions, noting mistakes on the way."""

    def __init__(self, data: bytes, name: str, *, own: tuple[str, ...], not_built: Collection[str]) -> None:
        self._name = name
        self._own = own
        self._not_built = not_built
        self._json = JsonText(_text(data, name))
        self._lines = JsonLines(self._json.text)
        self._whole: list[str] = []
        self._mistakes: dict[str, list[str]] = {}

    def read(self, previous: Mapping[str, FlagDefinition]) -> FlagDocument:
        with self._json_errors():
            return self._read(previous)

    def read_one(self, key: str) -> FlagDefinition:
        with self._json_errors():
            item = _Item(key, (), self._json.value())
            self._json.end()
            self._note_repeats({(): key})
            found = self._definition(item, NOTHING_SHARED)
        if found is None:
            raise FlagMistakesError(self._mistakes[key])
        return found

    def _read(self, previous: Mapping[str, FlagDefinition]) -> FlagDocument:
        top, items = self._parts(previous)
        shared = self._shared(top)
        self._note_repeats({item.path: item.key for item in items})
        if self._whole:
            raise FlagMistakesError(self._whole)
        definitions: dict[str, FlagDefinition] = {}
        for item in items:
            if item.key in self._own and built_in_flags()[item.key].emergency:
                self._note(item.key, item.path, "is an emergency flag, which no file switches; use SetEmergencyFlag and ClearEmergencyFlag")
            found = self._definition(item, shared) or previous.get(item.key)
            if found is not None:
                definitions[item.key] = found
        mistakes = {key: tuple(found) for key, found in self._mistakes.items()}
        places = {item.key: item.path for item in items}
        return FlagDocument(definitions, mistakes, tuple(self._warnings(items)), shared.metadata, places)

    def _parts(self, previous: Mapping[str, FlagDefinition]) -> tuple[dict[str, JsonValue], list[_Item]]:
        """The members of the document and its flags; flags that stand as an object are in the latter alone."""
        top: dict[str, JsonValue] = {}
        items: list[_Item] | None = None
        if not self._json.stands_at("{"):
            found = self._json.value()
            self._json.end()
            raise FlagMistakesError([self._message((), f"must be an object, not {short(found)}")])
        for name in self._json.members():
            if name == "flags" and self._json.stands_at("{"):
                items = list({key: self._item(key, previous.get(key)) for key in self._json.members()}.values())
            else:
                top[name] = self._json.value()
        self._json.end()  # only now the text is known to be JSON, and lines can be told
        if items is None:
            items = list(self._listed(top))
        if len(items) > MAX_FLAGS:
            self._wrong(("flags",), f"holds more than {MAX_FLAGS} flags")
        return top, items

    def _item(self, key: str, previous: FlagDefinition | None) -> _Item:
        start = self._json.at
        if previous is not None and self._json.passes_over(previous.raw):
            return _Item(key, ("flags", key), None, start, previous.raw, previous)
        value = self._json.value()
        return _Item(key, ("flags", key), value, start, self._json.text[start : self._json.at])

    def _listed(self, top: Mapping[str, JsonValue]) -> Iterator[_Item]:
        """The flags that stand as a list, each with its key."""
        flags = top.get("flags")
        if "flags" not in top:
            self._wrong((), 'has no "flags"')
        elif not isinstance(flags, list):
            self._wrong(("flags",), f"must be an object, not {short(flags)}")
        if not isinstance(flags, list):
            return
        seen: set[str] = set()
        for at, value in enumerate(flags):
            path: Path = ("flags", at)
            key = value.get("key") if isinstance(value, dict) else None
            if not isinstance(value, dict) or not isinstance(key, str):
                self._note(f"[{at}]", path, 'must be an object with a "key", which is a text')
            elif key in seen:
                self._note(key, path, f"the flag {short(key)} {_TWICE}")
            else:
                seen.add(key)
                yield _Item(key, path, {name: member for name, member in value.items() if name != "key"})

    def _shared(self, top: Mapping[str, JsonValue]) -> Shared:
        """What the flags have in common."""
        for name in top:
            if name not in _TOP_KEYS:
                self._wrong((name,), "is unknown here" + did_you_mean(name, _TOP_KEYS))
        metadata = metadata_of(top.get("metadata", {}), lambda path, what: self._wrong(("metadata", *path), what))
        evaluators = top.get("$evaluators", {})
        if not isinstance(evaluators, dict):
            self._wrong(("$evaluators",), f"must be an object, not {short(evaluators)}")
            evaluators = {}
        if self._json.odd_numbers:
            for path, what in odd_numbers({"metadata": top.get("metadata"), "$evaluators": evaluators}):
                self._wrong(path, what)
        shared = Shared.of(metadata, evaluators)
        for name, seal in zip(("metadata", "$evaluators"), shared.seals, strict=True):
            if not is_unicode(seal):
                self._wrong((name,), HALF_A_CHARACTER)
        return shared

    def _note_repeats(self, keys: Mapping[Path, str]) -> None:
        """Tell every key that stands twice, `keys` being the flags by their paths; all but those inside of flags concern the whole."""
        if not self._json.repeats:
            return
        for path, line in self._lines.duplicates():
            key = next((keys[path[:depth]] for depth in range(len(path) + 1) if path[:depth] in keys), None)
            message = f"{self._name}:{line}: {path_text(path)}: {_TWICE}"
            if key is None:
                self._whole.append(message)
            else:
                self._mistakes.setdefault(key, []).append(message)

    def _definition(self, item: _Item, shared: Shared) -> FlagDefinition | None:
        """The flag, when there is nothing wrong with it."""
        key, before = item.key, item.unchanged

        def note(path: Path, what: str) -> None:
            self._note(key, (*item.path, *path), what)

        if before is not None and key not in self._mistakes and before.digest == flag_digest(key, before.text, shared):
            return before
        value = item.value if before is None else self._json.value_at(item.start)
        if key in self._not_built:
            note((), "the feature of this flag is not built, so nothing would read it; leave it out")
        if not 0 < len(key) <= MAX_KEY or not key.isprintable():
            note((), f"a key has 1 to {MAX_KEY} characters that can be printed")
        if self._json.odd_numbers:
            for path, what in odd_numbers(value):
                note(path, what)
        reader = FlagReader(key, shared, key in self._own, note)
        made = None
        try:
            text = flag_text(value)
            made = reader.define(value, text=text, raw=item.raw, digest=flag_digest(key, text, shared))
        except RecursionError:
            note((), "is nested too deep")
        return None if key in self._mistakes else made

    def _warnings(self, items: list[_Item]) -> Iterator[str]:
        for item in items:
            meant = "" if item.key in self._own else near_key(item.key, self._own)
            if meant:
                yield self._message(item.path, f"is no flag of Genesis; did you mean {meant}?")

    @contextmanager
    def _json_errors(self) -> Generator[None]:
        try:
            yield
        except json.JSONDecodeError as error:
            raise FlagMistakesError([f"{self._name}:{error.lineno}: not JSON at column {error.colno}: {error.msg}"]) from None
        except RecursionError:
            raise FlagMistakesError([f"{self._name}: nested too deep"]) from None

    def _wrong(self, path: Path, what: str) -> None:
        self._whole.append(self._message(path, what))

    def _note(self, key: str, path: Path, what: str) -> None:
        self._mistakes.setdefault(key, []).append(self._message(path, what))

    def _message(self, path: Path, what: str) -> str:
        return f"{self._name}:{self._lines.line_of(path)}: {path_text(path)}: {what}"


@contextmanager
def _collector_at_rest() -> Generator[None]:
    """Ten thousand flags come into being and none goes: looking for garbage meanwhile would hold up every thread, again and again."""
    works = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if works:
            gc.enable()


def _text(data: bytes, name: str) -> str:
    if len(data) > MAX_DOCUMENT_BYTES:
        raise FlagMistakesError([f"{name}: larger than {MAX_DOCUMENT_BYTES} bytes"])
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise FlagMistakesError([f"{name}:{line}: not UTF-8 at byte {error.start}"]) from None
