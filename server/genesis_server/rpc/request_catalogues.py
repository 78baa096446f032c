"""Catalogues that travel with requests: converted and indexed once per content."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Callable

from genesis.v1 import catalogue_pb2
from genesis_server.agents.index import CatalogueIndex
from genesis_server.resilience.remembering import remembering
from genesis_server.rpc.convert import catalogue_from_proto

# Indexing more entries than this would hold the loop for more than about 5 ms.
INLINE_ENTRIES = 60
CACHE = "request_catalogue"


def _unobserved(cache: str, result: str) -> None:
    """Nobody counts."""


def request_snapshot_id(message: catalogue_pb2.Catalogue) -> str:
    """The id of a request's catalogue, from its content: the same in every process, so that answers can be compared."""
    digest = hashlib.sha256(message.SerializeToString(deterministic=True)).hexdigest()
    return f"request-{digest[:24]}"


def request_index(message: catalogue_pb2.Catalogue, snapshot_id: str) -> CatalogueIndex:
    """The index of a request's catalogue, made anew. Raises ValidationError INVALID_FIELD for ids that stand twice."""
    return CatalogueIndex(catalogue_from_proto(message, snapshot_id=snapshot_id))


class RequestCatalogues:
    """A bounded cache of indexes by the content of the catalogue, least recently used out first."""

    def __init__(self, *, capacity: int = 64, max_offers: int = 100_000, observe: Callable[[str, str], None] = _unobserved) -> None:
        """Keep at most `capacity` indexes of `max_offers` skills and tools together; the last one is always kept.

        `observe` is told (cache, "hit", "miss" or "off") of each look.
        """
        self._observe = observe
        self._capacity = capacity
        self._max_offers = max_offers
        self._indexes: OrderedDict[str, CatalogueIndex] = OrderedDict()
        self._offers = 0
        self._builds: dict[str, asyncio.Task[CatalogueIndex]] = {}

    async def index(self, message: catalogue_pb2.Catalogue) -> CatalogueIndex:
        """The index of a request's catalogue. Raises ValidationError INVALID_FIELD for ids that stand twice."""
        snapshot_id = request_snapshot_id(message)
        if not remembering():
            self._observe(CACHE, "off")
            return await asyncio.to_thread(request_index, message, snapshot_id)
        found = self._indexes.get(snapshot_id)
        self._observe(CACHE, "miss" if found is None else "hit")
        if found is not None:
            self._indexes.move_to_end(snapshot_id)
            return found
        if _entries(message) <= INLINE_ENTRIES:
            return self._keep(snapshot_id, request_index(message, snapshot_id))
        build = self._builds.get(snapshot_id)
        if build is None:
            build = self._builds[snapshot_id] = asyncio.create_task(self._build_aside(message, snapshot_id))
            build.add_done_callback(lambda _: self._builds.pop(snapshot_id))
        # A caller that goes away must not end what others wait for.
        return await asyncio.shield(build)

    async def _build_aside(self, message: catalogue_pb2.Catalogue, snapshot_id: str) -> CatalogueIndex:
        return self._keep(snapshot_id, await asyncio.to_thread(request_index, message, snapshot_id))

    def _keep(self, snapshot_id: str, index: CatalogueIndex) -> CatalogueIndex:
        self._indexes[snapshot_id] = index
        self._offers += len(index.offers)
        while len(self._indexes) > self._capacity or (self._offers > self._max_offers and len(self._indexes) > 1):
            _, oldest = self._indexes.popitem(last=False)
            self._offers -= len(oldest.offers)
        return index


def _entries(message: catalogue_pb2.Catalogue) -> int:
    """Skills and tools."""
    return len(message.tools) + sum(len(agent.skills) for agent in message.agents)
