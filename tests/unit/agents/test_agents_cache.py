"""Indexes of catalogues that travel with requests."""

from genesis_server.agents.cache import SnapshotIndexCache
from genesis_server.agents.snapshot_id import make_catalogue
from genesis_server.model.catalogue import Catalogue, Tool


def _catalogue(name: str, tools: int = 1) -> Catalogue:
    return make_catalogue([], [Tool(f"{name}{number}") for number in range(tools)])


def test_the_same_catalogue_is_indexed_once() -> None:
    """A client that sends its tools with every call pays for the index once."""
    cache = SnapshotIndexCache()
    assert cache.get(_catalogue("a")) is cache.get(_catalogue("a"))
    assert cache.get(_catalogue("a")) is not cache.get(_catalogue("b"))


def test_the_least_recently_used_goes_first() -> None:
    """Many catalogues do not fill the memory, and busy ones stay."""
    cache = SnapshotIndexCache(max_entries=2)
    first = cache.get(_catalogue("a"))
    cache.get(_catalogue("b"))
    cache.get(_catalogue("a"))
    cache.get(_catalogue("c"))
    assert len(cache) == 2
    assert cache.get(_catalogue("a")) is first


def test_large_catalogues_count_by_their_size() -> None:
    """A few huge catalogues do not fill the memory either; one that is too large is not kept at all."""
    cache = SnapshotIndexCache(max_offers=5)
    cache.get(_catalogue("a", 3))
    cache.get(_catalogue("b", 3))
    assert len(cache) == 1
    cache.get(_catalogue("c", 6))
    assert len(cache) == 1


def test_a_catalogue_without_an_id_is_not_kept() -> None:
    """Two different catalogues without ids are not mistaken for each other."""
    cache = SnapshotIndexCache()
    cache.get(Catalogue(tools=(Tool("a"),)))
    assert len(cache) == 0
