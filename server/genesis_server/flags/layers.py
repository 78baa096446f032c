"""What one source says of flags."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from genesis_server.flags.definition import FlagDefinition, built_in_flags
from genesis_server.flags.written import WrittenFlag
from genesis_server.model.flags import FlagLayer

BUILT_IN = "built-in default"


@dataclass(frozen=True, slots=True)
class Layer:
    """The flags of one source, as good as they are known."""

    kind: FlagLayer
    name: str
    """In words, for example "flags.json"."""
    definitions: Mapping[str, FlagDefinition]
    versions: Mapping[str, WrittenFlag] = field(default_factory=dict[str, WrittenFlag])
    """What was written last, by key, deletions included."""
    mistakes: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """By key: why the newest definition cannot be used, so that the last good one holds."""
    stale: bool = False
    """The source is broken or gone; these are the last good definitions."""

    def version_of(self, key: str) -> int:
        """Version of the written definition, deletions included; 0 when it was never written."""
        written = self.versions.get(key)
        return 0 if written is None else written.version


def built_in_layer() -> Layer:
    """The flags that ship."""
    return Layer(FlagLayer.BUILT_IN, BUILT_IN, built_in_flags())
