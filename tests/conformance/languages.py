"""The clients of languages.toml: whether their toolchain is there, and how they are built and run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILD_SECONDS = 1_800


@dataclass(frozen=True)
class Language:
    """One client."""

    name: str
    needs: tuple[str, ...]
    build: tuple[tuple[str, ...], ...]
    conformance: tuple[str, ...]
    examples: tuple[str, ...]
    worker: tuple[str, ...]
    test: tuple[tuple[str, ...], ...]
    lint: tuple[tuple[str, ...], ...]

    @property
    def folder(self) -> Path:
        """Where it lives."""
        return ROOT / "client" / self.name

    @property
    def missing(self) -> str:
        """The programs that are not on PATH, in words; empty when all are."""
        return " and ".join(program for program in self.needs if shutil.which(program) is None)

    def command(self, words: Sequence[str], *more: str) -> list[str]:
        """A command ready to run in the client's folder."""
        first, *rest = [word.replace("{python}", sys.executable) for word in words]
        return [first if os.sep not in first else str(self.folder / first), *rest, *more]

    def prepare(self) -> None:
        """Build it, where there is something to build. Raises RuntimeError with what the build said."""
        for words in self.build:
            self.must(words)

    def must(self, words: Sequence[str]) -> str:
        """Run one of its commands, which has to succeed; what it printed. Raises RuntimeError."""
        done = subprocess.run(
            self.command(words), cwd=self.folder, env=self.environment(), check=False, capture_output=True, text=True, timeout=BUILD_SECONDS
        )
        if done.returncode:
            raise RuntimeError(f"{self.name}: {' '.join(words)} failed:\n{(done.stdout + done.stderr)[-4000:]}")
        return done.stdout

    @staticmethod
    def environment(**more: str) -> Mapping[str, str]:
        """The environment its programs run in: nothing of Genesis but what is given."""
        return {key: value for key, value in os.environ.items() if not key.startswith(("GENESIS_", "OTEL_"))} | more


def languages() -> dict[str, Language]:
    """All of them, by name, in the file's order."""
    table = tomllib.loads((HERE / "languages.toml").read_text())
    return {
        name: Language(
            name=name,
            needs=tuple(one["needs"]),
            conformance=tuple(one["conformance"]),
            examples=tuple(one["examples"]),
            worker=tuple(one["worker"]),
            **{key: tuple(tuple(words) for words in one[key]) for key in ("build", "test", "lint")},
        )
        for name, one in table.items()
    }
