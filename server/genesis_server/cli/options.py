"""Options that several commands share."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from genesis_server.cli.failure import CommandError

_MONEY = re.compile(r"([0-9.]+)([A-Z]{3})")
_UNITS = {"s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}


class Level(StrEnum):
    """Levels a plan can be made at."""

    LLM = "llm"
    HEURISTIC = "heuristic"
    MINIMAL = "minimal"


class Sensitivity(StrEnum):
    """Classes of data."""

    PUBLIC = "public"
    INTERNAL = "internal"
    CONFIDENTIAL = "confidential"
    RESTRICTED = "restricted"


class Proof(StrEnum):
    """How much of the proof to send."""

    NONE = "none"
    SUMMARY = "summary"
    FULL = "full"


def parse_span(text: str) -> float:
    """Seconds of `90`, `90s`, `15m`, `2h` or `1d`."""
    number, unit = (text[:-1], text[-1:]) if text[-1:] in _UNITS else (text, "s")
    try:
        value = float(number) * _UNITS[unit]
    except ValueError:
        value = -1.0
    if not 0 <= value <= 36_600 * 86_400:
        raise CommandError(f"{text!r} is no time span: give seconds, or 15m, 2h or 1d, at most 36600d")
    return value


def parse_money(text: str) -> str:
    """The amount as the client takes it; `0.50USD` is `0.50 USD`."""
    found = _MONEY.fullmatch(text.strip())
    return f"{found[1]} {found[2]}" if found else text


_LIMITS = "Limits"
_EXPORT = "Instead of the tree"

CatalogueFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--catalogue", "-c", metavar="FILE", help="Agents and tools instead of the registered ones: Genesis, MCP, OpenAI or A2A form."
    ),
]
Seed: TypeAlias = Annotated[int, typer.Option(min=0, help="Seed of what is drawn.")]
RequestId: TypeAlias = Annotated[str | None, typer.Option(metavar="ID", help="Makes a repeat safe: the same id gets the first answer.")]
MaxLevel: TypeAlias = Annotated[Level | None, typer.Option(help="The highest level to use.")]
Givens: TypeAlias = Annotated[
    list[str] | None, typer.Option("--given", metavar="NAME[:TYPE]", help="An artefact that is there already; repeatable.")
]
Explain: TypeAlias = Annotated[Proof, typer.Option(help="How much of the proof to send.")]
Budget: TypeAlias = Annotated[
    str | None, typer.Option(metavar="AMOUNT", help="The most it may cost, for example '0.50 USD'.", rich_help_panel=_LIMITS)
]
Regions: TypeAlias = Annotated[
    list[str] | None, typer.Option("--region", help="A region the work may be done in; repeatable.", rich_help_panel=_LIMITS)
]
DataClass: TypeAlias = Annotated[Sensitivity | None, typer.Option(help="How sensitive the data is.", rich_help_panel=_LIMITS)]
Deadline: TypeAlias = Annotated[
    str | None, typer.Option(metavar="SPAN", help="Finished within 90s, 15m, 2h or 1d.", rich_help_panel=_LIMITS)
]
Exclude: TypeAlias = Annotated[
    list[str] | None, typer.Option(metavar="ID", help="An agent or tool never to use; repeatable.", rich_help_panel=_LIMITS)
]
StickyKey: TypeAlias = Annotated[
    str,
    typer.Option(metavar="KEY", help="The same key goes to the same one of candidates that are about as good.", rich_help_panel=_LIMITS),
]
Tokens: TypeAlias = Annotated[
    int | None, typer.Option(min=0, help="The most tokens of language models, read and written.", rich_help_panel=_LIMITS)
]
Priority: TypeAlias = Annotated[int | None, typer.Option(min=0, max=9, help="Plans with a higher number go first; 5 when left out.")]
PlanId: TypeAlias = Annotated[str, typer.Argument(metavar="PLAN_ID", help="Id of the plan.", show_default=False)]
TaskId: TypeAlias = Annotated[str, typer.Argument(metavar="TASK", help="Id of the task, or its number in the plan.", show_default=False)]
GraphML: TypeAlias = Annotated[bool, typer.Option("--graphml", help="GraphML, for networkx, yEd, Gephi.", rich_help_panel=_EXPORT)]
Dot: TypeAlias = Annotated[bool, typer.Option("--dot", help="Graphviz DOT.", rich_help_panel=_EXPORT)]
Mermaid: TypeAlias = Annotated[bool, typer.Option("--mermaid", help="A Mermaid flowchart.", rich_help_panel=_EXPORT)]
Svg: TypeAlias = Annotated[bool, typer.Option("--svg", help="An SVG picture.", rich_help_panel=_EXPORT)]
Output: TypeAlias = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write it to a file.", rich_help_panel=_EXPORT)
]
ConfigFile: TypeAlias = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="Settings in TOML; else the file GENESIS_CONFIG names.")
]
