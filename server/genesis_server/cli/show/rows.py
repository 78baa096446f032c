"""Rows under names: a table where there is room for one, else each row as a block of lines."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import HORIZONTALS, SIMPLE_HEAD
from rich.console import Console, ConsoleOptions, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

NARROW = 60
"""Columns below which a table would break words into pieces."""


class Rows:
    """What is told of several things under the same names; nothing is ever cut."""

    def __init__(self, *names: str, title: str = "", ruled: bool = False, right: Sequence[str] = (), whole: Sequence[str] = ()) -> None:
        """`ruled` parts the rows by lines; `right` names columns of numbers, `whole` those that stay on one line, to be copied."""
        self._names = names
        self._title = title
        self._ruled = ruled
        self._right = right
        self._whole = whole
        self._rows: list[tuple[Text, ...]] = []

    def add(self, *cells: Text) -> None:
        """Add a row, a cell for each name."""
        if len(cells) != len(self._names):
            raise ValueError(f"{len(cells)} cells for {len(self._names)} names")
        self._rows.append(cells)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Whichever form fits."""
        if options.max_width >= NARROW:
            yield self._table()
            return
        if self._title:
            yield Text(self._title, style="bold")
        for first, *others in self._rows:
            yield first
            for name, cell in zip(self._names[1:], others, strict=True):
                if cell.plain:
                    yield Padding(Text.assemble((f"{name}: ", "dim"), cell), (0, 0, 0, 2))

    def _table(self) -> Table:
        table = Table(
            title=self._title or None,
            box=HORIZONTALS if self._ruled else SIMPLE_HEAD,
            show_lines=self._ruled,
            title_justify="left",
            title_style="bold",
            border_style="dim",
        )
        for name in self._names:
            table.add_column(name, overflow="fold", justify="right" if name in self._right else "left", no_wrap=name in self._whole)
        for cells in self._rows:
            table.add_row(*cells)
        return table
