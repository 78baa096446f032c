"""What tasks put out."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import RenderableType
from rich.text import Text

from genesis.v1 import work_pb2
from genesis_server.cli.drawing.graph import PlanGraph
from genesis_server.cli.show.rows import Rows
from genesis_server.cli.text import plain


def artefacts_table(artefacts: Sequence[work_pb2.TaskArtefact], graph: PlanGraph) -> RenderableType:
    """Each artefact with the task that made it, its type, and its size or where it lies."""
    if not artefacts:
        return Text("nothing was put out yet", style="dim")
    table = Rows("task", "artefact", "type", "where", title="Artefacts")
    for artefact in artefacts:
        table.add(
            Text(graph.label(artefact.task_id), "cyan"),
            Text(plain(artefact.artefact.name), "bold"),
            Text(plain(artefact.type)),
            where(artefact),
        )
    return table


def where(artefact: work_pb2.TaskArtefact) -> Text:
    """`here, 120 bytes`, or the URI and the hash of a value that lies elsewhere."""
    if not is_elsewhere(artefact):
        return Text(f"here, {artefact.size} bytes")
    reference = artefact.artefact.reference
    kind = f" ({plain(reference.media_type)})" if reference.media_type else ""
    return Text.assemble(plain(reference.uri), kind, (f"\nsha256 {plain(reference.sha256)}", "dim"))


def is_elsewhere(artefact: work_pb2.TaskArtefact) -> bool:
    """Whether it is a reference."""
    return artefact.artefact.WhichOneof("content") == "reference"


def summary(artefacts: Sequence[work_pb2.TaskArtefact]) -> str:
    """`3 artefacts: spec, patch, report`."""
    names = ", ".join(dict.fromkeys(plain(artefact.artefact.name) for artefact in artefacts))
    return f"{len(artefacts)} {'artefact' if len(artefacts) == 1 else 'artefacts'}: {names}"
