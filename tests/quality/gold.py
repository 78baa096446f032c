"""Gold plans are sound: every plan of AsyncHow, WorfBench, UltraTool and WfInstances through Validate. This is where the hard bars are.

Each plan goes twice: as a graph of steps whose capability somebody has, where no error of any kind may be found (steps that are said
twice are warnings); and with the goal it was made for, where none of structure may be (completeness is measured by mutants).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from asynchow import asynchow
from gold_plans import Gold, ultratool, worfbench
from measurement import Figure, Run, in_view, spread_over_folds
from workflows import ANYBODY, STEP, wfinstances

import genesis
from genesis.v1.plan_pb2 import TASK_KIND_PRIMITIVE, Edge, Plan, Task
from genesis.v1.validation_pb2 import PRINCIPLE_STRUCTURE, SEVERITY_ERROR, SEVERITY_WARNING


def measure(run: Run) -> list[Figure]:
    """Errors, warnings and errors of structure, by data set."""
    with genesis.connect(run.address, timeout=120) as client:
        return [figure for name, plans in SETS.items() for figure in _figures(client, name, list(plans(run.data, run.limit)))]


def _figures(client: genesis.Client, name: str, plans: list[tuple[str, str, Plan]]) -> list[Figure]:
    ids: list[str] = []
    sound: list[float] = []
    warned: list[float] = []
    structured: list[float] = []
    for plan_id, goal, plan in in_view(plans, f"gold plans of {name}"):
        alone = client.validate(plan, catalogue=ANYBODY).verdict
        told = client.validate(plan, goal=goal, catalogue=ANYBODY).verdict if goal else alone
        ids.append(plan_id)
        sound.append(float(alone.passed and all(finding.severity != SEVERITY_ERROR for finding in alone.findings)))
        warned.append(float(any(finding.severity == SEVERITY_WARNING for finding in alone.findings)))
        structured.append(
            float(
                told.structure_passed
                and not any(f.principle == PRINCIPLE_STRUCTURE and f.severity == SEVERITY_ERROR for f in told.findings)
            )
        )
    return [
        spread_over_folds(f"{name}: without an error", ids, sound, aim="100 %"),
        spread_over_folds(f"{name}: with its goal, sound in structure", ids, structured, aim="100 %"),
        spread_over_folds(f"{name}: with a warning", ids, warned),
    ]


def _asynchow(data: Path, limit: int | None) -> Iterator[tuple[str, str, Plan]]:
    return ((steps.id, steps.title, steps.plan(1)) for steps in asynchow(data / "asynchow", limit))


def _worfbench(data: Path, limit: int | None) -> Iterator[tuple[str, str, Plan]]:
    found = list(worfbench(data / "worfbench"))
    return ((gold.id, gold.goal, _plan(gold)) for gold in found[:limit])


def _ultratool(data: Path, limit: int | None) -> Iterator[tuple[str, str, Plan]]:
    _, found = ultratool(data / "ultratool")
    return ((gold.id, gold.goal, _plan(gold)) for gold in found[:limit])


def _wfinstances(data: Path, limit: int | None) -> Iterator[tuple[str, str, Plan]]:
    return ((flow.id, "", flow.plan) for flow in wfinstances(data / "wfinstances", limit))


def _plan(gold: Gold) -> Plan:
    tasks = [Task(id=step.id, goal=step.text, capability=STEP, kind=TASK_KIND_PRIMITIVE) for step in gold.steps]
    return Plan(tasks=tasks, edges=[Edge(from_task_id=one, to_task_id=two) for one, two in gold.links])


SETS: dict[str, Callable[[Path, int | None], Iterator[tuple[str, str, Plan]]]] = {
    "AsyncHow": _asynchow,
    "WorfBench": _worfbench,
    "UltraTool": _ultratool,
    "WfInstances": _wfinstances,
}
"""What gives the plans of each set, with id and goal."""
