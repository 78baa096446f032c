"""Ending the programs of a worker that is gone and could not do it itself: killed with SIGKILL, or for want of memory.

A watchdog is a process: `python -m genesis_server.cli.watchdog GRACE_SECONDS` reads lines `+ID` and `-ID` of process groups that run and
have ended from standard input. When that ends, the groups that still run get SIGTERM, and SIGKILL after the grace time.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass

_POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Watchdog:
    """The worker's end of it."""

    pipe: int
    """Its standard input."""

    @contextlib.contextmanager
    def watching(self, group: int) -> Generator[None]:
        """Have a process group ended when this process ends within the block."""
        self._tell(f"+{group}")
        try:
            yield
        finally:
            self._tell(f"-{group}")

    def _tell(self, line: str) -> None:
        # Without a watchdog the work goes on all the same.
        with contextlib.suppress(OSError):
            os.write(self.pipe, f"{line}\n".encode())


@contextlib.contextmanager
def running_watchdog(grace_seconds: float) -> Generator[Watchdog]:
    """A watchdog for as long as the block runs."""
    # In a session of its own, Ctrl-C at the terminal is not for it.
    command = (sys.executable, "-m", __name__, str(grace_seconds))
    reading, writing = os.pipe()
    with subprocess.Popen(command, stdin=reading, start_new_session=True):  # noqa: S603  (this very program)
        os.close(reading)
        try:
            yield Watchdog(writing)
        finally:
            os.close(writing)


def end_all(groups: Iterable[int], grace_seconds: float, *, clock: Callable[[], float] = time.monotonic) -> None:
    """End process groups: SIGTERM, and SIGKILL after the grace time for what is still there."""
    left, until = set(groups), clock() + grace_seconds
    left = {group for group in left if _signalled(group, signal.SIGTERM)}
    while left and clock() < until:
        time.sleep(_POLL_SECONDS)
        left = {group for group in left if _signalled(group, 0)}
    for group in left:
        _signalled(group, signal.SIGKILL)


def _signalled(group: int, number: int) -> bool:
    """Send a signal to a process group; whether it is there."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def main(grace_seconds: str) -> None:
    """Listen until the worker is gone, and end what it has left."""
    groups: set[int] = set()
    for line in sys.stdin:
        if line.startswith("+"):
            groups.add(int(line[1:]))
        else:
            groups.discard(int(line[1:]))
    end_all(groups, float(grace_seconds))


if __name__ == "__main__":
    main(*sys.argv[1:])
