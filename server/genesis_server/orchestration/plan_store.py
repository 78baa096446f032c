"""Stored plans: one document each, under the caller's tenant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from pydantic import TypeAdapter

from genesis_server.model.plan import Plan
from genesis_server.model.provenance import DegradationLevel, Provenance
from genesis_server.model.routing import Routing
from genesis_server.model.validation import Verdict
from genesis_server.resilience.errors import ResourceError
from genesis_server.storage.base import ABSENT, ANY_VERSION, Documents, Key, VersionConflictError

_KIND = "plan"


@dataclass(frozen=True, slots=True)
class StoredPlan:
    """A plan with what was decided about it; routing and verdict are there when Orchestrate made it."""

    plan: Plan
    provenance: Provenance
    routing: Routing | None = None
    verdict: Verdict | None = None


@dataclass(frozen=True, slots=True)
class PlanSummary:
    """What a list tells of a plan."""

    id: str
    version: int
    goal: str
    task_count: int
    create_time: float
    level: DegradationLevel


@cache
def _adapter() -> TypeAdapter[StoredPlan]:
    return TypeAdapter(StoredPlan)


@cache
def _summary_adapter() -> TypeAdapter[PlanSummary]:
    return TypeAdapter(PlanSummary)


class PlanStore:
    """Plans by tenant and id, on `Documents`. Storage errors pass through.

    A document is two lines of JSON: the summary, then everything, so that a list reads two hundred short lines and not as many plans.
    """

    def __init__(self, documents: Documents) -> None:
        """Keep plans in `documents`."""
        self._documents = documents

    async def create(self, tenant: str, stored: StoredPlan) -> None:
        """Write a new plan; the version of plan and document is 1."""
        value = _summary_adapter().dump_json(_summary(stored)) + b"\n" + _adapter().dump_json(stored)
        await self._documents.put(Key(tenant, _KIND, stored.plan.id), value, expected=ABSENT)

    async def get(self, tenant: str, plan_id: str) -> StoredPlan:
        """The plan. Raises ResourceError PLAN_NOT_FOUND."""
        document = await self._documents.get(Key(tenant, _KIND, plan_id))
        if document is None:
            raise _not_found(plan_id)
        return _adapter().validate_json(document.value.partition(b"\n")[2])

    async def delete(self, tenant: str, plan_id: str, *, version: int = 0) -> None:
        """Delete it, only at `version` when that is not 0. Raises ResourceError PLAN_NOT_FOUND, VERSION_MISMATCH."""
        try:
            there = await self._documents.delete(Key(tenant, _KIND, plan_id), expected=version or ANY_VERSION)
        except VersionConflictError as conflict:
            if conflict.actual == ABSENT:
                raise _not_found(plan_id) from None
            raise ResourceError(
                "VERSION_MISMATCH",
                f"plan {plan_id} has version {conflict.actual}, not {version}; read it again",
                facts={"plan_id": plan_id, "expected": str(version), "actual": str(conflict.actual)},
            ) from None
        if not there:
            raise _not_found(plan_id)

    async def newest(self, tenant: str, *, before: str = "", limit: int) -> Sequence[PlanSummary]:
        """Plans in short by descending id, which is descending time, beyond `before`."""
        documents = await self._documents.list(tenant, _KIND, after=before, limit=limit, descending=True)
        return [_summary_adapter().validate_json(document.value.partition(b"\n")[0]) for document in documents]


def _summary(stored: StoredPlan) -> PlanSummary:
    plan = stored.plan
    return PlanSummary(plan.id, plan.version, plan.goal, len(plan.tasks), plan.create_time, stored.provenance.level)


def _not_found(plan_id: str) -> ResourceError:
    return ResourceError(
        "PLAN_NOT_FOUND",
        f"there is no plan {plan_id!r} in this tenant; ListPlans tells which there are",
        facts={"plan_id": plan_id},
    )
