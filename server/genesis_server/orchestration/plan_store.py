"""Stored plans under the caller's tenant: what changes often, what was decided about it, and each of its versions.

A plan is two documents, so that work that ends does not write the proofs of its routing again: `plan` (tasks, edges, what became known)
and `plan_routing` (routing, verdict, provenance). The first names the version of the second it goes with.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from genesis_server.dispatch.codec import DISPATCHED_KIND, OUTCOME_KIND, RUN_KIND
from genesis_server.model.plan import Plan, PlanState, Task
from genesis_server.model.provenance import DegradationLevel, Provenance
from genesis_server.model.routing import Routing, RoutingConstraints
from genesis_server.model.update import Known, PlanDiff
from genesis_server.model.validation import Verdict
from genesis_server.planning.update.diff import difference
from genesis_server.planning.update.ready import settle
from genesis_server.resilience.errors import ResourceError
from genesis_server.storage.base import ABSENT, ANY_VERSION, Documents, Key, Put, VersionConflictError
from genesis_server.storage.pieces import NO_PIECES, Pieces, encoded

_KIND = "plan"
_DECIDED = "plan_routing"
CHANGES = "plan_change"
"""Kind of the documents of versions; their ids are `change_key`'s."""
MADE = "the plan was made"
_NO_TASKS = b'"tasks":[]'
_PAGE = 100
_READS = 100
"""How often a plan that is written meanwhile is read again."""


@dataclass(frozen=True, slots=True)
class StoredPlan:
    """A plan with what was decided about it; routing and verdict are there when Orchestrate made it."""

    plan: Plan
    provenance: Provenance
    routing: Routing | None = None
    """Kept up to date by updates."""
    verdict: Verdict | None = None
    """On the plan as it was made."""
    known: Known = field(default_factory=Known)
    """What was told about it since."""
    constraints: RoutingConstraints = field(default_factory=RoutingConstraints)
    """What `routing` was made under, for the routes of tasks that come later."""
    own_catalogue: bool = False
    """Whether it was made from a catalogue that came with the request."""
    decided_version: int = field(default=0, compare=False)
    """Version of the document with what was decided; 0: none is written yet."""
    pieces: Pieces = field(default_factory=dict[str, tuple[object, bytes]], compare=False, repr=False)
    """Of the document as it was written."""


@dataclass(frozen=True, slots=True)
class _Current:
    """What a plan's first document holds."""

    plan: Plan
    known: Known
    decided_version: int = 0
    """0: written before there were two documents, and holds everything."""


@dataclass(frozen=True, slots=True)
class _Decided:
    """What its second document holds."""

    provenance: Provenance
    routing: Routing | None
    verdict: Verdict | None
    constraints: RoutingConstraints
    own_catalogue: bool


@dataclass(frozen=True, slots=True)
class PlanSummary:
    """What a list tells of a plan."""

    id: str
    version: int
    goal: str
    task_count: int
    create_time: float
    level: DegradationLevel
    state: PlanState = PlanState.ACTIVE


@dataclass(frozen=True, slots=True)
class PlanChange:
    """One version of a plan."""

    plan_id: str
    version: int
    event: str
    """What happened, in one sentence."""
    diff: PlanDiff
    """To the version before; for version 1 everything is new."""
    ready_task_ids: tuple[str, ...]
    """Tasks that could be worked on."""
    state: PlanState
    time: float
    """Seconds since the epoch."""
    actor: str
    """Who told it: the caller's subject."""

    @property
    def is_last(self) -> bool:
        """Whether nothing can come after it."""
        return has_ended(self.state)


def has_ended(state: PlanState) -> bool:
    """Whether a plan in this state never changes again."""
    return state in {PlanState.DONE, PlanState.FAILED, PlanState.CANCELLED}


def change_key(tenant: str, plan_id: str, version: int) -> Key:
    """Where a version is told."""
    return Key(tenant, CHANGES, f"{plan_id}/{version:010d}")


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def change_from(value: bytes) -> PlanChange:
    """A version as it is stored."""
    return _adapter(PlanChange).validate_json(value)


class PlanStore:
    """Plans by tenant and id, on `Documents`. Storage errors pass through.

    A plan's first document is two lines of JSON: the summary, then everything, so that a list reads two hundred short lines and not as
    many plans. Its version is the plan's.
    """

    def __init__(self, documents: Documents) -> None:
        """Keep plans in `documents`."""
        self._documents = documents

    @property
    def documents(self) -> Documents:
        """Where plans are kept, for those who watch."""
        return self._documents

    async def create(self, tenant: str, stored: StoredPlan, *, also: Sequence[Put] = (), actor: str = "") -> None:
        """Write a new plan and its version 1, with what else belongs to it, all or none."""
        plan = stored.plan
        ready = tuple([task.id for task in settle(plan, stored.known).ready])
        diff = difference(Plan(plan.goal, (), state=plan.state), plan)
        change = PlanChange(plan.id, plan.version, MADE, diff, ready, plan.state, plan.create_time, actor)
        puts, _ = self.puts(tenant, None, stored, change)
        await self._documents.put_all([*puts, *also])

    def puts(self, tenant: str, before: StoredPlan | None, after: StoredPlan, change: PlanChange) -> tuple[list[Put], StoredPlan]:
        """What to write for the next version of a plan, and the plan as it is then; what was decided only when it is another object."""
        plan, decided = after.plan, []
        if before is None or not before.decided_version or _decided(before) != _decided(after):
            expected = ABSENT if before is None else before.decided_version
            decided = [Put(Key(tenant, _DECIDED, plan.id), _adapter(_Decided).dump_json(_of_decided(after)), expected=expected)]
            after = replace(after, decided_version=expected + 1)
        summary = PlanSummary(plan.id, plan.version, plan.goal, len(plan.tasks), plan.create_time, after.provenance.level, plan.state)
        current, pieces = _encode_current(after, NO_PIECES if before is None else before.pieces)
        after = replace(after, pieces=pieces)
        value = _adapter(PlanSummary).dump_json(summary) + b"\n" + current
        # The plan first: it is the one whose version callers know.
        puts = [
            Put(Key(tenant, _KIND, plan.id), value, expected=ABSENT if before is None else before.plan.version),
            Put(change_key(tenant, plan.id, plan.version), _adapter(PlanChange).dump_json(change, exclude_defaults=True)),
            *decided,
        ]
        return puts, after

    async def update(self, tenant: str, before: StoredPlan, after: StoredPlan, change: PlanChange, *, also: Sequence[Put] = ()) -> None:
        """Write the next version of a plan, all or none. Raises ResourceError PLAN_NOT_FOUND, VERSION_MISMATCH.

        A conflict about a document of `also` is raised as it is.
        """
        puts, _ = self.puts(tenant, before, after, change)
        try:
            await self._documents.put_all([*puts, *also])
        except VersionConflictError as conflict:
            if conflict.key.kind != _KIND:
                raise
            raise _conflict(after.plan.id, before.plan.version, conflict.actual) from None

    async def get(self, tenant: str, plan_id: str) -> StoredPlan:
        """The plan. Raises ResourceError PLAN_NOT_FOUND."""
        for _ in range(_READS):
            document, decided = await asyncio.gather(
                self._documents.get(Key(tenant, _KIND, plan_id)), self._documents.get(Key(tenant, _DECIDED, plan_id))
            )
            if document is None:
                break
            value = document.value.partition(b"\n")[2]
            current: _Current = _adapter(_Current).validate_json(value)
            if not current.decided_version:
                return _adapter(StoredPlan).validate_json(value)
            # Another process may have written between the two reads.
            if decided is not None and decided.version == current.decided_version:
                found: _Decided = _adapter(_Decided).validate_json(decided.value)
                return StoredPlan(
                    plan=current.plan,
                    provenance=found.provenance,
                    routing=found.routing,
                    verdict=found.verdict,
                    known=current.known,
                    constraints=found.constraints,
                    own_catalogue=found.own_catalogue,
                    decided_version=current.decided_version,
                )
        raise _not_found(plan_id)  # half of it is there: it is being deleted

    async def changes(self, tenant: str, plan_id: str, *, after_version: int = 0, limit: int) -> Sequence[PlanChange]:
        """The versions of a plan after one, in order; none for a plan that is not there."""
        after = change_key(tenant, plan_id, after_version).id
        documents = await self._documents.list(tenant, CHANGES, prefix=f"{plan_id}/", after=after, limit=limit)
        return [change_from(document.value) for document in documents]

    async def delete(self, tenant: str, plan_id: str, *, version: int = 0) -> None:
        """Delete it with its versions, only at `version` when that is not 0. Raises ResourceError PLAN_NOT_FOUND, VERSION_MISMATCH."""
        try:
            there = await self._documents.delete(Key(tenant, _KIND, plan_id), expected=version or ANY_VERSION)
        except VersionConflictError as conflict:
            raise _conflict(plan_id, version, conflict.actual) from None
        # Also when the plan was gone: a deletion that was cut off between the two is finished by the next one.
        for kind in (_DECIDED, RUN_KIND, DISPATCHED_KIND):
            await self._documents.delete(Key(tenant, kind, plan_id))
        for kind in (CHANGES, OUTCOME_KIND):
            while documents := await self._documents.list(tenant, kind, prefix=f"{plan_id}/", limit=_PAGE):
                for document in documents:
                    await self._documents.delete(document.key)
        if not there:
            raise _not_found(plan_id)

    async def newest(self, tenant: str, *, before: str = "", limit: int) -> Sequence[PlanSummary]:
        """Plans in short by descending id, which is descending time, beyond `before`."""
        documents = await self._documents.list(tenant, _KIND, after=before, limit=limit, descending=True)
        return [_adapter(PlanSummary).validate_json(document.value.partition(b"\n")[0]) for document in documents]


def _encode_current(stored: StoredPlan, before: Pieces) -> tuple[bytes, Pieces]:
    """A plan's first document without the summary, and its pieces for the next time."""
    plan = stored.plan
    tasks, pieces = encoded([(task.id, task) for task in plan.tasks], _encode_task, before)
    rest = _adapter(_Current).dump_json(_Current(replace(plan, tasks=()), stored.known, stored.decided_version), exclude_defaults=True)
    # Inside a JSON text the quotation mark would not stand alone: the first place is the plan's.
    return rest.replace(_NO_TASKS, b'"tasks":[%b]' % b",".join(tasks), 1), pieces


def _encode_task(_: str, task: Task) -> bytes:
    return _adapter(Task).dump_json(task, exclude_defaults=True)


def _decided(stored: StoredPlan) -> tuple[int, ...]:
    """What was decided, by identity: comparing proofs would cost more than writing them."""
    return tuple(map(id, (stored.provenance, stored.routing, stored.verdict, stored.constraints)))


def _of_decided(stored: StoredPlan) -> _Decided:
    return _Decided(stored.provenance, stored.routing, stored.verdict, stored.constraints, stored.own_catalogue)


def version_mismatch(plan_id: str, expected: int, actual: int) -> ResourceError:
    """The plan has another version than the caller has seen."""
    return ResourceError(
        "VERSION_MISMATCH",
        f"plan {plan_id} has version {actual}, not {expected}; read it again",
        facts={"plan_id": plan_id, "expected": str(expected), "actual": str(actual)},
    )


def _conflict(plan_id: str, expected: int, actual: int) -> ResourceError:
    return _not_found(plan_id) if actual == ABSENT else version_mismatch(plan_id, expected, actual)


def _not_found(plan_id: str) -> ResourceError:
    return ResourceError(
        "PLAN_NOT_FOUND",
        f"there is no plan {plan_id!r} in this tenant; ListPlans tells which there are",
        facts={"plan_id": plan_id},
    )
