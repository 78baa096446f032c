"""A fake server for each test that wants one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from fake_server import FakeServer, running


@pytest.fixture
def fake() -> Iterator[FakeServer]:
    with running() as server:
        yield server
