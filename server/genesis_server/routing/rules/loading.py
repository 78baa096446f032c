"""The rulebook's file: TOML text in, a rulebook out, or every mistake with file, line and key.

The last line must be `[end]`, as in the agents file, so that half a file is never taken for a whole one with fewer rules.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import lru_cache
from importlib.resources import files
from typing import Any

from genesis_server.agents.loading import cut_short, is_complete
from genesis_server.routing.rules.facts import CANDIDATE_FACTS, TASK_FACTS, FactKind, parse_instant
from genesis_server.routing.rules.parsing import ConditionError, parse_condition
from genesis_server.routing.rules.rule import Rule
from genesis_server.routing.rules.rulebook import PLACEHOLDER, Rulebook, compile_rulebook
from genesis_server.routing.rules.schema import EFFECTS, RulebookFile, RuleEntry
from genesis_server.text.toml_file import DataFileError, Mistake, TomlFile, check_schema, parse_toml

FILE_NAME = "rulebook.toml"


def load_rulebook(text: str, file_name: str = FILE_NAME) -> Rulebook:
    """The rulebook of a TOML text. Raises DataFileError with every mistake."""
    incomplete = None if is_complete(text) else cut_short(text, file_name)
    try:
        file = parse_toml(text, file_name)
    except DataFileError as error:
        raise DataFileError([*error.mistakes, *([incomplete] if incomplete else [])]) from None
    entries, mistakes = check_schema(file, RulebookFile)
    if incomplete is not None:
        mistakes = [mistake for mistake in mistakes if mistake.key != "end"]
        mistakes.append(incomplete)
    mistakes.extend(_duplicates(file))
    for number, table in file.tables("rules"):
        mistakes.extend(_mistakes(file, number, table))
    if entries is None or mistakes:
        raise DataFileError(mistakes)
    rules = [_rule(entry, file.mistake(("rules", number), "").line) for number, entry in enumerate(entries.rules)]
    return compile_rulebook(rules, text)


@lru_cache(maxsize=1)
def default_rulebook() -> Rulebook:
    """The rulebook that ships."""
    return load_rulebook((files("genesis_server") / "data" / FILE_NAME).read_text("utf-8"))


def _rule(entry: RuleEntry, line: int) -> Rule:
    return Rule(
        id=entry.id,
        effect=EFFECTS[entry.effect],
        when=parse_condition(entry.when, TASK_FACTS),
        who=parse_condition(entry.who, CANDIDATE_FACTS),
        priority=entry.priority,
        weight=entry.weight or 0.0,
        enabled=entry.enabled,
        valid_from=parse_instant(entry.valid_from) if entry.valid_from is not None else None,
        valid_until=parse_instant(entry.valid_until) if entry.valid_until is not None else None,
        explanation=entry.explanation,
        description=entry.description,
        line=line,
    )


def _duplicates(file: TomlFile) -> Iterator[Mistake]:
    first: dict[str, int] = {}
    for number, table in file.tables("rules"):
        name = table.get("id")
        if isinstance(name, str) and first.setdefault(name, number) != number:
            line = file.mistake(("rules", first[name], "id"), "").line
            yield file.mistake(("rules", number, "id"), f"{name!r} is already the id of the rule in line {line}; choose another")


def _mistakes(file: TomlFile, number: int, table: Mapping[str, Any]) -> Iterator[Mistake]:
    """What the schema does not see, whatever else is wrong with the rule."""
    path = ("rules", number)
    for key, facts in (("when", TASK_FACTS), ("who", CANDIDATE_FACTS)):
        for message in _of_condition(table.get(key), facts):
            yield file.mistake((*path, key), message)
    for message in _of_explanation(table.get("explanation")):
        yield file.mistake((*path, "explanation"), message)
    effect = table.get("effect")
    if effect in {"prefer", "require"} and not table.get("who"):
        yield file.mistake((*path, "effect"), f"{effect} without `who` is about everybody and changes nothing; say who")
    if effect == "weight" and not table.get("weight"):
        yield file.mistake((*path, "effect"), "needs a weight from -1 to 1 that is not 0")
    if effect != "weight" and "weight" in table:
        yield file.mistake((*path, "weight"), 'only goes with effect = "weight"; remove it')
    start, end = _instant(table.get("valid_from")), _instant(table.get("valid_until"))
    if start is not None and end is not None and end <= start:
        yield file.mistake((*path, "valid_until"), "is not after valid_from, so that the rule is never valid")


def _of_condition(text: object, facts: Mapping[str, FactKind]) -> Iterator[str]:
    if isinstance(text, str):
        try:
            parse_condition(text, facts)
        except ConditionError as error:
            for problem in error.problems:
                yield f"column {problem.column}: {problem.message}"


def _of_explanation(text: object) -> Iterator[str]:
    if not isinstance(text, str):
        return
    for name in [str(found[1]) for found in PLACEHOLDER.finditer(text)]:
        if name not in TASK_FACTS:
            near = get_close_matches(name, list(TASK_FACTS), n=1)
            yield f"unknown fact {{{name}}}" + (f"; did you mean {{{near[0]}}}?" if near else "; name a fact of task, plan, caller or time")
    rest = PLACEHOLDER.sub("", text)
    if "{" in rest or "}" in rest:
        yield "has a brace that stands alone; write facts as {task.goal}"


def _instant(text: object) -> float | None:
    try:
        return parse_instant(text) if isinstance(text, str) else None
    except ValueError:
        return None
