"""What stands in the runbooks: sections, queries, commands, links."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from monitoring.stack import RUNBOOKS

HEADINGS = (
    "Meaning",
    "Impact",
    "Severity & budget",
    "Verify",
    "Diagnose",
    "Mitigate",
    "Confirm recovery",
    "Escalate",
    "Tune",
    "Last drilled",
)
_BLOCK = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`(genesis (?![:_])[^`]+)`")
_LINK = re.compile(r"\]\(([^)]+)\)")


def pages() -> list[Path]:
    """Every page."""
    return sorted(path for path in RUNBOOKS.glob("*.md") if path.stem != "README")


def blocks(path: Path, language: str) -> list[str]:
    """The code blocks of a language."""
    return [text.strip() for name, text in _BLOCK.findall(path.read_text("utf-8")) if name == language]


def promql_blocks() -> Iterator[tuple[Path, int, str]]:
    """Page, number and text of every query."""
    for path in pages():
        for number, text in enumerate(blocks(path, "promql")):
            yield path, number, text


def commands(path: Path) -> list[list[str]]:
    """The words of every `genesis` command of a page, in blocks of shell and in sentences."""
    text = path.read_text("utf-8")
    written = [line for block in blocks(path, "sh") for line in block.splitlines() if line.startswith("genesis ")]
    return [shlex.split(line, comments=True) for line in (*written, *_SPAN.findall(_BLOCK.sub("", text)))]


def links(path: Path) -> list[str]:
    """Where a page points to."""
    return _LINK.findall(_BLOCK.sub("", path.read_text("utf-8")))
