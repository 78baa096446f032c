"""Print the option by which `make demo` gets a worker in a second language; nothing but a message when its toolchain is not there.

The TypeScript worker is built the first time, and again when its sources have changed, as the conformance run builds it. Whatever goes
wrong, the demo goes on with workers in Python alone. Standard library only.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
CLIENT = ROOT / "client" / "typescript"
BUILT = CLIENT / "dist" / "examples" / "demo-worker.js"
LANGUAGES = ROOT / "tests" / "conformance" / "languages.toml"
AGENT = "author"
OLDEST_NODE = 20
BUILD_SECONDS = 300


def fresh() -> bool:
    """Whether what is built is younger than what it is made from."""
    sources = [CLIENT / "package-lock.json", *(path for name in ("src", "examples") for path in (CLIENT / name).rglob("*.ts"))]
    return BUILT.exists() and BUILT.stat().st_mtime >= max(path.stat().st_mtime for path in sources)


def missing(language: dict[str, Any]) -> str:
    """What is missing of the toolchain, in words; empty when it is there."""
    if lacking := [program for program in language["needs"] if shutil.which(program) is None]:
        return f"{' and '.join(lacking)} not on PATH"
    said = subprocess.run(["node", "--version"], check=False, capture_output=True, text=True).stdout.strip()
    major = said.removeprefix("v").partition(".")[0]
    return "" if major.isdigit() and int(major) >= OLDEST_NODE else f"Node.js {said or 'of an unknown version'} is older than {OLDEST_NODE}"


def build(language: dict[str, Any]) -> str:
    """Build the worker; what went wrong, or an empty text."""
    print("building the TypeScript worker, this once …", file=sys.stderr)
    for command in language["build"]:
        try:
            done = subprocess.run(command, cwd=CLIENT, check=False, capture_output=True, text=True, timeout=BUILD_SECONDS)
        except subprocess.TimeoutExpired:
            return f"{' '.join(command)} took too long"
        if done.returncode:
            return f"{' '.join(command)} failed: {(done.stderr or done.stdout).strip().splitlines()[-1]}"
    # A build that changes nothing leaves old times behind.
    BUILT.touch()
    return ""


def main() -> None:
    """Print the option, or say why there is none."""
    try:
        language = tomllib.loads(LANGUAGES.read_text("utf-8"))["typescript"]
        wrong = missing(language) or ("" if fresh() else build(language))
    except (OSError, ValueError, KeyError) as error:
        wrong = f"{type(error).__name__}: {error}"
    if wrong:
        print(f"all workers are in Python ({wrong})", file=sys.stderr)
    else:
        print(f"--worker={AGENT}=node {BUILT.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
