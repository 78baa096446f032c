"""Method files (data/methods/*.toml): their schema, and a loader that tells every mistake with file and line."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict, Field

from genesis_server.model.catalogue import Artefact
from genesis_server.model.plan import MAX_DEPTH
from genesis_server.planning.data_file import DataFileError, parse
from genesis_server.planning.methods import Intent, Method, MethodLibrary, Step, phrase_runs
from genesis_server.planning.order import CycleError, TopologicalOrder
from genesis_server.text.toml_lines import Path

_ID = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$"
_LONGEST_SECONDS = 60 * 60 * 24 * 30
_STRICT = ConfigDict(extra="forbid", frozen=True)


class _Artefact(BaseModel):
    model_config = _STRICT
    name: str = Field(min_length=1, max_length=200)
    type: str = ""


class _Step(BaseModel):
    model_config = _STRICT
    id: str = Field(pattern=_ID, max_length=24)
    goal: str = Field(min_length=1, max_length=500)
    capability: str = Field(default="", max_length=200)
    inputs: list[_Artefact] = Field(default_factory=list[_Artefact])
    outputs: list[_Artefact] = Field(default_factory=list[_Artefact])
    acceptance: str = Field(default="", max_length=500)
    difficulty: float | None = Field(default=None, ge=0, le=1)
    expected_minutes: float | None = Field(default=None, gt=0, le=_LONGEST_SECONDS / 60)
    after: list[str] = Field(default_factory=list[str])
    needs_approval: bool = False
    """Whether somebody has to approve it before it, or anything below it, is done."""
    timeout_seconds: float | None = Field(default=None, gt=0, le=_LONGEST_SECONDS)
    """The longest one attempt may take; unset: the server's default."""
    max_attempts: int = Field(default=0, ge=0, le=100)
    """Over all agents; 0: the server's default."""
    steps: list[_Step] = Field(default_factory=list["_Step"])


class _Intent(BaseModel):
    model_config = _STRICT
    all: list[list[str]] = Field(min_length=1)
    unless: list[str] = Field(default_factory=list[str])


class _Method(BaseModel):
    model_config = _STRICT
    id: str = Field(pattern=_ID, max_length=64)
    title: str = Field(min_length=1, max_length=100)
    description: str = Field(min_length=1, max_length=500)
    needs: list[_Artefact] = Field(default_factory=list[_Artefact])
    unless: list[str] = Field(default_factory=list[str])
    intents: list[_Intent] = Field(min_length=1)
    steps: list[_Step] = Field(min_length=2)


@lru_cache(maxsize=1)
def shipped_methods() -> MethodLibrary:
    """The library that ships with the server."""
    folder = files("genesis_server") / "data" / "methods"
    return build_library({entry.name: entry.read_text("utf-8") for entry in folder.iterdir() if entry.name.endswith(".toml")})


def build_library(texts: Mapping[str, str]) -> MethodLibrary:
    """A library of method files, name → text. Raises DataFileError with every mistake of every file."""
    mistakes: list[str] = []
    methods: list[Method] = []
    homes: dict[str, str] = {}
    for name in sorted(texts):
        try:
            schema, file = parse(_Method, texts[name], name)
        except DataFileError as error:
            mistakes.extend(error.mistakes)
            continue
        found = [file.mistake(place, problem) for place, problem in _problems(schema)]
        if schema.id in homes:
            found.append(file.mistake(("id",), f"the method {schema.id!r} stands in {homes[schema.id]} already"))
        mistakes.extend(str(mistake) for mistake in sorted(found))
        homes[schema.id] = name
        methods.append(_method(schema))
    if mistakes:
        raise DataFileError(mistakes)
    methods.sort(key=lambda method: method.id)
    digest = hashlib.sha256("\0".join(repr(method) for method in methods).encode()).hexdigest()
    return MethodLibrary(methods, f"methods-{digest[:16]}")


def _method(schema: _Method) -> Method:
    return Method(
        id=schema.id,
        title=schema.title,
        description=schema.description,
        needs=_artefacts(schema.needs),
        unless=tuple(schema.unless),
        intents=tuple(Intent(tuple(tuple(group) for group in intent.all), tuple(intent.unless)) for intent in schema.intents),
        steps=tuple(_step(step) for step in schema.steps),
    )


def _step(schema: _Step) -> Step:
    return Step(
        id=schema.id,
        goal=schema.goal,
        capability=schema.capability,
        inputs=_artefacts(schema.inputs),
        outputs=_artefacts(schema.outputs),
        acceptance=schema.acceptance,
        difficulty=schema.difficulty,
        expected_seconds=None if schema.expected_minutes is None else schema.expected_minutes * 60.0,
        after=tuple(schema.after),
        steps=tuple(_step(step) for step in schema.steps),
        needs_approval=schema.needs_approval,
        timeout_seconds=schema.timeout_seconds,
        max_attempts=schema.max_attempts,
    )


def _artefacts(schemas: Iterable[_Artefact]) -> tuple[Artefact, ...]:
    return tuple(Artefact(schema.name, schema.type) for schema in schemas)


def _problems(method: _Method) -> Iterator[tuple[Path, str]]:
    """What the schema cannot say: headings, references, artefacts, order, phrases."""
    yield from _intent_problems(method)
    yield from _level_problems(method.steps, (), 2)
    producers: dict[str, Path] = {}
    leaves = list(_leaves(method.steps, ()))
    for place, step in leaves:
        for output in step.outputs:
            if output.name in producers:
                yield (*place, "outputs"), f"{output.name!r} is produced by another step already; name it otherwise"
            producers[output.name] = place
    given = {need.name for need in method.needs}
    order = TopologicalOrder()
    for place, _ in leaves:
        order.add(repr(place))
    for place, step in leaves:
        for needed in step.inputs:
            if needed.name in producers:
                try:
                    order.link(repr(producers[needed.name]), repr(place))
                except CycleError:
                    yield (*place, "inputs"), f"the producer of {needed.name!r} waits for this step itself"
            elif needed.name not in given:
                yield (*place, "inputs"), f"nothing produces {needed.name!r}; produce it in a step or list it in needs"


def _intent_problems(method: _Method) -> Iterator[tuple[Path, str]]:
    for option in method.unless:
        if not all(phrase_runs(option)):
            yield ("unless",), f"{option!r} has a part without a word"
    for place, intent in enumerate(method.intents):
        for key, options in [*(("all", group) for group in intent.all), ("unless", intent.unless)]:
            if key == "all" and not options:
                yield ("intents", place, key), "a group without words is never found"
            for option in options:
                if not all(phrase_runs(option)):
                    yield ("intents", place, key), f"{option!r} has a part without a word"


def _level_problems(steps: list[_Step], above: Path, depth: int) -> Iterator[tuple[Path, str]]:
    """Mistakes among siblings; the steps of a method stand at depth 2 of a plan."""
    if depth > MAX_DEPTH:
        yield above, f"steps may be nested so that a plan has at most {MAX_DEPTH} levels"
    known = {step.id for step in steps}
    order = TopologicalOrder()
    for place, step in enumerate(steps):
        here = (*above, "steps", place)
        if sum(other.id == step.id for other in steps[:place]):
            yield (*here, "id"), f"the step {step.id!r} is there already"
        else:
            order.add(step.id)
        yield from _kind_problems(step, here)
    for place, step in enumerate(steps):
        here = (*above, "steps", place)
        for earlier in step.after:
            if earlier not in known:
                yield (*here, "after"), f"there is no step {earlier!r} beside it"
                continue
            try:
                order.link(earlier, step.id)
            except CycleError as error:
                yield (*here, "after"), str(error)
        yield from _level_problems(step.steps, here, depth + 1)


def _kind_problems(step: _Step, here: Path) -> Iterator[tuple[Path, str]]:
    """What a step says that work, or a heading, cannot say."""
    if bool(step.capability) == bool(step.steps):
        yield here, "a step has either a capability or steps below it"
    if step.steps and (step.inputs or step.outputs):
        yield here, "a heading has no inputs and outputs of its own; they follow from its steps"
    for key in ("timeout_seconds", "max_attempts"):
        if step.steps and getattr(step, key):
            yield (*here, key), "a heading is not attempted itself; say it of the steps below"


def _leaves(steps: list[_Step], above: Path) -> Iterator[tuple[Path, _Step]]:
    for place, step in enumerate(steps):
        here = (*above, "steps", place)
        if step.steps:
            yield from _leaves(step.steps, here)
        else:
            yield here, step
