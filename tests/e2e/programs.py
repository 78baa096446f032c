"""Programs that are not ours, for tests: where they are, and running for as long as a block lasts."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

STOP_SECONDS = 20.0


def installed(*names: str, hint: str = "") -> str:
    """The first of these programs that is there, also beside Python or where Debian has its daemons; skips the test when none is."""
    places = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", ""), "/usr/sbin"])
    found = next((path for name in names if (path := shutil.which(name, path=places))), None)
    if found is None:
        pytest.skip(f"{names[0]} is not installed{hint and f' ({hint})'}")
    return found


@contextmanager
def running_program(
    command: Sequence[str], log: Path, answers: Callable[[], bool], *, seconds: float, environment: Mapping[str, str] | None = None
) -> Iterator[None]:
    """A program for as long as the block lasts, from when `answers` holds; it has so many seconds for that, and works where its log is."""
    with log.open("w") as sink:
        process = subprocess.Popen(command, env=environment, stdout=sink, stderr=sink, cwd=log.parent)
    try:
        end = time.monotonic() + seconds
        while not answers():
            assert process.poll() is None, f"{command[0]} has ended: {log.read_text()[-3000:]}"
            assert time.monotonic() < end, f"{command[0]} does not answer: {log.read_text()[-3000:]}"
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        try:
            process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
