"""A function as a skill of an agent, with its entry on the card."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from genesis import _values as values
from genesis.options import DurationLike
from genesis.v1 import catalogue_pb2
from genesis.v1.common_pb2 import Artefact
from genesis.worker.binding import Binding


@dataclass(frozen=True, slots=True)
class Skill:
    """Something a worker can do."""

    function: Callable[..., Any]
    binding: Binding
    entry: catalogue_pb2.Skill
    """Its entry on the agent's card."""

    @property
    def asynchronous(self) -> bool:
        """Whether the function runs on the loop; else it runs in a thread."""
        return inspect.iscoroutinefunction(self.function)


def skill(
    function: Callable[..., Any],
    skill_id: str,
    *,
    name: str,
    description: str,
    tags: Iterable[str],
    examples: Iterable[str],
    inputs: Mapping[str, str] | None,
    outputs: Mapping[str, str] | None,
    expected_duration: DurationLike | None,
) -> Skill:
    """The skill of a function.

    Raises:
        TypeError: when a parameter cannot take an input.
    """
    binding = Binding.of(function)
    entry = catalogue_pb2.Skill(
        id=skill_id,
        name=name,
        description=description or (inspect.getdoc(function) or "").partition("\n\n")[0].replace("\n", " "),
        tags=tags,
        examples=examples,
        inputs=binding.inputs() if inputs is None else _artefacts(inputs),
        outputs=binding.outputs(function.__name__) if outputs is None else _artefacts(outputs),
        expected_duration=None if expected_duration is None else values.duration(expected_duration),
    )
    return Skill(function, binding, entry)


def _artefacts(named: Mapping[str, str]) -> list[Artefact]:
    return [Artefact(name=name, type=kind) for name, kind in named.items()]
