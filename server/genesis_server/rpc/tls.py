"""TLS for the listener, with certificates that can be replaced while it serves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import grpc

from genesis_server.security.tls import TlsFiles, TlsMaterial


class ServerTls:
    """Credentials of a listener whose files may change.

    `poll` reads changed files, off the loop; each new handshake only compares two references, because gRPC asks on a thread of
    its own. Open connections keep what they began with, so connections need a greatest age for a change to reach all.
    """

    def __init__(self, files: TlsFiles) -> None:
        """Serve what `files` hold; client certificates are required when there are client authorities."""
        self._files = files
        self._latest: Any = _configuration(files.current)
        self._handed_out: Any = self._latest
        make = cast("Callable[..., grpc.ServerCredentials]", grpc.dynamic_ssl_server_credentials)  # pyright: ignore[reportUnknownMemberType]
        self.credentials = make(
            self._latest,
            self._changed_configuration,
            require_client_authentication=files.current.client_ca is not None,
        )

    def poll(self) -> bool:
        """Read the files when they changed; whether new connections get something new. Blocks."""
        changed = self._files.poll()
        if changed:
            self._latest = _configuration(self._files.current)
        return changed

    def _changed_configuration(self) -> Any:
        """What the next handshake uses, or None for the same as before; called on a thread of gRPC's."""
        latest = self._latest
        if latest is self._handed_out:
            return None
        self._handed_out = latest
        return latest


def _configuration(material: TlsMaterial) -> Any:
    make = cast("Callable[..., Any]", grpc.ssl_server_certificate_configuration)  # pyright: ignore[reportUnknownMemberType]
    return make([(material.private_key, material.certificate_chain)], root_certificates=material.client_ca)
