"""What was found out about requests that come again and again, by their bytes."""

from __future__ import annotations

from typing import Generic, TypeVar

MAX_KNOWN_REQUESTS = 1_000

Found = TypeVar("Found")


class KnownRequests(Generic[Found]):
    """Remembers a bounded number of requests, and begins anew when it is full.

    The bytes come from callers, who can make any number of requests that differ in fields nobody reads: they can make others slower for a
    moment, but keep nobody's request out. Whether a call may use what others left is for the caller of this class to ask.
    """

    def __init__(self, most: int = MAX_KNOWN_REQUESTS) -> None:
        """Remember at most so many."""
        self._most = most
        self._found: dict[bytes, Found] = {}

    def __len__(self) -> int:
        """How many are remembered."""
        return len(self._found)

    def get(self, data: bytes) -> Found | None:
        """What was found out about the request of these bytes; None: nothing."""
        return self._found.get(data)

    def add(self, data: bytes, found: Found) -> None:
        """Remember what was found out about the request of these bytes."""
        if len(self._found) >= self._most and data not in self._found:
            self._found.clear()
        self._found[data] = found
