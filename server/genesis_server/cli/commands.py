"""The commands of `genesis`: in which part of the help each is, and where. One is imported and built when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

import typer

MARKUP = "rich"
_MAIN, _WORK, _READ, _RUN = "Goals", "Work", "Server", "Operation"


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a command is."""

    panel: str
    """The part of the help."""
    module: str
    """Below this package; its EPILOG, where it has one, ends the help of the command."""
    name: str
    """Of a function, or of a group with commands of its own."""


_PLACES: Mapping[str, _Place] = {
    "demo": _Place(_MAIN, "demo", "demo"),
    "run": _Place(_MAIN, "running", "run"),
    "plan": _Place(_MAIN, "planning", "plan"),
    "route": _Place(_MAIN, "judging", "route"),
    "validate": _Place(_MAIN, "judging", "validate"),
    "orchestrate": _Place(_MAIN, "planning", "orchestrate"),
    "tasks": _Place(_WORK, "tasks", "tasks"),
    "artefact": _Place(_WORK, "artefact", "artefact"),
    "approve": _Place(_WORK, "tasks", "approve"),
    "budget": _Place(_WORK, "tasks", "budget"),
    "worker": _Place(_WORK, "worker", "worker"),
    "plans": _Place(_READ, "plans", "app"),
    "why": _Place(_READ, "why", "why"),
    "decisions": _Place(_READ, "why", "decisions"),
    "rules": _Place(_READ, "rules", "app"),
    "agents": _Place(_READ, "agents", "app"),
    "flag": _Place(_READ, "flag", "app"),
    "audit": _Place(_READ, "audit", "app"),
    "breakers": _Place(_READ, "breakers", "app"),
    "security": _Place(_READ, "breakers", "security"),
    "health": _Place(_READ, "health", "health"),
    "serve": _Place(_RUN, "serve", "serve"),
    "config": _Place(_RUN, "config", "app"),
    "probe": _Place(_RUN, "probe", "app"),
    "backup": _Place(_RUN, "backup", "backup"),
    "restore": _Place(_RUN, "backup", "restore"),
}


class Commands(Mapping[str, Any]):
    """The commands by name, in the order of the help."""

    def __getitem__(self, name: str) -> Any:
        """The command. Raises KeyError when there is none of that name."""
        return _built(name)

    def __iter__(self) -> Iterator[str]:
        """Their names."""
        return iter(_PLACES)

    def __len__(self) -> int:
        """How many there are."""
        return len(_PLACES)

    def __contains__(self, name: object) -> bool:
        """Whether there is one of that name; it is not built for that."""
        return name in _PLACES


@cache
def _built(name: str) -> Any:
    place = _PLACES[name]
    module = import_module(f"{__package__}.{place.module}")
    found = getattr(module, place.name)
    group = typer.Typer(rich_markup_mode=MARKUP, pretty_exceptions_enable=False)
    if isinstance(found, typer.Typer):
        group.add_typer(found, name=name, rich_help_panel=place.panel)
    else:
        group.command(name, rich_help_panel=place.panel, epilog=getattr(module, "EPILOG", None))(found)
    return typer.main.get_group(group).commands[name]
