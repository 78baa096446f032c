"""The options that limit a routing, as the client takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genesis_server.cli import options as o

if TYPE_CHECKING:
    from genesis.options import LimitOptions


def limit_options(
    budget: o.Budget, region: o.Regions, data_class: o.DataClass, deadline: o.Deadline, exclude: o.Exclude, *, sticky_key: o.StickyKey = ""
) -> LimitOptions:
    """Only what was given."""
    options: LimitOptions = {}
    if budget is not None:
        options["budget"] = budget
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
