"""Verdicts, findings and fixes."""

from __future__ import annotations

from genesis.v1 import orchestrator_service_pb2, validation_pb2
from genesis_server.model.validation import (
    AddTask,
    DropEdge,
    DropTask,
    Finding,
    Fix,
    MergeTasks,
    Reallocate,
    Redescribe,
    Repair,
    Schedule,
    SplitTask,
    Verdict,
)
from genesis_server.rpc.convert.plans import edge_to_proto, plan_to_proto, task_to_proto
from genesis_server.rpc.convert.routes import write_routes
from genesis_server.rpc.convert.values import Fields, duration_to_proto, number, span_to_proto, target_to_proto
from genesis_server.validation.fixpoint import Mended


def verdict_to_proto(verdict: Verdict) -> validation_pb2.Verdict:
    """The judgement."""
    terms = verdict.quality_terms
    return validation_pb2.Verdict(
        passed=verdict.passed,
        structure_passed=verdict.structure_passed,
        solvability_passed=verdict.solvability_passed,
        completeness_passed=verdict.completeness_passed,
        non_redundancy_passed=verdict.non_redundancy_passed,
        routing_passed=verdict.routing_passed,
        quality_score=verdict.quality_score,
        quality_terms=validation_pb2.QualityTerms(success=terms.success, quality=terms.quality, cost=terms.cost, time=terms.time),
        findings=map(finding_to_proto, verdict.findings),
        finding_count=verdict.finding_count,
        not_judged=[validation_pb2.NotJudged(principle=number(item.principle), reason=item.reason) for item in verdict.not_judged],
        schedule=None if verdict.schedule is None else _schedule(verdict.schedule),
    )


def finding_to_proto(finding: Finding) -> Fields:
    """One finding."""
    fields: Fields = {
        "kind": finding.kind,
        "principle": finding.principle,
        "severity": finding.severity,
        "message": finding.message,
        "task_ids": finding.task_ids,
        "fix": None if finding.fix is None else fix_to_proto(finding.fix),
    }
    if finding.spans:
        fields["spans"] = [span_to_proto(span) for span in finding.spans]
    return fields


def fix_to_proto(fix: Fix) -> Fields:  # noqa: PLR0911  (one for each kind)
    """A change a program can apply."""
    match fix:
        case DropEdge(edge):
            return {"drop_edge": {"edge": edge_to_proto(edge)}}
        case Reallocate(task_id, target):
            return {"reallocate": {"task_id": task_id, "target": target_to_proto(target)}}
        case DropTask(task_id):
            return {"drop_task": {"task_id": task_id}}
        case AddTask(task, edges):
            return {"add_task": {"task": task_to_proto(task), "edges": map(edge_to_proto, edges)}}
        case Redescribe(task_id, goal):
            return {"redescribe": {"task_id": task_id, "goal": goal}}
        case SplitTask(task_id, tasks, edges):
            return {"split_task": {"task_id": task_id, "tasks": map(task_to_proto, tasks), "edges": map(edge_to_proto, edges)}}
        case MergeTasks(task_id, merged_ids, goal):
            return {"merge_tasks": {"task_id": task_id, "merged_ids": merged_ids, "goal": goal}}


def mended_to_proto(mended: Mended) -> orchestrator_service_pb2.ValidateResponse:
    """A mended plan with its verdict and what was done, without provenance."""
    answer = orchestrator_service_pb2.ValidateResponse(
        verdict=verdict_to_proto(mended.verdict),
        plan=plan_to_proto(mended.plan),
        repairs=[repair_to_proto(repair) for repair in mended.repairs],
    )
    write_routes(mended.routes, answer.routes)
    return answer


def _schedule(schedule: Schedule) -> Fields:
    return {
        "levels": [{"task_ids": level} for level in schedule.levels],
        "level_count": schedule.level_count,
        "critical_path": schedule.critical_path,
        "makespan": duration_to_proto(schedule.makespan_seconds),
        "max_parallelism": schedule.max_parallelism,
        "average_parallelism": schedule.average_parallelism,
        "redundant_edges_checked": schedule.redundant_edges_checked,
    }


def repair_to_proto(repair: Repair) -> orchestrator_service_pb2.Repair:
    """A repair that was made."""
    return orchestrator_service_pb2.Repair(round=repair.round, finding=finding_to_proto(repair.finding), fix=fix_to_proto(repair.fix))
