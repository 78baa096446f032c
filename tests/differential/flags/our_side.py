"""Asks Genesis what it asks the oracle."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from flag_cases import Case

from genesis_server.flags.definition import BUCKETING, FlagDefinition, FlagMistakesError
from genesis_server.flags.layers import Layer
from genesis_server.flags.reading import read_flags
from genesis_server.flags.rules.compiling import CompiledRule, RuleError, RuleMistakesError, compile_rule
from genesis_server.flags.snapshot import FlagSnapshot
from genesis_server.model.flags import FlagContext, FlagLayer, FlagReason, Generation

Answer = dict[str, Any]
"""As oracle_process.py writes them, and `["refused", text]` where Genesis does not take the rule or the flag."""


def written(value: Any) -> list[str]:
    """A value as JSON text."""
    try:
        return ["value", json.dumps(value, sort_keys=True)]
    except (TypeError, ValueError, RecursionError) as error:
        return ["error", f"no JSON: {type(error).__name__}: {error}"]


def context_of(case: Case, context: Mapping[str, Any]) -> FlagContext:
    """A context as Genesis has it."""
    return FlagContext(context["targetingKey"] or "", context["attributes"], float(case.time))


def answers(cases: Sequence[Case], generation: Generation) -> list[list[Answer]]:
    """What Genesis says to each case for each of its contexts."""
    definitions: dict[str, FlagDefinition] = {}
    refused: dict[str, str] = {}
    for case in cases:
        document = {**case.document, "metadata": {**case.document.get("metadata", {}), BUCKETING: f"v{generation.value}"}}
        try:
            read = read_flags(json.dumps(document).encode(), name="flags.json")
        except FlagMistakesError as error:
            refused[case.key] = str(error)
        else:
            definitions.update(read.definitions)
            refused.update((key, "; ".join(mistakes)) for key, mistakes in read.mistakes.items())
    snapshot = FlagSnapshot([Layer(FlagLayer.FILE, "flags.json", definitions)])
    return [_answers(case, snapshot, refused, generation) for case in cases]


def _answers(case: Case, snapshot: FlagSnapshot, refused: Mapping[str, str], generation: Generation) -> list[Answer]:
    ask = _rule_of(case, generation)
    found: list[Answer] = []
    for context in case.contexts:
        asked = context_of(case, context)
        flag = ["refused", refused[case.key]] if case.key in refused else _evaluated(snapshot, case.key, asked)
        found.append({"rule": ask if isinstance(ask, list) else _asked(ask, asked), "flag": flag})
    return found


def _rule_of(case: Case, generation: Generation) -> CompiledRule | list[str] | None:
    """The rule by itself; None where there is none, or none without the `$evaluators` of its document."""
    if not isinstance(case.rule, dict) or not case.rule or case.document.get("$evaluators") or case.flag["state"] != "ENABLED":
        return None
    try:
        return compile_rule(case.key, case.rule, generation=generation)
    except RuleMistakesError as error:
        return ["refused", str(error)]


def _asked(rule: CompiledRule | None, context: FlagContext) -> list[str] | None:
    if rule is None:
        return None
    try:
        return written(rule.ask(context.data()))
    except RuleError as error:
        return ["error", str(error)]


def _evaluated(snapshot: FlagSnapshot, key: str, context: FlagContext) -> list[Any]:
    found = snapshot.evaluate(key, context)
    if found.reason is FlagReason.ERROR:
        return ["error", found.error]
    metadata = {name: value for name, value in (found.metadata or {}).items() if name != BUCKETING}
    return [*written(found.value), found.variant or None, found.reason.name, json.dumps(metadata, sort_keys=True)]
