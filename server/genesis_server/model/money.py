"""Amounts of money, exact to a billionth of a unit."""

from __future__ import annotations

from dataclasses import dataclass

NANOS_PER_UNIT = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in one currency. Genesis knows no negative amount."""

    nanos: int = 0
    """Billionths of a unit, from 0."""
    currency: str = "USD"
    """ISO 4217 code."""

    def __post_init__(self) -> None:
        """Refuse what is no amount."""
        if self.nanos < 0:
            raise ValueError(f"an amount cannot be negative: {self.nanos} nanos")

    @classmethod
    def of(cls, units: float, currency: str = "USD") -> Money:
        """The amount nearest to `units` whole units."""
        return cls(round(units * NANOS_PER_UNIT), currency)

    @property
    def units(self) -> float:
        """The amount in whole units, for people and scores; sums are made of `nanos`."""
        return self.nanos / NANOS_PER_UNIT

    def __str__(self) -> str:
        """`0.0125 USD`, with as many decimals as it takes."""
        whole, nanos = divmod(self.nanos, NANOS_PER_UNIT)
        decimals = f"{nanos:09d}".rstrip("0")
        return f"{whole}.{decimals:0<2} {self.currency}"
