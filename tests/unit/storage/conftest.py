from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from engines import ENGINES, Clock, Engine

from genesis_server.storage.base import Store


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=sorted(ENGINES))
def engine(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Engine:
    return ENGINES[request.param](tmp_path, clock)


@pytest.fixture
async def store(engine: Engine) -> AsyncIterator[Store]:
    opened = engine.open()
    yield opened
    await opened.close()


@pytest.fixture
async def other(engine: Engine, store: Store) -> AsyncIterator[Store]:
    """The same data, as another worker process sees it."""
    opened = engine.open()
    yield opened
    await opened.close()
