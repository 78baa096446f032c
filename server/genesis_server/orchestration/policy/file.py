"""The rulebook of the server's file, or the one that ships, which may change while the server runs.

The file is read whole at each poll: it is small, and no time or size tells every change. A change is taken when it has been the
same for two polls, so that a writer gets the time to finish; a broken file never becomes the rulebook, the last good one stays.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from genesis_server.routing.rules.loading import default_rulebook, load_rulebook
from genesis_server.routing.rules.rulebook import Rulebook
from genesis_server.text.toml_file import DataFileError, Mistake, decode_utf8

MAX_FILE_BYTES = 4 * 1024 * 1024

_LOG = logging.getLogger(__name__)


class RulebookFile:
    """The file's current rulebook."""

    def __init__(self, path: Path | None = None, *, clock: Callable[[], float]) -> None:
        """Read the file, by default the one that ships. Raises DataFileError with every mistake.

        `clock` gives seconds since the epoch.
        """
        self._path = path
        self._clock = clock
        data = b"" if path is None else _read(path)
        self._taken = self._seen = data
        self.rulebook: Rulebook = default_rulebook() if path is None else _load(data, path.name)
        """The rulebook as of the last poll."""
        self.mistakes: tuple[str, ...] = ()
        """Why the last good rulebook holds; empty when the file itself does."""
        self.since: float = clock()
        """When this became so."""

    @property
    def ships(self) -> bool:
        """Whether it is the rulebook that ships."""
        return self._path is None

    def poll(self) -> bool:
        """Look at the file again; True when there is a new rulebook. Never raises for what the file is like."""
        if self._path is None:
            return False
        try:
            data = _read(self._path)
            steady, self._seen = data == self._seen, data
            if not steady or data == self._taken:
                if data == self._taken:
                    self._recover()
                return False
            rulebook = _load(data, self._path.name)
        except DataFileError as error:
            self._degrade(tuple(str(mistake) for mistake in error.mistakes))
            return False
        self._taken, self.rulebook = data, rulebook
        self._recover()
        _LOG.info("rulebook reloaded", extra={"fields": {"version": rulebook.version, "rules": len(rulebook.rules)}})
        return True

    def _degrade(self, mistakes: tuple[str, ...]) -> None:
        if mistakes != self.mistakes:
            self.mistakes, self.since = mistakes, self._clock()
            _LOG.warning("the rulebook file cannot be used, the last good rulebook holds: %s", mistakes[0])

    def _recover(self) -> None:
        if self.mistakes:
            self.mistakes, self.since = (), self._clock()


def _load(data: bytes, name: str) -> Rulebook:
    return load_rulebook(decode_utf8(data, name), name)


def _read(path: Path) -> bytes:
    """The file's content. Raises DataFileError when it cannot be read."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise DataFileError(
            [Mistake(path.name, 1, "", f"cannot be read: {error.strerror or error}; give the path of a rulebook")]
        ) from None
    if len(data) > MAX_FILE_BYTES:
        raise DataFileError([Mistake(path.name, 1, "", f"is larger than {MAX_FILE_BYTES} bytes")])
    return data
