"""Who does what, at what cost, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from genesis.v1 import routing_pb2
from genesis_server.cli.drawing.graph import PlanGraph
from genesis_server.cli.show.rows import Rows
from genesis_server.cli.text import amount, enum_word, plain


def assignment_table(
    routes: Sequence[routing_pb2.TaskRoute], budget: routing_pb2.BudgetSummary | None, graph: PlanGraph | None
) -> RenderableType:
    """One row for each task; reasons are never cut."""
    table = Rows("task", "agent", "model", "cost", "reason", title="Assignments", ruled=True, right=("cost",))
    for route in routes:
        task = _task(route.task_id, graph)
        if route.WhichOneof("outcome") == "assignment":
            choice = route.assignment
            target = choice.target
            who = f"tool {plain(target.id)}" if target.kind == routing_pb2.TARGET_KIND_TOOL else plain(target.id)
            table.add(
                task, Text(who, "green"), Text(plain(target.model_id)), Text(amount(choice.expected_cost)), Text(plain(choice.reason))
            )
        else:
            table.add(task, Text("nobody", "bold red"), Text(""), Text(""), Text(_why_nobody(route.unassigned), "red"))
    return Group(table, *([_money(budget)] if budget else ()), *_comparisons(routes, graph))


def assignment_notes(routes: Sequence[routing_pb2.TaskRoute]) -> dict[str, str]:
    """Who does each task at what cost, in one line, by task id."""
    return {
        route.task_id: " · ".join(
            filter(None, (route.assignment.target.id, route.assignment.target.model_id, amount(route.assignment.expected_cost)))
        )
        if route.WhichOneof("outcome") == "assignment"
        else "nobody"
        for route in routes
    }


def _task(task_id: str, graph: PlanGraph | None) -> Text:
    node = graph.find(task_id) if graph else None
    if node is None:
        return Text(plain(task_id))
    return Text.assemble((f"{node.number} ", "cyan"), plain(node.task.goal))


def _why_nobody(unassigned: routing_pb2.Unassigned) -> str:
    if unassigned.message:
        return plain(unassigned.message)
    words = enum_word(routing_pb2.UnassignedReason, unassigned.reason, "UNASSIGNED_REASON_")
    miss = unassigned.nearest_miss
    return words + (f". Nearest: {plain(miss.target.id)}, {plain(miss.missing)}" if miss.target.id else "")


def _money(budget: routing_pb2.BudgetSummary) -> Text:
    text = Text(f"expected total {amount(budget.expected_total)}")
    if budget.HasField("limit"):
        text.append(f" · budget {amount(budget.limit)} ")
        text.append("kept" if budget.met else "cannot be kept", style="green" if budget.met else "bold red")
    return text.append(f" · cheapest feasible total {amount(budget.cheapest_feasible_total)}")


def _comparisons(routes: Sequence[routing_pb2.TaskRoute], graph: PlanGraph | None) -> Iterator[RenderableType]:
    """The candidates behind each choice, when the whole proof was asked for."""
    for route in routes:
        proof = route.explanation
        if proof.level != routing_pb2.EXPLANATION_LEVEL_FULL:
            continue
        title = Text(f"\n{graph.label(route.task_id) if graph else plain(route.task_id)} {plain(proof.decisive_difference)}")
        yield title
        yield candidates_table(proof.candidates)


def candidates_table(candidates: Iterable[routing_pb2.Candidate]) -> Table:
    """Candidates with the parts of their scores and what refused them."""
    names = ("candidate", "score", "match", "success", "cheap", "free", "rules", "cost", "")
    table = Table(*names, box=None, header_style="dim", padding=(0, 1, 0, 2))
    for candidate in candidates:
        parts = candidate.parts
        numbers = [candidate.score, parts.skill_match, parts.success, parts.cost, parts.load, parts.rules]
        name = " · ".join(filter(None, (plain(candidate.target.id), plain(candidate.target.model_id))))
        table.add_row(
            Text(name), *(f"{number:.3f}" for number in numbers), amount(candidate.expected_cost), Text(plain(candidate.detail), "dim")
        )
    return table
