"""Whether a guard holds, by what tasks put out and by facts that were told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Any, cast

from genesis_server.model.plan import Guard, GuardOperator
from genesis_server.planning.condition_words import conditionals
from genesis_server.planning.conditions import opposite
from genesis_server.planning.quantities import number_of
from genesis_server.text.words import stem, word_texts

_NEGATIVE = frozenset({GuardOperator.NOT_EQUAL, GuardOperator.AT_LEAST, GuardOperator.AT_MOST, GuardOperator.IS_FALSE})


def holds(guard: Guard, outputs: Mapping[str, Mapping[str, Any]], facts: Mapping[str, Any]) -> bool | None:
    """Whether a guard holds; None when neither `outputs` (by task id, then name) nor `facts` (by name) decide it.

    An artefact is found by its exact name, else by its words without regard to case, underscores and plural, else by its last words
    ("tests" finds `unit_tests`); a guard without one takes every output of its task. Values that disagree decide nothing. True are
    `true`, numbers but 0, lists with something in them and the words of data/language/conditions.toml; other words decide nothing.
    Whether something succeeded an output named after success tells, too: `{"passed": false}`.
    A guard and its opposite never both hold, nor both fail.
    """
    nothing: Mapping[str, Any] = {}
    told = outputs.get(guard.task_id, nothing)
    for values in (_values(guard.artefact, told) or _successes(guard, told), _values(guard.artefact, facts) if guard.artefact else []):
        verdicts = {verdict for value in values if (verdict := _compare(guard, value)) is not None}
        if len(verdicts) == 1:
            return verdicts.pop()
    return None


def name_among(artefact: str, names: Iterable[str]) -> str | None:
    """The one of `names` that means `artefact`; None when none does, or several do equally."""
    found = _meant(artefact, list(names))
    return found[0] if len(found) == 1 else None


def _values(artefact: str, source: Mapping[str, Any]) -> list[Any]:
    if not artefact:
        return list(source.values())
    return [source[name] for name in _meant(artefact, list(source))]


def _successes(guard: Guard, told: Mapping[str, Any]) -> list[Any]:
    """Outputs named after success, where a guard asks for success."""
    asks = guard.operator in {GuardOperator.IS_TRUE, GuardOperator.IS_FALSE}
    names = conditionals().words.true_words
    return [value for name, value in told.items() if asks and isinstance(value, bool | str) and _plain(name) in names]


def _meant(artefact: str, names: list[str]) -> list[str]:
    """The names that mean an artefact, the closest kind of likeness only."""
    if artefact in names:
        return [artefact]
    wanted = _stems(artefact)
    split = {name: _stems(name) for name in names}
    same = [name for name, stems in split.items() if stems == wanted]
    if same or not wanted:
        return same
    return [name for name, stems in split.items() if stems and (stems[-len(wanted) :] == wanted or wanted[-len(stems) :] == stems)]


def _stems(name: str) -> list[str]:
    return [stem(word) for word in word_texts(name)]


def _compare(guard: Guard, value: Any) -> bool | None:
    """The verdict on one value; that of a negative operator is the opposite of its positive one."""
    operator = guard.operator
    if operator in _NEGATIVE:
        positive = opposite(operator)
        verdict = None if positive is None else _positive(positive, guard.value, value)
        return None if verdict is None else not verdict
    return _positive(operator, guard.value, value)


def _positive(operator: GuardOperator, wanted: str, value: Any) -> bool | None:
    if operator is GuardOperator.IS_TRUE:
        return _truth(value)
    if operator is GuardOperator.CONTAINS:
        return _contains(wanted, value)
    mine, theirs = _number(value), number_of(wanted)
    if mine is not None and theirs is not None:
        return {GuardOperator.EQUAL: mine == theirs, GuardOperator.LESS: mine < theirs, GuardOperator.GREATER: mine > theirs}.get(operator)
    if operator is not GuardOperator.EQUAL or isinstance(value, list | tuple | Mapping) or value is None:
        return None
    if isinstance(value, bool):
        said = _truth(wanted)
        return None if said is None else said is value
    return _plain(str(value)) == _plain(wanted)


def _truth(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    if isinstance(value, list | tuple | Mapping):
        return len(cast("list[Any]", value)) > 0
    words = conditionals().words
    if isinstance(value, str) and _plain(value) in words.true_words:
        return True
    if isinstance(value, str) and _plain(value) in words.false_words:
        return False
    number = _number(value)
    return None if number is None else number != 0


def _contains(wanted: str, value: Any) -> bool | None:
    if isinstance(value, str):
        return _plain(wanted) in _plain(value)
    if isinstance(value, list | tuple | Mapping):
        return any(_plain(str(item)) == _plain(wanted) for item in cast("list[Any]", value))
    return None


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value) if isfinite(value) else None
    return number_of(value) if isinstance(value, str) else None


def _plain(text: str) -> str:
    return " ".join(text.casefold().split()).strip(" .!\"'")
