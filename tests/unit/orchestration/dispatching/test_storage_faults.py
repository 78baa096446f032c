"""A store that does not answer, or is full, once or for long: nothing is lost and nothing is told that is not stored."""

from __future__ import annotations

import asyncio

import pytest
from dispatch_world import LEASE_SECONDS, TENANT, World, agent, call, plan, work

from genesis_server.model.plan import PlanState, RetryPolicy
from genesis_server.model.update import StartDispatch
from genesis_server.model.work import LeaseProgress, WaitingFor
from genesis_server.resilience.errors import GenesisError, ResourceError


@pytest.mark.parametrize("fault", ["STORAGE_UNAVAILABLE", "STORAGE_FULL"])
async def test_a_report_is_refused_while_the_store_fails_and_taken_afterwards(world: World, fault: str) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann"))
    await world.dispatch(here, plan("p", [work("a"), work("b")]))
    task = await ann.next()
    here.store.fault = fault
    for _ in range(3):
        with pytest.raises(ResourceError) as refused:
            await ann.done(task)
        assert refused.value.reason == fault
    await world.pass_time(5)
    assert ann.stream is not None
    assert (ann.stream.free, ann.stream.offered) == (0, 0)
    here.store.fault = None
    assert (await ann.done(task)).duplicate is False
    await ann.done(await ann.next())
    assert (await world.stored("p")).plan.state is PlanState.DONE


@pytest.mark.parametrize("faults", [1, 5])
async def test_a_task_that_could_not_be_handed_out_is_handed_out_later(world: World, faults: int) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann", places=2))
    await world.dispatch(here, plan("p", [work("a"), work("b")]), start=False)
    await here.updater.update(call(), "p", 0, StartDispatch(5))
    here.store.faults_left = faults
    await world.until(lambda: here.store.faults_left < faults)
    await world.settle()
    assert ann.stream is not None
    if faults == 5:
        assert (ann.stream.free, ann.stream.offered, ann.tasks.qsize()) == (2, 0, 0)
    await world.pass_time(10)
    assert ann.tasks.qsize() == 2
    for _ in range(2):
        await ann.done(await ann.next())
    assert (ann.stream.free, ann.stream.offered) == (2, 0)


async def test_leases_of_a_lost_worker_are_taken_back_once_the_store_answers_again(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann"))
    await world.dispatch(here, plan("p", [work("a", retry=RetryPolicy(max_attempts_per_agent=1))]))
    await ann.next()
    bob = await world.join(here, agent("bob"))
    world.advance(LEASE_SECONDS + 1)
    await bob.beat()
    # The session's end is written, the end of its leases is not.
    await here.roster.expire()
    desk = here.desks[TENANT]
    put_all = here.store.put_all
    here.store.faults_left = 0
    await here.roster.expire()
    here.store.fault = "STORAGE_UNAVAILABLE"
    await world.settle()
    await world.pass_time(30)
    assert len(desk._again) <= 1, "one is tried again and again, not one more each time"
    assert not bob.tasks.qsize()
    here.store.fault = None
    assert here.store.put_all == put_all
    await world.until(lambda: True)
    await world.pass_time(2)
    assert (await bob.next()).attempt.number == 2
    assert await world.attempts("p", "a") == [("ann", "LOST"), ("bob", "RUNNING")]


async def test_a_task_that_is_overdue_for_long_is_taken_back_once(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann"))
    await world.dispatch(here, plan("p", [work("a", timeout_seconds=3.0)]))
    await ann.next()
    here.store.fault = "STORAGE_FULL"
    for _ in range(200):
        world.advance(0.1)
        here.tick()
        await asyncio.sleep(0)
    await world.settle()
    assert len(here.desks[TENANT]._again) <= 1
    here.store.fault = None
    await world.pass_time(2)
    assert await world.attempts("p", "a") == [("ann", "TIMED_OUT"), ("ann", "RUNNING")]


async def test_a_plan_that_cannot_be_read_at_first_is_read_later(world: World) -> None:
    here, there = world.process(), world.process()
    ann = await world.join(there, agent("ann"))
    await world.settle()
    there.store.fault = "STORAGE_UNAVAILABLE"
    await world.dispatch(here, plan("p", [work("a")]))
    await world.pass_time(3)
    assert not ann.tasks.qsize()
    there.store.fault = None
    await world.until(lambda: True)
    await world.pass_time(2)
    await world.until(lambda: bool(ann.tasks.qsize()))
    await ann.done(await ann.next())


async def test_what_happens_while_runs_cannot_be_followed_is_seen_afterwards(world: World) -> None:
    here, there = world.process(), world.process()
    ann = await world.join(there, agent("ann"))
    await world.settle()
    await world.dispatch(here, plan("p", [work("a")]))
    task = await ann.next()
    await world.settle()
    there.store.watch_fault.set()
    await here.updater.update(call(), "p", 0, StartDispatch(7))
    await world.dispatch(here, plan("q", [work("a")]))
    await world.until(lambda: (entry := world.entry(there, "p")) is not None and entry.state.run.run.priority == 5)
    there.store.watch_fault.clear()
    await world.until_real(lambda: world.entry(there, "q") is not None and world.entry(there, "p").state.run.run.priority == 7)
    await ann.done(task)
    await ann.done(await ann.next())


async def test_progress_that_could_not_be_written_is_written_later(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann"))
    await world.dispatch(here, plan("p", [work("a")]))
    lease = (await ann.next()).attempt.lease
    here.store.faults_left = 1
    await here.dispatcher.progress(TENANT, "ann", [LeaseProgress("p", "a", lease, 0.1, "begun")])
    await world.settle()
    assert [one.message for one in (await world.run("p")).tasks["a"].attempts] == [""]
    await world.pass_time(1)
    assert [one.message for one in (await world.run("p")).tasks["a"].attempts] == ["begun"]


async def test_a_report_for_a_plan_that_is_deleted_is_refused_and_its_worker_told(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann", places=2))
    await world.dispatch(here, plan("p", [work("a"), work("b"), work("c")]))
    first = await ann.next()
    await ann.next()
    await here.plans.delete(TENANT, "p")
    await world.until(lambda: len(ann.notices) == 2)
    assert {(one.kind.name, one.message) for one in ann.notices} == {("CANCELLED", "the plan was deleted")}
    with pytest.raises(GenesisError) as refused:
        await ann.done(first)
    assert refused.value.reason == "PLAN_NOT_FOUND"
    await world.settle()
    await world.pass_time(5)
    assert ann.stream is not None
    assert ann.stream.free == 2
    desk = here.desks[TENANT]
    assert (desk._entries, desk._again, dict(desk.load), desk._matcher._queues["ann"]._running) == ({}, [], {}, {})


async def test_nothing_of_ended_plans_is_kept(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann", places=4))
    for number in range(10):
        await world.dispatch(here, plan(f"p{number}", [work("a"), work("b")], ("a", "b")))
        await ann.failed(await ann.next())
        await world.pass_time(2)
        await ann.done(await ann.next())
        await ann.done(await ann.next())
    await world.settle()
    await world.pass_time(120, step=20)
    desk = here.desks[TENANT]
    assert (desk._entries, desk._again, desk._ready._timers, desk._leases._out, desk._tasks, desk._over) == ({}, [], [], {}, set(), {})
    assert (len(desk._matcher._queues["ann"]), desk._matcher._queues["ann"]._running) == (0, {})
    assert await here.updater.runs.dispatched(TENANT) == []


async def test_a_plan_that_ended_here_is_not_read_once_more(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann"))
    await world.dispatch(here, plan("p", [work("a")]))
    desk, task = here.desks[TENANT], await ann.next()
    await world.settle()
    told: list[tuple[int, bool]] = []
    has_seen = desk.has_seen
    desk.has_seen = lambda plan_id, version: told.append((version, seen := has_seen(plan_id, version))) or seen  # type: ignore[method-assign]
    reads = here.store.reads["plan_routing"]
    await ann.done(task)
    last = desk._over["p"][0]
    await world.until_real(lambda: (last, True) in told)
    assert (desk.entry("p"), here.store.reads["plan_routing"]) == (None, reads)
    await here.plans.delete(TENANT, "p")
    await world.until_real(lambda: not desk._over)


async def test_a_task_that_waits_is_noted_once_however_busy_its_plan_is(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann"))
    bob = await world.join(here, agent("bob", "paint"))
    await world.dispatch(here, plan("p", [work("a"), *[work(f"b{n}", "paint") for n in range(20)]]))
    await ann.failed(await ann.next())
    for _ in range(20):
        await bob.done(await bob.next())
    assert len(here.desks[TENANT]._ready._timers) == 1
    view = await here.dispatcher.view(TENANT, await world.stored("p"))
    assert view is not None
    assert [one.waiting_for for one in view.runs if one.run.task_id == "a"] == [WaitingFor.RETRY]


async def test_a_process_that_is_killed_between_the_end_of_a_worker_and_that_of_its_leases_loses_none(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann"))
    await world.dispatch(here, plan("p", [work("a", retry=RetryPolicy(max_attempts_per_agent=1))]))
    await ann.next()
    here.desks[TENANT]._leases.over = lambda *_: None  # type: ignore[method-assign]
    await here.roster.leave(TENANT, ann.session.id, agent_id="ann")
    assert await world.attempts("p", "a") == [("ann", "RUNNING")]
    world.forget(here)
    await here.crash()
    there = world.process()
    bob = await world.join(there, agent("bob"))
    await world.settle()
    while not bob.tasks.qsize():
        await world.pass_time(1)
    assert (await bob.next()).attempt.number == 2
    assert await world.attempts("p", "a") == [("ann", "LOST"), ("bob", "RUNNING")]


async def test_a_lease_whose_holder_cannot_be_looked_up_is_looked_up_again(world: World) -> None:
    here, there = world.process(), world.process()
    ann = await world.join(here, agent("ann"))
    await world.dispatch(here, plan("p", [work("a")]))
    await ann.next()
    await world.settle()
    book, entry = there.desks[TENANT]._leases, world.entry(there, "p")
    (lease,) = entry.leases.values()
    there.store.fault = "STORAGE_UNAVAILABLE"
    room = there.roster._rooms.pop(TENANT)
    await book._check_holder(entry, lease)
    assert (lease.unchecked, lease.leaving) == (True, False)
    there.store.fault = None
    there.roster._rooms[TENANT] = room
    book.tick()
    await world.settle()
    assert (lease.unchecked, lease.leaving) == (False, False)
    here.desks[TENANT]._leases.over = lambda *_: None  # type: ignore[method-assign]
    await here.roster.leave(TENANT, ann.session.id, agent_id="ann")
    there.roster._rooms.pop(TENANT)
    await book._check_holder(entry, lease)
    assert lease.leaving
