"""Ending with the process that started this one."""

from __future__ import annotations

import os
import signal
import sys
import threading


def end_with_parent() -> None:
    """Get SIGTERM when standard input ends: whoever held its other end is gone then, however that came."""
    threading.Thread(target=_wait, daemon=True).start()


def _wait() -> None:
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)
