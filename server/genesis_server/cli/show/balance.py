"""Where a run stands with its budget, with a bar for each part that is limited."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.text import Text

from genesis.v1 import common_pb2, work_pb2
from genesis_server.cli.text import amount, counted, plain, seconds, span

_BAR = 24
LABEL = 10
"""Columns of the names before the bars."""


def balance_view(balance: work_pb2.RunBalance, now: float) -> RenderableType:
    """A line for each part; `now` in seconds since the epoch."""
    return Group(*balance_lines(balance, now))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """One part of a budget, in numbers for the bar and in words."""

    name: str
    spent: float
    reserved: float = 0.0
    limit: float | None
    """None: there is no limit."""
    spent_words: str
    limit_words: str
    rest: str = ""


def balance_lines(balance: work_pb2.RunBalance, now: float) -> Iterator[Text]:
    """`cost    ████▒▒░░░░  0.12 of 0.50 USD, 0.03 set aside`."""
    for part in _parts(balance, now):
        yield _line(part, out=part.name in balance.exhausted)


def _parts(balance: work_pb2.RunBalance, now: float) -> Iterator[_Part]:
    limit, spent, reserved = balance.limit, balance.spent, balance.reserved
    yield _Part(
        name="cost",
        spent=_money(spent),
        reserved=_money(reserved),
        limit=_money(limit) if limit.HasField("cost") else None,
        spent_words=amount(spent.cost),
        limit_words=amount(limit.cost),
        rest=f", {amount(reserved.cost)} set aside" if _money(reserved) else "",
    )
    if spent.tokens or reserved.tokens or limit.HasField("tokens"):
        yield _Part(
            name="tokens",
            spent=spent.tokens,
            reserved=reserved.tokens,
            limit=limit.tokens if limit.HasField("tokens") else None,
            spent_words=_count(spent.tokens),
            limit_words=_count(limit.tokens),
            rest=f", {_count(reserved.tokens)} set aside" if reserved.tokens else "",
        )
    yield _Part(
        name="tasks",
        spent=spent.tasks,
        reserved=reserved.tasks,
        limit=limit.tasks if limit.HasField("tasks") else None,
        spent_words=str(spent.tasks) if limit.HasField("tasks") else counted(spent.tasks, "attempt"),
        limit_words=counted(limit.tasks, "attempt"),
        rest=f", {reserved.tasks} under way" if reserved.tasks else "",
    )
    if limit.HasField("time"):
        elapsed, most = max(0.0, now - balance.begin_time.ToNanoseconds() / 1e9), seconds(limit.time)
        yield _Part(name="time", spent=elapsed, limit=most, spent_words=span(elapsed), limit_words=span(most))


def _line(part: _Part, *, out: bool) -> Text:
    line = Text.assemble((f"{part.name:{LABEL}}", "bold"))
    if part.limit is None:
        return line.append(f"{part.spent_words}{part.rest}").append(" · no limit", style="dim")
    used, aside = bar_parts(part.spent, part.reserved, part.limit)
    line.append("█" * used, style="red" if out else "green").append("▒" * aside, style="yellow")
    line.append("░" * (_BAR - used - aside), style="dim").append(f"  {part.spent_words} of {part.limit_words}{part.rest}")
    return line.append(" · exhausted", style="bold red") if out else line


def bar_parts(spent: float, reserved: float, limit: float) -> tuple[int, int]:
    """Cells of what was spent and of what is set aside; together never more than the bar has, and a use is never no cell."""
    if limit <= 0:
        return (_BAR if spent > 0 else 0), 0
    used = min(_BAR, max(round(_BAR * min(1.0, spent / limit)), int(spent > 0)))
    aside = min(_BAR - used, max(round(_BAR * min(1.0, reserved / limit)), int(reserved > 0)))
    return used, aside


def exhausted(balance: work_pb2.RunBalance) -> str:
    """`cost and time`, what keeps further tasks from being handed out."""
    return " and ".join(plain(part) for part in balance.exhausted)


def _money(part: work_pb2.Usage | work_pb2.RunBudget) -> float:
    money: common_pb2.Money = part.cost
    return money.units + money.nanos / 1e9


def _count(number: int) -> str:
    return f"{number:,}".replace(",", " ")
