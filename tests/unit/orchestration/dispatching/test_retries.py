"""Work that fails: tried again, by somebody else, in another way, or put aside with its reason."""

from __future__ import annotations

from dataclasses import replace

import pytest
from dispatch_world import HOUR, TENANT, World, agent, call, plan, work
from update_cases import settling

from genesis_server.dispatch.retrying import MAX_HAND_BACKS
from genesis_server.model.catalogue import Skill
from genesis_server.model.plan import MAX_UPDATES_PER_PLAN, Guard, GuardOperator, PlanCounters, PlanState, RetryPolicy, TaskState
from genesis_server.model.work import Done, Values
from genesis_server.resilience.errors import ResourceError, RoutingError

AT_ONCE = RetryPolicy(max_attempts_per_agent=1)


@pytest.mark.parametrize("jump", [0.0, HOUR, -HOUR])
async def test_the_same_agent_tries_again_after_a_wait_that_doubles_whatever_the_wall_clock_does(world: World, jump: float) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann"))
    retry = RetryPolicy(max_attempts=3, max_attempts_per_agent=3, initial_backoff_seconds=4.0)
    await world.dispatch(here, plan("p", [work("a", retry=retry)]))
    for wait in (4, 8):
        answer = await ann.failed(await ann.next())
        assert answer.next == f"tried again in {wait}.0 s"
        world.jump(jump)
        await world.settle()
        await world.pass_time(wait - 1)
        assert not ann.tasks.qsize()
        await world.pass_time(1)
    task = await ann.next()
    assert task.attempt.number == 3
    answer = await ann.failed(task, "still no")
    assert answer.plan_state is PlanState.FAILED
    run = await world.run("p")
    assert run.tasks["a"].dead_letter == "Given up after 3 attempts. ann failed: no. ann failed: no. ann failed: still no."
    assert (here.observer.counts["dead"], here.observer.counts["handed_out"]) == (1, 3)


async def test_a_wait_goes_on_in_another_process_and_is_never_longer_than_the_longest(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann"))
    await world.dispatch(here, plan("p", [work("a")]))
    await ann.failed(await ann.next())
    await ann.break_off()
    world.forget(here)
    await here.stop()
    world.jump(-HOUR)
    there = world.process()
    await ann.open(process=there)
    await world.settle()
    await world.pass_time(50, step=10)
    await ann.beat()
    assert not ann.tasks.qsize()
    await world.pass_time(10, step=5)
    assert (await ann.next()).attempt.number == 2


async def test_an_agent_that_used_up_its_attempts_gives_the_task_to_another_at_once(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann"))
    await world.dispatch(here, plan("p", [work("a")]))
    bob = await world.join(here, agent("bob"))
    await ann.failed(await ann.next())
    await world.pass_time(2)
    answer = await ann.failed(await ann.next())
    assert answer.next == "bob gets it"
    task = await bob.next()
    assert task.attempt.number == 3
    await bob.done(task)
    assert (await world.stored("p")).plan.state is PlanState.DONE


@pytest.mark.parametrize("trouble", [False, True])
async def test_an_agent_that_is_alone_waits_before_the_attempts_meant_for_others_too(world: World, *, trouble: bool) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann"))
    retry = RetryPolicy(max_attempts=4, max_attempts_per_agent=1, initial_backoff_seconds=4.0)
    await world.dispatch(here, plan("p", [work("a", retry=retry)]))
    if trouble:
        here.route_error = RoutingError("ROUTING_INFEASIBLE", "nobody can do it")
    for wait in (4, 8, 16):
        answer = await ann.failed(await ann.next())
        assert answer.next == f"tried again in {wait}.0 s"
        await world.settle()
        await world.pass_time(wait - 1)
        await ann.beat()
        assert not ann.tasks.qsize()
        await world.pass_time(1)
    assert (await ann.failed(await ann.next())).plan_state is PlanState.FAILED


async def test_an_agent_that_failed_for_good_never_gets_the_task_again(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann"))
    await world.dispatch(here, plan("p", [work("a")]))
    bob = await world.join(here, agent("bob"))
    await ann.failed(await ann.next(), "cannot", permanent=True)
    answer = await bob.failed(await bob.next(), "neither", permanent=True)
    assert answer.plan_state is PlanState.FAILED
    assert "Nobody else can do it." in (await world.run("p")).tasks["a"].dead_letter


async def test_a_task_that_everybody_declined_is_put_aside(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann"))
    await world.dispatch(here, plan("p", [work("a")]))
    bob = await world.join(here, agent("bob"))
    await ann.declined(await ann.next(), "not mine")
    answer = await bob.declined(await bob.next(), "nor mine")
    assert (answer.task_state, answer.plan_state) == (TaskState.FAILED, PlanState.FAILED)
    run = await world.run("p")
    assert run.tasks["a"].dead_letter == (
        "Given up after 0 attempts. ann declined: not mine. bob declined: nor mine. Nobody else can do it."
    )
    assert run.spent.tasks == 0


async def test_who_declined_does_not_get_the_task_when_the_next_one_goes_away(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann"))
    await world.dispatch(here, plan("p", [work("a")]))
    bob = await world.join(here, agent("bob"), slots=0)
    await ann.declined(await ann.next())
    await here.roster.leave(TENANT, bob.session.id, agent_id="bob")
    await world.pass_time(15)
    assert not ann.tasks.qsize()
    assert (await world.stored("p")).plan.state is PlanState.ACTIVE
    zoe = await world.join(here, agent("zoe"))
    await world.until(lambda: bool(zoe.tasks.qsize()))
    await zoe.done(await zoe.next())


async def test_a_task_that_is_handed_back_forever_is_given_up(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann"))
    await world.dispatch(here, plan("p", [work("a")]))
    for _ in range(MAX_HAND_BACKS):
        while not ann.tasks.qsize():
            world.advance(60)
            await ann.beat()
            here.tick()
            await world.settle()
        await ann.declined(await ann.next(), hand_back=True)
    assert (await world.stored("p")).plan.state is PlanState.FAILED
    assert len((await world.run("p")).tasks["a"].attempts) == MAX_HAND_BACKS


async def test_a_task_that_is_given_up_is_done_by_another_method(world: World) -> None:
    here = world.process()
    names = ("scan_invoice", "read_amount", "pay_amount", "thank_supplier", "call_supplier", "file_receipt")
    outs = {"call_supplier": settling().tasks[2].outputs, "pay_amount": settling().tasks[3].outputs}
    skills = [Skill(name, name, name.replace("_", " "), outputs=outs.get(name, ())) for name in names]
    ann = await world.join(here, agent("ann", *skills, places=9))
    await world.dispatch(here, replace(settling(), id="p"))
    todo: list[str] = []
    while (await world.stored("p")).plan.state is PlanState.ACTIVE:
        task = await ann.next()
        todo.append(task.task.id)
        if task.task.capability == "scan_invoice":
            answer = await ann.failed(task, "no scanner", permanent=True)
            assert "ann failed: no scanner." in answer.next
        else:
            await ann.report(task, Done(Values({output.name: "x" for output in task.task.outputs})))
    stored = await world.stored("p")
    assert stored.plan.state is PlanState.DONE
    assert "call_supplier" in {task.capability for task in stored.plan.tasks if task.state is TaskState.DONE}
    assert "no scanner" in (await world.run("p")).tasks["settle.scan"].dead_letter


async def test_a_failure_beyond_the_limit_of_updates_ends_the_plan(world: World) -> None:
    here = world.process()
    names = ("scan_invoice", "read_amount", "pay_amount", "thank_supplier", "call_supplier", "file_receipt", "photograph_invoice")
    ann = await world.join(here, agent("ann", *names, places=9))
    used_up = PlanCounters(tasks_created=6, updates=MAX_UPDATES_PER_PLAN)
    await world.dispatch(here, replace(settling(), id="p", counters=used_up))
    task = await ann.next()
    while task.task.capability != "scan_invoice":
        task = await ann.next()
    answer = await ann.failed(task, "no scanner", permanent=True)
    assert answer.task_state is TaskState.FAILED
    for held in list(ann.holds.values()):
        answer = await ann.done(held)
    assert answer.plan_state is PlanState.FAILED
    await world.settle()
    assert world.entry(here, "p") is None


async def test_guards_are_decided_by_what_workers_put_out(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann"))
    guard = Guard("check", "ok", GuardOperator.IS_TRUE, text="if it is ok")
    other = Guard("check", "ok", GuardOperator.IS_FALSE, text="if it is not ok")
    tasks = [work("check"), work("yes", guards=(guard,)), work("no", guards=(other,))]
    await world.dispatch(here, plan("p", tasks, ("check", "yes"), ("check", "no")))
    await ann.done(await ann.next(), ok=True)
    await ann.done(await ann.next())
    assert await world.states("p") == {"check": "DONE", "yes": "DONE", "no": "SKIPPED"}


async def test_a_task_whose_agent_is_not_there_waits_and_then_goes_to_another(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann"))
    await world.dispatch(
        here,
        plan(
            "p",
            [work("a")],
        ),
        start=False,
    )
    await here.roster.leave(TENANT, ann.session.id, agent_id="ann")
    bob = await world.join(here, agent("bob"))
    from genesis_server.model.update import StartDispatch

    await here.updater.update(call(), "p", 0, StartDispatch(5))
    await world.settle()
    await world.pass_time(9)
    assert (here.routed, bob.tasks.qsize()) == ([], 0)
    await world.pass_time(1)
    assert (await bob.next()).task.id == "a"
    assert len(here.routed) == 1


async def test_nobody_is_looked_for_again_while_nothing_changes_and_a_newcomer_gets_what_waits(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann", "paint"))
    await world.dispatch(here, plan("p", [work("a"), work("b", "paint")]))
    await ann.next()
    await world.pass_time(60, step=5)
    assert len(here.routed) == 1
    await world.join(here, agent("ann", "paint"))
    await world.pass_time(5)
    assert len(here.routed) == 1, "one more worker of an agent changes nobody's abilities"
    bob = await world.join(here, agent("bob"))
    await world.until(lambda: bool(bob.tasks.qsize()))
    await bob.done(await bob.next())


async def test_only_those_who_are_there_get_work_that_is_given_away(world: World) -> None:
    world.declared = [agent("declared")]
    here = world.process()
    ann = await world.join(here, agent("ann"))
    await world.dispatch(here, plan("p", [work("a")]))
    task = await ann.next()
    version = (await world.stored("p")).plan.version
    await ann.failed(task)
    await world.pass_time(2)
    await ann.failed(await ann.next())
    # The declared one is nobody to give it to; ann may try a third time.
    assert (await world.stored("p")).plan.version == version
    while not ann.tasks.qsize():
        await world.pass_time(1)
    await ann.done(await ann.next())


async def test_a_failure_is_taken_even_when_nobody_can_be_looked_for(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann"))
    await world.dispatch(here, plan("p", [work("a")]))
    bob = await world.join(here, agent("bob"))
    task = await ann.next()
    here.route_error = RoutingError("INVALID_PLAN", "it cannot be routed")
    answer = await ann.failed(task, "cannot", permanent=True)
    assert answer.duplicate is False
    assert await world.attempts("p", "a") == [("ann", "FAILED")]
    await world.pass_time(5)
    assert not ann.tasks.qsize(), "who failed for good does not get it again"
    here.route_error = None
    await world.join(here, agent("zoe", "paint"))
    await world.until(lambda: bool(bob.tasks.qsize()))
    await bob.done(await bob.next())


async def test_a_late_report_of_a_task_that_was_given_to_another_is_refused(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann"))
    await world.dispatch(here, plan("p", [work("a", retry=AT_ONCE)]))
    bob = await world.join(here, agent("bob"))
    task = await ann.next()
    await ann.failed(task)
    with pytest.raises(ResourceError) as refused:
        await ann.done(task)
    assert refused.value.reason == "LEASE_LOST"
    await bob.done(await bob.next())
