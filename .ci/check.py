"""Every static check, two at a time, one short line each; what a failed one says follows it. Exit code 1 when one fails."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
CHECKS: dict[str, list[str]] = {
    "types": ["pyright"],
    "format": ["ruff", "format", "--check", "."],
    "lint": ["ruff", "check", "."],
    "floors": ["lint-imports"],
    "contract": ["python", "protos/contract.py", "lint"],
    "breaking": ["python", "protos/contract.py", "breaking"],
    "stubs": ["python", "protos/contract.py", "stubs", "--check"],
    "clients": ["python", "protos/clients.py", "--check"],
    "metrics": ["python", ".ci/check_metric_names.py"],
    "docs": ["python", "docs/generate.py", "--check"],
    "dashboards": ["python", "monitoring/grafana/generate.py", "--check"],
    "house": ["python", ".ci/check_house.py"],
}


def run(name: str) -> tuple[str, int, str, float]:
    """Name, exit code, output and seconds of a check."""
    start = time.monotonic()
    program, *arguments = CHECKS[name]
    environ = os.environ | {"PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}"}
    done = subprocess.run([str(BIN / program), *arguments], cwd=ROOT, env=environ, check=False, capture_output=True, text=True)
    return name, done.returncode, (done.stdout + done.stderr).strip(), time.monotonic() - start


def main(chosen: list[str]) -> int:
    """Run the chosen checks, or all."""
    failed: list[str] = []
    start = time.monotonic()
    with ThreadPoolExecutor(max_workers=2) as pool:
        for name, code, output, seconds in pool.map(run, chosen or CHECKS):
            last = output.splitlines()[-1].strip() if output else ""
            print(f"{'FAIL' if code else 'ok  '} {name:<9} {seconds:5.1f} s  {'' if code else last}".rstrip(), flush=True)
            if code:
                failed.append(name)
                print(output, flush=True)
    print(
        f"{len(chosen or CHECKS)} checks in {time.monotonic() - start:.0f} s"
        + (f", failed: {', '.join(failed)}" if failed else ", all good")
    )
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
