"""Where settings are from: the raw values of a TOML file and of variables, each with its origin."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from pydantic_settings import EnvSettingsSource

from genesis_server.settings.fields import ENVIRONMENT_PREFIX, PATH_FIELDS, Fields

MAX_FILE_BYTES = 1_048_576
CONFIG_VARIABLE = "GENESIS_CONFIG"
# Read elsewhere: by the flags, the command line's client side and the measurements.
_OTHERS = re.compile(
    r"GENESIS_(FLAG_\w+|CONFIG|SERVER|TOKEN|DATA"
    # Kubernetes sets these for a Service called genesis.
    r"|SERVICE_(HOST|PORT)(_\w+)?|PORT(_\w+)?)"
)


@dataclass(frozen=True, slots=True)
class Mistake:
    """Something wrong with the settings."""

    source: str
    """The variable, the file with line and key, or the setting's name when it is at its default."""
    message: str
    """What is wrong and what to do."""

    def __str__(self) -> str:
        """The mistake on one line."""
        return f"{self.source}: {self.message}"


@dataclass(slots=True)
class Found:
    """Raw values by setting, with where each is from, and what was wrong on the way."""

    values: dict[str, object] = field(default_factory=dict[str, object])
    origins: dict[str, str] = field(default_factory=dict[str, str])
    mistakes: list[Mistake] = field(default_factory=list[Mistake])


class _Variables(EnvSettingsSource):
    """The variables of a mapping instead of the process."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        super().__init__(Fields, env_ignore_empty=True)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return {name.lower(): text for name, text in self._environ.items() if text}


def from_variables(environ: Mapping[str, str]) -> Found:
    """The settings that GENESIS_* variables give; an empty variable counts as not set."""
    found = Found()
    for name, value in _Variables(environ)().items():
        found.values[name] = Path(value).expanduser() if name in PATH_FIELDS else value
        found.origins[name] = variable_of(name)
    known = [variable_of(name) for name in Fields.model_fields]
    for variable in sorted(environ):
        if variable.startswith(ENVIRONMENT_PREFIX) and variable not in known and not _OTHERS.fullmatch(variable):
            found.mistakes.append(Mistake(variable, "there is no such setting" + _did_you_mean(variable, known)))
    return found


def from_file(path: Path) -> Found:
    """The settings of a TOML file; relative paths in it start at its folder."""
    found = Found()
    read = _read(path)
    if isinstance(read, Mistake):
        found.mistakes.append(read)
        return found
    text, values = read
    for name, value in values.items():
        origin = f"{path}:{_line_of(name, text)} {name}"
        if name not in Fields.model_fields:
            found.mistakes.append(Mistake(origin, "there is no such setting" + _did_you_mean(name, Fields.model_fields)))
            continue
        if name in PATH_FIELDS and isinstance(value, str):
            value = path.parent / Path(value).expanduser()  # noqa: PLW2901  (relative to the file, from here on)
        found.values[name] = value
        found.origins[name] = origin
    return found


def _read(path: Path) -> tuple[str, dict[str, object]] | Mistake:
    """The text and the values of a TOML file, or why there are none."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        return Mistake(str(path), f"cannot be read: {error.strerror}")
    if len(data) > MAX_FILE_BYTES:
        return Mistake(str(path), f"is larger than {MAX_FILE_BYTES} bytes")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return Mistake(f"{path}:{line}", "is not UTF-8")
    try:
        return text, tomllib.loads(text)
    except RecursionError:
        return Mistake(str(path), "is nested too deep")
    except ValueError as error:
        # tomllib names no line when the text ends too early: the mistake is on the last one.
        place = re.search(r"at line (\d+)", str(error))
        line = int(place[1]) if place else text.count("\n") + 1
        return Mistake(f"{path}:{line}", f"is no TOML: {error}")


def variable_of(name: str) -> str:
    """The variable of a setting."""
    return ENVIRONMENT_PREFIX + name.upper()


def _line_of(key: str, text: str) -> int:
    pattern = re.compile(rf"""\s*(\[\[?\s*)?["']?{re.escape(key)}["']?\s*[.=\]]""")
    return next((number for number, line in enumerate(text.splitlines(), 1) if pattern.match(line)), 1)


def _did_you_mean(word: str, choices: Collection[str]) -> str:
    near = get_close_matches(word, choices, n=1)
    return f"; did you mean {near[0]}?" if near else "; `genesis config print` lists them all"
