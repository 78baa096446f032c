"""Values that lie elsewhere."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Reference:
    """A value that lies elsewhere, because it is too large to travel with the task."""

    uri: str
    """Where it lies."""
    sha256: str
    """SHA-256 of its bytes, in lower-case hexadecimal."""
    media_type: str = ""
    """For example "text/csv"."""

    def __post_init__(self) -> None:
        if not self.uri:
            raise ValueError("a reference needs the URI of its value")
        if not _SHA256.fullmatch(self.sha256):
            raise ValueError(f"sha256 is {self.sha256!r}: give the SHA-256 of the value's bytes, 64 lower-case hexadecimal digits")
