"""The process that starts workers hears signals again, whatever becomes of the start."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from genesis_server.app.workers import run_workers
from genesis_server.rpc.stop_signals import SIGNALS


@pytest.fixture
def handlers() -> Iterator[None]:
    """The signals' handlers are as before afterwards."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("handlers")
def test_signals_are_heard_again_when_a_worker_cannot_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[set[int]] = []

    def fails(*_: Any, **__: Any) -> None:
        held.append(signal.pthread_sigmask(signal.SIG_BLOCK, ()))
        raise OSError("too many processes")

    monkeypatch.setattr(subprocess, "Popen", fails)
    with pytest.raises(OSError, match="too many processes"):
        run_workers(["serve"], count=2, listen="127.0.0.1:0", environ={})
    assert held[0] >= set(SIGNALS)
    assert not signal.pthread_sigmask(signal.SIG_BLOCK, ()) & set(SIGNALS)
