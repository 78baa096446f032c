"""Every test, with branch coverage of server/; arguments go to pytest (`.ci/test.py tests/unit -k flags`).

Exit code: pytest's when a test fails, else 2 when coverage is below the line in pyproject.toml. With arguments only the
chosen tests run and coverage is not judged.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORKERS = min(8, os.cpu_count() or 1)


def call(*arguments: str) -> int:
    """Run a module of this Python."""
    return subprocess.run([sys.executable, "-m", *arguments], cwd=ROOT, check=False).returncode


def main(chosen: list[str]) -> int:
    """Run the tests."""
    start = time.monotonic()
    parallel = ["-n", str(WORKERS), "--dist", "worksteal"] if WORKERS > 1 else []
    if chosen:
        return call("pytest", "-q", *parallel, *chosen)
    call("coverage", "erase")
    code = call("coverage", "run", "-m", "pytest", "-q", *parallel)
    call("coverage", "combine", "--quiet")
    low = call("coverage", "report", "--skip-covered", "--skip-empty", "--precision=1")
    print(f"make test: {time.monotonic() - start:.0f} s")
    return code or low


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
