"""The agents the server knows, from a file that may change while it runs.

Readers take `index`, an immutable snapshot that is swapped by one assignment. A file that is broken, half-written or gone never
becomes the snapshot: the last good one stays, and `status` says so.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from importlib.resources import files
from pathlib import Path

from genesis_server.agents.index import CatalogueIndex
from genesis_server.agents.loading import DEFAULT_FILE_NAME, AgentsFileError, cut_short, is_complete, load_agents
from genesis_server.agents.watched_file import FileStamp, Watched
from genesis_server.model.catalogue import Catalogue
from genesis_server.text.toml_file import DataFileError, Mistake, decode_utf8

MAX_FILE_BYTES = 64 * 1024 * 1024

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RegistryStatus:
    """How well the registry is."""

    healthy: bool
    message: str
    """Why it is degraded, without paths; empty when it is well."""
    since: float
    """When this began, in seconds since the epoch."""


class AgentRegistry:
    """The current agents."""

    def __init__(self, path: Path | None = None, *, clock: Callable[[], float] = time.time) -> None:
        """Read the file, by default the one that ships. Raises AgentsFileError with every mistake when it is broken or gone.

        `clock` tells the wall-clock time in seconds since the epoch.
        """
        self._clock = clock
        self._path = path
        self._file_name = path.name if path is not None else DEFAULT_FILE_NAME
        self._watched = Watched()
        if path is None:
            data = (files("genesis_server") / "data" / DEFAULT_FILE_NAME).read_bytes()
        else:
            stamp, data = self._read_first(path)
            self._watched = self._watched.done(stamp, clock())
        self._index = CatalogueIndex(_load(data, self._file_name))
        self._content = _digest(data)
        self._status = RegistryStatus(healthy=True, message="", since=clock())

    @property
    def index(self) -> CatalogueIndex:
        """The current snapshot; take it once per decision."""
        return self._index

    @property
    def catalogue(self) -> Catalogue:
        """The agents and tools of the current snapshot."""
        return self._index.catalogue

    @property
    def snapshot_id(self) -> str:
        """The current snapshot's id."""
        return self._index.catalogue.snapshot_id

    @property
    def status(self) -> RegistryStatus:
        """How well the registry is, and since when."""
        return self._status

    def poll(self) -> bool:
        """Look at the file; whether there is a new snapshot. Never raises for what the file is like."""
        if self._path is None:
            return False
        try:
            stamp = _stamp(self._path)
            self._watched, read = self._watched.look(stamp)
            if not read:
                return False
            data = _read(self._path)
            if _stamp(self._path) != stamp:
                return False
        except OSError as error:
            self._watched = self._watched.missing()
            self._degrade(f"{self._file_name} cannot be read: {_why(error)}")
            return False
        self._watched = self._watched.done(stamp, self._clock())
        return self._take(data)

    def _take(self, data: bytes) -> bool:
        content = _digest(data)
        if content == self._content:
            self._recover()
            return False
        try:
            text = decode_utf8(data, self._file_name)
            if not is_complete(text):
                # Not worth parsing: the writer is not done, or the disk was full.
                raise AgentsFileError([cut_short(text, self._file_name)])
            catalogue = load_agents(text, self._file_name)
        except DataFileError as error:
            count = len(error.mistakes)
            more = f" (and {count - 1} more)" if count > 1 else ""
            self._degrade(f"{error.mistakes[0]}{more}")
            return False
        self._content = content
        changed = catalogue.snapshot_id != self.snapshot_id
        if changed:
            self._index = CatalogueIndex(catalogue)
            _log.info("agents reloaded", extra={"fields": {"snapshot_id": catalogue.snapshot_id, "agents": len(catalogue.agents)}})
        self._recover()
        return changed

    def _read_first(self, path: Path) -> tuple[FileStamp, bytes]:
        try:
            return _stamp(path), _read(path)
        except OSError as error:
            mistake = Mistake(self._file_name, 1, "", f"cannot be read: {_why(error)}; give the path of a readable agents file")
            raise AgentsFileError([mistake]) from None

    def _degrade(self, message: str) -> None:
        message = f"{message}; the last good agents stay in use"
        if self._status.message != message:
            since = self._clock() if self._status.healthy else self._status.since
            self._status = RegistryStatus(healthy=False, message=message, since=since)
            _log.warning("agents file not taken", extra={"fields": {"reason": message}})

    def _recover(self) -> None:
        if not self._status.healthy:
            self._status = RegistryStatus(healthy=True, message="", since=self._clock())


def _load(data: bytes, file_name: str) -> Catalogue:
    try:
        return load_agents(decode_utf8(data, file_name), file_name)
    except DataFileError as error:
        raise AgentsFileError(error.mistakes) from None


def _stamp(path: Path) -> FileStamp:
    found = path.stat()
    return FileStamp(found.st_mtime_ns, found.st_size, found.st_ino)


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        data = file.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise OSError(f"it is larger than {MAX_FILE_BYTES} bytes")
    return data


def _why(error: OSError) -> str:
    """The reason without the path that an OSError carries."""
    return error.strerror or str(error)


def _digest(data: bytes) -> bytes:
    return blake2b(data, digest_size=16).digest()
