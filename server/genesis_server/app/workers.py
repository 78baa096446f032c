"""Several server processes on one port: the parent reserves it, starts them, passes signals on and ends when one ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence

from genesis_server.rpc.ports import check_port_free, split_address

WORKER_VARIABLE = "_GENESIS_WORKER"
"""Set for a worker process: its number, from 0."""
_POLL_SECONDS = 0.1


def worker_number(environ: Mapping[str, str]) -> int | None:
    """Which worker this process is; None when it is no worker."""
    text = environ.get(WORKER_VARIABLE, "")
    return int(text) if text.isdecimal() else None


def run_workers(arguments: Sequence[str], *, count: int, listen: str, environ: Mapping[str, str]) -> int:
    """Run `count` processes of `genesis ARGUMENTS` until one ends or a signal comes; the exit code: 0 when all ended well.

    The port is test-bound alone first, then held with SO_REUSEPORT so that nobody takes it while workers start; the kernel then
    gives each new connection to one of them. Raises OSError when the port cannot be had.
    """
    check_port_free(listen)
    place = split_address(listen)
    holder = _hold(place) if place is not None else None
    command = [sys.executable, "-m", "genesis_server", *arguments]
    workers = [subprocess.Popen(command, env={**environ, WORKER_VARIABLE: str(number)}) for number in range(count)]  # noqa: S603

    def tell(number: int, _frame: object) -> None:
        for worker in workers:
            if worker.poll() is None:
                worker.send_signal(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, tell)
    while all(worker.poll() is None for worker in workers):
        time.sleep(_POLL_SECONDS)
    tell(signal.SIGTERM, None)
    codes = [worker.wait() for worker in workers]
    if holder is not None:
        holder.close()
    return next((code for code in codes if code), os.EX_OK)


def _hold(place: tuple[str, int]) -> socket.socket:
    """A bound socket that never listens: the port stays ours, and no connection comes here."""
    family, kind, protocol, _, where = socket.getaddrinfo(*place, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    holder = socket.socket(family, kind, protocol)
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    holder.bind(where)
    return holder
