"""Stored plans under the caller's tenant: a document for each plan as it is, and one for each of its versions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from genesis_server.model.plan import Plan, PlanState
from genesis_server.model.provenance import DegradationLevel, Provenance
from genesis_server.model.routing import Routing, RoutingConstraints
from genesis_server.model.update import Known, PlanDiff
from genesis_server.model.validation import Verdict
from genesis_server.planning.update.diff import difference
from genesis_server.planning.update.ready import settle
from genesis_server.resilience.errors import ResourceError
from genesis_server.storage.base import ABSENT, ANY_VERSION, Documents, Key, Put, VersionConflictError

_KIND = "plan"
CHANGES = "plan_change"
"""Kind of the documents of versions; their ids are `change_key`'s."""
MADE = "the plan was made"
_PAGE = 100


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

    A plan's document is two lines of JSON: the summary, then everything, so that a list reads two hundred short lines and not as many
    plans. Its version is the plan's.
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
        await self._documents.put_all([*_puts(tenant, stored, change, expected=ABSENT), *also])

    async def update(self, tenant: str, stored: StoredPlan, change: PlanChange, *, also: Sequence[Put] = ()) -> None:
        """Write the next version of a plan, all or none. Raises ResourceError PLAN_NOT_FOUND, VERSION_MISMATCH."""
        expected = stored.plan.version - 1
        try:
            await self._documents.put_all([*_puts(tenant, stored, change, expected=expected), *also])
        except VersionConflictError as conflict:
            raise _conflict(stored.plan.id, expected, conflict.actual) from None

    async def get(self, tenant: str, plan_id: str) -> StoredPlan:
        """The plan. Raises ResourceError PLAN_NOT_FOUND."""
        document = await self._documents.get(Key(tenant, _KIND, plan_id))
        if document is None:
            raise _not_found(plan_id)
        return _adapter(StoredPlan).validate_json(document.value.partition(b"\n")[2])

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
        while documents := await self._documents.list(tenant, CHANGES, prefix=f"{plan_id}/", limit=_PAGE):
            for document in documents:
                await self._documents.delete(document.key)
        if not there:
            raise _not_found(plan_id)

    async def newest(self, tenant: str, *, before: str = "", limit: int) -> Sequence[PlanSummary]:
        """Plans in short by descending id, which is descending time, beyond `before`."""
        documents = await self._documents.list(tenant, _KIND, after=before, limit=limit, descending=True)
        return [_adapter(PlanSummary).validate_json(document.value.partition(b"\n")[0]) for document in documents]


def _puts(tenant: str, stored: StoredPlan, change: PlanChange, *, expected: int) -> list[Put]:
    plan = stored.plan
    summary = PlanSummary(plan.id, plan.version, plan.goal, len(plan.tasks), plan.create_time, stored.provenance.level, plan.state)
    value = _adapter(PlanSummary).dump_json(summary) + b"\n" + _adapter(StoredPlan).dump_json(stored)
    return [
        Put(Key(tenant, _KIND, plan.id), value, expected=expected),
        Put(change_key(tenant, plan.id, plan.version), _adapter(PlanChange).dump_json(change)),
    ]


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
