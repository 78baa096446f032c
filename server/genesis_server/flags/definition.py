"""Flag definitions in flagd's own file format, checked as a whole.

A file is `{"flags": {KEY: {"state", "variants", "defaultVariant", "metadata"}}}`, with an optional `$schema` and flat
`metadata` at the top. Every switch is boolean. A file of one's own holds the flags one wants otherwise than built in.
Format: https://flagd.dev/reference/flag-definitions/
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from importlib.resources import files
from typing import cast

from genesis_server.flags.json_lines import JsonLines, Path, locate, path_text

MAX_FILE_BYTES = 1_048_576
_NOT_YET = "targeting rules are not evaluated by this release; use defaultVariant, and leave targeting out"
_TOP_KEYS = ("$schema", "metadata", "flags", "$evaluators")
_FLAG_KEYS = ("state", "variants", "defaultVariant", "targeting", "metadata")
_STATES = ("ENABLED", "DISABLED")


@dataclass(frozen=True, slots=True)
class FlagDefinition:
    """A flag as a file defines it."""

    key: str
    active: bool
    """False: the state is DISABLED, and the built-in default holds."""
    variants: Mapping[str, bool]
    default_variant: str | None
    """None: the file leaves the choice to the built-in default."""
    description: str = ""
    group: str = ""
    """Key of the flag without which this one is off; empty for none."""

    def variant_of(self, value: bool) -> str:  # noqa: FBT001  (a flag's value is a boolean)
        """Name of the first variant with this value; "on" or "off" when no variant has it."""
        return next((name for name, meant in self.variants.items() if meant is value), "on" if value else "off")


class FlagMistakesError(ValueError):
    """A flag file or variable cannot be used; `mistakes` holds every reason, each naming its file and line or its variable."""

    def __init__(self, mistakes: list[str]) -> None:
        """Keep the mistakes."""
        super().__init__("\n".join(mistakes))
        self.mistakes = tuple(mistakes)


@lru_cache(maxsize=1)
def built_in_flags() -> Mapping[str, FlagDefinition]:
    """The flags that ship (data/flags.json), by key: exactly those that switch something."""
    data = (files("genesis_server") / "data" / "flags.json").read_bytes()
    return parse_flags(data, name="flags.json", known=None)


@lru_cache(maxsize=1)
def flags_not_built() -> tuple[str, ...]:
    """Flags of the specification whose feature is not built (data/flags_not_built.txt); nothing reads them."""
    text = (files("genesis_server") / "data" / "flags_not_built.txt").read_text("utf-8")
    return tuple(line for line in text.splitlines() if line and not line.startswith("#"))


def parse_flags(data: bytes, *, name: str, known: Mapping[str, FlagDefinition] | None) -> dict[str, FlagDefinition]:
    """Read a flag file called `name` in messages; `known` are the keys it may hold (None: any).

    Raises FlagMistakesError with every mistake; never anything else, whatever the bytes are.
    """
    if len(data) > MAX_FILE_BYTES:
        raise FlagMistakesError([f"{name}: larger than {MAX_FILE_BYTES} bytes"])
    text, document = _decode(data, name)
    return _Reader(name, locate(text), known).flags(document)


def _decode(data: bytes, name: str) -> tuple[str, object]:
    try:
        text = data.decode("utf-8")
        return text, json.loads(text, parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise FlagMistakesError([f"{name}:{line}: not UTF-8 at byte {error.start}"]) from None
    except json.JSONDecodeError as error:
        raise FlagMistakesError([f"{name}:{error.lineno}: not JSON at column {error.colno}: {error.msg}"]) from None
    except RecursionError:
        raise FlagMistakesError([f"{name}: nested too deep"]) from None
    except ValueError as error:
        raise FlagMistakesError([f"{name}: not JSON: {error}"]) from None


def _refuse_constant(constant: str) -> object:
    raise ValueError(f"{constant} is no JSON value")


class _Reader:
    """Turns one document into definitions, noting mistakes on the way."""

    def __init__(self, name: str, lines: JsonLines, known: Mapping[str, FlagDefinition] | None) -> None:
        self._name = name
        self._lines = lines
        self._known = known
        self._mistakes: list[str] = []

    def flags(self, document: object) -> dict[str, FlagDefinition]:
        for path, line in self._lines.duplicates:
            self._mistakes.append(f"{self._name}:{line}: {path_text(path)}: stands twice; keep one")
        found: dict[str, FlagDefinition] = {}
        top = self._object(document, ())
        self._no_other_keys(top, _TOP_KEYS, ())
        self._metadata(top.get("metadata", {}), ("metadata",))
        if top.get("$evaluators"):
            self._wrong(("$evaluators",), _NOT_YET)
        if "flags" not in top:
            self._wrong((), 'has no "flags"')
        for key, flag in self._object(top.get("flags", {}), ("flags",)).items():
            if self._known is not None and key not in self._known:
                self._wrong(("flags", key), _unknown(key, self._known))
            else:
                found[key] = self._flag(key, self._object(flag, ("flags", key)), ("flags", key))
        if self._mistakes:
            raise FlagMistakesError(self._mistakes)
        return found

    def _flag(self, key: str, flag: dict[str, object], path: Path) -> FlagDefinition:
        self._no_other_keys(flag, _FLAG_KEYS, path)
        state = flag.get("state")
        if state not in _STATES:
            self._wrong((*path, "state"), f"must be ENABLED or DISABLED, not {_short(state)}")
        variants = self._variants(flag.get("variants"), (*path, "variants"))
        default = flag.get("defaultVariant")
        if default is not None and not (isinstance(default, str) and default in variants):
            self._wrong(
                (*path, "defaultVariant"), f"{_short(default)} is none of the variants: {', '.join(map(_short, variants)) or 'none'}"
            )
        if flag.get("targeting"):
            self._wrong((*path, "targeting"), _NOT_YET)
        metadata = self._metadata(flag.get("metadata", {}), (*path, "metadata"))
        return FlagDefinition(
            key=key,
            active=state == "ENABLED",
            variants=variants,
            default_variant=default if isinstance(default, str) else None,
            description=str(metadata.get("description", "")),
            group=str(metadata.get("group", "")),
        )

    def _variants(self, value: object, path: Path) -> dict[str, bool]:
        if not isinstance(value, dict) or not value:
            self._wrong(path, 'must name at least one variant, for example {"on": true, "off": false}')
            return {}
        variants: dict[str, bool] = {}
        for name, meant in cast("dict[str, object]", value).items():
            if isinstance(meant, bool):
                variants[name] = meant
            else:
                self._wrong((*path, name), f"must be true or false, not {_short(meant)}: every flag of this release is a switch")
        return variants

    def _metadata(self, value: object, path: Path) -> dict[str, object]:
        metadata = self._object(value, path)
        for name, item in metadata.items():
            if not isinstance(item, str | int | float | bool):
                self._wrong((*path, name), "must be a text, a number or a boolean")
        return metadata

    def _object(self, value: object, path: Path) -> dict[str, object]:
        if isinstance(value, dict):
            return cast("dict[str, object]", value)
        self._wrong(path, f"must be an object, not {_short(value)}")
        return {}

    def _no_other_keys(self, value: dict[str, object], allowed: tuple[str, ...], path: Path) -> None:
        for key in value:
            if key not in allowed:
                self._wrong((*path, key), "is unknown here" + did_you_mean(key, allowed))

    def _wrong(self, path: Path, what: str) -> None:
        self._mistakes.append(f"{self._name}:{self._lines.line_of(path)}: {path_text(path)}: {what}")


def _unknown(key: str, known: Mapping[str, FlagDefinition]) -> str:
    if key in flags_not_built():
        return "the feature of this flag is not built, so nothing would read it; leave it out"
    return "no such flag" + did_you_mean(key, known)


def did_you_mean(word: str, choices: Mapping[str, object] | tuple[str, ...]) -> str:
    """The end of a sentence that names the nearest choice, or all of them when none is near."""
    near = get_close_matches(word, list(choices), n=1)
    return f"; did you mean {near[0]}?" if near else f"; there are {', '.join(choices)}"


def _short(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."
