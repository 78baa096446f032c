"""Workers that are slow, silent, gone, back, or somewhere else."""

from __future__ import annotations

import pytest
from dispatch_world import LEASE_SECONDS, TENANT, Process, Worker, World, agent, call, plan, work

from genesis_server.model.plan import RetryPolicy
from genesis_server.model.update import Pause, Resume
from genesis_server.model.work import AttemptOutcome, Done, LeaseProgress, LeaseToken, Report
from genesis_server.orchestration.dispatching.answers import Assigned
from genesis_server.orchestration.dispatching.leases import UNKNOWN_SECONDS
from genesis_server.resilience.errors import ResourceError

AT_ONCE = RetryPolicy(max_attempts_per_agent=1)


async def silence(world: World, process: Process, worker: Worker) -> None:
    """A worker says nothing for too long; the others beat."""
    world.advance(LEASE_SECONDS + 1)
    for other in world.workers:
        if other is not worker and other.process is process:
            await other.beat()
    await process.roster.expire()
    await process.roster.expire()
    await world.settle()


async def test_a_task_that_is_never_acknowledged_goes_to_another(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann"))
    await world.dispatch(here, plan("p", [work("a", retry=AT_ONCE)]))
    task = await ann.next(acknowledge=False)
    bob = await world.join(here, agent("bob"))
    await world.pass_time(10)
    assert not bob.tasks.qsize()
    await world.pass_time(1)
    assert (await bob.next()).attempt.number == 2
    assert [(one.lease_id, one.kind.name) for one in ann.notices] == [(task.attempt.lease.lease_id, "LOST")]
    assert ann.stream is not None
    assert ann.stream.free == 1


async def test_an_acknowledged_task_stays_while_its_worker_beats_and_is_taken_back_when_it_falls_silent(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann"))
    await world.dispatch(here, plan("p", [work("a", retry=AT_ONCE)]))
    await ann.next()
    bob = await world.join(here, agent("bob"))
    for _ in range(4):
        await world.pass_time(20, step=20)
        await ann.beat()
        await bob.beat()
    assert await world.attempts("p", "a") == [("ann", "RUNNING")]
    await silence(world, here, ann)
    assert (await bob.next()).attempt.number == 2
    assert await world.attempts("p", "a") == [("ann", "LOST"), ("bob", "RUNNING")]
    assert ann.moved == 1


async def test_a_worker_that_leaves_hands_its_tasks_back_without_counting(world: World) -> None:
    here = world.process()
    ann, second = await world.join(here, agent("ann")), await world.join(here, agent("ann"))
    await world.dispatch(here, plan("p", [work("a")]))
    await world.until(lambda: bool(ann.tasks.qsize() + second.tasks.qsize()))
    first, other = (ann, second) if ann.tasks.qsize() else (second, ann)
    await first.next()
    await here.roster.leave(TENANT, first.session.id, agent_id="ann")
    task = await other.next()
    assert (task.attempt.number, task.attempt.lease.token) == (1, 2)
    assert await world.attempts("p", "a") == [("ann", "RETURNED"), ("ann", "RUNNING")]


@pytest.mark.parametrize("moves", [False, True])
async def test_a_worker_that_comes_back_with_its_task_goes_on_with_it(world: World, moves: bool) -> None:
    here, there = world.process(), world.process()
    ann = await world.join(here, agent("ann"))
    await world.dispatch(here, plan("p", [work("a"), work("b")]))
    task = await ann.next()
    await ann.break_off()
    await ann.open(process=there if moves else here)
    await world.settle()
    await world.pass_time(30, step=10)
    assert ann.notices == []
    assert await world.attempts("p", task.task.id) == [("ann", "RUNNING")]
    assert ann.stream is not None
    assert ann.stream.free == 0
    await ann.done(task)
    await ann.done(await ann.next())
    await world.settle()
    assert ann.stream.free == 1


@pytest.mark.parametrize("moves", [False, True])
async def test_a_task_that_a_worker_comes_back_without_is_handed_out_again_at_once(world: World, moves: bool) -> None:
    here, there = world.process(), world.process()
    ann = await world.join(here, agent("ann"))
    await world.dispatch(here, plan("p", [work("a")]))
    first = await ann.next()
    await world.until(lambda: TENANT in there.desks and world.entry(there, "p") is not None)
    await world.settle()
    await ann.break_off()
    await ann.open(held=(), process=there if moves else here)
    task = await ann.next()
    assert (task.attempt.number, task.attempt.lease.token) == (1, first.attempt.lease.token + 1)
    with pytest.raises(ResourceError, match="is over"):
        await ann.done(first)
    await ann.done(task)


async def test_a_worker_that_moves_before_the_other_process_has_heard_of_its_task_keeps_it(world: World) -> None:
    here, there = world.process(), world.process()
    ann = await world.join(here, agent("ann"))
    await world.until(lambda: TENANT in there.desks)
    told = there.desks[TENANT].told
    there.desks[TENANT].told = lambda *_, **__: None  # type: ignore[method-assign]
    await world.dispatch(here, plan("p", [work("a")]))
    task = await ann.next()
    await ann.break_off()
    await ann.open(process=there)
    assert ann.stream is not None
    assert ann.stream.free == 0
    told("p", 3, dispatched=True)
    await world.until(lambda: world.entry(there, "p") is not None and bool(world.entry(there, "p").leases))
    world.advance(UNKNOWN_SECONDS + 1)
    there.tick()
    await world.until(lambda: there.is_idle)
    assert ann.notices == []
    await ann.done(task)
    assert ann.stream.free == 1


async def test_a_lease_nobody_knows_is_told_to_be_over(world: World) -> None:
    here = world.process()
    ann, bob = await world.join(here, agent("ann")), await world.join(here, agent("bob", "paint"))
    await world.dispatch(here, plan("p", [work("a")]))
    foreign = (await ann.next()).attempt.lease.lease_id
    await bob.break_off()
    await bob.open(held=["lse_unknown", foreign])
    assert bob.stream is not None
    assert bob.notices == []
    await world.pass_time(UNKNOWN_SECONDS)
    assert sorted((one.lease_id, one.kind.name) for one in bob.notices) == sorted([("lse_unknown", "LOST"), (foreign, "LOST")])
    assert bob.stream.free == 1
    assert await world.attempts("p", "a") == [("ann", "RUNNING")]


async def test_a_second_stream_of_a_session_ends_the_first(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann", places=2))
    await world.dispatch(here, plan("p", [work("a")]))
    task = await ann.next()
    old, reader = ann.stream, ann.reader
    await ann.open()
    assert reader is not None
    await reader
    assert ann.moved == 1
    assert old is not None
    assert old.closed
    assert ann.stream is not None
    assert (old.free, ann.stream.free) == (0, 1)
    await ann.done(task)
    await world.settle()
    assert ann.stream.free == 2


async def test_a_stream_without_places_in_the_stead_of_a_free_one_gets_nothing(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann"))
    await ann.open(slots=0)
    await world.dispatch(here, plan("p", [work("a")]))
    await world.settle()
    assert not ann.tasks.qsize()
    assert here.observer.counts["handed_out"] == 0
    assert ann.stream is not None
    ann.stream.slots(1)
    await ann.done(await ann.next())


async def test_a_task_that_was_not_sent_before_the_connection_broke_is_handed_out_again_at_once(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann"))
    bob = await world.join(here, agent("ann"))
    here.store.gate = None
    await world.dispatch(here, plan("p", [work("a")]))
    await world.settle()
    first, other = (ann, bob) if ann.tasks.qsize() else (bob, ann)
    task = await first.next()
    await first.done(task)
    # The connection of whoever gets the next one breaks while it is written.
    import asyncio

    await world.dispatch(here, plan("q", [work("a")]), start=False)
    from genesis_server.model.update import StartDispatch

    here.store.gate = asyncio.Event()
    here.store.gate.set()
    await here.updater.update(call(), "q", 0, StartDispatch(5))
    here.store.gate.clear()
    await world.until(lambda: bool((first.stream and first.stream.offered) or (other.stream and other.stream.offered)))
    chosen, rest = (first, other) if first.stream and first.stream.offered else (other, first)
    await chosen.break_off()
    here.store.gate.set()
    again = await rest.next()
    assert (again.plan_id, again.attempt.lease.token) == ("q", 2)
    assert await world.attempts("q", "a") == [("ann", "RETURNED"), ("ann", "RUNNING")]
    assert chosen.stream is not None
    assert chosen.stream.offered == 0


async def test_a_task_whose_worker_went_away_before_it_acknowledged_it_is_handed_back_in_time(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann"))
    await world.dispatch(here, plan("p", [work("a")]))
    await ann.next(acknowledge=False)
    await ann.break_off()
    await ann.beat()
    await world.pass_time(10)
    assert await world.attempts("p", "a") == [("ann", "RUNNING")]
    second = await world.join(here, agent("ann"))
    await world.pass_time(1)
    assert (await second.next()).attempt.number == 1
    assert (await world.attempts("p", "a"))[0] == ("ann", "RETURNED")


async def test_tasks_another_process_hands_to_a_newer_stream_are_not_taken_back_here(world: World) -> None:
    here, there = world.process(), world.process()
    ann = await world.join(here, agent("ann"))
    await world.settle()
    world.advance(UNKNOWN_SECONDS + 1)
    # `here` does not notice that the connection broke.
    await ann.open(process=there)
    assert ann.stream is not None
    here.desks[TENANT]._matcher.close()
    await world.dispatch(here, plan("p", [work("a")]))
    task = await ann.next()
    await world.settle()
    await world.pass_time(3)
    assert await world.attempts("p", "a") == [("ann", "RUNNING")]
    await ann.done(task)


async def test_workers_hear_of_a_pause_also_when_they_come_back_meanwhile(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann"))
    await world.dispatch(here, plan("p", [work("a"), work("b")]))
    task = await ann.next()
    await here.updater.update(call(), "p", 0, Pause())
    await world.until(lambda: len(ann.notices) == 1)
    await ann.break_off()
    await ann.open()
    await world.until(lambda: len(ann.notices) == 2)
    await ann.done(task)
    await world.settle()
    assert not ann.tasks.qsize()
    await here.updater.update(call(), "p", 0, Resume())
    await ann.done(await ann.next())
    assert [one.kind.name for one in ann.notices] == ["PAUSED", "PAUSED"]


async def test_a_worker_gets_no_more_than_its_places_and_no_more_than_its_card_says(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann", places=3), slots=100)
    await world.dispatch(here, plan("p", [work(f"t{n}") for n in range(10)]))
    await world.settle()
    assert ann.tasks.qsize() == 3
    assert ann.stream is not None
    ann.stream.slots(1)
    for _ in range(3):
        await ann.done(await ann.next())
    await world.settle()
    assert ann.tasks.qsize() == 1
    assert here.dispatcher.load(TENANT) == {"ann": 1}
    assert here.dispatcher.holding(TENANT) == {ann.session.id: 1}


async def test_tasks_go_round_the_workers_of_an_agent(world: World) -> None:
    here = world.process()
    workers = [await world.join(here, agent("ann", places=2)) for _ in range(3)]
    await world.dispatch(here, plan("p", [work(f"t{n}") for n in range(3)]))
    await world.settle()
    assert [worker.tasks.qsize() for worker in workers] == [1, 1, 1]


async def test_a_server_that_stops_sends_workers_on_and_leaves_them_their_tasks(world: World) -> None:
    here, there = world.process(), world.process()
    ann = await world.join(here, agent("ann"))
    await world.dispatch(here, plan("p", [work("a"), work("b")]))
    task = await ann.next()
    await here.dispatcher.close()
    assert ann.reader is not None
    await ann.reader
    assert ann.moved == 1
    assert await world.attempts("p", task.task.id) == [("ann", "RUNNING")]
    await ann.open(process=there)
    await ann.done(task)
    await ann.done(await ann.next())
    assert (await world.states("p")) == {"a": "DONE", "b": "DONE"}


async def test_a_new_process_goes_on_where_a_killed_one_stopped(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann"))
    await world.dispatch(here, plan("p", [work("a"), work("b"), work("c")], ("a", "b")))
    task = await ann.next()
    await ann.break_off()
    world.forget(here)
    await here.crash()
    there = world.process()
    await ann.open(process=there)
    await world.settle()
    await world.pass_time(UNKNOWN_SECONDS + 1)
    assert ann.notices == []
    await ann.done(task)
    for _ in range(2):
        await ann.done(await ann.next())
    assert set((await world.states("p")).values()) == {"DONE"}


async def test_a_killed_process_leaves_a_worker_that_never_returns_to_be_found_out(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann"))
    await world.dispatch(here, plan("p", [work("a", retry=AT_ONCE)]))
    await ann.next()
    await ann.break_off()
    world.forget(here)
    await here.crash()
    there = world.process()
    bob = await world.join(there, agent("bob"))
    await world.until(lambda: len(there.roster.sessions(TENANT)) == 2)
    await silence(world, there, ann)
    assert (await bob.next()).attempt.number == 2


async def test_progress_of_a_lease_is_kept_and_that_of_others_ignored(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann"))
    await world.dispatch(here, plan("p", [work("a")]))
    task = await ann.next()
    lease = task.attempt.lease
    told = [
        LeaseProgress("p", "a", lease, 0.5, "half"),
        LeaseProgress("p", "a", LeaseToken(lease.lease_id, 9), 0.9, "lie"),
        LeaseProgress("p", "z", lease, 0.9, "lie"),
        LeaseProgress("q", "a", lease, 0.9, "lie"),
    ]
    await here.dispatcher.progress(TENANT, "ann", told)
    await here.dispatcher.progress(TENANT, "bob", [LeaseProgress("p", "a", lease, 0.8, "lie")])
    await world.settle()
    running = (await world.run("p")).tasks["a"].running
    assert running is not None
    assert (running.fraction, running.message, running.outcome) == (0.5, "half", AttemptOutcome.RUNNING)
    assert world.entry(here, "q") is None


async def test_how_far_a_task_is_is_written_once_a_second_at_most_and_the_last_of_it(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann"))
    await world.dispatch(here, plan("p", [work("a"), work("b", "sing")]))
    lease = (await ann.next()).attempt.lease

    async def tell(percent: int) -> None:
        await here.dispatcher.progress(TENANT, "ann", [LeaseProgress("p", "a", lease, percent / 100, str(percent))])
        await world.settle()

    async def written() -> str:
        running = (await world.run("p")).tasks["a"].running
        assert running is not None
        return running.message

    await world.settle()
    writes = here.store.writes
    for percent in range(1, 10):
        await tell(percent)
    assert (await written(), here.store.writes - writes) == ("1", 1)
    world.advance(0.9)
    here.tick()
    await world.settle()
    assert await written() == "1"
    world.advance(0.1)
    for _ in range(3):
        here.tick()
        await world.settle()
    assert (await written(), here.store.writes - writes) == ("9", 2)
    await tell(10)
    await tell(9)
    await world.pass_time(5)
    assert (await written(), here.store.writes - writes) == ("9", 2), "it is where it was"
    await tell(11)
    await tell(12)
    assert await written() == "11"
    await here.dispatcher.report(call(), Report("p", "b", Done()), agent_id=None)
    await world.settle()
    assert (await written(), here.store.writes - writes) == ("12", 4), "what is written anyhow takes it along"
    await world.pass_time(5)
    assert here.store.writes - writes == 4


async def test_a_worker_that_moves_before_its_acknowledgement_was_heard_keeps_its_task(world: World) -> None:
    here, there = world.process(), world.process()
    ann = await world.join(here, agent("ann"))
    await world.dispatch(here, plan("p", [work("a")]))
    task = await ann.next(acknowledge=False)
    await world.settle()
    await ann.break_off()
    await ann.open(process=there)
    await world.until(lambda: here.roster.sessions(TENANT)[ann.session.id].streams == 2)
    await world.settle()
    await world.pass_time(15, step=5)
    assert await world.attempts("p", "a") == [("ann", "RUNNING")]
    await ann.done(task)


async def test_what_nobody_has_read_from_a_stream_is_not_told_there_after_another_one_took_over(world: World) -> None:
    here = world.process()
    session = await here.roster.register(TENANT, agent("ann"))
    old = await here.dispatcher.open(TENANT, session.id, slots=1, held=())
    await world.dispatch(here, plan("p", [work("a")]))
    await world.settle()
    new = await here.dispatcher.open(TENANT, session.id, slots=1, held=())
    assert [type(message).__name__ async for message in old.messages()] == ["Move"]
    told = new.messages()
    task = await anext(told)
    assert isinstance(task, Assigned)
    assert (task.attempt.lease.token, task.attempt.number) == (2, 1)
    await told.aclose()
