"""The values that go into a task and come out of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from genesis_server.dispatch.artefact_types import json_kinds
from genesis_server.model.catalogue import Artefact
from genesis_server.model.plan import Edge, EdgeKind, Plan, Task, TaskState
from genesis_server.model.update import Known
from genesis_server.model.work import ArtefactReference, Values
from genesis_server.planning.dataflow import feeds
from genesis_server.planning.guards import name_among
from genesis_server.planning.update.ids import attempts
from genesis_server.resilience.errors import FieldViolation, ValidationError

_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def inputs_of(plan: Plan, task: Task, known: Known) -> Values:
    """What is there of what a task needs.

    Along each data edge into the task, or into a heading above it, flows what the edge names. Each input the task declares is taken from
    what the producers of these edges put out: by its name, else by its words, else by what the producer declares to serve it; else from
    the facts. The nearest producer wins: that of an edge into the task before that of an edge into a heading, and of one level the one
    that comes later in the plan. What was done below a producer, or in the place of one that failed, counts as the producer's.
    """
    if not task.inputs and not any(edge.kind is EdgeKind.DATA for edge in plan.edges):
        return Values()
    flows = _Flows(plan, task, known)
    plain: dict[str, Any] = {}
    references: dict[str, ArtefactReference] = {}
    for needed in task.inputs:
        for source, name in flows.candidates(needed):
            if _take(source, name, needed.name, plain, references):
                break
    for edge in flows.edges:
        if edge.artefact not in plain and edge.artefact not in references:
            _take(flows.put_out(edge.from_id), edge.artefact, edge.artefact, plain, references)
    return Values(plain, references)


def check_outputs(task: Task, outputs: Values, *, max_bytes: int) -> None:
    """Raise ValidationError OUTPUT_MISMATCH unless every declared output is there and of its type and all are at most `max_bytes` as JSON.

    Types are those of data/artefact_types.toml; more outputs than declared are welcome.
    """
    violations = [*_mismatches(task, outputs), *_too_large(outputs, max_bytes)]
    if violations:
        told = "; ".join(violation.description for violation in violations)
        raise ValidationError(
            "OUTPUT_MISMATCH",
            f"the outputs of task {task.id!r} are not as declared: {told}",
            facts={"field": violations[0].field, "task_id": task.id},
            violations=violations,
        )


class _Flows:
    """The data edges into one task and what flows along them."""

    def __init__(self, plan: Plan, task: Task, known: Known) -> None:
        self._plan = plan
        self._known = known
        self._tasks = {one.id: one for one in plan.tasks}
        self._children: dict[str, list[str]] = {}
        for one in plan.tasks:
            self._children.setdefault(one.parent_id, []).append(one.id)
        self._put_out: dict[str, Values] = {}
        self.edges = self._edges_into(task)

    def candidates(self, needed: Artefact) -> Iterator[tuple[Values, str]]:
        """Where the value of an input may be, and its name there, the best first."""
        sources = [self.put_out(edge.from_id) for edge in self.edges]
        facts = Values(self._known.facts)
        for source in sources:
            yield source, needed.name
        for source in sources:
            yield from _by_words(source, needed)
        for edge, source in zip(self.edges, sources, strict=True):
            declared = self._tasks[edge.from_id].outputs
            for output in sorted(declared, key=lambda output: output.name != edge.artefact):
                if feeds(output, needed):
                    yield source, output.name
        yield facts, needed.name
        yield from _by_words(facts, needed)

    def put_out(self, task_id: str) -> Values:
        """What a task, what is below it, and what was done in its place put out; later values win."""
        if task_id not in self._put_out:
            plain: dict[str, Any] = {}
            references: dict[str, ArtefactReference] = {}
            for one in self._done_for(task_id):
                for below in self._with_below(one):
                    told = self._known.outputs.get(below, {})
                    elsewhere = self._known.references.get(below, {})
                    for name in elsewhere.keys() & plain.keys():
                        del plain[name]
                    for name in told.keys() & references.keys():
                        del references[name]
                    plain.update(told)
                    references.update(elsewhere)
            self._put_out[task_id] = Values(plain, references)
        return self._put_out[task_id]

    def _edges_into(self, task: Task) -> list[Edge]:
        """Data edges into the task, then into each heading above it; of one level the later producer first."""
        places = {one.id: place for place, one in enumerate(self._plan.tasks)}
        into: dict[str, list[Edge]] = {}
        for edge in self._plan.edges:
            if edge.kind is EdgeKind.DATA and edge.from_id in places:
                into.setdefault(edge.to_id, []).append(edge)
        found: list[Edge] = []
        one: Task | None = task
        while one is not None:
            found += sorted(into.get(one.id, ()), key=lambda edge: -places[edge.from_id])
            one = self._tasks.get(one.parent_id)
        return found

    def _done_for(self, task_id: str) -> list[str]:
        """A task, and the later attempts in its place when it failed."""
        task = self._tasks[task_id]
        if task.state is not TaskState.FAILED:
            return [task_id]
        ids = [one.id for one in attempts(task, self._plan.tasks)]
        return ids[ids.index(task_id) :]

    def _with_below(self, task_id: str) -> Iterator[str]:
        yield task_id
        for child in self._children.get(task_id, ()):
            yield from self._with_below(child)


def _by_words(source: Values, needed: Artefact) -> Iterator[tuple[Values, str]]:
    name = name_among(needed.name, [*source.plain, *source.references])
    if name is not None:
        yield source, name


def _take(source: Values, name: str, wanted: str, plain: dict[str, Any], references: dict[str, ArtefactReference]) -> bool:
    """Take a value under the name that is wanted; False when it is not there."""
    if name in source.plain:
        plain[wanted] = source.plain[name]
    elif name in source.references:
        references[wanted] = source.references[name]
    else:
        return False
    return True


def _mismatches(task: Task, outputs: Values) -> Iterator[FieldViolation]:
    for declared in task.outputs:
        if declared.name in outputs.references:
            continue
        if declared.name not in outputs.plain:
            yield _violation(declared.name, f"output {declared.name!r} is missing")
            continue
        kinds = json_kinds(declared.type)
        if kinds and not any(kind.takes(outputs.plain[declared.name]) for kind in kinds):
            kind = " or ".join(sorted(kinds))
            yield _violation(declared.name, f"output {declared.name!r} is of type {declared.type!r} and must be a JSON {kind}")


def _too_large(outputs: Values, max_bytes: int) -> Iterator[FieldViolation]:
    try:
        size = len(_ENCODER.encode(dict(outputs.plain)).encode("utf-8"))
    except ValueError:
        yield FieldViolation("done.outputs", "a value holds what JSON cannot: a number that is not finite, or half a character")
        return
    if size > max_bytes:
        yield FieldViolation(
            "done.outputs",
            f"the values are {size} bytes as JSON and at most {max_bytes} are kept; "
            "store large ones elsewhere and report references to them, URI and SHA-256",
        )


def _violation(name: str, description: str) -> FieldViolation:
    return FieldViolation(f"done.outputs[{name}]", description)
