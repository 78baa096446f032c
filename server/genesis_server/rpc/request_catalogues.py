"""Catalogues that travel with requests: converted and indexed once per content."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict

from genesis.v1 import catalogue_pb2
from genesis_server.agents.index import CatalogueIndex
from genesis_server.rpc.convert import catalogue_from_proto

# Indexing more entries than this would hold the loop for more than about 5 ms.
INLINE_ENTRIES = 60


class RequestCatalogues:
    """A bounded cache of indexes by the content of the catalogue, least recently used out first."""

    def __init__(self, capacity: int = 64) -> None:
        """Keep at most `capacity` indexes."""
        self._capacity = capacity
        self._indexes: OrderedDict[str, CatalogueIndex] = OrderedDict()

    async def index(self, message: catalogue_pb2.Catalogue) -> CatalogueIndex:
        """The index of a request's catalogue. Raises ValidationError INVALID_FIELD for ids that stand twice."""
        digest = hashlib.sha256(message.SerializeToString(deterministic=True)).hexdigest()
        snapshot_id = f"request-{digest[:24]}"
        found = self._indexes.get(snapshot_id)
        if found is None:
            if len(message.agents) + len(message.tools) > INLINE_ENTRIES:
                found = await asyncio.to_thread(_build, message, snapshot_id)
            else:
                found = _build(message, snapshot_id)
            self._indexes[snapshot_id] = found
            if len(self._indexes) > self._capacity:
                self._indexes.popitem(last=False)
        self._indexes.move_to_end(snapshot_id)
        return found


def _build(message: catalogue_pb2.Catalogue, snapshot_id: str) -> CatalogueIndex:
    return CatalogueIndex(catalogue_from_proto(message, snapshot_id=snapshot_id))
