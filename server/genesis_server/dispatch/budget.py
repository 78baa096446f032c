"""The budget of a run: what was spent, what is set aside for tasks under way, and whether one more attempt fits.

Money is counted in whole billionths, so no sum loses anything; a run counts in one currency, and nothing is converted. While attempts
use no more than was expected of them, handing out what fits never takes spent and reserved together beyond a limit.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from genesis_server.model.money import Money
from genesis_server.model.work import Balance, PlanRun, RunBudget, Usage
from genesis_server.resilience.errors import ResourceError, invalid_field

PARTS = ("cost", "tokens", "tasks", "time")


def reserved(run: PlanRun) -> Usage:
    """What is set aside for tasks under way."""
    return _total(running.expected for task in run.tasks.values() if (running := task.running) is not None)


def currency_of(run: PlanRun) -> str | None:
    """The currency the run counts in: that of what was spent or is set aside, else of its limit; None when it has none yet."""
    return _currency(run, run.spent.cost if run.spent.cost.nanos else reserved(run).cost)


def charged(run: PlanRun, usage: Usage) -> PlanRun:
    """The run after `usage`, its `tasks` included. Raises ValidationError INVALID_FIELD for money in another currency than the run's."""
    return replace(run, spent=spent_with(run, usage))


def spent_with(run: PlanRun, usage: Usage) -> Usage:
    """What the run has spent with `usage`. Raises as `charged`."""
    check_currency(run, usage)
    return _total([run.spent, usage])


def check_currency(run: PlanRun, usage: Usage) -> None:
    """Raise ValidationError INVALID_FIELD for money in another currency than the run's."""
    if usage.cost.nanos and (currency := currency_of(run)) not in {None, usage.cost.currency}:
        raise invalid_field("usage.cost.currency_code", f"is {usage.cost.currency}, but this run counts in {currency}; convert the amount")


def balance(run: PlanRun, *, now: float) -> Balance:
    """Where the run stands; exhausted is a part of which nothing is left."""
    aside = reserved(run)
    exhausted = tuple([part for part in PARTS if _is_exhausted(run, part, _total([run.spent, aside]), now)])
    return Balance(run.budget, run.spent, aside, run.begin, exhausted)


def refused_part(run: PlanRun, expected: Usage, *, now: float) -> str | None:
    """The part of the budget without room for one more attempt that is expected to use so much; None: there is room.

    One of "cost", "tokens", "tasks", "time". Money in another currency than the run's has no room.
    """
    limit = run.budget
    if expected.cost.nanos and currency_of(run) not in {None, expected.cost.currency}:
        return "cost"
    # Most runs have no limit, and a sum over all tasks for each hand-out is not for nothing.
    used = Usage() if _is_unlimited(limit) else _total([run.spent, reserved(run), replace(expected, tasks=1)])
    if limit.cost is not None and (used.cost.nanos > limit.cost.nanos or _is_foreign(used.cost, limit.cost)):
        return "cost"
    if limit.tokens is not None and used.tokens > limit.tokens:
        return "tokens"
    if limit.tasks is not None and used.tasks > limit.tasks:
        return "tasks"
    return "time" if limit.seconds is not None and now - run.begin >= limit.seconds else None


def exhausted_error(run: PlanRun, part: str, now: float) -> ResourceError:
    """The refusal of work that a part of the budget has no room for."""
    limit, spent, aside = _told(run, part, now)
    return ResourceError(
        "BUDGET_EXHAUSTED",
        f"the budget of plan {run.plan_id!r} has no room for more: {spent} spent and {aside} set aside of {limit}; "
        "wait for the tasks under way, or change the budget by UpdatePlan",
        facts={"plan_id": run.plan_id, "part": part, "limit": limit, "spent": spent, "reserved": aside},
        quota_subject=f"plan:{run.plan_id}",
    )


def _told(run: PlanRun, part: str, now: float) -> tuple[str, str, str]:
    """Limit, what was spent and what is set aside of a part, in words."""
    limit, spent, aside = run.budget, run.spent, reserved(run)
    if part == "cost":
        return str(limit.cost or "no amount"), str(spent.cost), str(aside.cost)
    if part == "tokens":
        return f"{limit.tokens} tokens", f"{spent.tokens}", f"{aside.tokens}"
    if part == "tasks":
        return f"{limit.tasks} attempts", f"{spent.tasks}", f"{aside.tasks}"
    return f"{limit.seconds or 0:g} s", f"{max(0.0, now - run.begin):g} s", "0 s"


def _is_exhausted(run: PlanRun, part: str, used: Usage, now: float) -> bool:
    limit = run.budget
    if part == "cost":
        return limit.cost is not None and (used.cost.nanos >= limit.cost.nanos or _is_foreign(used.cost, limit.cost))
    if part == "tokens":
        return limit.tokens is not None and used.tokens >= limit.tokens
    if part == "tasks":
        return limit.tasks is not None and used.tasks >= limit.tasks
    return limit.seconds is not None and now - run.begin >= limit.seconds


def _is_unlimited(limit: RunBudget) -> bool:
    return limit.cost is None and limit.tokens is None and limit.tasks is None


def _is_foreign(amount: Money, limit: Money) -> bool:
    return amount.nanos > 0 and amount.currency != limit.currency


def _currency(run: PlanRun, used: Money) -> str | None:
    counted = used if used.nanos else run.budget.cost
    return None if counted is None else counted.currency


def _total(usages: Iterable[Usage]) -> Usage:
    """The sum. What costs nothing has no currency; ValueError for amounts in two."""
    nanos, currency, tokens, tasks = 0, "", 0, 0
    for usage in usages:
        cost = usage.cost
        if cost.nanos and currency and cost.currency != currency:
            raise ValueError(f"{cost.currency} cannot be added to {currency}")
        if cost.nanos:
            nanos, currency = nanos + cost.nanos, cost.currency
        tokens += usage.tokens
        tasks += usage.tasks
    return Usage(Money(nanos, currency) if currency else Money(), tokens, tasks)
