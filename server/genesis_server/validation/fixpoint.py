"""Fixes applied until none makes a plan better: the fixpoint of judge and repair.

Each accepted round has fewer errors than the one before, or as many errors and fewer warnings; so the rounds come to an end, the
result never has more errors than the start, and mending the result again changes nothing. A fix is left out when it would leave an
element of the goal without a task that had one: what no task covered before may stay uncovered, nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import count

from genesis_server.model.plan import Plan
from genesis_server.model.routing import TaskRoute
from genesis_server.model.validation import DropTask, Finding, FindingKind, Fix, MergeTasks, Repair, Severity, Verdict
from genesis_server.validation.fixes import apply_fix

MAX_TRIES = 100
"""Fixes of a round that are tried one by one, at most."""
SAFE_WARNINGS = frozenset({FindingKind.REPEATED_TASK, FindingKind.DUPLICATE_EDGE})
"""Warnings whose fixes are applied, too; other warnings may be mistaken, and are for a person."""

Routes = tuple[TaskRoute, ...]
Judge = Callable[[Plan, Routes], Verdict]
Apply = Callable[[Plan, Routes, Fix], tuple[Plan, Routes]]
Reroute = Callable[[Plan, Routes, tuple[Fix, ...]], Routes]
_Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Mended:
    """A plan and its routing after repair, with the verdict over them and what was done."""

    plan: Plan
    routes: Routes
    verdict: Verdict
    repairs: tuple[Repair, ...] = ()


def mend(
    plan: Plan,
    routes: Routes,
    *,
    judge: Judge,
    reroute: Reroute | None = None,
    verdict: Verdict | None = None,
    max_rounds: int | None = None,
    apply: Apply = apply_fix,
) -> Mended:
    """Apply the fixes of a verdict until none is left that makes it better. Raises what `judge` and `reroute` raise.

    A round applies every fix that touches no task another of the round touches; when that makes nothing better, its fixes are tried
    one by one, and those that help are kept.

    Args:
        plan: what to mend.
        routes: its routing; empty: there is none, and none is made.
        judge: judges a plan with its routes.
        reroute: routes a plan after fixes; None: tasks that fixes bring stay without a route.
        verdict: the judgement of the start, when it is there already.
        max_rounds: at most so many rounds; None: until the fixpoint.
        apply: applies one fix.
    """
    mending = _Mending(judge, reroute, apply)
    best = Mended(plan, routes, verdict if verdict is not None else judge(plan, routes))
    for number in count(1) if max_rounds is None else range(1, max_rounds + 1):
        chosen = _independent(finding for finding in best.verdict.findings if _applies(finding))
        better = mending.all_at_once(best, chosen, number)
        if better is None and len(chosen) > 1:
            better = mending.one_by_one(best, chosen[:MAX_TRIES], number)
        if better is None:
            break
        best = better
    return best


@dataclass(frozen=True, slots=True)
class _Mending:
    """How fixes are applied and what comes of them is judged."""

    judge: Judge
    reroute: Reroute | None
    apply: Apply

    def all_at_once(self, start: Mended, chosen: list[tuple[Finding, Fix]], number: int) -> Mended | None:
        """The start after these fixes; None when they make it no better."""
        plan, routes = start.plan, start.routes
        for _, fix in chosen:
            plan, routes = self.apply(plan, routes, fix)
        if (plan, routes) == (start.plan, start.routes):
            return None
        if self.reroute is not None:
            routes = self.reroute(plan, routes, tuple(fix for _, fix in chosen))
        verdict = self.judge(plan, routes)
        if badness(verdict) >= badness(start.verdict) or (_takes_away(chosen) and not _uncovered(verdict) <= _uncovered(start.verdict)):
            return None
        return Mended(plan, routes, verdict, (*start.repairs, *(Repair(number, finding, fix) for finding, fix in chosen)))

    def one_by_one(self, start: Mended, chosen: list[tuple[Finding, Fix]], number: int) -> Mended | None:
        """The start after those of the fixes that make it better; None when none does."""
        best = start
        for one in chosen:
            best = self.all_at_once(best, [one], number) or best
        return best if best is not start else None


def badness(verdict: Verdict) -> tuple[int, int]:
    """How bad a verdict is: its errors, then its warnings, among the findings it tells."""
    errors = sum(finding.severity is Severity.ERROR for finding in verdict.findings)
    warnings = sum(finding.severity is Severity.WARNING for finding in verdict.findings)
    return errors + max(0, verdict.finding_count - len(verdict.findings)), warnings


def _applies(finding: Finding) -> bool:
    safe = finding.severity is Severity.WARNING and finding.kind in SAFE_WARNINGS
    return finding.fix is not None and (finding.severity is Severity.ERROR or safe)


def _independent(findings: Iterable[Finding]) -> list[tuple[Finding, Fix]]:
    """Fixes that touch no task another chosen one touches, in the findings' order: a pair of repeats loses one of the two."""
    touched: set[str] = set()
    chosen: list[tuple[Finding, Fix]] = []
    for finding in findings:
        if finding.fix is not None and touched.isdisjoint(finding.task_ids):
            touched.update(finding.task_ids)
            chosen.append((finding, finding.fix))
    return chosen


def _takes_away(chosen: list[tuple[Finding, Fix]]) -> bool:
    return any(isinstance(fix, DropTask | MergeTasks) for _, fix in chosen)


def _uncovered(verdict: Verdict) -> set[_Place]:
    """Where the elements stand that no task covers."""
    kind = FindingKind.UNCOVERED_ELEMENT
    return {(span.start, span.end) for finding in verdict.findings if finding.kind is kind for span in finding.spans}
