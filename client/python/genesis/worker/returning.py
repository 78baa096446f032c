"""What a function returned, as the outputs of its task."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, cast

from genesis.reference import Reference
from genesis.worker.outcomes import TaskFailed


def outputs(value: Any, declared: Sequence[str], own: Sequence[str]) -> tuple[dict[str, Any], dict[str, Reference]]:
    """The values at hand and those elsewhere, by artefact name.

    A mapping or a record goes by its names, anything else under the task's only output. `own` are the outputs of the skill, for tasks
    that declare none.

    Raises:
        TaskFailed: for good, when there is no name for a value.
    """
    named = _named(value, declared, own)
    references = {name: one for name, one in named.items() if isinstance(one, Reference)}
    return {name: _plain(one) for name, one in named.items() if name not in references}, references


def _named(value: Any, declared: Sequence[str], own: Sequence[str]) -> dict[str, Any]:
    if value is None:
        return {}
    if dataclasses.is_dataclass(value) and not isinstance(value, type | Reference):
        value = {one.name: getattr(value, one.name) for one in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        by_name = {str(name): one for name, one in cast("Mapping[Any, Any]", value).items()}
        if len(declared) != 1 or declared[0] in by_name:
            return by_name
        return {declared[0]: by_name}
    names = declared or own
    if len(names) != 1:
        what = f"the outputs {', '.join(names)}" if names else "no declared output"
        raise TaskFailed(
            f"the function returned one value ({type(value).__name__}), and its task has {what}: return a mapping", permanent=True
        )
    return {names[0]: value}


def _plain(value: Any) -> Any:
    return dataclasses.asdict(value) if dataclasses.is_dataclass(value) and not isinstance(value, type) else value
