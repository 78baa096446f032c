"""What would have changed a decision: the exact threshold of an amount, a time or a limit, each found by deciding the task again.

What the other tasks got is held fixed, except for the budget, whose threshold holds for the whole call: the steps to cheaper choices
do not depend on the budget, so the total before the last one is where it would not have been taken. Where money is short, what another
task would give up or take first is not known here: a change is then left out rather than told with a wrong end.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace

from genesis_server.model.catalogue import DataClass
from genesis_server.model.money import Money
from genesis_server.model.plan import Task
from genesis_server.model.routing import Counterfactual, Target, UnassignedReason
from genesis_server.routing.case import Case
from genesis_server.routing.limits import flag, limits_of
from genesis_server.routing.redecision import Columns, Terms
from genesis_server.routing.rules.facts import FactValue, format_number
from genesis_server.routing.wording import class_text, name_of

MOST_THRESHOLDS = 16
"""Thresholds tried of one kind."""

LIMITS = sum(
    flag(reason)
    for reason in (
        UnassignedReason.BUDGET,
        UnassignedReason.DEADLINE,
        UnassignedReason.DATA_CLASS,
        UnassignedReason.REGION,
        UnassignedReason.EXCLUDED,
        UnassignedReason.UNHEALTHY,
    )
)
"""The refusals that a change of an amount, a time or a list can lift, as a set."""


def counterfactuals(case: Case, currency: str) -> Iterator[Counterfactual]:
    """What would have given the task to somebody else, at most one of each kind; what is nearest to money first."""
    failed = 0
    for flags in case.field.failed:
        failed |= flags
    if failed & flag(UnassignedReason.BUDGET):
        yield from _cost(case, currency)
    if failed & flag(UnassignedReason.DEADLINE):
        yield from _time(case)
    if failed & flag(UnassignedReason.DATA_CLASS):
        yield from _data_class(case)
    if failed & flag(UnassignedReason.REGION):
        yield from _region(case)
    if failed & flag(UnassignedReason.EXCLUDED) and _stays_alone(case, UnassignedReason.EXCLUDED):
        yield from _excluded(case)
    if failed & flag(UnassignedReason.UNHEALTHY) and _stays_alone(case, UnassignedReason.UNHEALTHY):
        yield from _unhealthy(case)


def told(change: str, target: Target | None) -> Counterfactual:
    """A change with who would have got the task."""
    went = f"would have gone to {name_of(target)}" if target is not None else "nobody would have got it"
    return Counterfactual(f"{went} if {change}", change, target)


def _decided(
    case: Case, change: str, columns: Columns, facts: Mapping[str, FactValue | None], terms: Terms | None = None
) -> Iterator[Counterfactual]:
    """The counterfactual of a change, if it changes the decision."""
    rulings = case.decided.rulings
    fired = rulings.book.rulebook.fired(case.facts.replaced(facts)) if facts else rulings.fired[case.job]
    terms = terms or case.terms
    target = case.decided.target(case.decide(columns, fired, terms))
    if target != case.chosen and not case.lacks_only_money(target, columns, fired, terms):
        yield told(change, target)


def _stays_alone(case: Case, reason: UnassignedReason) -> bool:
    """Whether a change that lifts this refusal for every task leaves the money of this one as it is."""
    if case.decided.constraints.budget is None:
        return True
    bit = flag(reason)
    others = [field for field in case.decided.selection.fields if field is not case.field]
    return not any(flags & bit for field in others for flags in field.failed)


def _first(found: Iterator[Iterator[Counterfactual]]) -> Iterator[Counterfactual]:
    """The first counterfactual of several tries."""
    for tries, some in enumerate(found):
        first = next(some, None)
        if first is not None or tries >= MOST_THRESHOLDS:
            if first is not None:
                yield first
            return


def _cost(case: Case, currency: str) -> Iterator[Counterfactual]:
    """Costs of those who are too dear, the lowest first."""
    base, bit = case.base, flag(UnassignedReason.BUDGET)
    costs = sorted({cost for cost, flags in zip(base.costs, base.failed, strict=True) if flags & bit})

    def at(most: int) -> Iterator[Counterfactual]:
        failed = [flags & ~bit if cost <= most else flags for cost, flags in zip(base.costs, base.failed, strict=True)]
        money = Money(most, currency)
        return _decided(case, f"task.max_cost >= {money}", replace(base, failed=failed), {"task.max_cost": money.units})

    return _first(at(most) for most in costs)


def _time(case: Case) -> Iterator[Counterfactual]:
    """Ends of those who are too late, the earliest first."""
    late = flag(UnassignedReason.DEADLINE)
    start, latest = case.field.start_seconds, case.field.latest_end_seconds
    ends = sorted({start + seconds for seconds, flags in zip(case.base.seconds, case.field.failed, strict=True) if flags & late})
    names = [name for name, _ in case.deadlines]

    def at(end: float) -> Iterator[Counterfactual]:
        terms = case.terms_by(end, case.terms)
        facts: Mapping[str, FactValue | None] = {}
        change = f"it may end {format_number(end)} s after the plan's start"
        call = case.decided.constraints.deadline_seconds
        if names == ["task.deadline_seconds"]:
            change, facts = f"task.deadline_seconds >= {format_number(end)}", {"task.deadline_seconds": end}
        elif names == ["plan.deadline_seconds"] and call is not None:
            needed = call + end - latest
            change, facts = f"plan.deadline_seconds >= {format_number(needed)}", {"plan.deadline_seconds": needed}
            if not _stays_alone(case, UnassignedReason.DEADLINE):
                return iter(())
        return _decided(case, change, case.base, facts, terms)

    return _first(at(end) for end in ends if not math.isinf(end))


def _data_class(case: Case) -> Iterator[Counterfactual]:
    """Lower classes, the highest first."""
    constraints = case.decided.constraints
    needed = limits_of(case.task.constraints, constraints).data_class

    def at(lower: DataClass) -> Iterator[Counterfactual]:
        columns = case.columns_for(_with(case.task, data_class=lower), constraints, case.decided.unhealthy)
        return _decided(case, f"task.data_class <= {class_text(lower)}", columns, {"task.data_class": class_text(lower)})

    return _first(at(lower) for lower in sorted(DataClass, reverse=True) if DataClass.PUBLIC <= lower < needed)


def _region(case: Case) -> Iterator[Counterfactual]:
    """Regions of those who are outside, in the order of their names."""
    constraints = case.decided.constraints
    allowed = limits_of(case.task.constraints, constraints).regions or frozenset()
    of_rows = case.decided.candidates.pool.regions
    regions = sorted({of_rows[row] for row in case.base.rows} - allowed - {""})

    def at(region: str) -> Iterator[Counterfactual]:
        wider = allowed | {region}
        task = _with(case.task, regions=tuple(sorted(wider)))
        columns = case.columns_for(task, replace(constraints, regions=()), case.decided.unhealthy)
        return _decided(case, f"task.regions contains {region}", columns, {"task.regions": wider})

    return _first(at(region) for region in regions)


def _excluded(case: Case) -> Iterator[Counterfactual]:
    """Names that keep a candidate out."""
    constraints, pool = case.decided.constraints, case.decided.candidates.pool
    names = sorted({name for row in case.base.rows for name in pool.owner_names[pool.owner_list[row]]} & constraints.excluded_targets)

    def at(name: str) -> Iterator[Counterfactual]:
        fewer = replace(constraints, excluded_targets=constraints.excluded_targets - {name})
        columns = case.columns_for(case.task, fewer, case.decided.unhealthy)
        return _decided(case, f"constraints.excluded_targets is without {name}", columns, {})

    return _first(at(name) for name in names)


def _unhealthy(case: Case) -> Iterator[Counterfactual]:
    """Names of those who are ill."""
    unhealthy, pool = case.decided.unhealthy, case.decided.candidates.pool
    names = sorted({name for row in case.base.rows for name in pool.owner_names[pool.owner_list[row]]} & unhealthy)

    def at(name: str) -> Iterator[Counterfactual]:
        columns = case.columns_for(case.task, case.decided.constraints, unhealthy - {name})
        return _decided(case, f"{name} is healthy", columns, {})

    return _first(at(name) for name in names)


def _with(task: Task, **constraints: object) -> Task:
    return replace(task, constraints=replace(task.constraints, **constraints))  # type: ignore[arg-type]
