"""The files of the project, for the checks."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_MADE = {".venv", ".tools", ".git", "__pycache__", "node_modules", "build", "dist"}


def project_files(root: Path = ROOT) -> list[Path]:
    """Every file that belongs to the project, committed or not yet, and none that was made from others."""
    listed = subprocess.run(
        [shutil.which("git") or "git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=root,
        check=False,
        capture_output=True,
        text=True,
    )
    if listed.returncode == 0:
        found = (root / name for name in listed.stdout.split("\0") if name)
    else:
        found = (path for path in root.rglob("*") if _MADE.isdisjoint(path.relative_to(root).parts))
    return sorted(path for path in set(found) if path.is_file())


def is_generated(path: Path) -> bool:
    """Whether a file is written by a program."""
    return "_pb2" in path.name or path.name == "uv.lock" or path.suffix == ".binpb"


def texts(files: list[Path]) -> Iterator[tuple[Path, str]]:
    """The files that are text, with their text."""
    for path in files:
        try:
            yield path, path.read_text("utf-8")
        except UnicodeDecodeError:
            continue
