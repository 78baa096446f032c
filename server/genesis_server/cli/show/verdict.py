"""The verdict: what passed, what was found, how long the whole takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from genesis.v1 import orchestrator_service_pb2, validation_pb2
from genesis_server.cli.drawing.graph import PlanGraph
from genesis_server.cli.show.rows import Rows
from genesis_server.cli.text import counted, enum_word, plain, seconds, span

_SHOWN_FINDINGS = 50
_SHOWN_PATH = 60
_STYLES = {validation_pb2.SEVERITY_ERROR: "bold red", validation_pb2.SEVERITY_WARNING: "yellow"}


def verdict_view(verdict: validation_pb2.Verdict, graph: PlanGraph) -> RenderableType:
    """The verdict with its findings and the critical path."""
    return Group(_headline(verdict), *_principles(verdict), *_findings(verdict, graph), *_schedule(verdict, graph))


def repairs_view(repairs: Sequence[orchestrator_service_pb2.Repair], graph: PlanGraph) -> RenderableType:
    """What was mended on the way."""
    lines = [Text(f"  round {repair.round}: {plain(repair.finding.message)} → {_fix(repair.fix, graph)}") for repair in repairs]
    return Group(Text("Repairs", style="bold"), *lines)


def _headline(verdict: validation_pb2.Verdict) -> Text:
    terms = verdict.quality_terms
    parts = f" (success {terms.success:.2f}, quality {terms.quality:.2f}, cost {terms.cost:.2f}, time {terms.time:.2f})"
    passed = ("PASSED", "bold green") if verdict.passed else ("FAILED", "bold red")
    return Text.assemble(("Verdict ", "bold"), passed, f"  score {verdict.quality_score:.3f}", (parts, "dim"))


def _principles(verdict: validation_pb2.Verdict) -> Iterator[Text]:
    line = Text("  ")
    for name in ("structure", "solvability", "completeness", "non_redundancy", "routing"):
        field = f"{name}_passed"
        judged = name == "structure" or verdict.HasField(field)
        passed = judged and getattr(verdict, field)
        mark, style = ("✓", "green") if passed else ("✗", "red") if judged else ("–", "dim")
        line.append(f"{mark} {name.replace('_', '-')}   ", style=style)
    yield line
    for left_out in verdict.not_judged:
        name = enum_word(validation_pb2.Principle, left_out.principle, "PRINCIPLE_")
        yield Text(f"  not judged, {name}: {plain(left_out.reason)}", style="dim")


def _findings(verdict: validation_pb2.Verdict, graph: PlanGraph) -> Iterator[RenderableType]:
    if not verdict.findings:
        yield Text("  no findings")
        return
    table = Rows("severity", "finding", "tasks", "fix", title="Findings")
    for finding in verdict.findings[:_SHOWN_FINDINGS]:
        severity = enum_word(validation_pb2.Severity, finding.severity, "SEVERITY_")
        tasks = ", ".join(plain(graph.label(task_id)) for task_id in finding.task_ids[:12])
        fix = _fix(finding.fix, graph) if finding.HasField("fix") else ""
        table.add(Text(severity, _STYLES.get(finding.severity, "dim")), Text(_message(finding, graph)), Text(tasks), Text(fix))
    yield table
    hidden = max(verdict.finding_count, len(verdict.findings)) - _SHOWN_FINDINGS
    if hidden > 0:
        yield Text(f"  … and {hidden} more findings", style="dim")


def _message(finding: validation_pb2.Finding, graph: PlanGraph) -> str:
    """The message with tasks named by their numbers, as in the tree."""
    message = plain(finding.message)
    for task_id in finding.task_ids:
        message = message.replace(f"'{task_id}'", plain(graph.label(task_id)))
    return message


def _fix(fix: validation_pb2.Fix, graph: PlanGraph) -> str:  # noqa: PLR0911  (one for each kind)
    match fix.WhichOneof("action"):
        case "reallocate":
            return f"give {plain(graph.label(fix.reallocate.task_id))} to {plain(fix.reallocate.target.id)}"
        case "drop_task":
            return f"drop {plain(graph.label(fix.drop_task.task_id))}"
        case "drop_edge":
            edge = fix.drop_edge.edge
            return f"drop {plain(graph.label(edge.from_task_id))} → {plain(graph.label(edge.to_task_id))}"
        case "add_task":
            return f"add “{plain(fix.add_task.task.goal)}”"
        case "redescribe":
            return f"say {plain(graph.label(fix.redescribe.task_id))} as “{plain(fix.redescribe.goal)}”"
        case "split_task":
            parts = ", ".join(f"“{plain(task.goal)}”" for task in fix.split_task.tasks)
            return f"split {plain(graph.label(fix.split_task.task_id))} into {parts}"
        case "merge_tasks":
            merged = ", ".join(plain(graph.label(task_id)) for task_id in fix.merge_tasks.merged_ids)
            return f"merge {merged} into {plain(graph.label(fix.merge_tasks.task_id))}"
        case _:
            return ""


def _schedule(verdict: validation_pb2.Verdict, graph: PlanGraph) -> Iterator[Text]:
    if not verdict.HasField("schedule"):
        return
    schedule = verdict.schedule
    path = [plain(graph.label(task_id)) for task_id in schedule.critical_path]
    shown = [*path[:_SHOWN_PATH], "…"] if len(path) > _SHOWN_PATH else path
    yield Text.assemble(("Critical path ", "bold"), (" → ".join(shown), "magenta"))
    yield Text(
        f"  {span(seconds(schedule.makespan))} from start to end · {counted(schedule.level_count, 'level')}"
        f" · at most {counted(schedule.max_parallelism, 'task')} at once · {schedule.average_parallelism:.1f} on average",
        style="dim",
    )
