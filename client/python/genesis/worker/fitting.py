"""JSON values into the types a function is annotated with."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Mapping, Sequence
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin, get_type_hints, is_typeddict

from genesis.reference import Reference

_PLAIN = {str: "text", int: "number", float: "number", bool: "boolean", list: "list", dict: "object"}
_ORIGINS = {Sequence: list, Mapping: dict}
_ANY = (Any, object, inspect.Parameter.empty)


class MisfitError(ValueError):
    """A value is not of the type; the text says what it is and what it should be."""


def artefact_type(kind: Any) -> str:
    """The type of the contract for an annotation; empty where any is meant.

    Raises:
        TypeError: when no JSON value is of that type.
    """
    kind = _bare(kind)
    members = _members(kind)
    if members:
        names = {artefact_type(member) for member in members if member is not NoneType}
        return names.pop() if len(names) == 1 else ""
    if kind in _ANY or kind in {NoneType, None, Reference}:
        return ""
    if get_origin(kind) is Literal:
        return "text" if all(isinstance(one, str) for one in get_args(kind)) else ""
    if _is_record(kind):
        return "object"
    outer = _outer(kind)
    if outer not in _PLAIN:
        raise TypeError(
            f"{kind!r} is no type a task's value can have: "
            "use str, int, float, bool, list, dict, a dataclass, a TypedDict or genesis.Reference"
        )
    return _PLAIN[outer]


def fields_of(kind: Any) -> dict[str, Any]:
    """The fields of a dataclass or TypedDict with their types; empty for anything else."""
    kind = _bare(kind)
    if not _is_record(kind):
        return {}
    hints = get_type_hints(kind)
    return hints if is_typeddict(kind) else {one.name: hints[one.name] for one in dataclasses.fields(kind)}


def optional(kind: Any) -> bool:
    """Whether nothing will do as well."""
    return NoneType in _members(_bare(kind))


def fitted(value: Any, kind: Any) -> Any:
    """The value as the type wants it: whole numbers for `int`, records for dataclasses.

    Raises:
        MisfitError: when it is not of that type.
    """
    kind = _bare(kind)
    if kind in _ANY:
        return value
    if members := _members(kind):
        return _one_of(value, kind, members)
    if get_origin(kind) is Literal:
        if not any(value == one and type(value) is type(one) for one in get_args(kind)):
            raise MisfitError(f"is none of {', '.join(repr(one) for one in get_args(kind))}")
        return value
    if _is_record(kind):
        return _record(value, kind)
    return _plain(value, kind)


def _plain(value: Any, kind: Any) -> Any:
    outer = _outer(kind)
    expected: Any = {None: NoneType, float: (int, float)}.get(outer, outer)
    whole = outer is int and isinstance(value, float) and value.is_integer()
    if outer is int and isinstance(value, float) and not whole:
        raise MisfitError(f"is {value}, not a whole number")
    if not whole and (not isinstance(value, expected) or (isinstance(value, bool) and outer in {int, float})):
        raise MisfitError(f"is {_described(value)}, not {_wanted(kind)}")
    if outer in {int, float}:
        return outer(value)
    inner = get_args(kind)
    if outer is list and inner:
        return [_within(f"[{place}]", one, inner[0]) for place, one in enumerate(cast("list[Any]", value))]
    if outer is dict and inner:
        return {name: _within(f".{name}", one, inner[1]) for name, one in cast("dict[str, Any]", value).items()}
    return value


def _record(value: Any, kind: Any) -> Any:
    if not isinstance(value, dict):
        raise MisfitError(f"is {_described(value)}, not an object")
    given = cast("dict[str, Any]", value)
    found = {name: _within(f".{name}", given[name], hint) for name, hint in fields_of(kind).items() if name in given}
    if missing := sorted(_required(kind) - found.keys()):
        raise MisfitError(f"has no {missing[0]!r}")
    if is_typeddict(kind):
        return {**given, **found}
    calculated = {one.name for one in dataclasses.fields(kind) if not one.init}
    try:
        return kind(**{name: one for name, one in found.items() if name not in calculated})
    except (TypeError, ValueError) as error:
        raise MisfitError(f"is no {kind.__name__}: {error}") from error


def _required(kind: Any) -> frozenset[str]:
    if is_typeddict(kind):
        return kind.__required_keys__
    none = dataclasses.MISSING
    return frozenset(one.name for one in dataclasses.fields(kind) if one.init and one.default is none and one.default_factory is none)


def _one_of(value: Any, kind: Any, members: Sequence[Any]) -> Any:
    for member in members:
        try:
            return fitted(value, member)
        except MisfitError:
            continue
    raise MisfitError(f"is {_described(value)}, not {_wanted(kind)}")


def _within(place: str, value: Any, kind: Any) -> Any:
    try:
        return fitted(value, kind)
    except MisfitError as error:
        text = str(error)
        raise MisfitError(f"{place}{text}" if text[0] in ".[" else f"{place} {text}") from None


def _bare(kind: Any) -> Any:
    return _bare(get_args(kind)[0]) if get_origin(kind) is Annotated else kind


def _members(kind: Any) -> tuple[Any, ...]:
    return get_args(kind) if get_origin(kind) in {Union, UnionType} else ()


def _outer(kind: Any) -> Any:
    outer = get_origin(kind) or kind
    return _ORIGINS.get(outer, outer)


def _is_record(kind: Any) -> bool:
    if kind is Reference or not isinstance(kind, type):
        return False
    return dataclasses.is_dataclass(cast("type[Any]", kind)) or is_typeddict(cast("type[Any]", kind))


def _wanted(kind: Any) -> str:
    if kind is Reference:
        return "a reference"
    names = [artefact_type(member) for member in _members(kind) or (kind,) if member is not NoneType]
    return " or ".join(f"{'an' if name[:1] in 'aeiou' else 'a'} {name}" for name in names if name) or "nothing"


def _described(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, Reference):
        return "a reference (annotate it with genesis.Reference to take it so)"
    return _wanted(type(value))
