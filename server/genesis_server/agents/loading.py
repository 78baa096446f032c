"""The agents file: TOML text in, a catalogue out, or every mistake with file, line and key.

The last line of the file must be `[end]`. A file that was cut short anywhere has lost it, so half a file is never taken for a
whole one, although half a TOML file can be valid TOML with fewer agents.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from genesis_server.agents.schema import AgentsFile, parse_money
from genesis_server.agents.snapshot_id import make_catalogue
from genesis_server.model.catalogue import Catalogue
from genesis_server.text.toml_file import DataFileError, Mistake, TomlFile, check_schema, parse_toml
from genesis_server.text.toml_lines import Path

DEFAULT_FILE_NAME = "agents.toml"
END_MARK = "[end]"
_PRICES = ("input_price_per_million_tokens", "output_price_per_million_tokens")


class AgentsFileError(DataFileError):
    """An agents file is broken; `mistakes` tells all of it."""


def load_agents(text: str, file_name: str = DEFAULT_FILE_NAME) -> Catalogue:
    """The catalogue of an agents file. Raises AgentsFileError with every mistake."""
    incomplete = None if is_complete(text) else cut_short(text, file_name)
    try:
        file = parse_toml(text, file_name)
    except DataFileError as error:
        raise AgentsFileError([*error.mistakes, *([incomplete] if incomplete else [])]) from None
    entries, mistakes = check_schema(file, AgentsFile)
    if incomplete is not None:
        mistakes = [mistake for mistake in mistakes if mistake.key != "end"]
        mistakes.append(incomplete)
    mistakes.extend(_duplicates(file))
    mistakes.extend(_currencies(file))
    if not file.values.get("agents") and not file.values.get("tools"):
        mistakes.append(Mistake(file_name, 1, "", "no agents and no tools; add at least one [[agents]] or [[tools]]"))
    if entries is None or mistakes:
        raise AgentsFileError(mistakes)
    return make_catalogue((entry.build() for entry in entries.agents), (entry.build() for entry in entries.tools))


def is_complete(text: str) -> bool:
    """Whether the last line that is neither blank nor a comment is `[end]`."""
    end = len(text)
    while end > 0:
        start = text.rfind("\n", 0, end) + 1
        line = text[start:end].strip()
        if line and not line.startswith("#"):
            return line == END_MARK
        end = start - 1
    return False


def cut_short(text: str, file_name: str) -> Mistake:
    """The mistake of a file that does not end with `[end]`."""
    return Mistake(
        file_name, text.count("\n") + 1, "", f"the last line is not {END_MARK}: the file was cut short, or {END_MARK} is missing"
    )


def _tables(value: Any, path: Path) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """The tables of a list, whatever else may be wrong with it."""
    if isinstance(value, list):
        for number, item in enumerate(value):  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
            if isinstance(item, dict):
                yield (*path, number), item  # pyright: ignore[reportUnknownMemberType]


def _duplicates(file: TomlFile) -> Iterator[Mistake]:
    agents = list(_tables(file.values.get("agents"), ("agents",)))
    tools = list(_tables(file.values.get("tools"), ("tools",)))
    groups = [(agents, "id", "agent"), (tools, "name", "tool")]
    for path, agent in agents:
        groups.append((list(_tables(agent.get("skills"), (*path, "skills"))), "id", "skill of this agent"))
        groups.append((list(_tables(agent.get("models"), (*path, "models"))), "id", "model of this agent"))
    for entries, key, noun in groups:
        first: dict[str, Path] = {}
        for path, entry in entries:
            name = entry.get(key)
            if isinstance(name, str) and first.setdefault(name, path) != path:
                line = file.mistake(first[name], "").line
                yield file.mistake((*path, key), f"{name!r} is already the {key} of the {noun} in line {line}; choose another")


def _currencies(file: TomlFile) -> Iterator[Mistake]:
    first: tuple[str, Path] | None = None
    for path, text in _prices(file):
        try:
            price = parse_money(text)
        except ValueError:
            continue
        if not price.nanos:
            continue
        if first is None:
            first = (price.currency, path)
        elif price.currency != first[0]:
            line = file.mistake(first[1], "").line
            yield file.mistake(path, f"{price.currency}, but line {line} has {first[0]}; all prices must share one currency")


def _prices(file: TomlFile) -> Iterator[tuple[Path, str]]:
    for path, agent in _tables(file.values.get("agents"), ("agents",)):
        for model_path, model in _tables(agent.get("models"), (*path, "models")):
            for key in _PRICES:
                if isinstance(model.get(key), str):
                    yield (*model_path, key), model[key]
    for path, tool in _tables(file.values.get("tools"), ("tools",)):
        if isinstance(tool.get("cost_per_call"), str):
            yield (*path, "cost_per_call"), tool["cost_per_call"]
