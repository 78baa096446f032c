"""What the environment says about flags.

`GENESIS_FLAG_<KEY>` beats the names of older releases:
`ENABLE_OTEL_TRACING` → otel_enabled, `USE_V2_ORCHESTRATOR` → orchestration_enabled,
`ENABLE_HTDAG_PLANNER` → the planner's part of phase_1_core_enabled (it can only take the planner down to minimal plans).
`ENABLE_HALO_ROUTER` is not read: a router without its rules does not exist in this release.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from genesis_server.flags.definition import FlagMistakesError, built_in_flags, did_you_mean, flags_not_built

PREFIX = "GENESIS_FLAG_"
PLANNER_VARIABLE = "ENABLE_HTDAG_PLANNER"
ALIASES: Mapping[str, str] = {"ENABLE_OTEL_TRACING": "otel_enabled", "USE_V2_ORCHESTRATOR": "orchestration_enabled"}
OTHER_NAMES = frozenset({*ALIASES, PLANNER_VARIABLE})
"""Variables that are read and do not begin with GENESIS_."""
_WORDS: Mapping[str, bool] = {
    "true": True,
    "on": True,
    "yes": True,
    "1": True,
    "false": False,
    "off": False,
    "no": False,
    "0": False,
}


@dataclass(frozen=True, slots=True)
class Override:
    """A flag's value by a variable."""

    value: bool
    variable: str


@dataclass(frozen=True, slots=True)
class Overrides:
    """All that the environment says."""

    flags: Mapping[str, Override] = field(default_factory=dict[str, Override])
    planner_off: bool = False
    """`ENABLE_HTDAG_PLANNER` is off: plans are made at the minimal level, validation stays full."""


def read_overrides(environ: Mapping[str, str]) -> Overrides:
    """Read the variables; an empty one counts as not set. Raises FlagMistakesError with every mistake."""
    mistakes: list[str] = []
    flags: dict[str, Override] = {}
    planner = True

    def switch(variable: str) -> bool:
        word = environ[variable].strip().lower()
        if word not in _WORDS:
            mistakes.append(f"{variable}: must be true or false, not {environ[variable][:60]!r}")
        return _WORDS.get(word, True)

    for variable in sorted(name for name, text in environ.items() if text.strip()):
        if variable in ALIASES:
            flags.setdefault(ALIASES[variable], Override(switch(variable), variable))
        elif variable == PLANNER_VARIABLE:
            planner = switch(variable)
        elif variable.startswith(PREFIX):
            key = variable.removeprefix(PREFIX).lower()
            if key in built_in_flags():
                flags[key] = Override(switch(variable), variable)
            elif key in flags_not_built():
                mistakes.append(f"{variable}: the feature of this flag is not built, so nothing would read it; unset it")
            else:
                mistakes.append(f"{variable}: no such flag" + did_you_mean(key, built_in_flags()))
    if mistakes:
        raise FlagMistakesError(mistakes)
    return Overrides(flags, planner_off=not planner)
