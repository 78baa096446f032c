"""From a URL to a store."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from genesis_server.storage.base import Store

SQLITE = "sqlite://"
MEMORY = ":memory:"


def open_store(url: str, *, clock: Callable[[], float], busy_seconds: float = 5.0) -> Store:
    """Open the store at `url`, made and brought up to date where needed.

    `sqlite://` is followed by the path of the file: `sqlite:///var/lib/genesis/store.db` is absolute, `sqlite://store.db` lies in the
    working directory; `sqlite://:memory:` is a store of this process alone that vanishes when it is closed. `clock` tells seconds since
    the epoch; `busy_seconds` is how long a write waits for another process. Raises ValueError for a URL that is none of these, and
    ResourceError STORAGE_UNAVAILABLE or STORAGE_FULL.
    """
    from genesis_server.storage.sqlite.store import SqliteStore  # noqa: PLC0415  # only the chosen engine is loaded

    path = sqlite_path(url)
    if path is None:
        path = Path(tempfile.mkdtemp(prefix="genesis-")) / "store.db"
        return SqliteStore(path, clock=clock, busy_seconds=busy_seconds, temporary=True)
    return SqliteStore(path, clock=clock, busy_seconds=busy_seconds)


def sqlite_path(url: str) -> Path | None:
    """The file that a URL names; None for the store in memory. Raises ValueError for any other URL."""
    place = url.removeprefix(SQLITE)
    if place == url or not place.strip("/"):
        raise ValueError(f"{url!r} is no store: use sqlite:///path/of/the/file or sqlite://:memory:")
    return None if place.strip("/") == MEMORY else Path(place)
