"""Keeps what was last good of each source of flags, so that a start while the source is broken begins with it."""

from __future__ import annotations

import asyncio
import logging
import zlib

from genesis_server.storage.base import SERVER, Documents, Key

KIND = "flag_last_good"
"""Kind of the documents; their ids are the names of the sources."""
MAX_BYTES = 16 * 1024 * 1024
"""Of a content, and of what is stored of it."""

_LOG = logging.getLogger(__name__)


class LastGood:
    """The last good content of each source, compressed, in the store that all processes share."""

    def __init__(self, documents: Documents) -> None:
        """Keep them in `documents`."""
        self._documents = documents

    async def save(self, name: str, content: bytes) -> None:
        """Keep `content` as that of the source `name`; a larger one than `MAX_BYTES` is not kept. Raises what the storage raises."""
        value = await asyncio.to_thread(zlib.compress, content, 1)
        if max(len(content), len(value)) > MAX_BYTES:
            _LOG.warning("flags are not kept for a start without their source, they are too large", extra={"fields": {"source": name}})
            return
        found = await self._documents.get(_key(name))
        if found is None or found.value != value:
            await self._documents.put(_key(name), value)

    async def load(self, name: str) -> bytes | None:
        """What was kept of the source `name`; None for nothing. Raises what the storage raises."""
        found = await self._documents.get(_key(name))
        return None if found is None else await asyncio.to_thread(_decompressed, found.value, name)


def _key(name: str) -> Key:
    return Key(SERVER, KIND, name)


def _decompressed(value: bytes, name: str) -> bytes | None:
    decompressor = zlib.decompressobj()
    try:
        content = decompressor.decompress(value, MAX_BYTES)
    except zlib.error:
        content = b""
    if decompressor.eof:
        return content
    _LOG.warning("what was kept of the flags is damaged", extra={"fields": {"source": name}})
    return None
