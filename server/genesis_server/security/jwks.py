"""A key set that its issuer publishes: fetched off the loop, kept, renewed by age and when a token names a key it lacks.

When the issuer's endpoint is down, the last good set goes on serving. Fetches are at least `least_interval_seconds` apart, so
that forged key ids cannot make the server hammer the endpoint.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from genesis_server.resilience.errors import NetworkError
from genesis_server.security.signing_keys import KeySet, parse_keys

_LARGEST_BYTES = 1 << 20
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_log = logging.getLogger(__name__)

Fetch = Callable[[str, float], bytes]
"""(place, timeout in seconds) → document; may block, runs in a thread. Raises OSError or ValueError."""


def is_file(place: str) -> bool:
    """Whether a place of keys is a file of this machine."""
    return "://" not in place


def check_place(place: str) -> str:
    """What is wrong with the place of a key set, for settings; empty when nothing is."""
    if is_file(place):
        return ""
    parts = urlsplit(place)
    if parts.scheme == "https" and parts.hostname:
        return ""
    if parts.scheme == "http" and parts.hostname in _LOOPBACK:
        return ""
    return "a key set is a file or an https address; over plain http anybody on the way could replace the keys"


def fetch(place: str, timeout: float) -> bytes:
    """Read keys from a file or an address. Blocks. Raises OSError or ValueError."""
    if is_file(place):
        document = Path(place).read_bytes()
    else:
        from http.client import HTTPException  # noqa: PLC0415
        from urllib.request import Request, urlopen  # noqa: PLC0415

        request = Request(place, headers={"Accept": "application/json"})  # noqa: S310 - the scheme is checked at start
        try:
            with urlopen(request, timeout=timeout) as response:  # noqa: S310
                if check_place(response.url):
                    raise ValueError("the address of the key set leads to one that is not https")
                document = response.read(_LARGEST_BYTES + 1)
        except HTTPException as error:
            raise OSError("the address of the key set gives no proper answer") from error
    if len(document) > _LARGEST_BYTES:
        raise ValueError("the token keys are larger than 1 MiB")
    return document


@dataclass(slots=True)
class PublishedKeys:
    """The current key set of one issuer; belongs to one event loop."""

    place: str
    """Path, file: or https: address."""
    now: Callable[[], float]
    """Seconds on a clock that does not go back."""
    fetch: Fetch = fetch
    greatest_age_seconds: float = 300.0
    """A set older than this is renewed in the background while it goes on serving."""
    least_interval_seconds: float = 10.0
    timeout_seconds: float = 5.0
    current: KeySet = field(default_factory=KeySet)
    """Another object only when the keys are other ones."""
    _fetched_at: float | None = None
    _tried_at: float | None = None
    _running: asyncio.Task[None] | None = None

    async def renew_if_due(self) -> None:
        """Renew for a token whose key is missing: join a fetch that runs, start one if the last is long enough ago, else nothing.

        Raises NetworkError when no set could ever be fetched.
        """
        if self._running is not None or self._may_try():
            await self._renew()
        if not self.current.keys:
            raise NetworkError(
                "DEPENDENCY_CIRCUIT_OPEN",
                "the keys that verify tokens cannot be fetched at the moment; try again shortly",
                facts={"dependency": "token_keys"},
                retry_after_seconds=self.least_interval_seconds,
            )

    def renew_if_old(self) -> None:
        """Start a renewal in the background when the set is old; never waits."""
        old = self._fetched_at is None or self.now() - self._fetched_at >= self.greatest_age_seconds
        if old and self._running is None and self._may_try():
            self._start()

    async def close(self) -> None:
        """Wait for a renewal that is under way."""
        if self._running is not None:
            await self._running

    def _may_try(self) -> bool:
        return self._tried_at is None or self.now() - self._tried_at >= self.least_interval_seconds

    async def _renew(self) -> None:
        # A caller that goes away must not end the fetch others wait for.
        await asyncio.shield(self._running or self._start())

    def _start(self) -> asyncio.Task[None]:
        self._tried_at = self.now()
        self._running = asyncio.get_running_loop().create_task(self._fetch(), name="renew token keys")
        return self._running

    async def _fetch(self) -> None:
        try:
            async with asyncio.timeout(self.timeout_seconds):
                document = await asyncio.to_thread(self.fetch, self.place, self.timeout_seconds)
            keys = parse_keys(document)
        except (OSError, ValueError, TimeoutError) as error:
            _log.warning("token keys could not be renewed, the last good ones go on serving: %s", type(error).__name__)
            return
        finally:
            self._running = None
        self._fetched_at = self.now()
        self._take(keys)

    def load_file(self) -> None:
        """Read keys that stand in a file, once, at start. Raises OSError or ValueError."""
        self._take(parse_keys(self.fetch(self.place, self.timeout_seconds)))
        self._fetched_at = self._tried_at = self.now()

    def _take(self, keys: KeySet) -> None:
        if _fingerprint(keys) != _fingerprint(self.current):
            self.current = keys


def _fingerprint(keys: KeySet) -> set[tuple[str, frozenset[str], bytes]]:
    """What tells two sets of public keys apart."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat  # noqa: PLC0415

    encoding, form = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    return {(key.key_id, key.algorithms, key.material.public_bytes(encoding, form)) for key in keys.keys}
