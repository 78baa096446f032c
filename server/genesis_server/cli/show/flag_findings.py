"""What was found in a flag file."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from genesis_server.cli.text import counted, plain
from genesis_server.flags.lint import Finding, FindingKind


def findings_view(findings: Sequence[Finding]) -> RenderableType:
    """What was found in a flag file, line by line, and whether it can be used."""
    lines = [
        Text.assemble((f"line {one.line} {one.kind} ", "bold red" if one.kind is FindingKind.MISTAKE else "yellow"), plain(one.message))
        for one in findings
    ]
    mistakes = sum(one.kind is FindingKind.MISTAKE for one in findings)
    what = " · ".join(counted(number, noun) for number, noun in ((mistakes, "mistake"), (len(findings) - mistakes, "warning")) if number)
    end = Text(what, "bold red") if mistakes else Text.assemble(("usable", "green"), f" · {what or 'nothing found'}")
    return Group(*lines, end)
