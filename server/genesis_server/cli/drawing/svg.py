"""A plan as one self-contained SVG picture that can go on a slide."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import pairwise
from xml.sax.saxutils import escape

from genesis.v1 import plan_pb2
from genesis_server.cli.drawing.graph import Node, PlanGraph
from genesis_server.cli.drawing.labels import ENDINGS, GUARD_MARK, Ending, goal_words, guard_words
from genesis_server.cli.drawing.layout import HEAD, PADDING, Arrow, Box, Point, lay_out, line_of
from genesis_server.cli.text import display_width, plain, wrap

MAX_TASKS = 1_000
"""Larger plans are no picture any more."""

_WIDTH = 200.0
_LINE = 16.0
_COLUMNS = 27
_LINES = 6
_GUARDS = 3
_TITLE_LINE = 24.0
_TITLE_CHARACTER = 12.0
_CHARACTER = 7.4
_SMALL_CHARACTER = 6.2
_MIN_WIDTH = 640.0

_STYLE = """
  text { font: 12.5px "Helvetica Neue", Helvetica, Arial, "Noto Sans", sans-serif; fill: #1d2b3a; unicode-bidi: plaintext; }
  .title { font-size: 19px; font-weight: 600; }
  .heading { font-weight: 600; }
  .small { font-size: 10.5px; fill: #5b7083; }
  .group { fill: #f4f7fa; stroke: #c3cfdb; }
  .task { fill: #ffffff; stroke: #5b7083; stroke-width: 1.2; }
  .task.critical { stroke: #c2410c; stroke-width: 2.2; }
  .task.nobody { stroke: #b91c1c; stroke-dasharray: 5 3; fill: #fef2f2; }
  .guard { font-size: 11.5px; font-style: italic; fill: #7c3aed; }
  .ending { font-size: 11px; font-weight: 600; }
  .arrow { fill: none; stroke: #5b7083; stroke-width: 1.3; }
  .arrow.order { stroke-dasharray: 5 4; }
  .arrow.critical { stroke: #c2410c; stroke-width: 2.2; }
"""
_ENDING_STYLE = """  .task.{word} {{ fill: {fill}; stroke: {stroke}; stroke-dasharray: {dashes}; }}
  .ending.{word} {{ fill: {stroke}; }}
  .text.{word} {{ fill: {text}; }}
"""


def to_svg(graph: PlanGraph, notes: Mapping[str, str], critical: Collection[str] = (), nobody: Collection[str] = ()) -> str:
    """The plan as SVG.

    Args:
        graph: the plan, at most `MAX_TASKS` tasks.
        notes: a line below a task's words, by task id, for example who does it at what cost.
        critical: ids of the tasks on the critical path, in order; left out when tasks have ended, for it was that of the whole plan.
        nobody: ids of the tasks that nobody does.
    """
    endings = {ending.word: ending for node in graph.nodes if (ending := ENDINGS.get(node.task.state))}
    critical = () if any(ending.ended for ending in endings.values()) else critical
    texts = {node.index: _Texts(node, notes) for node in graph.nodes}
    drawing = lay_out(
        graph,
        lambda node: (_WIDTH, texts[node.index].height),
        lambda node: texts[node.index].head,
    )
    width = max(drawing.root.width, _MIN_WIDTH)
    title = wrap(graph.plan.goal, int(width / _TITLE_CHARACTER), 3)
    top = PADDING + _TITLE_LINE * len(title)
    legend = wrap(_legend(graph, critical), int(width / _SMALL_CHARACTER), 3)
    foot = top + drawing.root.height + _LINE
    height = foot + _LINE * (len(legend) - 1) + PADDING
    steps = _steps(graph, critical)
    size = f'width="{width:.0f}" height="{height:.0f}"'
    shift = (width - drawing.root.width) / 2
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" {size} role="img">',
        f"<title>{_text(graph.plan.goal)}</title>",
        f"<style>{_STYLE}{''.join(map(_ending_style, endings.values()))}</style>",
        _marker("tip", "#5b7083"),
        _marker("tip-critical", "#c2410c"),
        f'<rect {size} fill="#ffffff"/>',
        '<g text-anchor="middle">',
        *(
            f'<text class="title" x="{width / 2:.0f}" y="{PADDING + _TITLE_LINE * (at + 0.75):.0f}">{_text(line)}</text>'
            for at, line in enumerate(title)
        ),
        "</g>",
        f'<g transform="translate({shift:.1f} {top:.1f})">',
        *(_group(drawing.boxes[node.index], texts[node.index]) for node in graph.walk() if node.children),
        *(_arrow(arrow, critical=(arrow.link.start.index, arrow.link.end.index) in steps) for arrow in drawing.arrows),
        *(
            line
            for node in graph.walk()
            if not node.children
            for line in _task(drawing.boxes[node.index], texts[node.index], _kind(node, critical, nobody))
        ),
        "</g>",
        *(
            f'<text class="small" x="{width / 2:.0f}" y="{foot + _LINE * at:.0f}" text-anchor="middle">{_text(line)}</text>'
            for at, line in enumerate(legend)
        ),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _steps(graph: PlanGraph, critical: Collection[str]) -> set[tuple[int, int]]:
    """The dependencies along the critical path, be they between its tasks or between headings over them."""
    path = [node for task_id in critical if (node := graph.find(task_id))]
    return {(start.index, end.index) for before, after in pairwise(path) for start in line_of(before) for end in line_of(after)}


def _legend(graph: PlanGraph, critical: Collection[str]) -> str:
    parts = ["tasks with a bold border decide how long the whole takes"] if critical else []
    parts.append("solid arrows carry results, dashed ones only order")
    if any(node.task.guards for node in graph.nodes):
        parts.append(f"{GUARD_MARK} only under this condition")
    return "; ".join(parts)


def _ending_style(ending: Ending) -> str:
    left_out = ending.word in {"skipped", "cancelled"}
    return _ENDING_STYLE.format(
        word=ending.word,
        fill=ending.fill,
        stroke=ending.stroke,
        dashes="4 3" if left_out else "none",
        text="#64748b" if left_out else "#1d2b3a",
    )


class _Texts:
    """What is written in and above a box."""

    def __init__(self, node: Node, notes: Mapping[str, str]) -> None:
        self.number = node.number
        self.level = f"level {node.level}" if node.level else ""
        self.ending = ENDINGS.get(node.task.state)
        guards = [f"{GUARD_MARK} {guard}" for guard in guard_words(node.task)]
        self.guards = [line for guard in guards[:_GUARDS] for line in wrap(guard, _COLUMNS, 2)]
        self.goal = wrap(goal_words(node.task), _COLUMNS, _LINES)
        note = notes.get(node.task.id, "")
        self.note = wrap(note, _COLUMNS + 4, 3) if note else []
        self.height = _LINE * (1 + len(self.guards) + len(self.goal) + len(self.note)) + 16
        mark = f"{self.ending.mark} " if self.ending else ""
        self.heading = f"{mark}{node.number} {' '.join(wrap(goal_words(node.task), 64, 1))}"
        self.condition = " ".join(wrap(" ".join(guards), 64, 1)) if guards else ""
        widest = max(display_width(self.heading), display_width(self.condition)) * _CHARACTER
        self.head = (min(widest, 2.5 * _WIDTH), HEAD + (_LINE if guards else 0.0))

    def lines(self) -> Iterator[tuple[str, str]]:
        """The lines below the number, each with its classes."""
        ended = f" {self.ending.word}" if self.ending else ""
        yield from ((line, "guard") for line in self.guards)
        yield from ((line, f"text{ended}" if ended else "") for line in self.goal)
        yield from ((line, "small") for line in self.note)


def _group(box: Box, texts: _Texts) -> str:
    x, y = box.center[0], box.y + 22
    lines = [
        f'<rect class="group" x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" rx="10"/>',
        f'<text class="heading" x="{x:.1f}" y="{y:.1f}" text-anchor="middle">{_text(texts.heading)}</text>',
    ]
    if texts.condition:
        lines.append(f'<text class="guard" x="{x:.1f}" y="{y + _LINE:.1f}" text-anchor="middle">{_text(texts.condition)}</text>')
    return "".join(lines)


def _task(box: Box, texts: _Texts, kind: str) -> Iterator[str]:
    yield f'<rect class="task{kind}" x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" rx="7"/>'
    x, y = box.center[0], box.y + 16
    yield f'<text class="small" x="{box.x + 9:.1f}" y="{y:.1f}">{_text(texts.number)}</text>'
    if ending := texts.ending:
        yield f'<text class="ending {ending.word}" x="{x:.1f}" y="{y:.1f}" text-anchor="middle">{ending.mark} {ending.word}</text>'
    yield f'<text class="small" x="{box.x + box.width - 9:.1f}" y="{y:.1f}" text-anchor="end">{texts.level}</text>'
    for line, style in texts.lines():
        y += _LINE
        classes = f' class="{style}"' if style else ""
        yield f'<text{classes} x="{x:.1f}" y="{y:.1f}" text-anchor="middle">{_text(line)}</text>'


def _arrow(arrow: Arrow, *, critical: bool) -> str:
    if arrow.across:
        first, last = (arrow.start.x + arrow.start.width, arrow.start.center[1]), (arrow.end.x, arrow.end.center[1])
    else:
        first, last = (arrow.start.center[0], arrow.start.y + arrow.start.height), (arrow.end.center[0], arrow.end.y)
    points = [first, *arrow.via, last]
    path = f"M{first[0]:.1f} {first[1]:.1f}" + "".join(_curve(here, there, across=arrow.across) for here, there in pairwise(points))
    data = arrow.link.edge.kind == plan_pb2.EDGE_KIND_DATA
    kinds = "arrow" + ("" if data else " order") + (" critical" if critical else "")
    tip = "tip-critical" if critical else "tip"
    artefact = plain(arrow.link.edge.artefact)
    name = f"<title>{_text(artefact)}</title>" if artefact else ""
    return f'<path class="{kinds}" d="{path}" marker-end="url(#{tip})">{name}</path>'


def _curve(here: Point, there: Point, *, across: bool) -> str:
    middle_x, middle_y = (here[0] + there[0]) / 2, (here[1] + there[1]) / 2
    if across:
        return f" C{middle_x:.1f} {here[1]:.1f} {middle_x:.1f} {there[1]:.1f} {there[0]:.1f} {there[1]:.1f}"
    return f" C{here[0]:.1f} {middle_y:.1f} {there[0]:.1f} {middle_y:.1f} {there[0]:.1f} {there[1]:.1f}"


def _marker(name: str, colour: str) -> str:
    return (
        f'<defs><marker id="{name}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="9" markerHeight="9" '
        f'markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0 L10 5 L0 10 z" fill="{colour}"/></marker></defs>'
    )


def _kind(node: Node, critical: Collection[str], nobody: Collection[str]) -> str:
    if ending := ENDINGS.get(node.task.state):
        return f" {ending.word}"
    return " nobody" if node.task.id in nobody else " critical" if node.task.id in critical else ""


def _text(text: str) -> str:
    return escape(plain(text))
