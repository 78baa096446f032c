"""Agents that fail again and again are left alone, and tried again."""

from __future__ import annotations

import pytest
from dispatch_world import HOUR, TENANT, World, agent, call, plan, work

from genesis_server.agents.shared_breaker import RESET_SECONDS
from genesis_server.model.plan import RetryPolicy
from genesis_server.model.update import AddTaskEdit, Cancel, RemoveTaskEdit, UserEdit
from genesis_server.model.work import Declined, WaitingFor
from genesis_server.orchestration.dispatching.answers import RunView

AT_ONCE = RetryPolicy(max_attempts=9, max_attempts_per_agent=9, initial_backoff_seconds=0.0)


async def view(world: World, plan_id: str = "p") -> RunView:
    found = await world.processes[0].dispatcher.view(TENANT, await world.stored(plan_id))
    assert found is not None
    return found


async def opened(world: World) -> None:
    """The breaker of ann, who is alone and has one place, opens."""
    here = world.processes[0]
    ann = world.workers[0]
    for _ in range(5):
        await ann.failed(await ann.next(), "broken")
    assert ("ann", "closed", "open") in here.transitions
    await world.settle()


@pytest.mark.parametrize("jump", [0.0, HOUR, -HOUR])
async def test_an_open_breaker_keeps_work_away_until_a_trial_closes_it(world: World, jump: float) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann"))
    await world.dispatch(here, plan("p", [work("a", retry=AT_ONCE)]))
    await opened(world)
    (seen,) = (await view(world)).runs
    assert (seen.waiting_for, seen.waiting_message) == (
        WaitingFor.BREAKER,
        "agent ann failed too often; it is tried again in 60 s",
    )
    world.jump(jump)
    for _ in range(5):
        await world.pass_time(RESET_SECONDS / 6, step=5)
        await ann.beat()
    assert not ann.tasks.qsize()
    world.advance(RESET_SECONDS / 6)
    await world.until(lambda: bool(ann.tasks.qsize()))
    await ann.done(await ann.next())
    await world.settle()
    assert here.transitions[-1] == ("ann", "half-open", "closed")


async def test_the_work_of_an_agent_whose_breaker_opens_goes_to_another_at_once(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann"))
    await world.dispatch(here, plan("p", [work(f"t{n}", retry=AT_ONCE) for n in range(6)]))
    bob = await world.join(here, agent("bob", places=9))
    await opened(world)
    here.tick()
    await world.settle()
    assert bob.tasks.qsize() == 6
    assert len(here.routed) == 1, "all of them are looked at together"
    for _ in range(6):
        await bob.done(await bob.next())
    assert set((await world.states("p")).values()) == {"DONE"}
    assert not ann.tasks.qsize()


@pytest.mark.parametrize("how", ["declined", "handed back", "cancelled", "deleted", "left"])
async def test_a_trial_that_says_nothing_leaves_the_next_one_to_another_task(world: World, how: str) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann"))
    await world.dispatch(here, plan("p", [work("a", retry=AT_ONCE)]))
    await world.dispatch(here, plan("q", [work("b", retry=AT_ONCE)]))
    await opened(world)
    world.advance(RESET_SECONDS)
    await ann.beat()
    await world.until(lambda: bool(ann.tasks.qsize()))
    trial = await ann.next()
    rest = "q" if trial.plan_id == "p" else "p"
    if how == "declined":
        await ann.declined(trial)
    elif how == "handed back":
        await ann.declined(trial, hand_back=True)
    elif how == "cancelled":
        await here.updater.update(call(), trial.plan_id, 0, Cancel())
    elif how == "deleted":
        await here.plans.delete(TENANT, trial.plan_id)
    else:
        await here.roster.leave(TENANT, ann.session.id, agent_id="ann")
        ann = await world.join(here, agent("ann"))
    await world.until(lambda: bool(ann.tasks.qsize()))
    task = await ann.next()
    if how in {"declined", "cancelled", "deleted"}:
        assert task.plan_id == rest
    await ann.done(task)
    await world.settle()
    assert here.transitions[-1] == ("ann", "half-open", "closed")


async def test_only_one_trial_is_made_however_many_tasks_wait(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann", places=5), slots=1)
    await world.dispatch(here, plan("p", [work(f"t{n}", retry=AT_ONCE) for n in range(5)]))
    await opened(world)
    assert ann.stream is not None
    ann.stream.slots(5)
    world.advance(RESET_SECONDS)
    await ann.beat()
    await world.until(lambda: bool(ann.tasks.qsize()))
    await world.settle()
    here.tick()
    await world.settle()
    assert ann.tasks.qsize() == 1
    await ann.failed(await ann.next(), "still broken")
    await world.settle()
    assert here.transitions[-1] == ("ann", "half-open", "open")
    assert not ann.tasks.qsize()


@pytest.mark.parametrize("how", ["declined", "handed back", "cancelled"])
async def test_an_older_task_that_ends_without_a_verdict_leaves_the_trial_alone(world: World, how: str) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann", places=3), slots=1)
    await world.dispatch(here, plan("old", [work("a", retry=AT_ONCE)]))
    older = await ann.next()
    assert ann.stream is not None
    ann.stream.slots(2)
    await world.dispatch(here, plan("p", [work("b", retry=AT_ONCE)]))
    await opened(world)
    ann.stream.slots(3)
    world.advance(RESET_SECONDS)
    await ann.beat()
    await world.until(lambda: bool(ann.tasks.qsize()))
    trial = await ann.next()
    assert trial.plan_id == "p"
    await world.dispatch(here, plan("q", [work("c", retry=AT_ONCE)]))
    if how == "cancelled":
        await here.updater.update(call(), "old", 0, Cancel())
    else:
        await ann.declined(older, hand_back=how == "handed back")
    await world.settle()
    await world.pass_time(5)
    await world.settle()
    assert not ann.tasks.qsize(), "there is one trial at a time"
    await ann.done(trial)
    assert (await ann.next()).plan_id in {"old", "q"}


async def test_a_trial_that_is_handed_back_to_another_process_is_over(world: World) -> None:
    here, there = world.process(), world.process()
    ann = await world.join(here, agent("ann"))
    await world.dispatch(here, plan("p", [work("a", retry=AT_ONCE)]))
    await opened(world)
    world.advance(RESET_SECONDS)
    await ann.beat()
    await world.until(lambda: bool(ann.tasks.qsize()))
    await ann.report(await ann.next(), Declined("busy", hand_back=True), process=there)
    await world.until(lambda: bool(ann.tasks.qsize()))
    await ann.done(await ann.next())
    await world.settle()
    assert here.transitions[-1] == ("ann", "half-open", "closed")


async def test_silence_and_overrun_count_against_an_agent(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann"))
    await world.dispatch(here, plan("p", [work("a", retry=AT_ONCE, timeout_seconds=2.0)]))
    for _ in range(5):
        await ann.next()
        await world.pass_time(3)
        await ann.beat()
    assert ("ann", "closed", "open") in here.transitions


async def test_work_that_nobody_could_get_goes_to_an_agent_whose_trial_is_due(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann"))
    await world.dispatch(here, plan("p", [work("a", retry=AT_ONCE)]))
    await opened(world)
    await here.updater.update(call(), "p", 0, UserEdit((RemoveTaskEdit("a"), AddTaskEdit(work("b")))))
    await world.settle()
    assert [one.waiting_message for one in (await view(world)).runs] == ["no agent that is there can do it"]
    await world.pass_time(3)
    world.advance(RESET_SECONDS)
    await ann.beat()
    await world.until(lambda: bool(ann.tasks.qsize()))
    await ann.done(await ann.next())
    assert here.transitions[-1] == ("ann", "half-open", "closed")
