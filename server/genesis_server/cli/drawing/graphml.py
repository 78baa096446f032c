"""GraphML, for programs that analyse graphs: networkx, igraph, yEd, Gephi."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from genesis.v1 import plan_pb2
from genesis_server.cli.drawing.graph import PlanGraph
from genesis_server.cli.drawing.labels import guard_words
from genesis_server.cli.text import enum_word, plain


def to_graphml(graph: PlanGraph, notes: Mapping[str, str]) -> str:
    """The plan in GraphML (http://graphml.graphdrawing.org); `notes` say who does each task, by task id.

    Nodes are called by their place among the plan's tasks, because ids of foreign plans may stand twice; the id is an attribute.
    """
    import networkx as nx

    # networkx is only partly typed.
    drawn: Any = cast("Any", nx).MultiDiGraph(goal=plain(graph.plan.goal))
    for node in graph.nodes:
        task = node.task
        drawn.add_node(
            f"t{node.index}",
            id=plain(task.id),
            number=node.number,
            goal=plain(task.goal),
            kind=enum_word(plan_pb2.TaskKind, task.kind, "TASK_KIND_"),
            capability=plain(task.capability),
            parent=f"t{node.parent.index}" if node.parent else "",
            level=node.level,
            guards="; ".join(guard_words(task)),
            state=enum_word(plan_pb2.TaskState, task.state, "TASK_STATE_"),
            done_by=plain(notes.get(task.id, "")),
        )
    for link in graph.links:
        kind = enum_word(plan_pb2.EdgeKind, link.edge.kind, "EDGE_KIND_")
        drawn.add_edge(f"t{link.start.index}", f"t{link.end.index}", kind=kind, artefact=plain(link.edge.artefact))
    lines = cast("Any", nx).generate_graphml(drawn, named_key_ids=True)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + "\n".join(lines) + "\n"
