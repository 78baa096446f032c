"""Small values: money, durations, times, spans, artefacts, targets."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import IntEnum
from typing import Any, TypeVar

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from genesis.v1 import common_pb2, routing_pb2
from genesis_server.model.catalogue import Artefact
from genesis_server.model.money import NANOS_PER_UNIT, Money
from genesis_server.model.provenance import PhaseDuration
from genesis_server.model.routing import Target, TargetKind
from genesis_server.model.span import Span

_EnumT = TypeVar("_EnumT", bound=IntEnum)
Fields = dict[str, Any]
"""The fields of a message by name, for the message around it.

A message that is put into another is copied, level by level; fields are written where they belong, which takes half the time.
"""


def number(value: IntEnum) -> Any:
    """The number of an enum value: the generated types name the contract's enums, which have the same numbers."""
    return int(value)


class _Members(dict[int, _EnumT]):
    """The members of an enum by number."""

    def __init__(self, kind: type[_EnumT]) -> None:
        super().__init__({int(member): member for member in kind})
        self._kind = kind

    def __missing__(self, number: int) -> _EnumT:
        """Raise what the enum raises."""
        return self._kind(number)


def member_of(kind: type[_EnumT]) -> Callable[[int], _EnumT]:
    """What finds the member with a number, in less than half the time the enum takes. Raises ValueError for a number without one."""
    return _Members(kind).__getitem__


def money_to_proto(money: Money) -> Fields:
    """Units and nanos of an amount."""
    units, nanos = divmod(money.nanos, NANOS_PER_UNIT)
    return {"currency_code": money.currency, "units": units, "nanos": nanos}


def write_money(money: Money, message: common_pb2.Money) -> None:
    """Units and nanos of an amount, into a message."""
    message.currency_code = money.currency
    message.units, message.nanos = divmod(money.nanos, NANOS_PER_UNIT)


def money_from_proto(money: common_pb2.Money) -> Money:
    """The amount; no currency means USD."""
    return Money(money.units * NANOS_PER_UNIT + money.nanos, money.currency_code or "USD")


def duration_to_proto(seconds: float) -> Fields:
    """The duration, to the nanosecond."""
    whole, nanos = divmod(round(seconds * 1e9), NANOS_PER_UNIT)
    return {"seconds": whole, "nanos": nanos}


def write_duration(seconds: float, message: Duration) -> None:
    """The duration, to the nanosecond, into a message."""
    message.seconds, message.nanos = divmod(round(seconds * 1e9), NANOS_PER_UNIT)


def duration_from_proto(duration: Duration) -> float:
    """Seconds."""
    return (duration.seconds * NANOS_PER_UNIT + duration.nanos) / 1e9


def time_to_proto(seconds: float) -> Timestamp:
    """The time that is `seconds` after the epoch, to the microsecond."""
    whole, micros = divmod(round(seconds * 1e6), 1_000_000)
    return Timestamp(seconds=whole, nanos=micros * 1_000)


def time_from_proto(time: Timestamp) -> float:
    """Seconds after the epoch."""
    return (time.seconds * 1_000_000 + time.nanos // 1_000) / 1e6


def phase_to_proto(phase: PhaseDuration) -> common_pb2.PhaseDuration:
    """A phase with its time."""
    return common_pb2.PhaseDuration(phase=phase.phase, duration=duration_to_proto(phase.seconds))


def span_to_proto(span: Span) -> Fields:
    """The span."""
    return {"start": span.start, "end": span.end, "text": span.text}


def span_from_proto(span: common_pb2.Span) -> Span:
    """The span; one that ends before it begins is empty."""
    return Span(span.start, max(span.start, span.end), span.text)


def artefacts_to_proto(artefacts: Iterable[Artefact]) -> list[Fields]:
    """The artefacts."""
    return [{"name": artefact.name, "type": artefact.type} for artefact in artefacts]


def artefacts_from_proto(artefacts: Iterable[common_pb2.Artefact]) -> tuple[Artefact, ...]:
    """The artefacts."""
    return tuple([Artefact(artefact.name, artefact.type) for artefact in artefacts])


def target_to_proto(target: Target) -> Fields:
    """The target."""
    return {"kind": target.kind, "id": target.id, "model_id": target.model_id, "skill_id": target.skill_id}


def write_target(target: Target, message: routing_pb2.Target) -> None:
    """The target, into a message."""
    message.kind = number(target.kind)
    message.id = target.id
    message.model_id = target.model_id
    message.skill_id = target.skill_id


def target_from_proto(target: routing_pb2.Target) -> Target:
    """The target; no kind means an agent."""
    return Target(TargetKind(target.kind or TargetKind.AGENT), target.id, target.model_id, target.skill_id)
