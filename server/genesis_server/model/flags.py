"""Why a flag has its value."""

from __future__ import annotations

from enum import IntEnum


class FlagReason(IntEnum):
    """The layer that decided, in OpenFeature's words; the numbers are the contract's."""

    UNSPECIFIED = 0
    STATIC = 1
    """The definition's default."""
    DISABLED = 2
    """The definition is disabled, so the built-in default holds."""
    ENVIRONMENT = 3
    """An environment variable says so."""
    GROUP = 4
    """A group flag is off, so its members are."""
    STALE = 5
    """The flag file is broken or gone; the last good one holds."""
