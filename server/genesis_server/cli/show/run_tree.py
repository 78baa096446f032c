"""A plan that is carried out: its tree with who works on what, what waits for whom, and the budget below it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from rich.console import Group, RenderableType
from rich.text import Text
from rich.tree import Tree

from genesis.v1 import plan_pb2
from genesis_server.cli.drawing.graph import Node
from genesis_server.cli.picture import RunPicture, counts
from genesis_server.cli.show.balance import balance_lines
from genesis_server.cli.show.standing import (
    AWAITING_APPROVAL,
    PENDING,
    RUNNING,
    WAITING,
    Standing,
    cost,
    running_attempt,
    standing,
    took,
    why,
    workers,
)
from genesis_server.cli.text import counted, enum_word, plain

_LINES_OF_HEAD = 2
_RANKS = {RUNNING: 0, AWAITING_APPROVAL: 0, "failed": 1, WAITING: 1, PENDING: 2}
"""How much a task tells by its word, the most first; what is not named tells least."""


def run_view(picture: RunPicture, now: float, max_lines: int | None = None) -> RenderableType:
    """The tree and the budget. `now`: seconds since the epoch; `max_lines`: room there is, None for as much as it takes."""
    balance = list(balance_lines(picture.balance, now)) if picture.balance is not None else []
    room = None if max_lines is None else max(1, max_lines - _LINES_OF_HEAD - len(balance))
    return Group(run_tree(picture, now, room), *balance)


def run_tree(picture: RunPicture, now: float, max_tasks: int | None = None) -> Tree:
    """The tree, a line for each task.

    Where there is no room for all, headings whose tasks have ended are folded; then what tells least is left out, and counted.
    """
    tree = Tree(run_head(picture), guide_style="dim")
    nodes = list(picture.graph.walk())
    folded: set[int] = set()
    if max_tasks is not None and len(nodes) > max_tasks:
        folded = {node.index for node in nodes if node.children and _all_ended(node, picture)}
        nodes = [node for node in nodes if not _is_below(node, folded)]
    shown = nodes if max_tasks is None or len(nodes) <= max_tasks else _most_telling(nodes, folded, picture, max_tasks - 1)
    branches: dict[int, Tree] = {}
    for node in shown:
        parent = branches[node.parent.index] if node.parent else tree
        branches[node.index] = parent.add(_line(node, picture, now, folded=node.index in folded))
    if len(shown) < len(nodes):
        rest = [node for node in nodes if node.index not in branches]
        words = counts(_standing(node, picture).word for node in rest if not node.children)
        tree.add(Text(f"… and {counted(len(rest), 'more line')}: {words}", style="dim", overflow="ellipsis", no_wrap=True))
    return tree


def _most_telling(nodes: Sequence[Node], folded: Collection[int], picture: RunPicture, room: int) -> list[Node]:
    """As many as there is room for, each with its headings: what is worked on first, then what waits, what comes, and what has ended."""
    lines = [node for node in nodes if not node.children or node.index in folded]
    chosen: set[int] = set()
    for node in sorted(lines, key=lambda node: _RANKS.get(_standing(node, picture).word, len(_RANKS))):
        with_headings = chosen | {node.index, *(heading.index for heading in _above(node))}
        if len(with_headings) > room:
            break
        chosen = with_headings
    return [node for node in nodes if node.index in chosen] or list(nodes[:room])


def run_head(picture: RunPicture) -> Text:
    """The goal, and how far the plan is: two lines."""
    plan = picture.plan
    state = enum_word(plan_pb2.PlanState, plan.state, "PLAN_STATE_").replace("unspecified", "active")
    style = {plan_pb2.PLAN_STATE_DONE: "bold green", plan_pb2.PLAN_STATE_FAILED: "bold red"}.get(plan.state, "bold")
    work = [node for node in picture.graph.nodes if not node.children]
    far = counts(_standing(node, picture).word for node in work)
    return Text.assemble(
        (plain(plan.goal) or "(no goal)", "bold"),
        "\n",
        (f"{plain(plan.id)} · version {plan.version} · ", "dim"),
        (state, style),
        (f" · {counted(len(work), 'task')}: {far}" if work else "", "dim"),
    )


def _line(node: Node, picture: RunPicture, now: float, *, folded: bool) -> Text:
    task, far = node.task, _standing(node, picture)
    words = plain(task.goal) or plain(task.id)
    text = Text(overflow="ellipsis", no_wrap=True)
    if node.children:
        text.append(f"{far.mark} " if far.ended else "", style=far.style).append(f"{node.number} ", style="cyan").append(
            words, style="bold"
        )
        return text.append(f" · {counted(sum(1 for _ in _leaves(node)), 'task')}", style="dim") if folded else text
    text.append(f"{far.mark} ", style=far.style).append(f"{node.number} ", style="cyan").append(words)
    for fact, style in _facts(node, picture, now):
        text.append(" · ", style="dim").append(fact, style=style)
    return text


def _facts(node: Node, picture: RunPicture, now: float) -> Iterator[tuple[str, str]]:
    run, far = picture.run_of(node.task.id), _standing(node, picture)
    attempt = running_attempt(run)
    if attempt is not None:
        yield plain(attempt.agent_id), "cyan"
        if attempt.number > 1:
            yield f"attempt {attempt.number}", "yellow"
        yield took(attempt, now), "dim"
    elif tried := workers(run):
        yield " → ".join(tried), "green" if far.word == "done" else "red"
        if run is not None and len(run.attempts) > 1:
            yield counted(len(run.attempts), "attempt"), "yellow"
    elif not far.ended and (routed := picture.routed.get(node.task.id)):
        yield f"for {plain(routed)}", "dim"
    if reason := why(node.task, run):
        yield reason, "red" if node.task.error or (run is not None and run.dead_letter) else "yellow" if attempt is None else "dim"
    if spent := cost(run):
        yield spent, "dim"


def _standing(node: Node, picture: RunPicture) -> Standing:
    return standing(node.task, picture.run_of(node.task.id))


def _leaves(node: Node) -> Iterator[Node]:
    if not node.children:
        yield node
    for child in node.children:
        yield from _leaves(child)


def _all_ended(node: Node, picture: RunPicture) -> bool:
    return all(_standing(leaf, picture).ended for leaf in _leaves(node))


def _is_below(node: Node, folded: set[int]) -> bool:
    return any(heading.index in folded for heading in _above(node))


def _above(node: Node) -> Iterator[Node]:
    heading = node.parent
    while heading is not None:
        yield heading
        heading = heading.parent
