"""Is the port free? gRPC binds with SO_REUSEPORT, so that a second server would start silently beside the first."""

from __future__ import annotations

import errno
import socket


def split_address(address: str) -> tuple[str, int] | None:
    """Host and port of `host:port` or `[host]:port`; None for a Unix socket. Raises ValueError for anything else."""
    if address.startswith(("unix:", "unix-abstract:")):
        return None
    host, colon, port = address.rpartition(":")
    if not colon or not host or not port.isdigit() or int(port) > 65535:
        message = f"the address {address!r} must look like 127.0.0.1:50051, [::]:50051 or unix:/path"
        raise ValueError(message)
    return host.removeprefix("[").removesuffix("]"), int(port)


def check_port_free(address: str) -> None:
    """Bind `address` without SO_REUSEPORT and let it go.

    Raises OSError EADDRINUSE when something listens there, or the OSError that binding gives, each with a message that names the address.
    """
    place = split_address(address)
    if place is None or place[1] == 0:
        return
    host, port = place
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except OSError as error:
        raise _explained(error, address) from error
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(where)
            probe.listen()
        except OSError as error:
            raise _explained(error, address) from error


def _explained(error: OSError, address: str) -> OSError:
    if error.errno == errno.EADDRINUSE:
        message = f"{address} is in use: another server listens there. Stop it, or choose another address (port 0: any free one)"
    else:
        message = f"cannot listen on {address}: {error.strerror}"
    return OSError(error.errno, message)
