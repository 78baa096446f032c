"""The agents' keys in use, from a file that may change while the server runs, and from a text that does not.

The file is read whole at each poll: it is small, and no time or size tells every change. A change is taken when it has been the
same for two polls, so that a writer gets the time to finish; of a broken file nothing is taken, the last good keys stay.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from genesis_server.security.agent_keys import AgentKeys, parse_key_file, parse_key_text, together
from genesis_server.text.toml_file import DataFileError, Mistake, decode_utf8

MAX_FILE_BYTES = 4 * 1024 * 1024

_LOG = logging.getLogger(__name__)


class AgentKeySource:
    """The current keys."""

    def __init__(self, path: Path | None = None, text: str = "", *, clock: Callable[[], float]) -> None:
        """Read the file and the text, where they are given. Raises DataFileError with every mistake.

        `clock` gives seconds since the epoch.
        """
        self._path = path
        self._text_keys = parse_key_text(text) if text.strip() else ()
        self._clock = clock
        data = b"" if path is None else _read(path)
        self._taken = self._seen = data
        self.keys: AgentKeys = AgentKeys(self._text_keys) if path is None else self._load(data, path)
        """The keys as of the last poll, another object when they have changed."""
        self.mistakes: tuple[str, ...] = ()
        """Why the last good keys hold; empty when the file itself does."""
        self.since: float = clock()
        """When this became so, in seconds since the epoch."""

    def has_key(self, tenant: str, agent: str) -> bool:
        """Whether an agent has any key, valid now or not."""
        return self.keys.has(tenant, agent)

    def poll(self) -> bool:
        """Look at the file again; True when there are new keys. Never raises for what the file is like."""
        if self._path is None:
            return False
        try:
            data = _read(self._path)
            steady, self._seen = data == self._seen, data
            if data == self._taken:
                self._recover()
                return False
            if not steady:
                return False
            keys = self._load(data, self._path)
        except DataFileError as error:
            self._degrade(tuple(str(mistake) for mistake in error.mistakes))
            return False
        self._taken, self.keys = data, keys
        self._recover()
        _LOG.info("agent keys reloaded", extra={"fields": {"keys": len(keys)}})
        return True

    def _load(self, data: bytes, path: Path) -> AgentKeys:
        return together(parse_key_file(decode_utf8(data, path.name), path.name), self._text_keys)

    def _degrade(self, mistakes: tuple[str, ...]) -> None:
        if mistakes != self.mistakes:
            self.mistakes, self.since = mistakes, self._clock()
            _LOG.warning("the file of agent keys cannot be used, the last good keys hold: %s", mistakes[0])

    def _recover(self) -> None:
        if self.mistakes:
            self.mistakes, self.since = (), self._clock()


def _read(path: Path) -> bytes:
    """The file's content. Raises DataFileError when it cannot be read."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        message = f"cannot be read: {error.strerror or error}; give the path of a file of agent keys"
        raise DataFileError([Mistake(path.name, 1, "", message)]) from None
    if len(data) > MAX_FILE_BYTES:
        raise DataFileError([Mistake(path.name, 1, "", f"is larger than {MAX_FILE_BYTES} bytes")])
    return data
