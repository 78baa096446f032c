"""The options that limit a routing or a run, as the client takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genesis_server.cli import options as o

if TYPE_CHECKING:
    from genesis.options import LimitOptions, RunBudget


def limit_options(
    budget: o.Budget, region: o.Regions, data_class: o.DataClass, deadline: o.Deadline, exclude: o.Exclude, *, sticky_key: o.StickyKey = ""
) -> LimitOptions:
    """Only what was given."""
    options: LimitOptions = {}
    if budget is not None:
        options["budget"] = o.parse_money(budget)
    if region:
        options["regions"] = region
    if data_class is not None:
        options["data_class"] = data_class.value
    if deadline is not None:
        options["deadline"] = o.parse_span(deadline)
    if exclude:
        options["exclude"] = exclude
    if sticky_key:
        options["sticky_key"] = sticky_key
    return options


def budget_options(cost: str | None, tokens: int | None, tasks: int | None, time: str | None) -> RunBudget:
    """What a whole run may use; only what was given."""
    budget: RunBudget = {}
    if cost is not None:
        budget["cost"] = o.parse_money(cost)
    if tokens is not None:
        budget["tokens"] = tokens
    if tasks is not None:
        budget["tasks"] = tasks
    if time is not None:
        budget["seconds"] = o.parse_span(time)
    return budget
