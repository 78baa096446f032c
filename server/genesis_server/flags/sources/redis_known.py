"""What is known of the flags in Redis: read by itself, flag by flag, and never less than before; no input or output.

A flag goes only by a version that takes it away. One that is gone without, that has an older version than was seen or that is not
understood keeps its last good definition, and a mistake says so.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from genesis_server.flags.definition import FlagDefinition, FlagMistakesError
from genesis_server.flags.layers import Layer
from genesis_server.flags.reading import read_flag
from genesis_server.flags.sources.redis_layout import decode_flag, encode_flag
from genesis_server.flags.written import WrittenFlag
from genesis_server.model.flags import FlagLayer

NAME = "definition written in Redis"
_WIPED = "Redis holds none of the {count} flags it had; the last good ones hold: restore it from a backup, or write them again"
_LOST = "is not in Redis any more, and nobody took it away: write it again, or delete it with DeleteFlag"
_OLDER = "has version {there} in Redis after version {known}, as if from a backup: write it again"
_FOREIGN = "what Redis holds is not understood ({why}): write it again"


@dataclass(frozen=True, slots=True)
class Held:
    """A flag as it is known."""

    raw: bytes | None = None
    """The value in Redis at the last look; None: there was none."""
    written: WrittenFlag | None = None
    """The newest version that was understood; None: none ever was."""
    good: WrittenFlag | None = None
    """The newest version that is of use."""
    definition: FlagDefinition | None = None
    """That of `good`; None when it was taken away."""
    mistakes: tuple[str, ...] = ()
    """Why the newest is not in use."""
    lost: bool = False
    """It should be in Redis and is not."""

    @property
    def version(self) -> int:
        """The newest version; 0 when it is not known."""
        return 0 if self.written is None else self.written.version


_UNKNOWN = Held()


@dataclass(frozen=True, slots=True)
class Known:
    """All flags as they are known."""

    flags: Mapping[str, Held] = field(default_factory=dict[str, Held])

    def with_all(self, values: Mapping[str, bytes]) -> Known:
        """After a look at all that is there."""
        flags = {key: _look(key, value, self.flags.get(key, _UNKNOWN)) for key, value in values.items()}
        for key, held in self.flags.items():
            if key not in values and held.version:
                flags[key] = held if held.lost else replace(held, raw=None, mistakes=(_LOST,), lost=True)
        return Known(flags)

    def with_some(self, values: Mapping[str, bytes]) -> Known:
        """After news of some flags; what is older than what is known is no news."""
        found = {key: _look(key, value, self.flags.get(key, _UNKNOWN)) for key, value in values.items()}
        news = {key: held for key, held in found.items() if held.version > self.version_of(key)}
        return Known({**self.flags, **news}) if news else self

    def newer_than(self, before: Known) -> Sequence[WrittenFlag]:
        """The versions that were not known before."""
        changed = [held for key, held in self.flags.items() if held is not before.flags.get(key)]
        return [held.written for held in changed if held.written is not None and held.version > before.version_of(held.written.key)]

    def version_of(self, key: str) -> int:
        """The newest version of a flag; 0 when it is not known."""
        held = self.flags.get(key)
        return 0 if held is None else held.version

    def written(self, key: str) -> WrittenFlag | None:
        """The newest version of a flag."""
        held = self.flags.get(key)
        return None if held is None else held.written

    @property
    def is_wiped(self) -> bool:
        """Whether every flag is lost."""
        return bool(self.flags) and all(held.lost for held in self.flags.values())

    @property
    def mistakes(self) -> tuple[str, ...]:
        """Why what is in use is not what is there."""
        if self.is_wiped:
            return (_WIPED.format(count=len(self.flags)),)
        return tuple(f"flag {key!r}: {mistake}" for key, held in self.flags.items() for mistake in held.mistakes)

    def layer(self, *, stale: bool) -> Layer:
        """The flags for use; `stale`: Redis is gone."""
        return Layer(
            FlagLayer.WRITTEN,
            NAME,
            {key: held.definition for key, held in self.flags.items() if held.definition is not None},
            {key: held.written for key, held in self.flags.items() if held.written is not None},
            {key: held.mistakes for key, held in self.flags.items() if held.mistakes},
            stale=stale or self.is_wiped,
        )

    def to_bytes(self) -> bytes:
        """What is of use, to begin with when Redis is gone."""
        return json.dumps({key: encode_flag(held.good).decode() for key, held in self.flags.items() if held.good is not None}).encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> Known:
        """What `to_bytes` kept; flags that this release does not understand keep their version only."""
        found: dict[str, Any] = json.loads(content)
        held = {key: _look(key, str(value).encode(), _UNKNOWN) for key, value in found.items()}
        return cls({key: replace(one, raw=None) for key, one in held.items() if one.version})


def _look(key: str, raw: bytes, before: Held) -> Held:
    """A flag after a look at its value."""
    if raw == before.raw:
        return before
    before = replace(before, raw=raw, lost=False)
    try:
        written = decode_flag(key, raw)
    except ValueError as error:
        return replace(before, mistakes=(_FOREIGN.format(why=error),))
    if written.version < before.version:
        return replace(before, mistakes=(_OLDER.format(there=written.version, known=before.version),))
    if not written.text:
        return Held(raw, written, written)
    try:
        definition = read_flag(written.text, key=key)
    except FlagMistakesError as error:
        return replace(before, written=written, mistakes=error.mistakes)
    return Held(raw, written, written, definition)
