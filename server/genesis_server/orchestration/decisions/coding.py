"""Decisions and snapshots as bytes, and back.

Values are JSON; what is larger than `COMPRESSED_FROM` is compressed. What equals its default is left out of a decision, which takes a
third of it away, and kept in a snapshot, where a default that changes must not change what is read.
"""

from __future__ import annotations

import json
import zlib
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from genesis_server.agents.index import CatalogueIndex
from genesis_server.model.catalogue import Catalogue
from genesis_server.model.decision import Decision, DecisionHead
from genesis_server.planning.methods import Method, MethodLibrary
from genesis_server.routing.policy import RoutingPolicy
from genesis_server.routing.rules.loading import load_rulebook
from genesis_server.routing.rules.rulebook import EMPTY_RULEBOOK, Rulebook

COMPRESSED_FROM = 2 * 1024
"""Bytes from which on a value is compressed: a quarter of 4 KiB is left after 15 µs; a shorter value fits into its page as it is."""
_FASTEST = 1
_ZLIB = b"x"
"""How every zlib stream of this kind begins (RFC 1950), and no JSON."""


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def encode_head(head: DecisionHead) -> bytes:
    """What a list reads."""
    return _adapter(DecisionHead).dump_json(head, exclude_defaults=True)


def decode_head(value: bytes) -> DecisionHead:
    """The inverse of `encode_head`."""
    return _adapter(DecisionHead).validate_json(value)


def encode_decision(decision: Decision) -> bytes:
    """All of a decision, its head included."""
    return _packed(_adapter(Decision).dump_json(decision, exclude_defaults=True))


def decode_decision(value: bytes) -> Decision:
    """The inverse of `encode_decision`."""
    return _adapter(Decision).validate_json(_unpacked(value))


def encode_agents(index: CatalogueIndex) -> bytes:
    """A catalogue."""
    return _packed(_adapter(Catalogue).dump_json(index.catalogue))


def decode_agents(value: bytes) -> CatalogueIndex:
    """The inverse of `encode_agents`."""
    return CatalogueIndex(_adapter(Catalogue).validate_json(_unpacked(value)))


def encode_methods(library: MethodLibrary) -> bytes:
    """A method library."""
    return _packed(_adapter(tuple[Method, ...]).dump_json(library.methods))


def decode_methods(value: bytes, snapshot_id: str) -> MethodLibrary:
    """The inverse of `encode_methods`."""
    return MethodLibrary(_adapter(tuple[Method, ...]).validate_json(_unpacked(value)), snapshot_id)


def encode_rulebook(rulebook: Rulebook) -> bytes:
    """A rulebook, which is its text."""
    return _packed(json.dumps(rulebook.text, ensure_ascii=False).encode())


def decode_rulebook(value: bytes) -> Rulebook:
    """The inverse of `encode_rulebook`. Raises DataFileError when this server does not understand the text."""
    text = rulebook_text(value)
    return load_rulebook(text) if text else EMPTY_RULEBOOK


def rulebook_text(value: bytes) -> str:
    """The text of an encoded rulebook."""
    return json.loads(_unpacked(value))


def encode_policy(policy: RoutingPolicy) -> bytes:
    """The router's numbers."""
    return _packed(_adapter(RoutingPolicy).dump_json(policy))


def decode_policy(value: bytes) -> RoutingPolicy:
    """The inverse of `encode_policy`."""
    return _adapter(RoutingPolicy).validate_json(_unpacked(value))


def _packed(value: bytes) -> bytes:
    return zlib.compress(value, _FASTEST) if len(value) > COMPRESSED_FROM else value


def _unpacked(value: bytes) -> bytes:
    return zlib.decompress(value) if value.startswith(_ZLIB) else value
