"""Scenarios: facts of a task with what the rules must make of the candidates; `genesis rules test` runs a file of them.

    [[scenarios]]
    name = "an audit of fraud is not done by who bills"
    at = "2026-01-07T10:00:00Z"
    task = { capability = "billing.audit", goal = "Look for fraud in the invoices of May" }
    caller = { roles = ["client"] }
    expect = { refused = ["billing"], first = "analytics" }

Facts are named without their scope. Time comes from `at` (a Wednesday morning when it says nothing), `task.words` from the goal,
and facts that are never missing have a plain value when a scenario names none. Candidates are those of a catalogue, or those of
the scenario, which then names facts of its own: `candidates = [{ id = "a", region = "eu" }]`. When the task names a capability
that somebody has as the skill of the candidate, only these are candidates.

What is expected of a candidate is said by agent ("billing") or by agent and model ("billing/small-1").
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, cast

from pydantic import Field

from genesis_server.routing.rules.building import time_facts
from genesis_server.routing.rules.facts import (
    CANDIDATE_FACTS,
    TASK_FACTS,
    CandidateFacts,
    FactKind,
    FactType,
    FactValue,
    Fold,
    TaskFacts,
    parse_instant,
)
from genesis_server.routing.rules.scenarios import Expectation, Scenario
from genesis_server.routing.rules.schema import InstantText
from genesis_server.text.toml_file import DataFileError, Mistake, TableSchema, TomlFile, check_schema, parse_toml
from genesis_server.text.words import stem_set

FILE_NAME = "rule_scenarios.toml"
DEFAULT_MOMENT = "2026-01-07T10:00:00Z"
_PLAIN: Mapping[str, FactValue] = {
    "task.id": "task",
    "task.kind": "primitive",
    "task.difficulty": 0.5,
    "task.depth": 1.0,
    "task.data_class": "internal",
    "plan.task_count": 1.0,
    "plan.depth": 1.0,
    "plan.live_agents": 0.0,
    "agent.kind": "agent",
    "agent.expected_seconds": 60.0,
    "agent.live": False,
}

Names = Annotated[list[str], Field(default=[], max_length=1_000)]
Table = Annotated[dict[str, Any], Field(default_factory=dict)]


class ExpectEntry(TableSchema):
    """What must come out."""

    refused: Names
    allowed: Names
    first: str | None = None
    fired: Names
    blocked: Names


class ScenarioEntry(TableSchema):
    """`[[scenarios]]`."""

    name: str = Field(min_length=1, max_length=200)
    at: InstantText = DEFAULT_MOMENT
    task: Table
    plan: Table
    caller: Table
    candidates: list[dict[str, Any]] = Field(default=[], max_length=1_000)
    expect: ExpectEntry


class ScenarioFile(TableSchema):
    """The whole file."""

    scenarios: list[ScenarioEntry] = Field(min_length=1, max_length=10_000)


def load_scenarios(text: str, file_name: str = FILE_NAME) -> tuple[Scenario, ...]:
    """The scenarios of a TOML text. Raises DataFileError with every mistake."""
    file = parse_toml(text, file_name)
    content, mistakes = check_schema(file, ScenarioFile)
    for number, table in file.tables("scenarios"):
        mistakes.extend(_fact_mistakes(file, number, table))
    if content is None or mistakes:
        raise DataFileError(mistakes)
    return tuple([_scenario(entry, file.mistake(("scenarios", n), "").line) for n, entry in enumerate(content.scenarios)])


def _scenario(entry: ScenarioEntry, line: int) -> Scenario:
    now = parse_instant(entry.at)
    tables = {"task": entry.task, "plan": entry.plan, "caller": entry.caller}
    values: dict[str, FactValue | None] = {name: value for name, value in _PLAIN.items() if name in TASK_FACTS}
    values |= {
        f"{scope}.{key}": _value(TASK_FACTS[f"{scope}.{key}"], given) for scope, table in tables.items() for key, given in table.items()
    }
    if "words" not in entry.task:
        values["task.words"] = stem_set(str(entry.task.get("goal", "")))
    facts = TaskFacts.of(values | time_facts(now), now)
    wanted = entry.expect
    expect = Expectation(
        refused=tuple(wanted.refused),
        allowed=tuple(wanted.allowed),
        first=wanted.first,
        fired=tuple(wanted.fired),
        blocked=tuple(wanted.blocked),
    )
    return Scenario(entry.name, facts, tuple(map(_candidate, entry.candidates)), expect, line)


def _candidate(table: Mapping[str, Any]) -> CandidateFacts:
    values: dict[str, FactValue | None] = {name: value for name, value in _PLAIN.items() if name in CANDIDATE_FACTS}
    values["agent.has_model"] = "model" in table
    values |= {f"agent.{key}": _value(CANDIDATE_FACTS[f"agent.{key}"], given) for key, given in table.items()}
    return CandidateFacts.of(values)


def _value(kind: FactKind, given: object) -> FactValue:
    """A value of the file as the fact has it."""
    if kind.type is FactType.TEXTS:
        texts = frozenset(cast("list[str]", given))
        return stem_set(" ".join(texts)) if kind.fold is Fold.STEM else texts
    if kind.type is FactType.NUMBER:
        return float(cast("float", given))
    return given.lower() if isinstance(given, str) and kind.fold is Fold.LOWER else cast("FactValue", given)


def _fact_mistakes(file: TomlFile, number: int, table: Mapping[str, Any]) -> Iterator[Mistake]:
    places: list[tuple[tuple[str | int, ...], str, object]] = [((scope,), scope, table.get(scope)) for scope in ("task", "plan", "caller")]
    candidates = table.get("candidates")
    if isinstance(candidates, list):
        places += [(("candidates", place), "agent", each) for place, each in enumerate(cast("list[object]", candidates))]
    for path, scope, given in places:
        if not isinstance(given, dict):
            continue
        for key, value in cast("dict[str, object]", given).items():
            kind = (CANDIDATE_FACTS if scope == "agent" else TASK_FACTS).get(f"{scope}.{key}")
            problem = f"there is no fact {scope}.{key}" if kind is None else _problem(kind, value)
            if problem:
                yield file.mistake(("scenarios", number, *path, key), problem)
        if scope == "agent" and "id" not in given:
            yield file.mistake(("scenarios", number, *path), "needs an id")


def _problem(kind: FactKind, value: object) -> str:
    """Why a value is none of the fact; empty when it is."""
    if kind.type is FactType.BOOLEAN:
        return "" if isinstance(value, bool) else "must be true or false"
    if kind.type is FactType.NUMBER:
        return "" if isinstance(value, int | float) and not isinstance(value, bool) else "must be a number"
    if kind.type is FactType.TEXTS:
        texts = isinstance(value, list) and all(isinstance(member, str) for member in cast("list[object]", value))
        return "" if texts else "must be a list of texts"
    if not isinstance(value, str):
        return "must be a text"
    return f"must be one of {', '.join(kind.choices)}" if kind.choices and value not in kind.choices else ""
