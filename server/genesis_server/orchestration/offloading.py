"""What is quick is done on the loop, what may hold it on a thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")

# Above these sizes a decision is made on a thread, so that the loop is not held for more than about 5 ms.
INLINE_GOAL_LENGTH = 500
INLINE_TASKS = 50
INLINE_OFFERS = 1_000


async def offload(large: bool, decide: Callable[[], _T]) -> _T:  # noqa: FBT001  (a one-word question)
    """Do it here when it is quick, on a thread when it may hold the loop."""
    return await asyncio.to_thread(decide) if large else decide()
