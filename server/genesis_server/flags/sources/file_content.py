"""Reads a file that changes under our hands: only when it may have changed, and whatever stands in its place."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable
from pathlib import Path

from genesis_server.flags.reading import MAX_DOCUMENT_BYTES

RACY_SECONDS = 2.0
"""A file that changed this short before it was read is read again: a second change in the same tick of the clock would not show."""


class FileContent:
    """The content of a file, and what it was when it was read last. For one thread at a time."""

    def __init__(self, path: Path, *, now: Callable[[], float]) -> None:
        """Of the file at `path`; `now` gives seconds since the epoch."""
        self._path = path
        self._now = now
        self._stamp: tuple[int, ...] | None = None
        self._seen: bytes | None = None

    def read(self) -> bytes | str | None:
        """At most one byte more than a document may have; in words why there are none; None when all is as it was the last time.

        It never waits, as a pipe would have it, nor raises.
        """
        try:
            content = self._read()
        except OSError as error:
            self._stamp = None
            content = "is not there" if isinstance(error, FileNotFoundError) else f"cannot be read: {error.strerror}"
        if content is None:
            return None
        seen = hashlib.sha256(content if isinstance(content, bytes) else content.encode()).digest()
        same, self._seen = seen == self._seen, seen
        return None if same else content

    def _read(self) -> bytes | str | None:
        if not stat.S_ISREG(self._path.stat().st_mode):
            self._stamp = None
            return "is no regular file"
        descriptor = os.open(self._path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(descriptor, "rb") as file:
            found = os.fstat(descriptor)
            stamp = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
            if stamp == self._stamp:
                return None
            racy = self._now() - max(found.st_mtime, found.st_ctime) < RACY_SECONDS
            self._stamp = None if racy else stamp
            return file.read(MAX_DOCUMENT_BYTES + 1)
