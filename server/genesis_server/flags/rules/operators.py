"""The operators of a rule by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from genesis_server.flags.rules import arithmetic, comparing, lists, texts
from genesis_server.flags.rules.coercion import loosely_equal, strictly_equal
from genesis_server.flags.rules.logic import as_boolean, negated
from genesis_server.flags.rules.sem_ver import sem_ver
from genesis_server.model.flags import JsonValue


def _loosely_unequal(a: JsonValue = None, b: JsonValue = None, *_rest: JsonValue) -> bool:
    return not loosely_equal(a, b)


def _strictly_unequal(a: JsonValue = None, b: JsonValue = None, *_rest: JsonValue) -> bool:
    return not strictly_equal(a, b)


def _same(value: JsonValue = None, *_rest: JsonValue) -> JsonValue:
    """`log`: a rule must not write on a server's standard output."""
    return value


OPERATORS: Mapping[str, Callable[..., JsonValue]] = {
    "==": loosely_equal,
    "!=": _loosely_unequal,
    "===": strictly_equal,
    "!==": _strictly_unequal,
    "<": comparing.less,
    "<=": comparing.less_or_equal,
    ">": comparing.greater,
    ">=": comparing.greater_or_equal,
    "!": negated,
    "!!": as_boolean,
    "+": arithmetic.add,
    "-": arithmetic.subtract,
    "*": arithmetic.multiply,
    "/": arithmetic.divide,
    "%": arithmetic.remainder,
    "min": arithmetic.least,
    "max": arithmetic.greatest,
    "in": lists.is_in,
    "merge": lists.merge,
    "cat": texts.concatenate,
    "substr": texts.part_of_text,
    "starts_with": texts.starts_with,
    "ends_with": texts.ends_with,
    "sem_ver": sem_ver,
    "log": _same,
}
"""Those that only need the values of their arguments."""
