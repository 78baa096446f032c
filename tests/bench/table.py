"""The figures of a run for people."""

from __future__ import annotations

from collections.abc import Sequence

from figures import ECHO_MICROSECONDS, Figure


def told(figures: Sequence[Figure], echo_microseconds: float) -> str:
    """A table: the figure, its spread, the same on the machine that aims are stated for, the aim and whether it was met."""
    rows = [("figure", "median", "spread", "scaled", "aim", "")]
    for one in figures:
        scaled = one.scaled(echo_microseconds)
        aim = "" if one.aim is None else f"{'≥' if one.more_is_better else '≤'} {number(one.aim)}"
        rows.append(
            (
                one.name,
                f"{number(one.median)} {one.unit}",
                "" if one.low == one.high else f"{number(one.low)} to {number(one.high)}",
                number(scaled.median) if one.scales else "",
                aim,
                {True: "met", False: "MISSED", None: ""}[scaled.met],
            )
        )
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    scale = ECHO_MICROSECONDS / echo_microseconds
    return "\n".join([*lines, "", f"bare echo: {echo_microseconds:.1f} µs of CPU a call; scaled: times × {scale:.3f}, rates ÷ {scale:.3f}"])


def number(value: float) -> str:
    """Three digits that count, more where the figure has them before the point; thousands apart."""
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:,.0f}".replace(",", " ")
    return f"{value:.3g}"
