"""SIGTERM and SIGINT: the first asks for a graceful stop, the second forces it."""

from __future__ import annotations

import asyncio
import signal

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class StopSignals:
    """Two events, set by signals."""

    def __init__(self) -> None:
        self.requested = asyncio.Event()
        """A stop was asked for."""
        self.forced = asyncio.Event()
        """It was asked for again: wait for nothing."""

    def install(self) -> None:
        """Listen on the running loop."""
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.add_signal_handler(number, self.tell)

    def uninstall(self) -> None:
        """Listen no longer."""
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.remove_signal_handler(number)

    def tell(self) -> None:
        """A signal came."""
        (self.forced if self.requested.is_set() else self.requested).set()
