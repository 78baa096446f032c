"""Python values into messages: money, durations, enums, artefacts, catalogues, plans."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar, cast

from google.protobuf import json_format
from google.protobuf.duration_pb2 import Duration
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp

from genesis.options import CardLike, CatalogueLike, DispatchLike, DurationLike, MoneyLike, RunBudget, RunBudgetLike
from genesis.reference import Reference
from genesis.v1 import work_pb2
from genesis.v1.catalogue_pb2 import AgentCard, Catalogue
from genesis.v1.common_pb2 import Artefact, Money

_NANOS = 1_000_000_000
_M = TypeVar("_M", bound=Message)


def money(value: MoneyLike) -> Money:
    """The amount, exact to a billionth.

    Raises:
        ValueError: when the text is no amount, or the amount is negative, not finite or above 9 * 10^15.
    """
    if isinstance(value, Money):
        return value
    number, _, currency = str(value).strip().partition(" ")
    currency = currency.strip() or "USD"
    try:
        amount = Decimal(number)
    except InvalidOperation:
        amount = Decimal("NaN")
    if (
        not amount.is_finite()
        or amount < 0
        or amount > 9 * 10**15
        or not (len(currency) == 3 and currency.isascii() and currency.isupper())
    ):
        raise ValueError(f"{value!r} is no amount of money: give a number of US dollars from 0, or a text such as '0.50 USD'")
    units, nanos = divmod(int((amount * _NANOS).to_integral_value()), _NANOS)
    return Money(currency_code=currency, units=units, nanos=nanos)


def duration(value: DurationLike) -> Duration:
    """The time span.

    Raises:
        ValueError: when the number is not finite or too large.
    """
    message = Duration()
    try:
        message.FromTimedelta(value if isinstance(value, timedelta) else timedelta(seconds=value))
    except (OverflowError, ValueError):
        raise ValueError(f"{value!r} is no time span: give seconds or a timedelta of at most 10 000 years") from None
    return message


def timestamp(value: datetime) -> Timestamp:
    """The time; without a zone it counts as local time, as Python has it."""
    message = Timestamp()
    message.FromDatetime(value.astimezone(UTC))
    return message


def run_budget(value: RunBudgetLike) -> work_pb2.RunBudget:
    """The budget of a run.

    Raises:
        TypeError: when a part is none there is.
        ValueError: when an amount is none.
    """
    if isinstance(value, work_pb2.RunBudget):
        return value
    known = RunBudget.__optional_keys__
    if unknown := sorted(value.keys() - known):
        raise TypeError(f"{unknown[0]!r} is no part of a budget; there are {', '.join(sorted(known))}")
    cost, seconds = value.get("cost"), value.get("seconds")
    return work_pb2.RunBudget(
        cost=None if cost is None else money(cost),
        tokens=value.get("tokens"),
        tasks=value.get("tasks"),
        time=None if seconds is None else duration(seconds),
    )


def dispatch(value: DispatchLike | None) -> work_pb2.Dispatch | None:
    """How to hand a plan to agents; None: not at all.

    Raises:
        ValueError: when the priority is out of range.
    """
    if value is None or value is False or isinstance(value, work_pb2.Dispatch):
        return value or None
    if value is True:
        return work_pb2.Dispatch()
    if not 0 <= value <= 9:
        raise ValueError(f"dispatch is {value}: give True, or a priority from 0 to 9")
    return work_pb2.Dispatch(priority=value)


def card(value: CardLike) -> AgentCard:
    """The agent's card.

    Raises:
        ValueError: when it is not of the contract's form, with the field that is wrong.
    """
    return value if isinstance(value, AgentCard) else from_json(value, AgentCard(), "card")


def artefact_values(plain: Mapping[str, Any], references: Mapping[str, Reference]) -> list[work_pb2.ArtefactValue]:
    """Values by name, those at hand and those elsewhere.

    Raises:
        ValueError: when a value is none that JSON has, or has two forms.
    """
    if both := sorted(plain.keys() & references.keys()):
        raise ValueError(f"{both[0]!r} is given twice, by value and by reference")
    elsewhere = {
        name: work_pb2.ArtefactReference(uri=one.uri, sha256=one.sha256, media_type=one.media_type) for name, one in references.items()
    }
    return [
        *(work_pb2.ArtefactValue(name=name, value=value) for name, value in struct(plain).fields.items()),
        *(work_pb2.ArtefactValue(name=name, reference=reference) for name, reference in elsewhere.items()),
    ]


def struct(value: Mapping[str, Any]) -> Struct:
    """JSON values by name.

    Raises:
        ValueError: when a value is none that JSON has.
    """
    try:
        plain = json.loads(json.dumps(dict(value), allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"the value is none that JSON has: {error}") from error
    return from_json(plain, Struct(), "value")


def enum_number(enum: EnumTypeWrapper, prefix: str, value: Any) -> Any:
    """The number of an enum's value, given as the number or as its name in any case, without the prefix.

    Raises:
        ValueError: when there is no such value, with those there are.
    """
    if not isinstance(value, str):
        return value
    known: dict[str, int] = dict(enum.items())
    if (name := prefix + value.upper()) in known:
        return known[name]
    choices = ", ".join(repr(name.removeprefix(prefix).lower()) for name, number in known.items() if number)
    raise ValueError(f"{value!r} is none of {choices}")


def artefact(value: Artefact | str) -> Artefact:
    """The artefact, given as the message or as `name` or `name:type`."""
    if isinstance(value, Artefact):
        return value
    name, _, kind = value.partition(":")
    return Artefact(name=name.strip(), type=kind.strip())


def catalogue(value: CatalogueLike) -> Catalogue:
    """The catalogue; in a list, entries with `skills` are agents and the others tools.

    Raises:
        ValueError: when it is not of the contract's form, with the field that is wrong.
    """
    if isinstance(value, Catalogue):
        return value
    if isinstance(value, Mapping):
        return from_json(cast("Mapping[str, Any]", value), Catalogue(), "catalogue")
    entries = list(value)
    return from_json(
        {
            "agents": [entry for entry in entries if "skills" in entry],
            "tools": [entry for entry in entries if "skills" not in entry],
        },
        Catalogue(),
        "catalogue",
    )


def from_json(value: Mapping[str, Any], message: _M, what: str) -> _M:
    """The message of its JSON form.

    Raises:
        ValueError: when it is not of that form, with the field that is wrong.
    """
    try:
        return json_format.ParseDict(dict(value), message)
    except (json_format.ParseError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"the {what} is not of the contract's form: {error}") from error
