"""Starts flagd's own evaluator and asks it."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flag_cases import Case

from genesis_server.model.flags import Generation

ROOT = Path(__file__).resolve().parents[3]
MAJORS = {Generation.V2: 1, Generation.V3: 2}
"""The major version of openfeature-flagd-core that draws by each generation."""
INSTALL = "python3 -B .ci/setup.py --flagd-core"


def python_of(generation: Generation) -> Path:
    """The interpreter of the oracle's own virtual environment, which is there only after the set-up."""
    return ROOT / ".tools" / f"flagd-core-{MAJORS[generation]}" / "bin" / "python"


def pinned_version(generation: Generation) -> str:
    """The version that the set-up installs."""
    pins = (ROOT / ".ci" / f"flagd-core-{MAJORS[generation]}.txt").read_text("utf-8")
    found = re.search(r"^openfeature-flagd-core==(\S+)", pins, re.MULTILINE)
    assert found is not None
    return found.group(1)


class Oracle:
    """A running evaluator of flagd."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        """Take the process and read the version that it tells first."""
        self._process = process
        self.version = self._line()

    def send(self, cases: Sequence[Case]) -> None:
        """Hand cases over; exactly one `receive` has to follow."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([case.request() for case in cases]) + "\n")
        self._process.stdin.flush()

    def receive(self) -> list[list[dict[str, Any]]]:
        """What it said: for each case, for each of its contexts, `rule` and `flag` as oracle_process.py writes them."""
        return json.loads(self._line())

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline().strip()
        if not line:
            raise RuntimeError(f"flagd's evaluator ended with code {self._process.wait()}; what it said stands above")
        return line


@contextmanager
def running(generation: Generation) -> Iterator[Oracle]:
    """The oracle of a generation, for as long as the block runs."""
    command = [str(python_of(generation)), "-I", "-B", str(Path(__file__).with_name("oracle_process.py"))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8") as process:
        try:
            yield Oracle(process)
        finally:
            process.kill()
