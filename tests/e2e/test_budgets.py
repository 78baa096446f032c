"""What a run may use: money, tokens, attempts and time are hard limits, told everywhere, and can be raised."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import grpc
import pytest

import genesis
from genesis.v1 import common_pb2, plan_pb2, work_pb2
from servers import Server
from workers import RawStream, RawWorker, card, done, ended, eventually, failed, metrics, plan_of, run_of, task

PLAN_DONE = plan_pb2.PLAN_STATE_DONE
CENTS = 10_000_000
"""Nanos of a cent."""


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[genesis.Client]:
    """A client of the shared server."""
    with genesis.connect(server.address) as connected:
        yield connected


@pytest.fixture
def stream(channel: grpc.Channel) -> Iterator[RawStream]:
    """A worker that can do what is asked for here."""
    with RawWorker(channel, card("spender", "purse.spending", slots=3)).working(slots=3) as opened:
        yield opened


def usage(cents: int = 0, tokens: int = 0) -> work_pb2.Usage:
    """So much."""
    return work_pb2.Usage(cost=common_pb2.Money(currency_code="USD", nanos=cents * CENTS), tokens=tokens)


def spent(balance: work_pb2.RunBalance) -> tuple[int, int, int]:
    """Cents, tokens and attempts."""
    return (balance.spent.cost.units * 100 + balance.spent.cost.nanos // CENTS, balance.spent.tokens, balance.spent.tasks)


def chain(client: genesis.Client, count: int = 3, **budget: object) -> str:
    """A plan of tasks one after the other."""
    ids = [f"t{number}" for number in range(count)]
    return plan_of(
        client,
        *(task(one, "purse.spending") for one in ids),
        edges=list(itertools.pairwise(ids)),
        run_budget=budget,
    )


def exhausted(client: genesis.Client, plan_id: str, part: str) -> genesis.ResourceExhausted:
    """How the routing of a plan is refused that has used a part of its budget up."""
    with pytest.raises(genesis.ResourceExhausted) as caught:
        client.route(plan_id)
    assert caught.value.reason == "BUDGET_EXHAUSTED"
    assert (caught.value.metadata["part"], caught.value.metadata["plan_id"]) == (part, plan_id)
    return caught.value


def waits_for_budget(client: genesis.Client, plan_id: str, task_id: str) -> None:
    """Fails unless the task waits for the budget, and says so."""
    run = eventually(lambda: (found := run_of(client, plan_id, task_id)).waiting_for and found)
    assert run.waiting_for == work_pb2.WAITING_FOR_BUDGET
    assert run.waiting_message
    assert not run.attempts


@pytest.mark.parametrize(
    ("limit", "more"),
    [({"cost": "0.20 USD"}, {"cost": "1 USD"}), ({"tokens": 100}, {"tokens": 10_000}), ({"tasks": 1}, {"tasks": 9})],
    ids=["cost", "tokens", "tasks"],
)
def test_nothing_starts_beyond_a_limit_and_a_larger_one_lets_it_go_on(
    server: Server, client: genesis.Client, stream: RawStream, limit: dict[str, object], more: dict[str, object]
) -> None:
    (part,) = limit
    before = metrics(server)[f'genesis_budget_refusals_total{{part="{part}"}}']
    plan_id = chain(client, **limit)
    answer = stream.report(stream.take(), done=done(), usage=usage(25, 150)).accepted
    assert spent(answer.balance) == (25, 150, 1)
    assert list(answer.balance.exhausted) == [part]
    waits_for_budget(client, plan_id, "t1")
    assert stream.hears_nothing(0.3)
    error = exhausted(client, plan_id, part)
    assert {"limit", "spent", "reserved"} <= set(error.metadata)
    assert metrics(server)[f'genesis_budget_refusals_total{{part="{part}"}}'] > before

    updated = client.update_plan(plan_id, run_budget=more)
    assert not updated.balance.exhausted
    for _ in range(2):
        stream.report(stream.take(), done=done(), usage=usage(1, 1))
    stored = ended(client, plan_id)
    assert stored.plan.state == PLAN_DONE
    assert spent(stored.balance) == (27, 152, 3)


def test_time_that_is_over_starts_nothing_more_and_lets_what_runs_finish(client: genesis.Client, stream: RawStream) -> None:
    plan_id = chain(client, seconds=0.4)
    given = stream.take()
    eventually(lambda: "time" in client.get_plan(plan_id).balance.exhausted)
    assert stream.report(given, done=done()).accepted.task_state == plan_pb2.TASK_STATE_DONE
    waits_for_budget(client, plan_id, "t1")
    exhausted(client, plan_id, "time")
    assert not client.update_plan(plan_id, run_budget={"seconds": 60}).balance.exhausted
    stream.report(stream.take(), done=done())
    client.update_plan(plan_id, cancel=True)


def test_attempts_under_way_are_set_aside_so_that_parallel_work_keeps_the_limit_too(client: genesis.Client, stream: RawStream) -> None:
    plan_id = plan_of(client, *(task(f"t{number}", "purse.spending") for number in range(3)), run_budget={"tasks": 2})
    first, second = stream.take(), stream.take()
    assert stream.hears_nothing(0.3)
    balance = client.get_plan(plan_id).balance
    assert (balance.spent.tasks, balance.reserved.tasks) == (0, 2)
    assert stream.report(first, declined=work_pb2.ReportedDeclined(reason="later", hand_back=True)).accepted.balance.spent.tasks == 0
    again = stream.take()
    assert stream.report(second, failed=failed()).accepted.balance.spent.tasks == 1
    stream.report(again, done=done())
    assert stream.hears_nothing(0.3)
    assert client.get_plan(plan_id).balance.spent.tasks == 2
    client.update_plan(plan_id, cancel=True)


def test_a_failed_attempt_costs_and_what_is_not_told_counts_as_expected(client: genesis.Client, stream: RawStream) -> None:
    plan_id = chain(client, count=1, cost="1 USD")
    assert spent(stream.report(stream.take(), failed=failed(), usage=usage(7, 9)).accepted.balance) == (7, 9, 1)
    given = stream.take()
    answer = stream.report(given, done=done()).accepted
    expected = given.expected.cost.nanos // CENTS
    assert spent(answer.balance) == (7 + expected, 9 + given.expected.tokens, 2)
    assert ended(client, plan_id).balance.reserved.tasks == 0


def test_money_in_another_currency_is_refused_and_the_lease_stays(client: genesis.Client, stream: RawStream) -> None:
    plan_id = chain(client, count=1, cost="1 USD")
    given = stream.take()
    euros = work_pb2.Usage(cost=common_pb2.Money(currency_code="EUR", units=1))
    assert stream.report(given, done=done(), usage=euros).refused.code == grpc.StatusCode.INVALID_ARGUMENT.value[0]
    assert stream.report(given, done=done(), usage=usage(1)).accepted.plan_state == PLAN_DONE
    assert spent(client.get_plan(plan_id).balance) == (1, 0, 1)


def test_work_done_elsewhere_is_charged_once_and_moves_nothing_but_the_budget(client: genesis.Client) -> None:
    plan_id = chain(client, cost="1 USD")
    made = client.get_plan(plan_id).plan
    told = [
        client.report(plan_id, "t0", done={}, cost="0.30 USD", tokens=40, agent_id="somebody", request_id=f"again-{plan_id}")
        for _ in range(2)
    ]
    assert [spent(answer.balance) for answer in told] == [(30, 40, 1)] * 2
    assert told[0] == told[1]
    assert client.get_plan(plan_id).plan == made
    assert not run_of(client, plan_id, "t0").attempts
    with pytest.raises(genesis.AlreadyExists):
        client.report(plan_id, "t0", done={}, cost="0.31 USD", request_id=f"again-{plan_id}")
    client.report(plan_id, "t0", failed="no luck", cost="0.75 USD", agent_id="somebody")
    exhausted(client, plan_id, "cost")
    for call, reason in (
        (lambda: client.report(plan_id, "nowhere", done={}), "TASK_NOT_FOUND"),
        (lambda: client.report("plan_none", "t0", done={}), "PLAN_NOT_FOUND"),
        (lambda: client.report(plan_id, "t0", declined="no"), "INVALID_FIELD"),
    ):
        with pytest.raises(genesis.GenesisError) as caught:
            call()
        assert caught.value.reason == reason
    client.update_plan(plan_id, cancel=True)


def test_a_limit_below_what_was_spent_starts_nothing_more(client: genesis.Client, stream: RawStream) -> None:
    plan_id = chain(client)
    stream.report(stream.take(), done=done(), usage=usage(50))
    given = stream.take()
    balance = client.update_plan(plan_id, run_budget={"cost": "0.10 USD"}).balance
    assert list(balance.exhausted) == ["cost"]
    stream.report(given, done=done(), usage=usage(1))
    waits_for_budget(client, plan_id, "t2")
    client.update_plan(plan_id, cancel=True)


@pytest.mark.parametrize("budget", [{"cost": "-1 USD"}, {"tokens": 10**13}, {"tasks": 2_000_000}, {"seconds": 1e10}])
def test_limits_out_of_range_are_refused_field_by_field(client: genesis.Client, budget: dict[str, object]) -> None:
    with pytest.raises((genesis.InvalidArgument, ValueError)):
        client.orchestrate("Write a report", run_budget=budget)
