"""From raw values to settings, or to every mistake at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import PrivateAttr, ValidationError

from genesis_server.settings.checks import conflicts, hints
from genesis_server.settings.fields import SECRET_FIELDS, Environment, Fields, TripwireMode, masked, state_folder
from genesis_server.settings.sources import CONFIG_VARIABLE, Found, Mistake, from_file, from_variables

DEFAULT = "default"


class SettingsError(Exception):
    """The settings cannot be used; `mistakes` tells all of it."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        """Keep the mistakes."""
        super().__init__("\n".join(map(str, mistakes)))
        self.mistakes = tuple(mistakes)


class Settings(Fields):
    """All settings, checked alone and together, each with where it is from."""

    _origins: dict[str, str] = PrivateAttr(default_factory=dict[str, str])

    @classmethod
    def load(cls, path: Path | None, environ: Mapping[str, str]) -> Settings:
        """Settings from variables, then the TOML file, then the defaults.

        The file is `path`, else the one that GENESIS_CONFIG names, else none. Raises SettingsError with every mistake, never anything else.
        """
        named = environ.get(CONFIG_VARIABLE, "")
        source = path or (Path(named).expanduser() if named else None)
        file = from_file(source) if source is not None else Found()
        variables = from_variables(environ)
        values: dict[str, Any] = {**file.values, **variables.values}
        origins = {**file.origins, **variables.origins}
        mistakes = [*file.mistakes, *variables.mistakes]
        _fill_in(values, origins, environ)
        wrong = _wrong_fields(values, origins)
        settings = cls(**{name: value for name, value in values.items() if name not in wrong})
        together = [conflict for conflict in conflicts(settings) if wrong.keys().isdisjoint(conflict.names)]
        mistakes += [mistake for found in wrong.values() for mistake in found]
        for conflict in together:
            place = next((origins[name] for name in conflict.names if name in origins), conflict.names[0])
            first = conflict.names[0]
            message = conflict.message if place.endswith((first, first.upper())) else f"{first} {conflict.message}"
            mistakes.append(Mistake(place, message))
        if mistakes:
            raise SettingsError(mistakes)
        settings._origins = origins
        return settings

    def origin_of(self, name: str) -> str:
        """Where a setting is from: its variable, the file with line and key, or "default"."""
        return self._origins.get(name, DEFAULT)

    def hints(self) -> tuple[str, ...]:
        """What works and is unwise, in sentences."""
        return tuple(hints(self))


def _fill_in(values: dict[str, Any], origins: dict[str, str], environ: Mapping[str, str]) -> None:
    """Defaults that depend on the environment."""
    if "data_dir" not in values:
        values["data_dir"] = state_folder(environ)
    if "tripwire_mode" not in values and str(values.get("env", "")).lower() == Environment.PRODUCTION:
        values["tripwire_mode"] = TripwireMode.BLOCK
        origins["tripwire_mode"] = f"{DEFAULT} of {Environment.PRODUCTION}"


def _wrong_fields(values: Mapping[str, Any], origins: Mapping[str, str]) -> dict[str, list[Mistake]]:
    """The mistakes of each field by itself."""
    try:
        Fields(**values)
    except ValidationError as error:
        wrong: dict[str, list[Mistake]] = {}
        for detail in error.errors():
            name = str(detail["loc"][0])
            message = detail["msg"].removeprefix("Value error, ")
            shown = "" if name in SECRET_FIELDS else f"; it is {masked(str(detail['input']))[:60]!r}"
            wrong.setdefault(name, []).append(Mistake(origins[name], message[:1].lower() + message[1:] + shown))
        return wrong
    return {}
