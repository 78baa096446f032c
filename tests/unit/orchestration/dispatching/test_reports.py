"""Reports: taken once, whoever tells them, how often, where and when."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from dispatch_world import TENANT, World, agent, call, plan, usd, work

from genesis_server.model.catalogue import Artefact
from genesis_server.model.plan import PlanState, RetryPolicy, Task, TaskState
from genesis_server.model.update import Cancel, Known, RemoveTaskEdit, TaskDone, UserEdit
from genesis_server.model.work import ArtefactReference, Declined, Done, Failed, LeaseToken, Report, RunBudget, Usage, Values
from genesis_server.resilience.errors import ResourceError, SecurityError, ValidationError

REPORT = Artefact("report", "text")


def writing(task_id: str = "a") -> Task:
    return replace(work(task_id), outputs=(REPORT,))


async def test_a_task_goes_to_its_worker_and_its_report_ends_the_plan(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann"))
    await world.dispatch(here, plan("p", [work("a"), work("b")], ("a", "b")))
    first = await ann.next()
    assert (first.task.id, first.attempt.number, first.attempt.lease.token) == ("a", 1, 1)
    answer = await ann.done(first)
    assert (answer.duplicate, answer.task_state.name, answer.next) == (False, "DONE", "done")
    second = await ann.next()
    assert (second.task.id, second.attempt.lease.token) == ("b", 2)
    assert (await ann.done(second)).plan_state is PlanState.DONE
    await world.settle()
    assert [(one.task_id, one.outcome.name) for one in await world.outcomes("p")] == [("a", "DONE"), ("b", "DONE")]
    assert ann.stream is not None
    assert (ann.stream.free, ann.stream.offered) == (1, 0)
    assert world.entry(here, "p") is None


@pytest.mark.parametrize(
    ("outputs", "said"),
    [
        (Values(), "is missing"),
        (Values({"report": 7}), "must be a JSON string"),
        (Values({"report": "x" * 70_000}), "at most 65536 are kept"),
        (Values({"report": float("nan")}), "what JSON cannot"),
    ],
)
async def test_outputs_that_are_not_as_declared_are_refused_and_the_lease_stays(world: World, outputs: Values, said: str) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann"))
    await world.dispatch(here, plan("p", [writing()]))
    task = await ann.next()
    with pytest.raises(ValidationError, match=said) as refused:
        await ann.report(task, Done(outputs))
    assert refused.value.reason == "OUTPUT_MISMATCH"
    assert (await world.attempts("p", "a")) == [("ann", "RUNNING")]
    assert (await ann.done(task, report="here it is")).task_state is TaskState.DONE


async def test_another_agents_lease_cannot_be_used(world: World) -> None:
    here = world.process()
    ann, bob = await world.join(here, agent("ann")), await world.join(here, agent("bob", "paint"))
    await world.dispatch(here, plan("p", [work("a")]))
    task = await ann.next()
    with pytest.raises(SecurityError) as refused:
        await bob.done(task)
    assert refused.value.reason == "LEASE_FOREIGN"
    assert (await ann.done(task)).duplicate is False


async def test_a_lease_that_never_was_is_refused(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann"))
    await world.dispatch(here, plan("p", [work("a")]))
    task = await ann.next()
    lease = task.attempt.lease
    for wrong in (LeaseToken("lse_guessed", lease.token), LeaseToken(lease.lease_id, lease.token + 1)):
        with pytest.raises(SecurityError) as refused:
            await ann.report(task, Done(), lease=wrong)
        assert refused.value.reason == "LEASE_FOREIGN"
    with pytest.raises(ResourceError, match="no plan"):
        await ann.report(task, Done(), plan_id="q")
    assert world.entry(here, "q") is None
    await ann.done(task)


async def test_a_late_report_with_an_old_token_changes_nothing_after_the_task_went_to_another(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann"))
    await world.dispatch(here, plan("p", [work("a", timeout_seconds=5.0, retry=RetryPolicy(max_attempts_per_agent=1))]))
    old = await ann.next()
    bob = await world.join(here, agent("bob"))
    await world.pass_time(6)
    new = await bob.next()
    assert new.attempt.lease.token == old.attempt.lease.token + 1
    with pytest.raises(ResourceError) as refused:
        await ann.report(old, Done(Values({"x": 1})))
    assert refused.value.reason == "LEASE_LOST"
    assert (await world.attempts("p", "a")) == [("ann", "TIMED_OUT"), ("bob", "RUNNING")]
    assert [(one.kind.name, one.message) for one in ann.notices] == [("LOST", "it took longer than 5 s")]
    await bob.done(new)
    assert (await world.stored("p")).plan.state is PlanState.DONE


async def test_the_same_report_again_is_a_duplicate_and_another_one_is_refused(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann"))
    await world.dispatch(here, plan("p", [writing()]))
    task = await ann.next()
    assert (await ann.done(task, Usage(usd(0.1), 5), report="x")).duplicate is False
    assert (await ann.done(task, Usage(usd(0.1), 5), report="x")).duplicate is True
    for other in (Done(Values({"report": "y"})), Failed("no"), Declined("no")):
        with pytest.raises(ResourceError) as refused:
            await ann.report(task, other)
        assert refused.value.reason == "LEASE_LOST"
    assert (await world.run("p")).spent == Usage(usd(0.1), 5, 1)


async def test_reports_that_come_together_are_taken_once(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann"))
    await world.dispatch(here, plan("p", [writing()]))
    task = await ann.next()
    same = [ann.done(task, report="x") for _ in range(3)]
    other = ann.done(task, report="y")
    answers = await asyncio.gather(*same, other, return_exceptions=True)
    assert [getattr(one, "duplicate", getattr(one, "reason", None)) for one in answers] == [False, True, True, "LEASE_LOST"]
    assert len(await world.outcomes("p")) == 1
    assert here.observer.counts["completed"] == 1


@pytest.mark.parametrize(("batches", "writes"), [(True, 1), (False, 3)])
async def test_reports_that_come_together_are_written_together_unless_that_is_off(world: World, batches: bool, writes: int) -> None:
    """`performance_optimizations_enabled` is off: each by itself, with the same outcome."""
    here = world.process()
    here.dispatcher._tools = replace(here.dispatcher._tools, batches=lambda: batches)
    ann = await world.join(here, agent("ann", places=3))
    await world.dispatch(here, plan("p", [work("a"), work("b"), work("c")]))
    tasks = [await ann.next() for _ in range(3)]
    await world.settle()
    before = (await world.stored("p")).plan.version
    await asyncio.gather(*[ann.report(task, Done()) for task in tasks])
    assert await world.states("p") == {"a": "DONE", "b": "DONE", "c": "DONE"}
    assert (await world.stored("p")).plan.version - before == writes


@pytest.mark.timeout(10)
async def test_a_server_can_stop_in_the_moment_in_which_a_report_is_answered(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann"))
    await world.dispatch(here, plan("p", [work("a"), work("b")]))
    task = await ann.next()
    await world.settle()
    report = Report("p", task.task.id, Done(), task.attempt.lease)
    # No task in between: the work on the plan has ended, and the loop has not told so yet.
    await here.dispatcher.report(call(), report, agent_id="ann")
    await here.dispatcher.close()
    assert (await world.states("p"))[task.task.id] == "DONE"


async def test_failures_that_come_together_count_once(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann"))
    await world.dispatch(here, plan("p", [work("a")]))
    task = await ann.next()
    answers = await asyncio.gather(ann.failed(task), ann.failed(task))
    assert sorted(one.duplicate for one in answers) == [False, True]
    assert len((await world.run("p")).tasks["a"].attempts) == 1


async def test_a_repeated_report_is_a_duplicate_after_a_restart_and_on_another_process(world: World) -> None:
    here, there = world.process(), world.process()
    ann = await world.join(here, agent("ann"))
    await world.dispatch(here, plan("p", [writing(), work("b")]))
    task = await ann.next()
    if task.task.id != "a":
        await ann.done(task)
        task = await ann.next()
    await ann.done(task, report="x")
    assert (await ann.report(task, Done(Values({"report": "x"})), process=there)).duplicate is True
    await ann.break_off()
    world.forget(here)
    await here.stop()
    again = world.process()
    assert (await ann.report(task, Done(Values({"report": "x"})), process=again)).duplicate is True


async def test_one_report_told_to_two_processes_at_once_is_taken_once(world: World) -> None:
    here, there = world.process(), world.process()
    ann = await world.join(here, agent("ann"))
    await world.dispatch(here, plan("p", [work("a")]))
    task = await ann.next()
    await world.settle()
    answers = await asyncio.gather(ann.report(task, Done()), ann.report(task, Done(), process=there))
    assert sorted(one.duplicate for one in answers) == [False, True]
    assert len(await world.outcomes("p")) == 1


async def test_a_report_to_a_process_that_has_not_heard_of_the_lease_is_taken(world: World) -> None:
    here, there = world.process(), world.process()
    ann = await world.join(here, agent("ann"))
    await world.dispatch(here, plan("p", [work("a"), work("b")], ("a", "b")))
    first = await ann.next()
    await world.until(lambda: TENANT in there.desks and world.entry(there, "p") is not None)
    await world.settle()
    # Its watch tells it of the second lease some time later.
    there.desks[TENANT].told = lambda *_, **__: None  # type: ignore[method-assign]
    await ann.done(first)
    second = await ann.next()
    assert (await ann.report(second, Done(), process=there)).plan_state is PlanState.DONE


async def test_a_repeated_failure_of_a_task_that_is_not_in_the_plan_any_more_is_a_duplicate(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann"))
    await world.dispatch(here, plan("p", [work("a"), work("b")], ("b", "a")))
    await ann.done(await ann.next())
    task = await ann.next()
    await ann.failed(task)
    await here.updater.update(call(), "p", 0, UserEdit((RemoveTaskEdit("a"),)))
    await world.settle()
    answer = await ann.failed(task)
    assert (answer.duplicate, answer.task_state) == (True, TaskState.CANCELLED)


async def test_work_done_elsewhere_moves_budget_and_history_and_not_the_plan(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann", "paint"))
    await world.dispatch(here, plan("p", [work("a", "paint"), work("b", "sing")]), start=False)
    told = Report("p", "b", Done(), usage=Usage(usd(0.2), 7))
    first = await here.dispatcher.report(call(), told, agent_id=None)
    second, third = await asyncio.gather(
        here.dispatcher.report(call(), told, agent_id=None),
        here.dispatcher.report(call(), replace(told, outcome=Failed("no"), agent_id="zoe"), agent_id=None),
    )
    assert (first.task_state, second.duplicate, third.next[:10]) == (TaskState.PENDING, False, "the budget")
    assert (await world.run("p")).spent == Usage(usd(0.6), 21, 3)
    assert sorted((one.agent_id, one.outcome.name, one.number) for one in await world.outcomes("p")) == [
        ("", "DONE", 0),
        ("", "DONE", 0),
        ("zoe", "FAILED", 0),
    ]
    for wrong, reason in ((replace(told, task_id="z"), "TASK_NOT_FOUND"), (replace(told, outcome=Declined("no")), "INVALID_FIELD")):
        with pytest.raises((ResourceError, ValidationError)) as refused:
            await here.dispatcher.report(call(), wrong, agent_id=None)
        assert refused.value.reason == reason
    await world.settle()
    assert world.entry(here, "p") is None
    assert not ann.tasks.qsize()


ELSEWHERE = Report("p", "b", Done(), usage=Usage(usd(0.2), 7), request_id="r-1")


async def test_a_report_without_a_lease_is_charged_once_also_when_its_process_ends_before_the_answer(world: World) -> None:
    here = world.process()
    await world.dispatch(here, plan("p", [work("a"), work("b")]))
    assert (await here.dispatcher.report(call(), ELSEWHERE, agent_id=None)).duplicate is False
    world.forget(here)
    await here.crash()
    again = world.process()
    answer = await again.dispatcher.report(call(), ELSEWHERE, agent_id=None)
    assert (answer.duplicate, answer.next, answer.balance.spent) == (True, "it was reported before", Usage(usd(0.2), 7, 1))
    assert (await world.run("p")).spent.tasks == len(await world.outcomes("p")) == 1


async def test_a_report_without_a_lease_told_to_two_processes_at_once_is_charged_once(world: World) -> None:
    here, there = world.process(), world.process()
    await world.dispatch(here, plan("p", [work("a"), work("b")]))
    answers = await asyncio.gather(*[one.dispatcher.report(call(), ELSEWHERE, agent_id=None) for one in (here, there)])
    assert sorted(one.duplicate for one in answers) == [False, True]
    assert (await world.run("p")).spent == Usage(usd(0.2), 7, 1)


async def test_what_comes_together_with_repeated_reports_is_taken(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann"))
    await world.dispatch(here, plan("p", [work("a"), work("b", "sing")]))
    task = await ann.next()
    told = [replace(ELSEWHERE, request_id=name) for name in ("r-1", "r-2")]
    for one in told:
        await here.dispatcher.report(call(), one, agent_id=None)
    fresh = replace(ELSEWHERE, request_id="r-3")
    reports = [*told, fresh, fresh, replace(ELSEWHERE, task_id="a"), replace(fresh, request_id="")]
    *answers, done = await asyncio.gather(*[here.dispatcher.report(call(), one, agent_id=None) for one in reports], ann.done(task))
    assert [one.duplicate for one in answers] == [True, True, False, True, False, False]
    assert (done.duplicate, done.task_state) == (False, TaskState.DONE)
    assert (await world.run("p")).spent.tasks == len(await world.outcomes("p")) == 6


async def test_two_currencies_in_one_moment_refuse_the_second_report_only(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann", places=2))
    await world.dispatch(here, plan("p", [work("a"), work("b")]))
    first, second = await ann.next(), await ann.next()
    answers = await asyncio.gather(
        ann.done(first, Usage(usd(1.0))), ann.done(second, Usage(replace(usd(1.0), currency="EUR"))), return_exceptions=True
    )
    assert getattr(answers[0], "duplicate", None) is False
    assert getattr(answers[1], "reason", None) == "INVALID_FIELD"
    assert (await world.attempts("p", second.task.id)) == [("ann", "RUNNING")]
    await ann.done(second, Usage(usd(1.0)))
    assert (await world.run("p")).spent.cost == usd(2.0)


async def test_a_report_in_another_currency_than_the_runs_is_refused(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann"))
    await world.dispatch(here, plan("p", [work("a")]), budget=RunBudget(cost=usd(5)))
    task = await ann.next()
    with pytest.raises(ValidationError, match="convert"):
        await ann.done(task, Usage(replace(usd(1.0), currency="EUR")))
    assert (await ann.done(task, Usage(usd(1.0)))).task_state is TaskState.DONE


async def test_a_report_that_cannot_be_decided_does_not_take_others_with_it(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann", places=2))
    await world.dispatch(here, plan("p", [work("a"), work("b")]))
    first, second = await ann.next(), await ann.next()
    broken = ann.report(first, Done(Values({"x": object()})))
    answers = await asyncio.gather(broken, ann.done(second), return_exceptions=True)
    assert isinstance(answers[0], Exception)
    assert getattr(answers[1], "duplicate", None) is False


async def test_inputs_come_from_predecessors_by_value_and_by_reference_and_from_facts(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann"))
    scan = ArtefactReference("s3://bucket/scan", "a" * 64, "image/png")
    needs = (Artefact("report", "text"), Artefact("scan", ""), Artefact("deadline", ""))
    tasks = [writing("a"), work("b", outputs=(Artefact("scan", ""),)), replace(work("c"), inputs=needs)]
    await world.dispatch(here, plan("p", tasks, ("a", "c", "report"), ("b", "c", "scan")), known=Known(facts={"deadline": "Friday"}))
    for _ in range(2):
        task = await ann.next()
        outputs = Values({"report": "r"}) if task.task.id == "a" else Values(references={"scan": scan})
        await ann.report(task, Done(outputs))
    task = await ann.next()
    assert (task.task.id, task.inputs) == ("c", Values({"report": "r", "deadline": "Friday"}, {"scan": scan}))


async def test_a_lease_of_a_cancelled_plan_takes_no_report(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann"))
    await world.dispatch(here, plan("p", [work("a")]))
    task = await ann.next()
    await here.updater.update(call(), "p", 0, Cancel())
    with pytest.raises(ResourceError, match="is over"):
        await ann.done(task)
    assert [(one.outcome.name, one.error) for one in await world.outcomes("p")] == [("CANCELLED", "the plan is cancelled")]


async def test_what_a_caller_tells_as_done_takes_the_task_from_its_worker(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann"))
    await world.dispatch(here, plan("p", [work("a"), work("b")]))
    task = await ann.next()
    await here.updater.update(call(), "p", 0, TaskDone(task.task.id, {}))
    await world.until(lambda: bool(ann.notices))
    assert [(one.kind.name, one.message) for one in ann.notices] == [("CANCELLED", "the task is done already")]
    other = await ann.next()
    assert other.task.id != task.task.id
    with pytest.raises(ResourceError, match="is over"):
        await ann.done(task)
    await ann.done(other)
