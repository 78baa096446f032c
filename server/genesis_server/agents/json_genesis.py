"""Genesis' own JSON of a catalogue, which is the proto3 JSON of genesis.v1.Catalogue, as entries of agents/schema.py.

Names may be camelCase or snake_case; amounts are objects, durations texts in seconds, enum values names or numbers.
"""

from __future__ import annotations

import re
from typing import Any, cast

from genesis_server.agents.json_reading import ImportMistake, Object, as_object
from genesis_server.model.catalogue import DataClass
from genesis_server.model.money import NANOS_PER_UNIT

_HUMP = re.compile(r"(?<=[a-z0-9])([A-Z])")
_MONEY_KEYS = ("input_price_per_million_tokens", "output_price_per_million_tokens", "cost_per_call")


def snake_keys(value: Any) -> Any:
    """The value with every key in snake_case."""
    if isinstance(value, dict):
        return {_HUMP.sub(r"_\1", key).lower(): snake_keys(inner) for key, inner in cast("Object", value).items()}
    return [snake_keys(inner) for inner in cast("list[Any]", value)] if isinstance(value, list) else value


def genesis_fields(entry: Object, path: str, mistakes: list[ImportMistake]) -> Object:
    """An agent, tool, skill or model with amounts, enum values and what stands in lists as the schema wants it."""
    fields: Object = {}
    for key, value in entry.items():
        place = f"{path}.{key}"
        if value is None:
            continue
        if key in _MONEY_KEYS:
            amount = _money(value, place, mistakes)
            if amount is not None:
                fields[key] = amount
        elif key == "max_data_class":
            fields[key] = _data_class(value, place, mistakes)
        elif key in {"skills", "models"} and isinstance(value, list):
            fields[key] = [
                genesis_fields(inner, f"{place}[{number}]", mistakes) if (inner := as_object(item)) is not None else item
                for number, item in enumerate(cast("list[Any]", value))
            ]
        else:
            fields[key] = value
    return fields


def _money(value: Any, path: str, mistakes: list[ImportMistake]) -> str | None:
    amount = as_object(value)
    if amount is None:
        mistakes.append(ImportMistake(path, 'must be an amount such as {"currencyCode": "USD", "units": "1", "nanos": 500000000}'))
        return None
    unknown = sorted(amount.keys() - {"currency_code", "units", "nanos"})
    mistakes.extend(ImportMistake(f"{path}.{key}", "unknown key; an amount has currencyCode, units and nanos") for key in unknown)
    whole, nanos = _integer(amount.get("units", 0)), _integer(amount.get("nanos", 0))
    if whole is None or nanos is None or whole < 0 or not 0 <= nanos < NANOS_PER_UNIT:
        mistakes.append(ImportMistake(path, "units must be a whole number from 0, nanos one from 0 to 999999999"))
        return None
    return f"{whole}.{nanos:09d} {amount.get('currency_code') or 'USD'}"


def _integer(value: Any) -> int | None:
    """A 64-bit integer of proto3 JSON, which is a number or a text."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return int(value) if isinstance(value, str) and re.fullmatch(r"-?\d{1,19}", value) else None


def _data_class(value: Any, path: str, mistakes: list[ImportMistake]) -> str:
    names = {f"DATA_CLASS_{member.name}": member for member in DataClass} | {member.name.lower(): member for member in DataClass}
    member = names.get(value) if isinstance(value, str) else None
    if isinstance(value, int) and value in {int(known) for known in DataClass}:
        member = DataClass(value)
    if member is None:
        mistakes.append(ImportMistake(path, f"{value!r} is no data class; use one of {', '.join(list(names)[: len(DataClass)])}"))
        return "internal"
    return member.effective.name.lower()
