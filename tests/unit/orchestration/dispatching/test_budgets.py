"""Budgets of runs: nothing starts beyond them."""

from __future__ import annotations

import pytest
from dispatch_world import HOUR, TENANT, World, agent, call, plan, usd, work

from genesis_server.model.catalogue import Model
from genesis_server.model.money import Money
from genesis_server.model.update import ChangeBudget
from genesis_server.model.work import Balance, RunBudget, Usage, WaitingFor
from genesis_server.resilience.errors import ResourceError, ValidationError

PAID = Model("m", Money.of(1000.0), Money.of(1000.0))


async def stands(world: World, plan_id: str = "p") -> tuple[Balance, dict[str, WaitingFor]]:
    """Where a run stands, and what its tasks wait for."""
    view = await world.processes[0].dispatcher.view(TENANT, await world.stored(plan_id))
    assert view is not None
    return view.balance, {one.run.task_id: one.waiting_for for one in view.runs}


async def test_no_more_attempts_begin_than_the_budget_has_and_more_of_it_goes_on(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann", places=9))
    await world.dispatch(here, plan("p", [work(f"t{n}") for n in range(4)]), budget=RunBudget(tasks=2))
    await world.settle()
    assert ann.tasks.qsize() == 2
    assert here.observer.counts["budget_tasks"] == 2
    balance, waits = await stands(world)
    assert (balance.exhausted, waits["t2"], waits["t3"]) == (("tasks",), WaitingFor.BUDGET, WaitingFor.BUDGET)
    await ann.failed(await ann.next())
    await ann.done(await ann.next())
    await world.pass_time(5)
    assert ann.tasks.qsize() == 0
    with pytest.raises(ResourceError) as refused:
        await here.dispatcher.refuse_exhausted(TENANT, "p")
    assert refused.value.reason == "BUDGET_EXHAUSTED"
    await here.updater.update(call(), "p", 0, ChangeBudget(RunBudget(tasks=5)))
    await world.settle()
    for _ in range(3):
        await ann.done(await ann.next())
    assert set((await world.states("p")).values()) == {"DONE"}
    assert (await world.run("p")).spent.tasks == 5
    await here.dispatcher.refuse_exhausted(TENANT, "q")


async def test_what_tasks_are_expected_to_cost_is_set_aside(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann", places=9, models=(PAID,)))
    await world.dispatch(here, plan("p", [work(f"t{n}") for n in range(4)]), start=False)
    route = (await world.stored("p")).routing
    assert route is not None
    assert route.routes[0].assignment is not None
    each = route.routes[0].assignment.expected_cost
    assert each.nanos
    from genesis_server.model.update import StartDispatch

    await here.updater.update(call(), "p", 0, ChangeBudget(RunBudget(cost=Money(each.nanos * 2 + 1))))
    await here.updater.update(call(), "p", 0, StartDispatch(5))
    await world.settle()
    assert ann.tasks.qsize() == 2
    balance, _ = await stands(world)
    assert (balance.reserved.cost.nanos, balance.spent.cost.nanos) == (each.nanos * 2, 0)
    await ann.done(await ann.next(), Usage(Money(0), 1))
    await world.settle()
    third = await ann.next()
    await ann.done(third, Usage(Money(each.nanos * 5), 1))
    await world.settle()
    assert ann.tasks.qsize() == 1, "the second one, nothing after what was reported above what was expected"
    assert (await stands(world))[0].exhausted == ("cost",)


async def test_tokens_are_a_budget(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann"))
    await world.dispatch(here, plan("p", [work("a"), work("b")], ("a", "b")), budget=RunBudget(tokens=100))
    await ann.done(await ann.next(), Usage(tokens=101))
    await world.settle()
    assert ann.tasks.qsize() == 0
    assert (await stands(world))[0].exhausted == ("tokens",)


@pytest.mark.parametrize("jump", [0.0, HOUR, -HOUR])
async def test_nothing_begins_after_the_time_is_up_and_a_jump_of_the_clock_spends_none(world: World, jump: float) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann"))
    await world.dispatch(here, plan("p", [work(f"t{n}") for n in range(4)]), budget=RunBudget(seconds=60))
    first = await ann.next()
    world.jump(jump)
    await world.pass_time(50, step=10)
    await ann.beat()
    await ann.done(first)
    second = await ann.next()
    assert (await stands(world))[0].exhausted == ()
    await world.pass_time(10, step=10)
    await ann.done(second)
    await world.settle()
    assert ann.tasks.qsize() == 0
    balance, waits = await stands(world)
    assert balance.exhausted == ("time",)
    assert sorted(waits.values()) == [WaitingFor.UNSPECIFIED, WaitingFor.UNSPECIFIED, WaitingFor.BUDGET, WaitingFor.BUDGET]
    await here.updater.update(call(), "p", 0, ChangeBudget(RunBudget(seconds=1000)))
    await ann.done(await ann.next())


async def test_what_a_report_frees_at_another_process_is_used_here(world: World) -> None:
    here, there = world.process(), world.process()
    ann, bob = await world.join(here, agent("ann", "write", places=2)), await world.join(there, agent("bob", "paint"))
    await world.settle()
    await world.dispatch(here, plan("p", [work("b", "paint"), work("a"), work("c")]), budget=RunBudget(tokens=100, tasks=3), start=False)
    from genesis_server.model.update import StartDispatch

    await here.updater.update(call(), "p", 0, StartDispatch(5))
    await world.settle()
    entry = world.entry(here, "p")
    entry.blocked["c"] = "cost"
    await bob.done(await bob.next())
    await world.settle()
    assert "c" not in entry.blocked
    for _ in range(2):
        await ann.done(await ann.next())


async def test_a_budget_in_another_currency_than_the_prices_lets_nothing_begin(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann", models=(PAID,)))
    await world.dispatch(here, plan("p", [work("a")]), budget=RunBudget(cost=Money.of(99.0, "EUR")))
    await world.settle()
    assert ann.tasks.qsize() == 0
    assert (await stands(world))[1] == {"a": WaitingFor.BUDGET}
    await here.updater.update(call(), "p", 0, ChangeBudget(RunBudget(cost=Money.of(99.0))))
    task = await ann.next()
    await ann.done(task, Usage(usd(1.0)))
    with pytest.raises(Exception, match="is done"):
        await here.updater.update(call(), "p", 0, ChangeBudget(RunBudget()))


async def test_a_budget_cannot_change_its_currency_after_money_was_spent(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann"))
    await world.dispatch(here, plan("p", [work("a"), work("b")]), budget=RunBudget(cost=usd(9.0)))
    await ann.done(await ann.next(), Usage(usd(1.0)))
    with pytest.raises(ValidationError, match="convert"):
        await here.updater.update(call(), "p", 0, ChangeBudget(RunBudget(cost=Money.of(1.0, "EUR"))))


async def test_attempts_that_never_arrived_cost_nothing(world: World) -> None:
    here = world.process()
    ann = await world.join(here, agent("ann", models=(PAID,)))
    await world.dispatch(here, plan("p", [work("a")]), budget=RunBudget(tasks=1))
    await ann.declined(await ann.next(), hand_back=True)
    await world.pass_time(5)
    assert (await world.run("p")).spent == Usage()
    await ann.done(await ann.next())
    assert (await world.run("p")).spent.tasks == 1
