"""A function's parameters, and the inputs of a task that go to them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, get_type_hints

from genesis.v1.common_pb2 import Artefact
from genesis.worker.context import TaskContext
from genesis.worker.fitting import MisfitError, artefact_type, fields_of, fitted, optional
from genesis.worker.outcomes import TaskFailed


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter that takes an input of its name."""

    name: str
    kind: Any
    """Its annotation."""
    type: str
    """The same as a type of the contract; empty for any."""
    required: bool
    """Whether the task cannot be done without it."""
    has_default: bool


@dataclass(frozen=True, slots=True)
class Binding:
    """How a function is called with the inputs of a task."""

    parameters: tuple[Parameter, ...]
    context: str | None
    """The parameter that takes the `TaskContext`."""
    rest: bool
    """Whether the function takes inputs it does not name (`**inputs`)."""
    returns: Any
    """What it is annotated to return."""

    @classmethod
    def of(cls, function: Callable[..., Any]) -> Binding:
        """Reads the function's signature.

        Raises:
            TypeError: when a parameter cannot take an input.
        """
        try:
            hints = get_type_hints(function, include_extras=True)
        except NameError as error:
            raise TypeError(f"an annotation of {function.__name__} cannot be read: {error}; define the type in the module") from error
        found: list[Parameter] = []
        context, rest = None, False
        for one in inspect.signature(function).parameters.values():
            kind = hints.get(one.name, one.annotation)
            if one.kind is one.VAR_KEYWORD:
                rest = True
            elif one.kind in {one.VAR_POSITIONAL, one.POSITIONAL_ONLY}:
                raise TypeError(f"{one.name} of {function.__name__} cannot be given by name, and inputs go by name")
            elif kind is TaskContext:
                context = one.name
            else:
                has_default = one.default is not one.empty
                required = not has_default and not optional(kind)
                found.append(Parameter(one.name, kind, artefact_type(kind), required, has_default))
        return cls(tuple(found), context, rest, hints.get("return", inspect.Parameter.empty))

    def inputs(self) -> list[Artefact]:
        """What the function needs, for the card; what has a default or may be absent is not needed."""
        return [Artefact(name=one.name, type=one.type) for one in self.parameters if one.required]

    def outputs(self, name: str) -> list[Artefact]:
        """What it puts out, for the card: the fields of what it returns, or the one value under the given name."""
        if any(self.returns is one for one in (inspect.Parameter.empty, None, type(None), dict)):
            return []
        if fields := fields_of(self.returns):
            return [Artefact(name=one, type=artefact_type(kind)) for one, kind in fields.items()]
        return [Artefact(name=name, type=artefact_type(self.returns))]

    def bind(self, inputs: Mapping[str, Any], context: TaskContext) -> dict[str, Any]:
        """The arguments for a call.

        Raises:
            TaskFailed: for good, when an input is missing or of another type.
        """
        arguments: dict[str, Any] = {}
        if self.context is not None:
            arguments[self.context] = context
        for one in self.parameters:
            if one.name in inputs:
                try:
                    arguments[one.name] = fitted(inputs[one.name], one.kind)
                except MisfitError as error:
                    text = str(error)
                    raise TaskFailed(f"input {one.name!r}{text if text[0] in '.[' else ' ' + text}", permanent=True) from None
            elif one.required:
                there = ", ".join(sorted(inputs)) or "none"
                raise TaskFailed(f"input {one.name!r} is missing; there are: {there}", permanent=True)
            elif not one.has_default:
                arguments[one.name] = None
        if self.rest:
            arguments |= {name: value for name, value in inputs.items() if name not in arguments and name != self.context}
        return arguments
