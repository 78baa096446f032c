"""A server does not go on blind."""

from __future__ import annotations

import asyncio

import pytest

from genesis_server.app.running import _watcher_ended
from genesis_server.rpc.stop_signals import StopSignals


async def fails() -> None:
    raise RuntimeError("nobody follows the flags")


async def waits() -> None:
    await asyncio.Event().wait()


async def test_a_watcher_that_fails_stops_the_server_and_says_why(caplog: pytest.LogCaptureFixture) -> None:
    signals = StopSignals()
    watcher = asyncio.create_task(fails(), name="watcher")
    await asyncio.wait([watcher])
    _watcher_ended(watcher, signals=signals)
    assert signals.requested.is_set()
    assert "the watcher failed" in caplog.text
    assert "nobody follows the flags" in caplog.text


async def test_a_watcher_that_is_told_to_end_does_not(caplog: pytest.LogCaptureFixture) -> None:
    signals = StopSignals()
    watcher = asyncio.create_task(waits())
    await asyncio.sleep(0)
    watcher.cancel()
    await asyncio.wait([watcher])
    _watcher_ended(watcher, signals=signals)
    assert not signals.requested.is_set()
