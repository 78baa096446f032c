"""Plans, catalogues and methods that tests of updates share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import networkx as nx

from genesis_server.agents.index import CatalogueIndex
from genesis_server.model.catalogue import AgentCard, Artefact, Catalogue, Skill, Tool
from genesis_server.model.plan import (
    Edge,
    EdgeKind,
    Guard,
    GuardOperator,
    Plan,
    PlanCounters,
    Task,
    TaskKind,
    TaskOrigin,
    TaskSource,
    TaskState,
)
from genesis_server.model.update import Known, PlanDiff, PlanEvent
from genesis_server.planning.methods import Intent, Method, MethodLibrary, Step
from genesis_server.planning.update.alternatives import Replan
from genesis_server.planning.update.apply import Updated, update

SCAN, AMOUNT, RECEIPT = Artefact("invoice_scan", "scan"), Artefact("owed_amount", "sum"), Artefact("receipt", "receipt")

TOOLS = (
    Tool("scan_invoice", "scan the invoice on paper", outputs=(SCAN,)),
    Tool("photograph_invoice", "photograph the invoice on paper", outputs=(Artefact("photo", "scan"),)),
    Tool("read_amount", "read the owed amount on the invoice scan", inputs=(SCAN,), outputs=(AMOUNT,)),
    Tool("pay_amount", "pay the owed amount", inputs=(AMOUNT,), outputs=(RECEIPT,)),
    Tool("file_receipt", "file the receipt in the archive", inputs=(RECEIPT,)),
    Tool("call_supplier", "call the supplier", outputs=(AMOUNT,)),
    Tool("thank_supplier", "write a letter of thanks"),
)
AGENTS = (
    AgentCard("ann", (Skill("translate", "Translate", "translate a text into another language"),)),
    AgentCard("bob", (Skill("translate", "Translate", "translate a text into another language"),)),
)
INDEX = CatalogueIndex(Catalogue(AGENTS, TOOLS, snapshot_id="tools-1"))

BY_PAPER = Method(
    "settle-by-paper",
    "Settle",
    "Settle an invoice on paper.",
    (Intent((("settle",), ("invoice",))),),
    (
        Step("scan", "Scan: {goal}", "scan_invoice", outputs=(SCAN,)),
        Step("read", "Read: {goal}", "read_amount", inputs=(SCAN,), outputs=(AMOUNT,)),
        Step("pay", "Pay: {goal}", "pay_amount", inputs=(AMOUNT,), outputs=(RECEIPT,)),
        Step("thank", "Thank: {goal}", "thank_supplier"),
    ),
)
BY_PHONE = Method(
    "settle-by-phone",
    "Settle",
    "Settle an invoice by phone.",
    (Intent((("settle", "clear"), ("invoice",))),),
    (
        Step("call", "Call: {goal}", "call_supplier", outputs=(AMOUNT,)),
        Step("pay", "Pay: {goal}", "pay_amount", inputs=(AMOUNT,), outputs=(RECEIPT,)),
        Step("thank", "Thank: {goal}", "thank_supplier", after=("pay",)),
    ),
)
METHODS = MethodLibrary((BY_PAPER, BY_PHONE), "methods-1")
REPLAN = Replan(INDEX, METHODS)


def task(task_id: str, tool: str = "", *, goal: str = "", source: TaskSource = TaskSource.CLAUSE, **more: object) -> Task:
    """A task, by a tool of TOOLS when one is named."""
    found = next((one for one in TOOLS if one.name == tool), None)
    made = Task(
        task_id,
        goal or (found.description if found else task_id),
        capability=tool,
        inputs=found.inputs if found else (),
        outputs=found.outputs if found else (),
        origin=TaskOrigin(source),
    )
    return replace(made, **more)  # type: ignore[arg-type]


def heading(task_id: str, *, goal: str = "", method: str = "", **more: object) -> Task:
    """A heading."""
    origin = TaskOrigin(TaskSource.METHOD, method) if method else TaskOrigin(TaskSource.CLAUSE)
    return replace(Task(task_id, goal or task_id, kind=TaskKind.COMPOUND, origin=origin), **more)  # type: ignore[arg-type]


def plan(tasks: Sequence[Task], *edges: tuple[str, str] | tuple[str, str, str], **more: object) -> Plan:
    """A plan of version 1; an edge with a third member is a data edge of that artefact."""
    depths = {"": 0}
    placed: list[Task] = []
    for one in tasks:
        depths[one.id] = depths[one.parent_id] + 1
        placed.append(replace(one, depth=depths[one.id]))
    made = tuple(Edge(e[0], e[1], EdgeKind.DATA if len(e) > 2 else EdgeKind.ORDER, e[2] if len(e) > 2 else "") for e in edges)
    whole = Plan("Settle the invoice", tuple(placed), made, id="p1", version=1, counters=PlanCounters(tasks_created=len(placed)))
    return replace(whole, **more)  # type: ignore[arg-type]


def settling(*, done: Sequence[str] = ()) -> Plan:
    """A heading by BY_PAPER, then the receipt is filed."""
    states = dict.fromkeys(done, TaskState.DONE)

    def step(name: str, tool: str) -> Task:
        return task(
            f"settle.{name}",
            tool,
            parent_id="settle",
            state=states.get(name, TaskState.PENDING),
            origin=TaskOrigin(TaskSource.METHOD, "settle-by-paper"),
        )

    return plan(
        [
            heading("settle", goal="settle the invoice", method="settle-by-paper", outputs=(RECEIPT,)),
            step("scan", "scan_invoice"),
            step("read", "read_amount"),
            step("pay", "pay_amount"),
            step("thank", "thank_supplier"),
            task("file", "file_receipt"),
        ],
        ("settle", "file", "receipt"),
        ("settle.scan", "settle.read", "invoice_scan"),
        ("settle.read", "settle.pay", "owed_amount"),
    )


def when(task_id: str, artefact: str = "ok", operator: GuardOperator = GuardOperator.IS_TRUE, value: str = "") -> Guard:
    """A guard on what a task puts out."""
    return Guard(task_id, artefact, operator, value, text=f"if {task_id} is {artefact}")


def after(start: Plan, *events: PlanEvent, known: Known | None = None, replan: Replan = REPLAN) -> Updated:
    """The plan after some events; the answer is that of the last."""
    updated: Updated | None = None
    for event in events:
        updated = update(updated.plan if updated else start, event, known=updated.known if updated else known or Known(), replan=replan)
    assert updated is not None
    return updated


def ids(tasks: Sequence[Task]) -> list[str]:
    """Their ids."""
    return [one.id for one in tasks]


def states(of: Plan) -> dict[str, str]:
    """The state of every task by its id."""
    return {one.id: one.state.name for one in of.tasks}


def applied(before: Plan, diff: PlanDiff) -> tuple[dict[str, Task], set[Edge]]:
    """What a client has after a diff, however tasks and edges are ordered."""
    tasks = {one.id: one for one in before.tasks if one.id not in diff.removed_task_ids}
    tasks |= {one.id: one for one in (*diff.added_tasks, *diff.changed_tasks)}
    return tasks, (set(before.edges) - set(diff.removed_edges)) | set(diff.added_edges)


def assert_sound(whole: Plan) -> None:
    """A tree of acyclic levels with unique ids, parents first, edges between siblings."""
    depths = {"": 0}
    parents: dict[str, str] = {}
    for one in whole.tasks:
        assert one.id not in parents
        assert one.depth == depths[one.parent_id] + 1 <= 5
        depths[one.id], parents[one.id] = one.depth, one.parent_id
    assert all(parents[edge.from_id] == parents[edge.to_id] for edge in whole.edges)
    assert nx.is_directed_acyclic_graph(nx.DiGraph([(edge.from_id, edge.to_id) for edge in whole.edges]))
