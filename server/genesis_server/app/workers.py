"""Several server processes on one port: the parent reserves it, starts them, passes signals on and ends when one ends."""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

from genesis_server.rpc.ports import check_port_free, split_address
from genesis_server.rpc.stop_signals import SIGNALS

WORKER_VARIABLE = "_GENESIS_WORKER"
"""Set for a worker process: its number, from 0, a colon, and its parent's process id."""
_POLL_SECONDS = 0.1

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Worker:
    """What a worker process knows of itself."""

    number: int
    """From 0."""
    parent: int
    """Process id of the one that started it."""

    @property
    def orphaned(self) -> bool:
        """Whether the parent is gone, so that nobody would pass signals on any more."""
        return os.getppid() != self.parent


def this_worker(environ: Mapping[str, str]) -> Worker | None:
    """Which worker this process is; None when it is no worker."""
    number, _, parent = environ.get(WORKER_VARIABLE, "").partition(":")
    return Worker(int(number), int(parent)) if number.isdecimal() and parent.isdecimal() else None


def run_workers(arguments: Sequence[str], *, count: int, listen: str, environ: Mapping[str, str]) -> int:
    """Run `count` processes of `genesis ARGUMENTS` until one ends or a signal comes; the exit code: 0 when all ended well.

    The port is test-bound alone first, then held with SO_REUSEPORT so that nobody takes it while workers start; the kernel then
    gives each new connection to one of them. Every signal is passed on, those that come while workers are started once they are. A worker
    hears it when it listens, which is before it loads what serves; of several of one kind that came until then it hears one, so that a
    second forces nothing. A worker that a signal ended counts as 128 and the signal's number, as in a shell.
    Raises OSError when the port cannot be had.
    """
    check_port_free(listen)
    place = split_address(listen)
    with nullcontext() if place is None else _hold(place):
        return _run([sys.executable, "-m", "genesis_server", *arguments], count=count, environ=environ)


def _run(command: Sequence[str], *, count: int, environ: Mapping[str, str]) -> int:
    asked: list[int] = []
    workers: list[subprocess.Popen[bytes]] = []

    def tell(number: int, _frame: object) -> None:
        asked.append(number)
        _tell(workers, number)

    for number in SIGNALS:
        signal.signal(number, tell)
    # Workers are started with the signals held back: told to stop before it listens to them, one would not end well.
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        for number in range(count):
            environment = {**environ, WORKER_VARIABLE: f"{number}:{os.getpid()}"}
            # A session of its own: Ctrl-C is for this process, which passes it on once. A second signal would end all waiting.
            workers += [subprocess.Popen(command, env=environment, start_new_session=True)]  # noqa: S603
    finally:
        heed_signals()
    while all(worker.poll() is None for worker in workers):
        time.sleep(_POLL_SECONDS)
    if not asked:
        for number, worker in enumerate(workers):
            if worker.returncode is not None:
                _LOG.error("worker %d (process %d) ended with %s; stopping the others", number, worker.pid, _ending(worker.returncode))
        _tell(workers, signal.SIGTERM)
    codes = [worker.wait() for worker in workers]
    return next((code if code > 0 else 128 - code for code in codes if code), os.EX_OK)


def heed_signals() -> None:
    """Let the signals come that were held back; for a worker that listens to them now."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def _tell(workers: Sequence[subprocess.Popen[bytes]], number: int) -> None:
    for worker in workers:
        if worker.poll() is None:
            worker.send_signal(number)


def _ending(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"


def _hold(place: tuple[str, int]) -> socket.socket:
    """A bound socket that never listens: the port stays ours, and no connection comes here."""
    family, kind, protocol, _, where = socket.getaddrinfo(*place, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    holder = socket.socket(family, kind, protocol)
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    holder.bind(where)
    return holder
