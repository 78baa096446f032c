"""Certificates from files: read, checked for what people get wrong, and read again when they change."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

_log = logging.getLogger(__name__)

Stamp = tuple[tuple[int, int, int], ...]
"""Time of change in ns, size and inode of each file."""


@dataclass(frozen=True, slots=True)
class TlsMaterial:
    """What a TLS listener needs, PEM."""

    certificate_chain: bytes
    private_key: bytes = field(repr=False)
    client_ca: bytes | None
    """Authorities that sign client certificates; None asks for none."""


class TlsFiles:
    """The files of one listener and what they hold now.

    A change is taken when all files fit together; a half-written pair keeps the last good one.
    """

    def __init__(self, certificate: Path, key: Path, client_ca: Path | None = None, *, now: Callable[[], float]) -> None:
        """Read the files; `now` is seconds since 1970. Raises ValueError with what is wrong."""
        self._certificate, self._key, self._client_ca = certificate, key, client_ca
        self._now = now
        stamp = self._stamp()
        self.current = self._read()
        self._taken: Stamp | None = stamp
        self._refused: Stamp | None = None

    def poll(self) -> bool:
        """Look at the files and read them when they changed; whether `current` is another one now. Blocks; keep off the loop."""
        stamp = self._stamp()
        if stamp in {self._taken, self._refused}:
            return False
        try:
            material = self._read()
        except ValueError as error:
            self._refused = stamp
            _log.warning("the changed TLS files are not used, the last good ones go on serving: %s", error)
            return False
        self._taken, self._refused = stamp, None
        changed = material != self.current
        self.current = material
        if changed:
            _log.info("TLS files read again; new connections use them")
        return changed

    def _stamp(self) -> Stamp | None:
        try:
            stats = [path.stat() for path in (self._certificate, self._key, self._client_ca) if path is not None]
        except OSError:
            return None
        return tuple((stat.st_mtime_ns, stat.st_size, stat.st_ino) for stat in stats)

    def _read(self) -> TlsMaterial:
        chain = _bytes(self._certificate, "the server certificate")
        key = _bytes(self._key, "the private key of the server certificate")
        authorities = None if self._client_ca is None else _bytes(self._client_ca, "the file of client authorities")
        _check_pair(chain, key, self._now())
        if authorities is not None:
            _certificates(authorities, "the file of client authorities")
        return TlsMaterial(chain, key, authorities)


def _bytes(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ValueError(f"{what} cannot be read: {error.strerror or type(error).__name__}") from error


def _check_pair(chain: bytes, key: bytes, now: float) -> None:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key  # noqa: PLC0415

    first = _certificates(chain, "the server certificate")[0]
    try:
        private = load_pem_private_key(key, password=None)
    except TypeError as error:
        raise ValueError("the private key of the server certificate has a passphrase; give one without") from error
    except Exception as error:
        raise ValueError("the private key of the server certificate is no PEM private key") from error
    encoding, form = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    if private.public_key().public_bytes(encoding, form) != first.public_key().public_bytes(encoding, form):
        raise ValueError("the private key does not belong to the server certificate; the server's own certificate must come first")
    moment = datetime.fromtimestamp(now, UTC)
    if first.not_valid_after_utc <= moment:
        raise ValueError(f"the server certificate expired on {first.not_valid_after_utc:%Y-%m-%d}; put a new one in its place")


def _certificates(document: bytes, what: str) -> list[Certificate]:
    from cryptography.x509 import load_pem_x509_certificates  # noqa: PLC0415

    try:
        return load_pem_x509_certificates(document)
    except ValueError as error:
        raise ValueError(f"{what} is no PEM certificate (-----BEGIN CERTIFICATE-----)") from error
