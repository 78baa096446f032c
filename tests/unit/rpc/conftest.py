"""What tests of the edge share."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextvars import Context, copy_context

import pytest


@pytest.fixture(autouse=True)
def own_context() -> Iterator[None]:
    """Who calls, and all else that a call knows, is forgotten after each test."""
    yield
    for variable in copy_context():
        if variable.name.startswith("genesis_"):
            variable.set(Context().run(variable.get))


@pytest.fixture
def uncollected() -> Iterator[None]:
    """No garbage collector: what is still there afterwards is in a cycle, or in somebody's hands."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()
