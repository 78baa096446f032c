"""The verdict: structure, solvability, completeness, non-redundancy and routing of a plan, with findings and a score.

The principles are those of Agent-Oriented Planning (arXiv 2410.02189, ICLR 2025), judged by rules and words instead of a language
model. A verdict is a pure function of its arguments: the same plan, catalogue, routing and constraints get the same verdict.
"""

from __future__ import annotations

from collections.abc import Callable

from genesis_server.agents.index import CatalogueIndex
from genesis_server.model.plan import Plan
from genesis_server.model.routing import RoutingConstraints, TaskRoute
from genesis_server.model.validation import NotJudged, Principle, QualityTerms, Verdict
from genesis_server.validation.amounts import refuse_mixed_currencies
from genesis_server.validation.completeness import judge_completeness, why_not_judged
from genesis_server.validation.durations import task_durations
from genesis_server.validation.findings import FindingLog
from genesis_server.validation.fitness import Fitness
from genesis_server.validation.graph import PlanGraph, graph_of_plan
from genesis_server.validation.misfit import misfits
from genesis_server.validation.policy import ValidationPolicy, default_policy
from genesis_server.validation.redundancy import MAX_TASKS_FOR_NEAR_REPEATS, judge_redundancy
from genesis_server.validation.routing_checks import RoutingCheck, assignments, first_routes, load_of
from genesis_server.validation.schedule import Timetable
from genesis_server.validation.score import cost_term, quality_score, quality_term, success_term, time_term
from genesis_server.validation.solvability import Solvability
from genesis_server.validation.structure import Limits, judge_structure

__all__ = ["Limits", "judge", "judge_of", "judge_plan"]

_NO_CATALOGUE = "there is no catalogue to compare with; send one, or register agents"
_NO_ROUTING = "there is no routing; send the routes that Route answered"
_STRUCTURAL_ONLY = "only the structure is judged, because the validator runs as in version 1.0 (Flag tells which flag says so)"


def judge_of(
    *,
    goal: str = "",
    index: CatalogueIndex | None,
    constraints: RoutingConstraints,
    limits: Limits = Limits(),  # noqa: B008  (frozen)
    structural_only: bool = False,
    unhealthy: frozenset[str] = frozenset(),
) -> Callable[[Plan, tuple[TaskRoute, ...]], Verdict]:
    """What judges any plan and its routes by the same goal, catalogue and limits, as `judge_plan` does."""

    def judge_again(plan: Plan, routes: tuple[TaskRoute, ...]) -> Verdict:
        return judge_plan(
            plan,
            goal=goal,
            index=index,
            routes=routes,
            constraints=constraints,
            limits=limits,
            structural_only=structural_only,
            unhealthy=unhealthy,
        )

    return judge_again


def judge_plan(
    plan: Plan,
    *,
    goal: str = "",
    index: CatalogueIndex | None = None,
    routes: tuple[TaskRoute, ...] = (),
    constraints: RoutingConstraints = RoutingConstraints(),  # noqa: B008  (frozen)
    limits: Limits = Limits(),  # noqa: B008  (frozen)
    structural_only: bool = False,
    unhealthy: frozenset[str] = frozenset(),
) -> Verdict:
    """Judge a plan against `goal`, or its own goal when that is empty; see `judge`."""
    return judge(
        graph_of_plan(plan),
        goal=goal or plan.goal,
        index=index,
        routes=routes,
        constraints=constraints,
        limits=limits,
        structural_only=structural_only,
        unhealthy=unhealthy,
    )


def judge(
    graph: PlanGraph,
    *,
    goal: str,
    index: CatalogueIndex | None,
    routes: tuple[TaskRoute, ...] = (),
    constraints: RoutingConstraints = RoutingConstraints(),  # noqa: B008  (frozen)
    limits: Limits = Limits(),  # noqa: B008  (frozen)
    structural_only: bool = False,
    unhealthy: frozenset[str] = frozenset(),
) -> Verdict:
    """Judge a plan and its routing. Nothing here raises for a bad plan: what is wrong is a finding.

    Raises ValidationError INVALID_FIELD when amounts are in more than one currency.

    Args:
        graph: the plan's columns.
        goal: what the tasks together must cover; empty: completeness is not judged.
        index: agents and tools; None: solvability and routing are not judged.
        routes: the plan's routing; empty: it is not judged.
        constraints: limits the routing must keep.
        limits: how large a plan may be.
        structural_only: judge the graph alone, as version 1.0 did.
        unhealthy: ids of agents and names of tools that are not well at the moment.
    """
    made = _Judgement(graph=graph, goal=goal, index=index, routes=routes, constraints=constraints, limits=limits, unhealthy=unhealthy)
    return made.verdict(structural_only=structural_only)


class _Judgement:
    """One verdict in the making."""

    def __init__(
        self,
        *,
        graph: PlanGraph,
        goal: str,
        index: CatalogueIndex | None,
        routes: tuple[TaskRoute, ...],
        constraints: RoutingConstraints,
        limits: Limits,
        unhealthy: frozenset[str],
    ) -> None:
        self._unhealthy = unhealthy
        self._graph = graph
        self._goal = goal
        self._index = index
        self._routes = routes
        self._constraints = constraints
        self._limits = limits
        self._policy: ValidationPolicy = default_policy()
        self._log = FindingLog()
        self._not_judged: list[NotJudged] = []
        self._passed: dict[Principle, bool] = {}
        self._by_id = first_routes(routes)
        self._assigned = assignments(graph, self._by_id)
        self._fitness: Fitness | None = None

    def verdict(self, *, structural_only: bool) -> Verdict:
        """Make every check there is something to check with, then add up."""
        refuse_mixed_currencies(self._graph, self._index, self._routes, self._constraints)
        durations = task_durations(self._graph, self._index, self._by_id)
        structure = judge_structure(self._graph, durations=durations, limits=self._limits)
        self._log.extend(structure.findings)
        self._not_judged.extend(structure.not_judged)
        self._passed[Principle.STRUCTURE] = self._log.passed(Principle.STRUCTURE)
        if structural_only:
            for principle in (Principle.SOLVABILITY, Principle.COMPLETENESS, Principle.NON_REDUNDANCY, Principle.ROUTING):
                self._skip(principle, _STRUCTURAL_ONLY)
        else:
            unjudged = self._solvability()
            self._completeness()
            self._redundancy()
            self._routing(unjudged, structure.times)
        terms = self._terms(structure.times)
        return Verdict(
            passed=all(self._passed.values()),
            structure_passed=self._passed[Principle.STRUCTURE],
            solvability_passed=self._passed.get(Principle.SOLVABILITY),
            completeness_passed=self._passed.get(Principle.COMPLETENESS),
            non_redundancy_passed=self._passed.get(Principle.NON_REDUNDANCY),
            routing_passed=self._passed.get(Principle.ROUTING),
            quality_score=quality_score(terms) if self._passed[Principle.STRUCTURE] else 0.0,
            quality_terms=terms,
            findings=self._log.worst_first(),
            finding_count=self._log.count(),
            not_judged=tuple(self._not_judged),
            schedule=structure.schedule,
        )

    def _skip(self, principle: Principle, reason: str) -> None:
        self._not_judged.append(NotJudged(principle, reason))

    def _solvability(self) -> frozenset[int]:
        """Judge solvability; the rows whose lack of an assignment is no fault of the routing."""
        if self._index is None:
            self._skip(Principle.SOLVABILITY, _NO_CATALOGUE)
            return frozenset()
        check = Solvability(self._graph, self._index, self._policy.solvability.text_threshold)
        self._log.extend(check.findings())
        self._log.extend(misfits(self._graph, self._goal, self._index, self._policy.solvability))
        if check.too_many:
            reason = (
                f"{len(check.by_words)} tasks name no capability of the catalogue; the words of more than {check.most_by_words} are not "
                "compared; name their capabilities"
            )
            self._skip(Principle.SOLVABILITY, reason)
        if not check.too_many or len(check.by_words) < len(self._graph.work):
            self._passed[Principle.SOLVABILITY] = self._log.passed(Principle.SOLVABILITY)
        return check.undoable

    def _completeness(self) -> None:
        reason = why_not_judged(self._graph, self._goal)
        if reason:
            self._skip(Principle.COMPLETENESS, reason)
            return
        self._log.extend(judge_completeness(self._graph, self._goal, self._policy.completeness, self._index))
        self._passed[Principle.COMPLETENESS] = self._log.passed(Principle.COMPLETENESS)

    def _redundancy(self) -> None:
        self._log.extend(judge_redundancy(self._graph, self._policy.redundancy, self._goal))
        self._passed[Principle.NON_REDUNDANCY] = self._log.passed(Principle.NON_REDUNDANCY)
        if len(self._graph.work) > MAX_TASKS_FOR_NEAR_REPEATS:
            reason = f"only literal repeats were looked for, because the plan has more than {MAX_TASKS_FOR_NEAR_REPEATS} tasks"
            self._skip(Principle.NON_REDUNDANCY, reason)

    def _routing(self, unjudged: frozenset[int], times: Timetable | None) -> None:
        if self._index is None or not self._routes:
            self._skip(Principle.ROUTING, _NO_CATALOGUE if self._routes else _NO_ROUTING)
            return
        threshold = self._policy.solvability.text_threshold
        load = load_of(self._assigned)
        self._fitness = Fitness(
            self._graph, self._index, self._constraints, threshold, load=load, unjudged=unjudged, unhealthy=self._unhealthy
        )
        check = RoutingCheck(
            self._graph, self._routes, self._assigned, self._fitness, self._constraints, threshold, unjudged, times, self._goal
        )
        self._log.extend(check.findings())
        self._passed[Principle.ROUTING] = self._log.passed(Principle.ROUTING)

    def _terms(self, times: Timetable | None) -> QualityTerms:
        return QualityTerms(
            success=success_term(self._graph, self._assigned),
            quality=quality_term(self._graph, self._log),
            cost=cost_term(self._assigned, self._constraints.budget, self._fitness),
            time=time_term(times),
        )
