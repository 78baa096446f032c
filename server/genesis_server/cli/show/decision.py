"""A decision with its proof, for a person."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from genesis.v1 import decision_pb2, plan_pb2, routing_pb2
from genesis_server.cli.drawing.graph import Node, PlanGraph
from genesis_server.cli.show.assignments import candidates_table
from genesis_server.cli.show.rows import Rows
from genesis_server.cli.text import amount, enum_word, plain

_MOST_REJECTED = 5


def why_view(
    graph: PlanGraph,
    task_ids: Sequence[str],
    planned: decision_pb2.GetDecisionResponse | None,
    routed: Sequence[decision_pb2.GetDecisionResponse],
) -> RenderableType:
    """Why each of these tasks is there, and why who has it has it."""
    routes = {route.task_id: route for one in routed for route in one.routes}
    rejected = planned.rejected if planned else ()
    parts: list[RenderableType] = []
    for task_id in task_ids:
        node = graph.find(task_id)
        if node is not None:
            parts += [*_task(node, rejected), *(_route(routes[task_id]) if task_id in routes else ()), Text()]
    parts += [_made_again("plan", planned), *(_made_again("routing", one) for one in routed or [None])]
    return Group(*parts)


def _task(node: Node, rejected: Sequence[decision_pb2.RejectedSource]) -> Iterator[RenderableType]:
    task = node.task
    yield Text.assemble((f"{node.number} ", "cyan"), (plain(task.goal) or plain(task.id), "bold"), (f"  {plain(task.id)}", "dim"))
    origin = task.origin
    if origin.source:
        yield _fact("is there because of", _origin(origin))
    for guard in task.guards:
        yield _fact("only if", plain(guard.text))
    for requirement in task.requirements:
        yield _fact("demands", plain(requirement.text))
    for link in node.waits:
        yield _fact(f"waits for {link.start.number}", _edge(link.edge))
    spans = {(span.start, span.end) for span in origin.spans}
    near = [one for one in rejected if (one.span.start, one.span.end) in spans] or ([] if node.parent else list(rejected))
    for one in near[:_MOST_REJECTED]:
        source = enum_word(plan_pb2.TaskSource, one.source, "TASK_SOURCE_")
        yield _fact("not taken", f"{source} {plain(one.id)} ({one.score:.2f}): {plain(one.reason)}")


def _origin(origin: plan_pb2.TaskOrigin) -> str:
    words = ", ".join(f"“{plain(span.text)}”" for span in origin.spans)
    kind = enum_word(plan_pb2.TaskSource, origin.source, "TASK_SOURCE_")
    entry = f", catalogue entry {plain(origin.catalogue_entry)} ({origin.match_score:.2f})" if origin.catalogue_entry else ""
    method = f" {plain(origin.method_id)}" if origin.method_id else ""
    return f"the {kind}{method} {words}{entry}".rstrip()


def _edge(edge: plan_pb2.Edge) -> str:
    origin = edge.origin
    match origin.source:
        case plan_pb2.EDGE_SOURCE_CUE | plan_pb2.EDGE_SOURCE_REFERENCE:
            return f"the goal says “{plain(origin.text)}”"
        case plan_pb2.EDGE_SOURCE_ARTEFACT:
            return f"it needs {plain(origin.text or edge.artefact)}"
        case plan_pb2.EDGE_SOURCE_METHOD:
            return f"method {plain(origin.text)} says so"
        case plan_pb2.EDGE_SOURCE_UNSPECIFIED:
            return f"it needs {plain(edge.artefact)}" if edge.artefact else "the plan says so"
        case _:
            return enum_word(plan_pb2.EdgeSource, origin.source, "EDGE_SOURCE_")


def _route(route: routing_pb2.TaskRoute) -> Iterator[RenderableType]:
    if route.WhichOneof("outcome") == "assignment":
        target = route.assignment.target
        model = f" with {plain(target.model_id)}" if target.model_id else ""
        yield _fact("goes to", f"{plain(target.id)}{model} for {amount(route.assignment.expected_cost)}. {plain(route.assignment.reason)}")
    else:
        yield _fact("goes to", f"nobody. {plain(route.unassigned.message)}")
    yield from proof(route.explanation)


def proof(explanation: routing_pb2.RouteExplanation) -> Iterator[RenderableType]:
    """The proof of a route: rules, candidates, load, what would have changed it, what it hangs on."""
    for rule in explanation.fired_rules:
        effect = enum_word(routing_pb2.RuleEffect, rule.effect, "RULE_EFFECT_")
        yield _fact(f"rule {plain(rule.rule_id)}", f"{effect}: {plain(rule.explanation)}")
    yield from _blocked(explanation.blocked_rules)
    if explanation.HasField("load_choice"):
        yield _fact("load", plain(explanation.load_choice.text))
    if explanation.tie_break:
        yield _fact("tie-break", plain(explanation.tie_break))
    for item in explanation.counterfactuals:
        yield _fact("otherwise", plain(item.text))
    if explanation.HasField("decisive_set"):
        yield _fact("hangs on", _decisive(explanation.decisive_set))
    if explanation.facts:
        facts = " · ".join(f"{plain(fact.name)} = {plain(fact.value)}" for fact in explanation.facts)
        yield _fact("facts", facts, style="dim")
    if explanation.candidates:
        yield Padding(candidates_table(explanation.candidates), (0, 0, 0, 2))


def _blocked(rules: Sequence[routing_pb2.BlockedRule]) -> Iterator[RenderableType]:
    """The rules that did not fire, together where one fact kept them from it."""
    by_fact: dict[tuple[str, str], list[routing_pb2.BlockedRule]] = {}
    for rule in rules:
        by_fact.setdefault((rule.fact.name, rule.fact.value), []).append(rule)
    for (name, value), blocked in by_fact.items():
        ids = [plain(rule.rule_id) for rule in blocked]
        told = f"{ids[0]}, which needs {plain(blocked[0].needed)}" if len(ids) == 1 else f"{len(ids)} rules: {', '.join(ids)}"
        yield _fact(f"{plain(name)} = {plain(value) or 'missing'} blocks", told, style="dim")


def _decisive(decisive: routing_pb2.DecisiveSet) -> str:
    elements = ", ".join([*(f"rule {plain(rule)}" for rule in decisive.rules), *(plain(fact) for fact in decisive.facts)])
    return f"{elements}; without: {_name(decisive.without) if decisive.HasField('without') else 'nobody'}"


def _name(target: routing_pb2.Target) -> str:
    return f"{plain(target.id)} with {plain(target.model_id)}" if target.model_id else plain(target.id)


def _made_again(what: str, answer: decision_pb2.GetDecisionResponse | None) -> Text:
    if answer is None:
        return Text(f"The {what} was not recorded, or is older than the server keeps.", style="yellow")
    text = Text.assemble(f"The {what}, made again from what was stored: ", _same(answer.replay), (f"  {plain(answer.decision.id)}", "dim"))
    return text.append(f"\n  {plain(answer.replay.note)}", style="yellow") if answer.replay.note else text


def _same(replay: decision_pb2.Replay) -> tuple[str, str]:
    return ("the same", "green") if replay.same else ("not the same: " + "; ".join(plain(one) for one in replay.differences), "bold red")


def _fact(name: str, value: str, *, style: str = "") -> Padding:
    return Padding(Text.assemble((f"{name}: ", "dim"), (value, style)), (0, 0, 0, 2))


def decisions_table(decisions: Collection[decision_pb2.Decision]) -> RenderableType:
    """Decisions in short."""
    table = Rows("decision", "made", "what", "plan", "tasks", "went to", "rules", right=("tasks",), whole=("decision",))
    for one in decisions:
        kind = enum_word(decision_pb2.DecisionKind, one.kind, "DECISION_KIND_")
        table.add(
            Text(plain(one.id)),
            Text(f"{one.time.ToDatetime():%Y-%m-%d %H:%M} UTC"),
            Text(kind),
            Text(plain(one.plan_id)),
            Text(str(one.task_count)),
            Text(", ".join(plain(target) for target in one.target_ids)),
            Text(", ".join(plain(rule) for rule in one.rule_ids)),
        )
    return table


def decision_view(answer: decision_pb2.GetDecisionResponse) -> RenderableType:
    """One decision: what was recorded, or what came out again."""
    from genesis_server.cli.show.assignments import assignment_table
    from genesis_server.cli.show.plan_tree import plan_tree
    from genesis_server.cli.show.provenance import provenance_view

    one = answer.decision
    kind = enum_word(decision_pb2.DecisionKind, one.kind, "DECISION_KIND_")
    graph = PlanGraph(answer.plan)
    made = f" · {kind} · {one.time.ToDatetime():%Y-%m-%d %H:%M:%S} UTC · by {plain(one.caller)}"
    parts: list[RenderableType] = [Text.assemble((plain(one.id), "bold"), made)]
    parts.append(assignment_table(answer.routes, None, graph) if answer.routes else plan_tree(graph))
    parts.append(provenance_view(one.provenance))
    if answer.HasField("replay"):
        parts.append(_made_again("decision", answer))
    return Group(*parts)
