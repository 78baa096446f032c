"""Graphviz DOT: headings as clusters, tasks as boxes."""

from __future__ import annotations

from collections.abc import Mapping

from genesis.v1 import plan_pb2
from genesis_server.cli.drawing.graph import Node, PlanGraph
from genesis_server.cli.drawing.labels import ENDINGS, GUARD_MARK, ending_mark, goal_words, guard_words
from genesis_server.cli.text import plain, wrap

_LABEL_COLUMNS = 30
_LABEL_LINES = 6


def to_dot(graph: PlanGraph, notes: Mapping[str, str]) -> str:
    """The plan in DOT (https://graphviz.org/doc/info/lang.html); `notes` are second lines of labels, by task id."""
    lines = [
        "digraph plan {",
        "  rankdir=LR; compound=true; newrank=true;",
        '  graph [fontname="Helvetica", labelloc=t, fontsize=16, label="' + _label(graph.plan.goal, 60) + '"];',
        '  node [shape=box, style="rounded,filled", fillcolor=white, color="#5b7083", fontname="Helvetica", fontsize=11];',
        '  edge [color="#5b7083", fontname="Helvetica", fontsize=9];',
    ]
    for root in graph.roots:
        lines += _node(root, notes, "  ")
    for link in graph.links:
        start, end = _leaf(link.start, -1), _leaf(link.end, 0)
        attributes = [] if link.edge.kind == plan_pb2.EDGE_KIND_DATA else ["style=dashed"]
        if link.edge.artefact:
            attributes.append(f'label="{_escaped(plain(link.edge.artefact))}"')
        if start is not link.start:
            attributes.append(f"ltail=cluster_{link.start.index}")
        if end is not link.end:
            attributes.append(f"lhead=cluster_{link.end.index}")
        lines.append(f"  t{start.index} -> t{end.index}" + (f" [{', '.join(attributes)}];" if attributes else ";"))
    return "\n".join([*lines, "}", ""])


def _node(node: Node, notes: Mapping[str, str], indent: str) -> list[str]:
    told = [f"{GUARD_MARK} {guard}" for guard in guard_words(node.task)]
    told.append(f"{ending_mark(node.task)}{node.number} {goal_words(node.task)}")
    if not node.children:
        told += [note] if (note := notes.get(node.task.id, "")) else []
        ending = ENDINGS.get(node.task.state)
        colours = f', fillcolor="{ending.fill}", color="{ending.stroke}"' if ending else ""
        return [f'{indent}t{node.index} [label="{_lines(told)}"{colours}];']
    inner = [line for child in node.children for line in _node(child, notes, indent + "  ")]
    head = f'{indent}  label="{_lines(told)}"; style="rounded,filled"; fillcolor="#f4f7fa"; color="#c3cfdb";'
    return [f"{indent}subgraph cluster_{node.index} {{", head, *inner, f"{indent}}}"]


def _leaf(node: Node, which: int) -> Node:
    """The first (0) or last (-1) task in a heading; Graphviz joins clusters through tasks in them."""
    while node.children:
        node = node.children[which]
    return node


def _lines(told: list[str]) -> str:
    return "\\n".join(_label(text, _LABEL_COLUMNS) for text in told)


def _label(text: str, columns: int) -> str:
    return "\\n".join(_escaped(line) for line in wrap(text, columns, _LABEL_LINES))


def _escaped(text: str) -> str:
    # Graphviz reads HTML entities in every label.
    return text.replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"')
