"""All amounts of one request share one currency; here is who says which, and the refusal of a second one."""

from __future__ import annotations

from collections.abc import Iterable

from genesis_server.model.catalogue import Catalogue
from genesis_server.model.money import Money
from genesis_server.resilience.errors import invalid_field


def currencies_of(catalogue: Catalogue) -> tuple[tuple[str, str], ...]:
    """Each currency of a catalogue with the path of the first price in it; what is free has none."""
    found: dict[str, str] = {}

    def note(amount: Money, path: str) -> None:
        if amount.nanos:
            found.setdefault(amount.currency, path)

    for number, agent in enumerate(catalogue.agents):
        for place, model in enumerate(agent.models):
            note(model.input_price, f"catalogue.agents[{number}].models[{place}].input_price_per_million_tokens")
            note(model.output_price, f"catalogue.agents[{number}].models[{place}].output_price_per_million_tokens")
    for number, tool in enumerate(catalogue.tools):
        note(tool.cost_per_call, f"catalogue.tools[{number}].cost_per_call")
    return tuple(found.items())


def one_currency(named: Iterable[tuple[str, str]]) -> str:
    """The currency that all of these (currency, path) name, by default US dollars. Raises ValidationError INVALID_FIELD."""
    first: tuple[str, str] | None = None
    for currency, path in named:
        first = first or (currency, path)
        if currency != first[0]:
            raise invalid_field(path, f"is in {currency}, but {first[1]} is in {first[0]}; all amounts must share one currency")
    return first[0] if first is not None else Money().currency
