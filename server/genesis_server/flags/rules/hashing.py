"""The hash that draws somebody by percentage: MurmurHash3 x86 32 with seed 0, in flagd's generations 2 and 3 of bucketing."""

from __future__ import annotations

import mmh3

from genesis_server.flags.rules.errors import RuleError
from genesis_server.flags.rules.work import MAX_DEPTH, spend, spend_on_text
from genesis_server.model.flags import JsonValue

_SMALL = [bytes([0x60 + size]) if size < 24 else bytes([0x78, size]) for size in range(256)]
_TWO = b"\x82"

hash_bytes = mmh3.mmh3_32_uintdigest
"""From 0 to 2**32 - 1."""


def utf8(text: str) -> bytes:
    """A text as UTF-8. Raises UnicodeEncodeError for half a character."""
    spend_on_text(text)
    return text.encode()


def cbor_text(text: str) -> bytes:
    """A text as CBOR. Raises UnicodeEncodeError for half a character."""
    data = utf8(text)
    size = len(data)
    if size < 256:
        return _SMALL[size] + data
    return (b"\x79" + size.to_bytes(2, "big") if size < 65536 else b"\x7a" + size.to_bytes(4, "big")) + data


def pair_start(flag_key: str) -> bytes:
    """The CBOR of `[flag_key, ...]` up to its second item."""
    return _TWO + cbor_text(flag_key)


def cbor(value: JsonValue) -> bytes:
    """Any value as CBOR, core deterministic (RFC 8949, 4.2.1), whole numbers without a fraction whatever their type.

    Raises ValueError for what has no such form, RuleError for what is nested too deep.
    """
    if isinstance(value, str):
        return cbor_text(value)
    import cbor2  # noqa: PLC0415

    return cbor2.dumps(_whole(value, 0), canonical=True)


def _whole(value: JsonValue, depth: int) -> JsonValue:
    if depth > MAX_DEPTH:
        raise RuleError(f"what to draw by is nested more than {MAX_DEPTH} deep")
    if isinstance(value, dict):
        spend(len(value))
        return {name: _whole(item, depth + 1) for name, item in value.items()}
    if isinstance(value, list):
        spend(len(value))
        return [_whole(item, depth + 1) for item in value]
    if isinstance(value, str):
        spend_on_text(value)
    if isinstance(value, float) and value.is_integer() and -(2**63) <= value <= 2**64 - 1:
        return int(value)
    return value
