"""Mermaid flowcharts: headings as subgraphs, tasks as boxes."""

from __future__ import annotations

from collections.abc import Mapping

from genesis.v1 import plan_pb2
from genesis_server.cli.drawing.graph import Node, PlanGraph
from genesis_server.cli.drawing.labels import ENDINGS, GUARD_MARK, ending_mark, goal_words, guard_words
from genesis_server.cli.text import plain, wrap

_LABEL_COLUMNS = 30
_LABEL_LINES = 6
# Mermaid takes characters by number; these would end a label, begin markup, or be read as an entity.
_SPECIAL = {char: f"#{ord(char)};" for char in '"#&<>`\\[]{}()|;*_~'}


def to_mermaid(graph: PlanGraph, notes: Mapping[str, str]) -> str:
    """The plan as a flowchart (https://mermaid.js.org/syntax/flowchart.html); `notes` are second lines of labels, by task id."""
    lines = ["flowchart LR"]
    for root in graph.roots:
        lines += _node(root, notes, "  ")
    for link in graph.links:
        arrow = "-->" if link.edge.kind == plan_pb2.EDGE_KIND_DATA else "-.->"
        label = f'|"{_escaped(plain(link.edge.artefact))}"|' if link.edge.artefact else ""
        lines.append(f"  t{link.start.index} {arrow}{label} t{link.end.index}")
    endings = {ending.word: ending for node in graph.nodes if not node.children and (ending := ENDINGS.get(node.task.state))}
    lines += [f"  classDef {ending.word} fill:{ending.fill},stroke:{ending.stroke}" for ending in endings.values()]
    return "\n".join([*lines, ""])


def _node(node: Node, notes: Mapping[str, str], indent: str) -> list[str]:
    told = [f"{GUARD_MARK} {guard}" for guard in guard_words(node.task)]
    told.append(f"{ending_mark(node.task)}{node.number} {goal_words(node.task)}")
    if not node.children:
        told += [note] if (note := notes.get(node.task.id, "")) else []
        ending = ENDINGS.get(node.task.state)
        return [f'{indent}t{node.index}["{_lines(told)}"]' + (f":::{ending.word}" if ending else "")]
    inner = [line for child in node.children for line in _node(child, notes, indent + "  ")]
    return [f'{indent}subgraph t{node.index}["{_lines(told)}"]', *inner, f"{indent}end"]


def _lines(told: list[str]) -> str:
    return "<br/>".join(_label(text) for text in told)


def _label(text: str) -> str:
    return "<br/>".join(_escaped(line) for line in wrap(text, _LABEL_COLUMNS, _LABEL_LINES))


def _escaped(text: str) -> str:
    return "".join(_SPECIAL.get(char, char) for char in text)
