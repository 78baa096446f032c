"""What tests of the edge share."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest


@pytest.fixture
def uncollected() -> Iterator[None]:
    """No garbage collector: what is still there afterwards is in a cycle, or in somebody's hands."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()
