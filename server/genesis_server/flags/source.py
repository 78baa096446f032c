"""Follows the flag file while the server runs, keeping the last good version."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from genesis_server.flags.definition import MAX_FILE_BYTES, FlagMistakesError, built_in_flags, parse_flags
from genesis_server.flags.overrides import Overrides
from genesis_server.flags.snapshot import FlagSnapshot

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FlagStatus:
    """How the flag file is."""

    mistakes: tuple[str, ...] = ()
    """Why the last good version holds; empty when the file itself does."""
    since: float = 0.0
    """Time of the clock at which this became so."""

    @property
    def good(self) -> bool:
        """Whether the flags are those of the file as it is now."""
        return not self.mistakes


class FlagSource:
    """The current flags.

    The file is read whole at each poll and compared with what was read before: it is small, and neither its time nor
    its size tells every change. One assignment swaps the snapshot, so readers see the old flags or the new, never a mixture.
    """

    def __init__(self, *, path: Path | None, overrides: Overrides, clock: Callable[[], float]) -> None:
        """Read the file once (None: the built-in flags only); `clock` gives seconds. Raises FlagMistakesError."""
        self._path = path
        self._overrides = overrides
        self._clock = clock
        self._seen: bytes | str = b""
        self.snapshot = self._first()
        """The flags as of the last poll."""
        self.status = FlagStatus(since=clock())
        """How the file was at the last poll."""

    def poll(self) -> bool:
        """Look at the file again; True when `snapshot` or `status` changed. A broken or missing file keeps the last good flags."""
        if self._path is None:
            return False
        content = self._read(self._path)
        if content == self._seen:
            return False
        self._seen = content
        try:
            self.snapshot = self._parse(content, self._path.name)
        except FlagMistakesError as error:
            _LOG.warning("the flag file cannot be used, the last good flags hold: %s", error)
            if self.status.good:
                self.snapshot = self.snapshot.as_stale()
            self.status = FlagStatus(error.mistakes, self._clock())
        else:
            _LOG.info("flags are now %s", self.snapshot.snapshot_id)
            self.status = FlagStatus(since=self._clock())
        return True

    def _first(self) -> FlagSnapshot:
        if self._path is None:
            return FlagSnapshot(overrides=self._overrides)
        self._seen = self._read(self._path)
        return self._parse(self._seen, self._path.name)

    def _parse(self, content: bytes | str, name: str) -> FlagSnapshot:
        if isinstance(content, str):
            raise FlagMistakesError([f"{name}: {content}"])
        defined = parse_flags(content, name=name, known=built_in_flags())
        return FlagSnapshot(defined, overrides=self._overrides, file_name=name)

    @staticmethod
    def _read(path: Path) -> bytes | str:
        """The file's bytes, or in words why there are none."""
        try:
            if not path.is_file():
                return "is not there" if not path.exists() else "is no regular file"
            with path.open("rb") as file:
                return file.read(MAX_FILE_BYTES + 1)
        except OSError as error:
            return f"cannot be read: {error.strerror}"
