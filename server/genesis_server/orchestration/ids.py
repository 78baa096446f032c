"""Ids of plans, decisions and security events: sortable by time, unguessable, safe in URLs."""

from __future__ import annotations

import secrets
from collections.abc import Callable

# Crockford's base 32: no I, L, O, U.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def plan_id(now: float, random_bits: Callable[[int], int] = secrets.randbits) -> str:
    """`plan_` and a ULID (https://github.com/ulid/spec): 48 bits of milliseconds, 80 random bits; later ids sort later.

    Args:
        now: seconds since the epoch.
        random_bits: source of randomness, n → an integer of n bits.
    """
    return f"plan_{_ulid(now, random_bits)}"


def decision_id(now: float, random_bits: Callable[[int], int] = secrets.randbits) -> str:
    """`dec_` and a ULID, as in `plan_id`."""
    return f"dec_{_ulid(now, random_bits)}"


def security_event_id(now: float, random_bits: Callable[[int], int] = secrets.randbits) -> str:
    """`evt_` and a ULID, as in `plan_id`."""
    return f"evt_{_ulid(now, random_bits)}"


def _ulid(now: float, random_bits: Callable[[int], int]) -> str:
    value = (int(now * 1000) & ((1 << 48) - 1)) << 80 | random_bits(80)
    return "".join(_ALPHABET[(value >> shift) & 31] for shift in range(125, -1, -5))
