"""A plan as DOT, Mermaid, SVG or GraphML instead of a tree."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from genesis_server.cli.failure import CommandError
from genesis_server.cli.files import write_text

if TYPE_CHECKING:
    from genesis.v1.plan_pb2 import Plan
    from genesis.v1.routing_pb2 import TaskRoute


class Form(StrEnum):
    """Forms a plan can be exported in."""

    DOT = "--dot"
    MERMAID = "--mermaid"
    SVG = "--svg"
    GRAPHML = "--graphml"


def chosen(*, dot: bool, mermaid: bool, svg: bool, graphml: bool, json: bool, output: Path | None) -> Form | None:
    """The one form that was asked for; None for the tree or JSON."""
    forms = [form for form, wanted in zip(Form, (dot, mermaid, svg, graphml), strict=True) if wanted]
    if len(forms) + json > 1:
        raise CommandError("give one of --json, --dot, --mermaid, --svg and --graphml")
    if output is not None and not forms:
        raise CommandError("--output goes with --dot, --mermaid, --svg or --graphml")
    return forms[0] if forms else None


def export(form: Form, plan: Plan, output: Path | None, *, routes: Sequence[TaskRoute] = (), critical: Sequence[str] = ()) -> None:
    """Write the plan in a form, with who does each task where that is known."""
    from genesis_server.cli.drawing.dot import to_dot
    from genesis_server.cli.drawing.graph import PlanGraph
    from genesis_server.cli.drawing.graphml import to_graphml
    from genesis_server.cli.drawing.mermaid import to_mermaid
    from genesis_server.cli.drawing.svg import MAX_TASKS, to_svg
    from genesis_server.cli.show.assignments import assignment_notes

    graph = PlanGraph(plan)
    notes = assignment_notes(routes)
    match form:
        case Form.DOT:
            text = to_dot(graph, notes)
        case Form.MERMAID:
            text = to_mermaid(graph, notes)
        case Form.GRAPHML:
            text = to_graphml(graph, notes)
        case Form.SVG:
            if len(graph.nodes) > MAX_TASKS:
                raise CommandError(f"{len(graph.nodes)} tasks are too many for a picture, at most {MAX_TASKS}: use --dot")
            nobody = [route.task_id for route in routes if route.WhichOneof("outcome") == "unassigned"]
            text = to_svg(graph, notes, critical, nobody)
    write_text(output, text)
