"""What takes the place of work that failed goes to somebody else: nobody gets the same again under another name."""

from __future__ import annotations

from pathlib import Path

from dispatch_world import World, agent, plan, work

from genesis_server.model.plan import PlanState, RetryPolicy, TaskState

TWICE = RetryPolicy(max_attempts=2, max_attempts_per_agent=1)


async def test_when_everybody_has_failed_the_task_is_given_up_and_not_begun_anew(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann"))
    bob = await world.join(here, agent("bob"))
    await world.dispatch(here, plan("p", [work("a", retry=TWICE)]))
    await world.settle()
    first, second = (ann, bob) if ann.tasks.qsize() else (bob, ann)
    assert (await first.failed(await first.next())).next == f"{second.agent_id} gets it"
    answer = await second.failed(await second.next())
    assert answer.plan_state is PlanState.FAILED
    assert len(await world.attempts("p", "a")) == 2
    assert [task.id for task in (await world.stored("p")).plan.tasks] == ["a"]


async def test_the_replacement_waits_for_who_has_not_tried_and_does_not_go_back_to_who_failed(tmp_path: Path) -> None:
    world = World(tmp_path, declared=[agent("cleo")])
    here = world.process()
    ann = await world.join(here, agent("ann"))
    bob = await world.join(here, agent("bob"))
    await world.dispatch(here, plan("p", [work("a", retry=TWICE)]))
    await world.settle()
    first, second = (ann, bob) if ann.tasks.qsize() else (bob, ann)
    await first.failed(await first.next())
    await second.failed(await second.next())
    await world.pass_time(60, step=5)
    assert not ann.tasks.qsize()
    assert not bob.tasks.qsize()
    assert (await world.states("p")) == {"a": "FAILED", "a~2": "PENDING"}
    cleo = await world.join(here, agent("cleo"))
    task = await cleo.next()
    assert task.task.id == "a~2"
    assert (await cleo.done(task)).plan_state is PlanState.DONE
    assert (await world.stored("p")).plan.tasks[0].state is TaskState.FAILED
    await world.close()
