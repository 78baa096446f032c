"""Measurement 10: verdict, levels, critical path and redundant edges of 120 real workflows through Validate, and of 100 000 tasks.

The shape of every graph must be that which rustworkx finds. Times: what the caller waits, what the server says its phases took, and
what rustworkx and networkx take for the same in this process, all in this run, ROUNDS times over; the ratios are of total times. The
libraries neither judge nor read a message, so a ratio says what all of it costs next to the bare graph work.

For 100 000 tasks another caller asks Health a hundred times a second meanwhile; its waits count from when a call was meant to go.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from measurement import SERVICE, Figure, Run, in_view, spread_over, spread_over_folds
from others import Others
from workflows import ANYBODY, Shape, Workflow, by_networkx, by_rustworkx, levels_and_makespan, made_workflow, wfinstances

import genesis
from genesis.v1.orchestrator_service_pb2 import ValidateResponse
from genesis.v1.validation_pb2 import FINDING_KIND_REDUNDANT_EDGE, SEVERITY_ERROR, Verdict

ROUNDS = 5
LARGE_TASKS = 100_000
RUSTWORKX, NETWORKX = "rustworkx", "networkx"
_LONGEST_WAIT = 120.0
_TOLD = 1000
"""The most findings an answer names."""
_CLOSE = 1e-6

Result = TypeVar("Result")


def measure(run: Run) -> list[Figure]:
    """Figures of the real workflows, then of the large one."""
    with genesis.connect(run.address, timeout=_LONGEST_WAIT) as client:
        flows = wfinstances(run.data / "wfinstances", run.limit)
        return _shapes(client, flows) + _times(client, flows) + _large(client, run)


def _shapes(client: genesis.Client, flows: Sequence[Workflow]) -> list[Figure]:
    verdicts = {flow.id: client.validate(flow.plan, catalogue=ANYBODY).verdict for flow in in_view(flows, "wfinstances")}
    shapes = {flow.id: by_rustworkx(flow) for flow in flows}
    ids = list(verdicts)
    searched = [one for one in ids if verdicts[one].schedule.redundant_edges_checked]
    levels = [float(verdicts[one].schedule.level_count == shapes[one].levels) for one in ids]
    makespans = [float(_same_makespan(verdicts[one], shapes[one].makespan)) for one in ids]
    redundant = [float(_same_redundant(verdicts[one], shapes[one])) for one in searched]
    errors = [float(any(finding.severity == SEVERITY_ERROR for finding in verdicts[one].findings)) for one in ids]
    return [
        spread_over_folds("without an error", ids, [1.0 - each for each in errors], aim="100 %"),
        spread_over_folds("levels as rustworkx finds them", ids, levels, aim="100 %"),
        spread_over_folds("makespan as rustworkx finds it", ids, makespans, aim="100 %"),
        spread_over_folds("redundant edges looked for", ids, [float(one in searched) for one in ids]),
        spread_over_folds("redundant edges, where looked for, as rustworkx finds them", searched, redundant, aim="100 %"),
    ]


def _same_makespan(verdict: Verdict, seconds: float) -> bool:
    return abs(verdict.schedule.makespan.ToNanoseconds() / 1e9 - seconds) < _CLOSE


def _same_redundant(verdict: Verdict, shape: Shape) -> bool:
    """Exactly as many; no more than there are where an answer cannot name them all."""
    told = sum(finding.kind == FINDING_KIND_REDUNDANT_EDGE for finding in verdict.findings)
    return told == shape.redundant or (verdict.finding_count > _TOLD and told < shape.redundant)


def _times(client: genesis.Client, flows: Sequence[Workflow]) -> list[Figure]:
    seconds: dict[tuple[str, str], list[float]] = {
        (", caller", SERVICE): [],
        (", server", SERVICE): [],
        ("", RUSTWORKX): [],
        ("", NETWORKX): [],
    }
    for _ in in_view(range(ROUNDS), "wfinstances, times"):
        asked = [_timed(lambda flow=flow: client.validate(flow.plan, catalogue=ANYBODY)) for flow in flows]
        seconds[", caller", SERVICE].append(sum(each for each, _ in asked))
        seconds[", server", SERVICE].append(sum(_phases(answer) for _, answer in asked))
        for name, shape_of in ((RUSTWORKX, by_rustworkx), (NETWORKX, by_networkx)):
            seconds["", name].append(sum(_timed(lambda flow=flow, shape_of=shape_of: shape_of(flow))[0] for flow in flows))
    figures = [
        spread_over(f"time of all graphs{what}", [1e3 * each for each in some], len(flows), unit="ms", over="rounds", by=by)
        for (what, by), some in seconds.items()
    ]
    for (what, by), some in seconds.items():
        if by != RUSTWORKX:
            ratios = [one / other for one, other in zip(some, seconds["", RUSTWORKX], strict=True)]
            figures.append(spread_over(f"times rustworkx{what}", ratios, len(flows), unit="x", over="rounds", by=by))
    return figures


def _large(client: genesis.Client, run: Run) -> list[Figure]:
    tasks = LARGE_TASKS if run.limit is None else min(LARGE_TASKS, 200 * run.limit)
    flow = made_workflow(tasks, 2 * tasks, run.seed)
    plan, name = flow.plan, f"{tasks} tasks"
    waits: list[float] = []
    bare: list[float] = []
    with Others(run.address) as others:
        for _ in in_view(range(ROUNDS), name):
            seconds, answer = _timed(lambda: client.validate(plan, catalogue=ANYBODY))
            waits.append(1e3 * seconds)
    for _ in range(ROUNDS):
        seconds, (levels, makespan) = _timed(lambda: levels_and_makespan(flow))
        bare.append(1e3 * seconds)
    same = answer.verdict.schedule.level_count == levels and _same_makespan(answer.verdict, makespan)
    asked = sorted(1e3 * each for each in others.waits)
    worst = asked[min(len(asked) - 1, len(asked) * 99 // 100)]
    return [
        spread_over(f"{name}: end to end", waits, tasks, unit="ms", over="calls", aim="< 1 000 ms"),
        spread_over(f"{name}: levels and makespan", bare, tasks, unit="ms", over="rounds", by=RUSTWORKX),
        Figure(f"{name}: what others wait meanwhile, P99", worst, asked[0], asked[-1], len(asked), "ms", "< 20 ms", over="calls"),
        spread_over_folds(f"{name}: levels and makespan as rustworkx finds them", [flow.id], [float(same)], aim="100 %"),
    ]


def _timed(call: Callable[[], Result]) -> tuple[float, Result]:
    """How many seconds a call took, and what it gave."""
    start = time.perf_counter()
    result = call()
    return time.perf_counter() - start, result


def _phases(answer: ValidateResponse) -> float:
    return sum(phase.duration.ToNanoseconds() for phase in answer.provenance.phases) / 1e9
