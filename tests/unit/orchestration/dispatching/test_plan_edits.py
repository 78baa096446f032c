"""A plan that changes while agents work on it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from dispatch_world import TENANT, World, agent, call, plan, work

from genesis_server.model.plan import Edge, EdgeKind, PlanState
from genesis_server.model.update import (
    AddEdgeEdit,
    AddTaskEdit,
    Approve,
    Cancel,
    ChangeTaskEdit,
    Pause,
    RemoveTaskEdit,
    Resume,
    StartDispatch,
    TaskFailed,
    UserEdit,
)
from genesis_server.model.work import WaitingFor
from genesis_server.resilience.errors import ResourceError, RoutingError


async def test_a_task_that_is_taken_out_is_taken_from_its_worker(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann"))
    await world.dispatch(here, plan("p", [work("a"), work("b")], ("a", "b")))
    task = await ann.next()
    await here.updater.update(call(), "p", 0, UserEdit((RemoveTaskEdit("a"),)))
    await world.until(lambda: bool(ann.notices))
    assert [(one.kind.name, one.message) for one in ann.notices] == [("CANCELLED", "the task is not in the plan any more")]
    with pytest.raises(ResourceError, match="is over"):
        await ann.done(task)
    assert [(one.task_id, one.outcome.name, one.agent_id) for one in await world.outcomes("p")] == [("a", "CANCELLED", "ann")]
    await ann.done(await ann.next())
    assert (await world.stored("p")).plan.state is PlanState.DONE


async def test_a_task_that_is_changed_under_its_worker_stays_with_it(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann"))
    await world.dispatch(here, plan("p", [work("a"), work("b")]))
    task = await ann.next()
    changed = replace(task.task, goal="write it in French")
    await here.updater.update(call(), "p", 0, UserEdit((ChangeTaskEdit(changed),)))
    await world.settle()
    assert ann.notices == []
    await ann.done(task)
    await ann.done(await ann.next())
    assert (await world.stored("p")).plan.state is PlanState.DONE


async def test_a_task_that_needs_an_approval_now_is_taken_back_until_it_has_one(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann"))
    await world.dispatch(here, plan("p", [work("a")]))
    task = await ann.next()
    await here.updater.update(call(), "p", 0, UserEdit((ChangeTaskEdit(replace(task.task, needs_approval=True)),)))
    await world.until(lambda: bool(ann.notices))
    assert ann.notices[0].kind.name == "CANCELLED"
    await world.settle()
    assert not ann.tasks.qsize()
    view = await here.dispatcher.view(TENANT, await world.stored("p"))
    assert view is not None
    assert [one.waiting_for for one in view.runs] == [WaitingFor.APPROVAL]
    await here.updater.update(call(), "p", 0, Approve("a", "cleo"))
    await ann.done(await ann.next())


async def test_a_refused_approval_ends_the_task(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann"))
    await world.dispatch(here, plan("p", [work("a", needs_approval=True)]))
    await world.settle()
    assert not ann.tasks.qsize()
    await here.updater.update(call(), "p", 0, Approve("a", "cleo", refused=True, comment="too dear"))
    await world.settle()
    assert (await world.stored("p")).plan.state is PlanState.FAILED
    assert world.entry(here, "p") is None


async def test_an_edge_under_a_task_that_runs_does_not_stop_it(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann", places=1))
    await world.dispatch(here, plan("p", [work("a"), work("b")]))
    task = await ann.next()
    other = "b" if task.task.id == "a" else "a"
    await here.updater.update(call(), "p", 0, UserEdit((AddEdgeEdit(Edge(other, task.task.id, EdgeKind.ORDER)),)))
    await world.settle()
    assert ann.notices == []
    await ann.done(task)
    await ann.done(await ann.next())
    assert (await world.stored("p")).plan.state is PlanState.DONE


async def test_a_task_a_caller_tells_as_failed_is_taken_from_its_worker(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann", places=2))
    await world.dispatch(here, plan("p", [work("a")]))
    await ann.next()
    await here.updater.update(call(), "p", 0, TaskFailed("a", "not wanted"))
    await world.until(lambda: bool(ann.notices))
    assert ann.stream is not None
    assert ann.stream.free == 2


async def test_new_tasks_are_handed_out(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann"))
    await world.dispatch(here, plan("p", [work("a"), work("z")], ("a", "z")))
    task = await ann.next()
    await here.updater.update(call(), "p", 0, UserEdit((AddTaskEdit(work("b")),)))
    await ann.done(task)
    assert {(await _do(ann)), (await _do(ann))} == {"b", "z"}
    assert (await world.stored("p")).plan.state is PlanState.DONE


async def _do(worker) -> str:
    task = await worker.next()
    await worker.done(task)
    return task.task.id


async def test_a_paused_plan_hands_nothing_out_and_takes_reports(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann"))
    await world.dispatch(here, plan("p", [work("a"), work("b")]))
    task = await ann.next()
    await here.updater.update(call(), "p", 0, Pause())
    await ann.done(task)
    await world.settle()
    assert not ann.tasks.qsize()
    await here.updater.update(call(), "p", 0, Resume())
    await _do(ann)
    assert (await world.stored("p")).plan.state is PlanState.DONE


async def test_a_plan_that_is_paused_while_a_task_is_handed_out_keeps_it(world: World) -> None:
    import asyncio

    here = world.process()
    ann = await world.join(here, agent("ann"))
    await world.dispatch(here, plan("p", [work("a")]), start=False)
    await asyncio.gather(
        here.updater.update(call(), "p", 0, StartDispatch(5)), here.updater.update(call(), "p", 0, Pause()), return_exceptions=False
    )
    await world.settle()
    assert ann.tasks.qsize() == 0
    assert ann.stream is not None
    assert (ann.stream.free, ann.stream.offered) == (1, 0)


async def test_another_priority_counts_for_what_waits_already(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann"))
    for name in ("p", "q", "r"):
        await world.dispatch(here, plan(name, [work("a")]))
    first = await ann.next()
    await world.settle()
    last = next(name for name in ("r", "q", "p") if name != first.plan_id)
    await here.updater.update(call(), last, 0, StartDispatch(9))
    await world.settle()
    await ann.done(first)
    second = await ann.next()
    assert second.plan_id == last
    await ann.done(second)
    await _do(ann)


async def test_a_cancelled_plan_takes_everything_from_its_workers(world: World) -> None:
    here, there = world.process(), world.process()
    ann, bob = await world.join(here, agent("ann")), await world.join(there, agent("bob", "paint"))
    await world.settle()
    await world.dispatch(here, plan("p", [work("a"), work("b", "paint"), work("c")]))
    await ann.next()
    await bob.next()
    await here.updater.update(call(), "p", 0, Cancel())
    await world.until(lambda: bool(ann.notices and bob.notices))
    await world.settle()
    assert {one.kind.name for one in (*ann.notices, *bob.notices)} == {"CANCELLED"}
    assert (ann.stream and ann.stream.free, bob.stream and bob.stream.free) == (1, 1)
    assert (dict(here.dispatcher.load(TENANT)), dict(there.dispatcher.load(TENANT))) == ({}, {})
    assert len(await world.outcomes("p")) == 2


async def test_plans_nobody_could_route_cannot_be_handed_to_agents(world: World) -> None:
    from genesis_server.model.provenance import DegradationLevel, Provenance
    from genesis_server.orchestration.plan_store import StoredPlan

    here = world.process()
    made = Provenance(DegradationLevel.HEURISTIC, agents_snapshot_id="x", seed=3, decision_id="d")
    await here.plans.create(TENANT, StoredPlan(plan("p", [work("a")]), made))
    await here.plans.create(TENANT, StoredPlan(plan("q", [work("a")]), made, own_catalogue=True))
    for name in ("p", "q"):
        with pytest.raises(RoutingError) as refused:
            await here.updater.update(call(), name, 0, StartDispatch(5))
        assert refused.value.reason == "PLAN_NOT_ROUTED"
