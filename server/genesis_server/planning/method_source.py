"""The methods in use, from a folder that may change while the server runs.

The folder is read whole at each poll: it is small, and no time or size tells every change. A change is taken when it has been the
same for two polls, so that a writer gets the time to finish; broken files never become the library, the last good one stays.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path

from genesis_server.planning.data_file import DataFileError
from genesis_server.planning.method_files import build_library, shipped_methods
from genesis_server.planning.methods import MethodLibrary

_LOG = logging.getLogger(__name__)


class MethodSource:
    """The current method library."""

    def __init__(self, folder: Path | None = None, *, clock: Callable[[], float]) -> None:
        """Read the folder's TOML files, by default those that ship. Raises DataFileError with every mistake.

        `clock` gives seconds since the epoch.
        """
        self._folder = folder
        self._clock = clock
        texts: Mapping[str, str] = {} if folder is None else _read(folder)
        self._taken = self._seen = texts
        self.library: MethodLibrary = shipped_methods() if folder is None else build_library(self._taken)
        """The methods as of the last poll."""
        self.mistakes: tuple[str, ...] = ()
        """Why the last good library holds; empty when the files themselves do."""
        self.since: float = clock()
        """When this became so."""

    def poll(self) -> bool:
        """Look at the folder again; True when there is a new library. Never raises for what the files are like."""
        if self._folder is None:
            return False
        try:
            texts = _read(self._folder)
        except DataFileError as error:
            self._degrade(error.mistakes)
            return False
        steady, self._seen = texts == self._seen, texts
        if not steady or texts == self._taken:
            return False
        self._taken = texts
        try:
            self.library = build_library(texts)
        except DataFileError as error:
            self._degrade(error.mistakes)
            return False
        self.mistakes, self.since = (), self._clock()
        _LOG.info("methods reloaded", extra={"fields": {"snapshot_id": self.library.snapshot_id}})
        return True

    def _degrade(self, mistakes: tuple[str, ...]) -> None:
        if mistakes != self.mistakes:
            self.mistakes, self.since = mistakes, self._clock()
            _LOG.warning("the method files cannot be used, the last good methods hold: %s", mistakes[0])


def _read(folder: Path) -> Mapping[str, str]:
    """Name → text of every method file. Raises DataFileError for files that cannot be read."""
    texts: dict[str, str] = {}
    mistakes: list[str] = []
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix == ".toml")
    except OSError as error:
        raise DataFileError([f"the folder of methods cannot be read: {error.strerror}"]) from None
    for path in paths:
        try:
            texts[path.name] = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            mistakes.append(f"{path.name}: cannot be read: {reason}")
    if mistakes:
        raise DataFileError(mistakes)
    if not texts:
        raise DataFileError(["the folder of methods holds no .toml file"])
    return texts
