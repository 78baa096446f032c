"""Tells when something in a directory changed, where the operating system tells."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path
from typing import NoReturn

_DEBOUNCE_MILLISECONDS = 200
"""Changes are told together for at most this long."""
_STEP_MILLISECONDS = 50
"""How long nothing must change before changes are told."""

_LOG = logging.getLogger(__name__)


async def follow_directory(directory: Path, changed: Callable[[], None], *, retry_seconds: float) -> NoReturn:
    """Call `changed` soon after something in `directory` was written, renamed or removed, and now and then besides, until cancelled.

    A directory that is not there, another one in its place, and a system that gives out no more watches: it tries again every
    `retry_seconds`; whoever relies on it looks by itself meanwhile.
    """
    # Imported here because a start without a flag file does without it.
    from watchfiles import awatch  # noqa: PLC0415  # pyright: ignore[reportUnknownVariableType]

    # It logs every change, which is a change where the log is in the same directory.
    logging.getLogger("watchfiles").setLevel(logging.WARNING)
    told = False
    while True:
        try:
            watched = await asyncio.to_thread(_identity, directory)
            changes = awatch(
                directory,
                watch_filter=None,
                debounce=_DEBOUNCE_MILLISECONDS,
                step=_STEP_MILLISECONDS,
                recursive=False,
                yield_on_timeout=True,
            )
            async with aclosing(changes):
                async for _ in changes:
                    told = False
                    changed()
                    if await asyncio.to_thread(_identity, directory) != watched:
                        break
        except Exception as error:  # noqa: BLE001  (whatever the watcher does, the file is looked at by time)
            if not told:
                _LOG.warning("the directory of the flag file is not watched", extra={"fields": {"reason": type(error).__name__}})
            told = True
        await asyncio.sleep(retry_seconds)


def _identity(directory: Path) -> tuple[int, int]:
    found = directory.stat()
    return found.st_dev, found.st_ino
