"""Whose turn it is: plans, tenants, priorities, deadlines; and what is told of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from dispatch_world import TENANT, World, agent, plan, work

from genesis_server.model.plan import TaskConstraints
from genesis_server.model.work import WaitingFor


async def test_two_plans_share_the_places_of_an_agent(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann", places=4), slots=0)
    await world.dispatch(here, plan("big", [work(f"t{n}") for n in range(30)]))
    await world.dispatch(here, plan("small", [work(f"t{n}") for n in range(4)]))
    await world.settle()
    assert ann.stream is not None
    ann.stream.slots(4)
    await world.settle()
    held = [await ann.next() for _ in range(4)]
    assert Counter(task.plan_id for task in held) == {"big": 2, "small": 2}
    for task in held:
        await ann.done(task)


async def test_one_tenants_work_does_not_wait_for_anothers(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann"))
    eve = await world.join(here, agent("ann"), tenant="other")
    await world.dispatch(here, plan("p", [work(f"t{n}") for n in range(20)]))
    await world.dispatch(here, plan("p", [work("t")]), tenant="other")
    task = await eve.next()
    assert task.task.id == "t"
    await ann.next()
    await eve.done(task)
    assert set((await world.states("p", tenant="other")).values()) == {"DONE"}
    assert here.dispatcher.load("other") == {}
    assert here.dispatcher.load("nobody") == {}
    assert here.dispatcher.holding("nobody") == {}


async def test_higher_priorities_and_earlier_deadlines_go_first(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann"), slots=0)
    soon = replace(work("soon"), constraints=TaskConstraints(deadline_seconds=10_000))
    await world.dispatch(here, plan("low", [work("t")]), priority=1)
    await world.dispatch(here, plan("mid", [work("late"), soon]), priority=5)
    await world.dispatch(here, plan("high", [work("t")]), priority=9)
    await world.settle()
    assert ann.stream is not None
    ann.stream.slots(1)
    order: list[str] = []
    for _ in range(4):
        task = await ann.next()
        order.append(f"{task.plan_id}/{task.task.id}")
        await ann.done(task)
    assert order == ["high/t", "mid/soon", "mid/late", "low/t"]


async def test_the_longest_way_to_the_end_goes_first(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann"), slots=0)
    await world.dispatch(here, plan("p", [work("short"), work("long"), work("after")], ("long", "after")))
    await world.settle()
    assert ann.stream is not None
    ann.stream.slots(1)
    assert (await ann.next()).task.id == "long"


async def test_what_every_task_waits_for_is_told(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann"))
    zoe = await world.join(here, agent("zoe", "sing"))
    tasks = [work("a"), work("b"), work("c", needs_approval=True), work("d", "sing"), work("e", "paint"), work("f")]
    await world.dispatch(here, plan("p", tasks, ("a", "f")))
    await here.roster.leave(TENANT, zoe.session.id, agent_id="zoe")
    task = await ann.next()
    await world.settle()
    view = await here.dispatcher.view(TENANT, await world.stored("p"))
    assert view is not None
    told = {one.run.task_id: one.waiting_for for one in view.runs}
    other = "b" if task.task.id == "a" else "a"
    assert told == {
        task.task.id: WaitingFor.UNSPECIFIED,
        other: WaitingFor.SLOT,
        "c": WaitingFor.APPROVAL,
        "d": WaitingFor.AGENT,
        "e": WaitingFor.AGENT,
    }
    words = {one.run.task_id: one.waiting_message for one in view.runs}
    assert words["d"] in {"no worker of agent zoe is there", "no agent that is there can do it"}
    assert words["e"] == "no agent that is there can do it"
    assert (view.dispatched, view.priority) == (True, 5)
    await world.dispatch(here, plan("q", [work("a")]), start=False)
    assert await here.dispatcher.view(TENANT, await world.stored("q")) is None


async def test_the_clock_of_all_goes_on_when_one_tenants_desk_fails(world: World) -> None:
    here = world.process()
    await world.join(here, agent("ann"))
    await world.join(here, agent("ann"), tenant="other")

    def broken() -> None:
        raise RuntimeError("broken")

    here.desks[TENANT].tick = broken  # type: ignore[method-assign]
    await world.until_real(lambda: here.observer.counts["live"] == 2)
    here.desks[TENANT].tick = lambda: None  # type: ignore[method-assign]
