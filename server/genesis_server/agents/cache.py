"""Indexes of catalogues that travel with requests, kept by snapshot id."""

from __future__ import annotations

from collections import OrderedDict

from genesis_server.agents.index import CatalogueIndex
from genesis_server.model.catalogue import Catalogue

DEFAULT_MAX_ENTRIES = 32
DEFAULT_MAX_OFFERS = 20_000


class SnapshotIndexCache:
    """The indexes used last, at most `max_entries` and together at most `max_offers` skills and tools.

    An index that alone has more than `max_offers` is made anew each time. For one thread.
    """

    def __init__(self, *, max_entries: int = DEFAULT_MAX_ENTRIES, max_offers: int = DEFAULT_MAX_OFFERS) -> None:
        self._max_entries = max_entries
        self._max_offers = max_offers
        self._indexes: OrderedDict[str, CatalogueIndex] = OrderedDict()
        self._offers = 0

    def get(self, catalogue: Catalogue) -> CatalogueIndex:
        """The index of a catalogue; its `snapshot_id` must be derived from its content, empty ids are not kept."""
        key = catalogue.snapshot_id
        found = self._indexes.get(key)
        if found is not None:
            self._indexes.move_to_end(key)
            return found
        index = CatalogueIndex(catalogue)
        if key and len(index.offers) <= self._max_offers:
            self._indexes[key] = index
            self._offers += len(index.offers)
            while len(self._indexes) > self._max_entries or self._offers > self._max_offers:
                _, oldest = self._indexes.popitem(last=False)
                self._offers -= len(oldest.offers)
        return index

    def __len__(self) -> int:
        return len(self._indexes)
