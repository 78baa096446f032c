"""A server does not go on blind."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys

import pytest

from genesis_server.app.running import _built, _watcher_ended
from genesis_server.rpc.stop_signals import StopSignals
from genesis_server.settings import Settings


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


async def test_told_to_stop_while_it_loads_a_server_puts_nothing_together() -> None:
    signals = StopSignals()
    signals.tell()
    assert await _built(Settings.load(None, {}), None, {}, signals) is None
    assert gc.isenabled()


@pytest.mark.parametrize(
    ("imported", "heavy"),
    [
        ("genesis_server.app", {"grpc", "numpy", "starlette", "genesis_server.app.parts"}),
        (
            "genesis_server.app.parts",
            {"redis", "networkx", "rustworkx", "sklearn", "genesis_server.rpc.large_plan_worker"},
        ),
    ],
)
def test_what_is_not_needed_to_start_is_not_loaded(imported: str, heavy: set[str]) -> None:
    """Neither by the parent of workers, nor by a server that nobody calls yet."""
    code = f"import sys, {imported}; sys.exit(' '.join({heavy!r} & set(sys.modules)) or 0)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
