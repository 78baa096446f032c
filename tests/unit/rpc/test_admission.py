"""How many calls are under way."""

from __future__ import annotations

import asyncio

import pytest

from genesis_server.resilience.errors import NetworkError
from genesis_server.rpc.admission import Admission


async def test_it_is_idle_whenever_no_call_runs_and_only_then() -> None:
    admission = Admission(max_concurrent=10)
    for _ in range(2):
        admission.enter(counted=True)
        waiting = asyncio.ensure_future(admission.idle())
        for _ in range(3):
            await asyncio.sleep(0)
        assert not waiting.done()
        admission.leave(counted=True)
        async with asyncio.timeout(5):
            await waiting
            await admission.idle()


async def test_closed_it_lets_nothing_in_and_tells_each_worker_once() -> None:
    admission, told = Admission(max_concurrent=1), list[int]()
    with admission.work(lambda: told.append(1)):
        admission.close()
        admission.close()
        assert told == [1]
    await admission.closed()
    with pytest.raises(NetworkError, match="about to stop"):
        admission.enter(counted=True)
