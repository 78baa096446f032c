"""Stored plans."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest
from pydantic import TypeAdapter

from genesis_server import model
from genesis_server.dispatch.codec import DISPATCHED_KIND, outcome_key, run_key
from genesis_server.model.plan import Edge, Plan, PlanState, Task, TaskConstraints, TaskOrigin, TaskSource, TaskState
from genesis_server.model.provenance import DegradationLevel, Provenance
from genesis_server.model.span import Span
from genesis_server.model.update import Known, PlanDiff
from genesis_server.orchestration.plan_store import MADE, PlanChange, PlanStore, PlanSummary, StoredPlan
from genesis_server.resilience.errors import ResourceError
from genesis_server.storage.base import ABSENT, Key, Put, VersionConflictError
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


def test_what_plans_are_stored_with_names_its_fields() -> None:
    """A named tuple would be stored by position: a field added in the middle would move all that were stored before."""
    nouns = [import_module(f"genesis_server.model.{found.name}") for found in iter_modules(model.__path__)]
    by_position = [kind for noun in nouns for kind in vars(noun).values() if isinstance(kind, type) and hasattr(kind, "_fields")]
    assert len(nouns) > 10
    assert by_position == []


async def test_a_plan_of_a_store_from_before_there_were_two_documents_is_read_and_goes_on(plans: PlanStore) -> None:
    old = replace(stored("p1"), own_catalogue=True)
    everything = TypeAdapter(StoredPlan).dump_json(old, exclude={"decided_version", "pieces"})
    await plans.documents.put(Key("acme", "plan", "p1"), b"{}\n" + everything, expected=ABSENT)
    found = await plans.get("acme", "p1")
    assert (found, found.decided_version) == (old, 0)
    after = replace(found, plan=replace(found.plan, version=2, state=PlanState.PAUSED))
    await plans.update("acme", found, after, PlanChange("p1", 2, "paused", PlanDiff(), (), PlanState.PAUSED, 0.0, "ann"))
    again = await plans.get("acme", "p1")
    assert (again, again.decided_version) == (after, 1)


async def test_a_plan_that_is_written_again_comes_back_whole_whatever_its_words(plans: PlanStore) -> None:
    awkward = 'say "tasks":[] and \\"tasks\\":[]'
    before = stored("p1")
    before = replace(before, plan=replace(before.plan, goal=awkward, tasks=(*before.plan.tasks, Task("t2", awkward))))
    first = PlanChange("p1", 1, "made", PlanDiff(), (), PlanState.ACTIVE, 0.0, "ann")
    puts, written = plans.puts("acme", None, before, first)
    await plans.documents.put_all(puts)
    done = replace(before.plan.tasks[0], state=TaskState.DONE)
    plan = replace(written.plan, version=2, tasks=(done, written.plan.tasks[1], Task("t3", "new")), edges=(Edge("t1", "t3"),))
    after = replace(written, plan=plan, known=Known({"t1": {"tasks": []}}))
    await plans.update("acme", written, after, replace(first, version=2))
    assert await plans.get("acme", "p1") == after


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


async def test_a_new_plan_has_a_first_version_that_tells_all_of_it(plans: PlanStore) -> None:
    await plans.create("acme", stored("p1"), actor="ann")
    [first] = await plans.changes("acme", "p1", limit=10)
    assert (first.version, first.event, first.actor, first.ready_task_ids, first.is_last) == (1, MADE, "ann", ("t1",), False)
    assert first.diff == PlanDiff(added_tasks=stored("p1").plan.tasks)
    assert await plans.changes("acme", "p1", after_version=1, limit=10) == []
    assert await plans.changes("other", "p1", limit=10) == []


async def test_what_belongs_to_a_plan_is_written_with_it_or_not_at_all(plans: PlanStore) -> None:
    also = Key("acme", "decision", "d1")
    await plans.create("acme", stored("p1"), also=[Put(also, b"why")])
    assert (await plans.documents.get(also)) is not None
    with pytest.raises(VersionConflictError):
        await plans.create("acme", stored("p1"), also=[Put(Key("acme", "decision", "d2"), b"why")])
    assert await plans.documents.get(Key("acme", "decision", "d2")) is None


async def test_a_version_is_written_once(plans: PlanStore) -> None:
    """Two who saw the same version: the second is told that it changed meanwhile, and nothing of it is there."""
    await plans.create("acme", stored("p1"))
    first = await plans.get("acme", "p1")
    await plans.update("acme", first, second("first come"), change("first come"))
    for write, reason in (
        (plans.update("acme", first, second("late"), change("late")), "VERSION_MISMATCH"),
        (plans.update("other", first, second("x"), change("x")), "PLAN_NOT_FOUND"),
    ):
        with pytest.raises(ResourceError) as caught:
            await write
        assert caught.value.reason == reason
    assert (await plans.get("acme", "p1")).known.facts == {"who": "first come"}
    assert [one.event for one in await plans.changes("acme", "p1", limit=10)] == [MADE, "first come"]


async def test_the_versions_go_with_the_plan_also_when_a_deletion_was_cut_off(plans: PlanStore) -> None:
    await plans.create("acme", stored("p1"))
    await plans.create("acme", stored("p10"))
    await plans.update("acme", await plans.get("acme", "p1"), second("x"), change("x"))
    await plans.documents.delete(Key("acme", "plan", "p1"))
    assert len(await plans.changes("acme", "p1", limit=10)) == 2
    with pytest.raises(ResourceError):
        await plans.delete("acme", "p1")
    assert await plans.changes("acme", "p1", limit=10) == []
    assert len(await plans.changes("acme", "p10", limit=10)) == 1


async def test_the_work_on_a_plan_goes_with_it(plans: PlanStore) -> None:
    keys = [run_key("acme", "p1"), Key("acme", DISPATCHED_KIND, "p1"), outcome_key("acme", "p1", "t1", 1)]
    await plans.create("acme", stored("p1"), also=[Put(key, b"{}") for key in keys])
    await plans.delete("acme", "p1")
    assert [await plans.documents.get(key) for key in keys] == [None, None, None]


def second(fact: str) -> StoredPlan:
    first = stored("p1")
    return replace(first, plan=replace(first.plan, version=2), known=Known({"t1": {"a": [1, None, {"b": "ü"}]}}, {"who": fact}))


def change(event: str) -> PlanChange:
    return PlanChange("p1", 2, event, PlanDiff(), (), PlanState.ACTIVE, 5.0, "ann")


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
