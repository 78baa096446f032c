"""The next task comes with the write that takes the report, and with no other rights than any other task."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from typing import Any

import pytest
from dispatch_world import PATIENCE, TENANT, Process, Worker, World, agent, call, plan, usd, work

from genesis_server.model.catalogue import Artefact
from genesis_server.model.plan import PlanState
from genesis_server.model.update import ChangeBudget, Pause
from genesis_server.model.work import Done, RunBudget, Usage, Values
from genesis_server.orchestration.dispatching.commands import HandOut
from genesis_server.orchestration.dispatching.desk import TURNS_AT_ONCE
from genesis_server.resilience.errors import ResourceError, ValidationError


def places(process: Process) -> dict[str, int]:
    """What is being handed out, by agent."""
    return {stream.agent_id: stream.offered for stream in process.desks[TENANT]._streams.values()}


async def busy(world: World, *, tasks: int = 4, slots: int = 1, **more: Any) -> tuple[Process, Worker]:
    """A plan whose tasks one worker does one after the other."""
    here = world.process()
    ann = await world.join(here, agent("ann", places=slots))
    await world.dispatch(here, plan("p", [work(f"t{n}", **more) for n in range(tasks)]))
    return here, ann


async def test_one_write_takes_a_report_and_hands_out_the_next_task(world: World) -> None:
    here, ann = await busy(world)
    first = await ann.next()
    await world.settle()
    writes = here.store.writes
    await ann.done(first)
    second = await ann.next()
    await world.settle()
    assert here.store.writes - writes == 1
    assert second.attempt.lease.token == first.attempt.lease.token + 1
    assert [one.running is not None for one in (await world.run("p")).tasks.values()] == [False, True]
    assert (here.dispatcher.load(TENANT), places(here)) == ({"ann": 1}, {"ann": 0})


async def test_reports_that_come_together_are_followed_by_as_many_tasks(world: World) -> None:
    here, ann = await busy(world, tasks=9, slots=3)
    held = [await ann.next() for _ in range(3)]
    await world.settle()
    writes = here.store.writes
    await asyncio.gather(*[ann.done(task) for task in held])
    assert len({(await ann.next()).task.id for _ in range(3)}) == 3
    await world.settle()
    assert here.store.writes - writes == 1
    assert (ann.tasks.empty(), here.dispatcher.holding(TENANT)) == (True, {ann.session.id: 3})


async def test_the_place_goes_to_another_plan_when_it_is_its_turn(world: World) -> None:
    here, ann = await busy(world)
    await world.dispatch(here, plan("urgent", [work("u")]), priority=9)
    await world.settle()
    await ann.done(await ann.next())
    assert (await ann.next()).plan_id == "urgent"


async def test_plans_still_share_the_places_of_an_agent(world: World) -> None:
    here, ann = await busy(world, tasks=30, slots=4)
    held = [await ann.next() for _ in range(4)]
    await world.dispatch(here, plan("other", [work(f"t{n}") for n in range(30)]))
    await world.settle()
    for _ in range(8):
        await ann.done(held.pop(0))
        held.append(await ann.next())
    assert sorted(task.plan_id for task in held) == ["other", "other", "p", "p"]


async def test_plans_share_the_places_also_when_several_tasks_end_at_once(world: World) -> None:
    here, ann = await busy(world, tasks=30, slots=5)
    held = [await ann.next() for _ in range(5)]
    await world.dispatch(here, plan("other", [work(f"t{n}") for n in range(30)]))
    await world.settle()
    await ann.done(held.pop())
    assert (await ann.next()).plan_id == "other"
    await asyncio.gather(*[ann.done(task) for task in held])
    await world.settle()
    assert sorted(Counter(task.plan_id for task in ann.holds.values()).values()) == [2, 3]


async def test_nothing_is_handed_out_by_a_server_that_sends_its_workers_elsewhere(world: World) -> None:
    here, ann = await busy(world)
    task = await ann.next()
    await world.settle()
    here.dispatcher.move_streams()
    await ann.open()
    await ann.done(task)
    await world.settle()
    assert (ann.tasks.empty(), here.dispatcher.load(TENANT)) == (True, {})


async def test_a_worker_that_wants_no_more_gets_no_more(world: World) -> None:
    _, ann = await busy(world)
    task = await ann.next()
    assert ann.stream is not None
    ann.stream.slots(0)
    await ann.done(task)
    await world.settle()
    assert ann.tasks.empty()


async def test_a_worker_that_went_away_meanwhile_holds_nothing(world: World) -> None:
    here, ann = await busy(world, tasks=2)
    task = await ann.next()
    here.store.gate = asyncio.Event()
    report = asyncio.create_task(ann.done(task))
    await world.settle_briefly()
    await ann.break_off()
    here.store.gate.set()
    await report
    await world.settle()
    assert [(who, how) for who, how in await world.attempts("p", "t1")] == [("ann", "RETURNED")]
    assert here.dispatcher.load(TENANT) == {}


async def test_a_refused_report_frees_no_place(world: World) -> None:
    here, ann = await busy(world, outputs=(Artefact("report", "text"),))
    task = await ann.next()
    with pytest.raises(ValidationError):
        await ann.report(task, Done(Values({"report": 7})))
    await world.settle()
    assert (ann.tasks.empty(), here.dispatcher.load(TENANT)) == (True, {"ann": 1})


async def test_an_agent_that_fails_meanwhile_gets_nothing_before_its_breaker_has_heard_of_it(world: World) -> None:
    here, ann = await busy(world, tasks=6, slots=2)
    first, second = await ann.next(), await ann.next()
    for _ in range(4):
        here.breakers.tell(TENANT, "ann", "broken")
    await asyncio.gather(ann.failed(first), ann.done(second))
    await world.settle()
    assert ("ann", "closed", "open") in here.transitions
    assert (ann.tasks.empty(), here.dispatcher.load(TENANT)) == (True, {})


async def test_what_could_not_be_written_was_not_handed_out(world: World) -> None:
    here, ann = await busy(world)
    task = await ann.next()
    await world.settle()
    here.store.faults_left = 1
    with pytest.raises(ResourceError):
        await ann.done(task)
    await world.settle()
    assert (ann.tasks.empty(), places(here), here.dispatcher.load(TENANT)) == (True, {"ann": 0}, {"ann": 1})
    await ann.done(task)
    await ann.next()
    await world.pass_time(2)
    assert (ann.tasks.empty(), here.dispatcher.load(TENANT)) == (True, {"ann": 1})


async def test_another_process_that_writes_first_changes_nothing_of_who_gets_what(world: World) -> None:
    here, ann = await busy(world)
    there = world.process()
    task = await ann.next()
    await world.settle()
    here.store.gate = asyncio.Event()
    report = asyncio.create_task(ann.done(task))
    await world.settle_briefly()
    await there.updater.update(call(), "p", 0, ChangeBudget(RunBudget(tasks=3)))
    here.store.gate.set()
    assert (await report).balance.limit.tasks == 3
    await ann.next()
    await world.settle()
    assert (ann.tasks.empty(), here.dispatcher.load(TENANT), places(here)) == (True, {"ann": 1}, {"ann": 0})


async def test_a_plan_that_is_paused_meanwhile_hands_out_nothing(world: World) -> None:
    here, ann = await busy(world)
    there = world.process()
    task = await ann.next()
    await world.settle()
    here.store.gate = asyncio.Event()
    report = asyncio.create_task(ann.done(task))
    await world.settle_briefly()
    await there.updater.update(call(), "p", 0, Pause())
    here.store.gate.set()
    assert (await report).plan_state is PlanState.PAUSED
    await world.settle()
    assert (ann.tasks.empty(), here.dispatcher.load(TENANT), places(here)) == (True, {}, {"ann": 0})


async def test_a_budget_that_the_report_uses_up_hands_out_nothing(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann"))
    await world.dispatch(here, plan("p", [work("a"), work("b")]), budget=RunBudget(cost=usd(1), tasks=1))
    answer = await ann.done(await ann.next(), Usage(usd(1)))
    await world.settle()
    assert answer.balance.exhausted == ("cost", "tasks")
    assert (ann.tasks.empty(), places(here), here.observer.counts["budget_tasks"]) == (True, {"ann": 0}, 1)


async def test_a_report_that_cannot_be_decided_keeps_its_place(world: World) -> None:
    here, ann = await busy(world, tasks=6, slots=2)
    first, second = await ann.next(), await ann.next()
    broken = ann.report(first, Done(Values({"x": object()})))
    await asyncio.gather(broken, ann.done(second), return_exceptions=True)
    await ann.next()
    await world.settle()
    assert (ann.tasks.empty(), here.dispatcher.load(TENANT), places(here)) == (True, {"ann": 2}, {"ann": 0})


async def test_a_task_is_not_handed_out_in_the_place_of_one_that_is_still_held(world: World) -> None:
    here, ann = await busy(world, tasks=2)
    task = await ann.next()
    await world.settle()
    desk, taken = here.desks[TENANT], ann.stream
    assert taken is not None
    found: list[HandOut] = []
    keep = desk._ready.offer_instead
    desk._ready.offer_instead = lambda *told, **more: found.append(one := keep(*told, **more)) or one  # type: ignore[method-assign]
    here.store.fault = "STORAGE_UNAVAILABLE"
    with pytest.raises(ResourceError):
        await ann.done(task)
    here.store.fault = None
    (hand_out,) = found
    taken.offered += 1
    desk.submit("p", hand_out)
    await world.settle()
    assert (ann.tasks.empty(), here.dispatcher.load(TENANT), places(here)) == (True, {"ann": 1}, {"ann": 0})


async def test_what_comes_for_a_plan_while_others_are_written_goes_into_one_write(world: World) -> None:
    here = world.process()
    plans = TURNS_AT_ONCE + 4
    ann = await world.join(here, agent("ann", places=2 * plans))
    for number in range(plans):
        await world.dispatch(here, plan(f"p{number}", [work("a"), work("b")]))
    held = [await ann.next() for _ in range(2 * plans)]
    await world.settle()
    writes, here.store.gate = here.store.writes, asyncio.Event()
    reports: list[asyncio.Task[object]] = []
    for wanted in "ab":
        reports += [asyncio.create_task(ann.done(task)) for task in held if task.task.id == wanted]
        await world.settle_briefly()
    here.store.gate.set()
    await asyncio.gather(*reports)
    assert here.store.writes - writes == 2 * TURNS_AT_ONCE + 4


async def test_plans_that_somebody_changes_for_long_keep_no_other_plan_waiting(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann", places=TURNS_AT_ONCE + 1))
    for number in range(TURNS_AT_ONCE + 1):
        await world.dispatch(here, plan(f"p{number}", [work("a")]))
    held = {(task := await ann.next()).plan_id: task for _ in range(TURNS_AT_ONCE + 1)}
    free = held.pop("p0")
    async with AsyncExitStack() as changes:
        for plan_id in held:
            await changes.enter_async_context(here.updater.turn(TENANT, plan_id))
        reports = [asyncio.create_task(ann.done(task)) for task in held.values()]
        await world.settle_briefly()
        async with asyncio.timeout(PATIENCE):
            assert (await ann.done(free)).plan_state is PlanState.DONE
        assert not any(report.done() for report in reports)
    assert [(await report).plan_state for report in reports] == [PlanState.DONE] * TURNS_AT_ONCE
