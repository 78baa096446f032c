"""What was told about a plan, and how much of it is kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from genesis_server.model.update import Known, TaskDone
from genesis_server.model.work import ArtefactReference
from genesis_server.resilience.errors import invalid_field

MAX_VALUES_BYTES = 64 * 1024
"""Outputs of one task with their references, or facts of one event, as JSON."""
MAX_KNOWN_BYTES = 4 * 1024 * 1024
"""Everything that was told about one plan, as JSON."""


@dataclass(frozen=True, slots=True)
class Told:
    """What is known of a plan, growing within its bounds."""

    known: Known
    size: int | None = None
    """Of `known`, in bytes as JSON; None: not measured yet."""

    def was_put_out(self, event: TaskDone) -> bool:
        """Whether a task was told to have put out just this."""
        values, references = self.known.outputs.get(event.task_id, {}), self.known.references.get(event.task_id, {})
        return _as_json(values) == _as_json(event.outputs) and dict(references) == dict(event.references)

    def put_out(self, event: TaskDone) -> Told:
        """With what a task put out. Raises ValidationError INVALID_FIELD when that is too much."""
        known, task_id = self.known, event.task_id
        if not event.outputs and not event.references:
            return self
        _refuse_large([event.outputs, event.references], "done.outputs")
        outputs = {**known.outputs, task_id: event.outputs} if event.outputs else known.outputs
        references = {**known.references, task_id: event.references} if event.references else known.references
        after = Known(outputs, known.facts, references)
        if task_id in known.outputs or task_id in known.references:
            return _kept(after, _measure(after), "done.outputs")
        size = _measure(known) if self.size is None else self.size
        size += _added(task_id, event.outputs, known.outputs) + _added(task_id, event.references, known.references)
        return _kept(after, size, "done.outputs")

    def learn(self, facts: Mapping[str, Any]) -> Told:
        """With facts. Raises ValidationError INVALID_FIELD when they are too much."""
        if not facts:
            return self
        _refuse_large([facts], "information.facts")
        after = Known(self.known.outputs, {**self.known.facts, **facts}, self.known.references)
        return _kept(after, _measure(after), "information.facts")


def _kept(known: Known, size: int, field: str) -> Told:
    if size > MAX_KNOWN_BYTES:
        raise invalid_field(field, f"with it the plan would keep more than {MAX_KNOWN_BYTES} bytes of values; tell URIs instead")
    return Told(known, size)


def _refuse_large(values: list[Mapping[str, Any]], field: str) -> None:
    if sum(_size(one) for one in values if one) > MAX_VALUES_BYTES:
        raise invalid_field(field, f"more than {MAX_VALUES_BYTES} bytes as JSON; store it elsewhere and tell its URI")


def _measure(known: Known) -> int:
    return _size(known.outputs) + _size(known.facts) + _size(known.references)


def _added(task_id: str, values: Mapping[str, Any], beside: Mapping[str, Any]) -> int:
    """How much the values of a task add to an object that has others already."""
    return _size({task_id: values}) - len("{}") + bool(beside) if values else 0


def _size(values: Mapping[str, Any]) -> int:
    return len(_as_json(values).encode("utf-8", "surrogatepass"))


def _as_json(values: Mapping[str, Any]) -> str:
    """The values in the one form that tells true from 1."""
    return _ENCODER.encode(values)


def _plain(value: object) -> object:
    if isinstance(value, ArtefactReference):
        return [value.uri, value.sha256, value.media_type]
    return dict(value)  # type: ignore[call-overload]


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True, default=_plain)
