"""Stored plans."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from genesis_server.model.plan import Plan, Task, TaskConstraints, TaskOrigin, TaskSource
from genesis_server.model.provenance import DegradationLevel, Provenance
from genesis_server.model.span import Span
from genesis_server.orchestration.plan_store import PlanStore, PlanSummary, StoredPlan
from genesis_server.resilience.errors import ResourceError
from genesis_server.storage.opening import open_store


@pytest.fixture
async def plans(tmp_path: Path) -> AsyncIterator[PlanStore]:
    store = open_store(f"sqlite://{tmp_path / 'store.db'}", clock=lambda: 0.0)
    yield PlanStore(store)
    await store.close()


def stored(plan_id: str) -> StoredPlan:
    origin = TaskOrigin(TaskSource.CLAUSE, spans=(Span(0, 4, "müde"),))
    task = Task("t1", "müde 🚀", constraints=TaskConstraints(deadline_seconds=1.5), origin=origin)
    return StoredPlan(Plan("müde 🚀", (task,), id=plan_id, version=1), Provenance(DegradationLevel.HEURISTIC))


async def test_a_plan_comes_back_as_it_was(plans: PlanStore) -> None:
    await plans.create("acme", stored("p1"))
    assert await plans.get("acme", "p1") == stored("p1")


async def test_another_tenant_does_not_find_it(plans: PlanStore) -> None:
    await plans.create("acme", stored("p1"))
    for call in (plans.get("other", "p1"), plans.delete("other", "p1"), plans.delete("other", "p1", version=1)):
        with pytest.raises(ResourceError) as caught:
            await call
        assert caught.value.reason == "PLAN_NOT_FOUND"


async def test_only_the_version_named_is_deleted(plans: PlanStore) -> None:
    await plans.create("acme", stored("p1"))
    with pytest.raises(ResourceError) as caught:
        await plans.delete("acme", "p1", version=7)
    assert caught.value.reason == "VERSION_MISMATCH"
    assert caught.value.facts == {"plan_id": "p1", "expected": "7", "actual": "1"}
    await plans.delete("acme", "p1", version=1)
    with pytest.raises(ResourceError):
        await plans.get("acme", "p1")


async def test_the_newest_come_first_and_pages_go_on_after_the_last(plans: PlanStore) -> None:
    for number in range(5):
        await plans.create("acme", stored(f"p{number}"))
    first = await plans.newest("acme", limit=2)
    rest = await plans.newest("acme", before=first[-1].id, limit=10)
    assert [item.id for item in (*first, *rest)] == ["p4", "p3", "p2", "p1", "p0"]


async def test_a_list_reads_the_summary_and_not_the_plan(tmp_path: Path) -> None:
    store = open_store(f"sqlite://{tmp_path / 'store.db'}", clock=lambda: 0.0)
    plans = PlanStore(store)
    await plans.create("acme", stored("p1"))
    [document] = await store.list("acme", "plan")
    await store.put(document.key, document.value.partition(b"\n")[0] + b"\nno plan at all")
    [summary] = await plans.newest("acme", limit=10)
    assert summary == PlanSummary("p1", 1, "müde 🚀", 1, 0.0, DegradationLevel.HEURISTIC)
    await store.close()
