"""The decision of one task as it was made, ready to be made again without some of what it was made from.

What can be left out goes by name: a fact of the rulebook's catalogue, `rule:` and a rule's id, `constraints.excluded_targets`,
`health`, `match.text_threshold`, `plan.later_deadlines`, a part of the score, `load`, `sticky_key`, `seed`, a key of the tie-break,
or `agent.` or `tool.` and an id for the offers of one. A fact left out is missing to the rules, and the router does without it: no
constraint of that name, middling difficulty, words instead of a capability. A task whose data have no class is one whose data are
public. `task.regions` and `task.data_class` are, as for the rules, the task's own and the call's taken together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from dataclasses import field as attribute
from functools import cached_property

from genesis_server.agents.index import CatalogueIndex
from genesis_server.model.catalogue import DataClass
from genesis_server.model.plan import Plan, Task
from genesis_server.model.routing import RoutingConstraints, Target
from genesis_server.routing.budget import Selection
from genesis_server.routing.candidates import Candidates, gather
from genesis_server.routing.deadlines import latest_ends
from genesis_server.routing.redecision import Columns, Redecider, Terms, columns_of, without
from genesis_server.routing.rules.facts import TASK_FACTS, TaskFacts
from genesis_server.routing.rulings import Fired, Rulings
from genesis_server.routing.selection import Field, Objective, Turn
from genesis_server.routing.timeline import Timeline

RULE = "rule:"
_IN_COLUMNS = frozenset(
    {
        "task.regions",
        "task.data_class",
        "task.max_cost",
        "task.capability",
        "task.difficulty",
        "task.expected_seconds",
        "constraints.excluded_targets",
        "health",
        "match.text_threshold",
    }
)
_NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True, eq=False)
class Decided:
    """A whole call as it was decided."""

    plan: Plan
    numbers: Sequence[int]
    """Places of the tasks that are work."""
    timeline: Timeline
    index: CatalogueIndex
    candidates: Candidates
    constraints: RoutingConstraints
    unhealthy: frozenset[str]
    rulings: Rulings
    turn: Turn
    fastest: Sequence[float]
    latest_ends: Sequence[float]
    selection: Selection
    cheapest: Selection
    """The cheapest choice for all tasks; the selection itself when there is no budget."""

    @cached_property
    def redecider(self) -> Redecider:
        """Decides one of the tasks again."""
        return Redecider(self.candidates.pool, self.turn.policy)

    @cached_property
    def ends_for_call(self) -> list[float]:
        """The latest ends if only the call had a deadline."""
        bare = [replace(task, constraints=replace(task.constraints, deadline_seconds=None)) for task in self.plan.tasks]
        plan = replace(self.plan, tasks=tuple(bare))
        return latest_ends(plan, self.timeline, self.fastest, self.constraints.deadline_seconds)

    @cached_property
    def ends_for_tasks(self) -> list[float]:
        """The latest ends if only tasks had deadlines."""
        return latest_ends(self.plan, self.timeline, self.fastest, None)

    @cached_property
    def deadline_count(self) -> int:
        """How many tasks something says the latest end of."""
        return sum([not math.isinf(end) for end in self.latest_ends])

    def target(self, row: int | None) -> Target | None:
        """Who a row of the pool is."""
        return None if row is None else self.candidates.pool.targets[row]


@dataclass(frozen=True, eq=False)
class Case:
    """One task of a call."""

    decided: Decided
    job: int
    task: Task
    field: Field
    base: Columns
    terms: Terms
    facts: TaskFacts
    _columns: dict[frozenset[str], Columns] = attribute(default_factory=dict[frozenset[str], Columns])
    _fired: dict[frozenset[str], Fired] = attribute(default_factory=dict[frozenset[str], Fired])

    @property
    def number(self) -> int:
        """The task's place in the plan."""
        return self.decided.numbers[self.job]

    @cached_property
    def chosen(self) -> Target | None:
        """Who got it."""
        return self.without(_NOTHING)

    def without(self, names: frozenset[str]) -> Target | None:
        """Who would get the task without what `names` names; None: nobody."""
        fired = self._fired_without(names)
        row = self.decide(self._columns_without(names), fired, self._terms_without(names))
        return self.decided.target(row)

    def decide(self, columns: Columns, fired: Fired, terms: Terms) -> int | None:
        """The row of the pool that gets the task on these terms."""
        return self.decided.redecider.decide(columns, self.decided.rulings.book.verdicts(fired), terms)

    def lacks_only_money(self, target: Target | None, columns: Columns, fired: Fired, terms: Terms) -> bool:
        """Whether nobody gets the task on these terms just because of what the others cost, who might get cheaper choices then."""
        return target is None and terms.money is not None and self.decide(columns, fired, replace(terms, money=None)) is not None

    def columns_for(self, task: Task, constraints: RoutingConstraints, unhealthy: frozenset[str], *, any_words: bool = False) -> Columns:
        """The candidates of the task as if it, the call's constraints or somebody's health were otherwise."""
        decided, policy = self.decided, self.decided.turn.policy
        if any_words:
            policy = replace(policy, match=policy.match.model_copy(update={"text_threshold": 0.0}))
        found = gather(
            [task],
            index=decided.index,
            pool=decided.candidates.pool,
            policy=policy,
            constraints=constraints,
            unhealthy=unhealthy,
            most=len(decided.candidates.pool.targets),
        )
        return columns_of(found, slice(None))

    def latest_without(self, names: frozenset[str]) -> float:
        """By when the task must end when some deadlines are left out."""
        return min([end for name, end in self.deadlines if name not in names], default=math.inf)

    @cached_property
    def deadlines(self) -> list[tuple[str, float]]:
        """By when the task must end, and what says so."""
        if math.isinf(self.field.latest_end_seconds):
            return []
        decided, found = self.decided, list[tuple[str, float]]()
        own = self.task.constraints.deadline_seconds
        if own is not None:
            found.append(("task.deadline_seconds", own))
        if decided.constraints.deadline_seconds is not None:
            found.append(("plan.deadline_seconds", decided.ends_for_call[self.number]))
        later = decided.ends_for_tasks[self.number]
        if later < (math.inf if own is None else own):
            found.append(("plan.later_deadlines", later))
        return found

    def _columns_without(self, names: frozenset[str]) -> Columns:
        key = frozenset([name for name in names if name in _IN_COLUMNS or name.startswith(("agent.", "tool."))])
        if not key:
            return self.base
        found = self._columns.get(key)
        if found is None:
            found = self._columns[key] = self._gathered_without(key)
        return found

    def _gathered_without(self, names: frozenset[str]) -> Columns:
        decided, task, constraints = self.decided, self.task, self.decided.constraints
        own = task.constraints
        if "task.regions" in names:
            own, constraints = replace(own, regions=()), replace(constraints, regions=())
        if "task.data_class" in names:
            own = replace(own, data_class=DataClass.PUBLIC)
        if "task.max_cost" in names:
            own = replace(own, max_cost=None)
        task = replace(task, constraints=own)
        if "task.capability" in names:
            task = replace(task, capability="")
        if "task.difficulty" in names:
            task = replace(task, difficulty=None)
        if "task.expected_seconds" in names:
            task = replace(task, expected_seconds=None)
        if "constraints.excluded_targets" in names:
            constraints = replace(constraints, excluded_targets=_NOTHING)
        gone = [name.partition(".")[2] for name in names if name.startswith(("agent.", "tool."))]
        constraints = replace(constraints, excluded_targets=constraints.excluded_targets | frozenset(gone))
        unhealthy = _NOTHING if "health" in names else decided.unhealthy
        return self.columns_for(task, constraints, unhealthy, any_words="match.text_threshold" in names)

    def _fired_without(self, names: frozenset[str]) -> Fired:
        facts = frozenset([name for name in names if name in TASK_FACTS])
        fired = self._fired.get(facts)
        if fired is None:
            rulings = self.decided.rulings
            fired = rulings.book.rulebook.fired(self.facts.without(facts)) if facts else rulings.fired[self.job]
            self._fired[facts] = fired
        off = {name.removeprefix(RULE) for name in names if name.startswith(RULE)}
        return tuple([rule for rule in fired if rule.id not in off]) if off else fired

    def _terms_without(self, names: frozenset[str]) -> Terms:
        terms = without(self.terms, names)
        if "plan.budget" in names:
            terms = replace(terms, money=None)
        if self.deadlines and not names.isdisjoint({name for name, _ in self.deadlines}):
            terms = self.terms_by(self.latest_without(names), terms)
        return terms

    def terms_by(self, latest: float, terms: Terms) -> Terms:
        """The same terms with another latest end."""
        others = self.decided.deadline_count - (not math.isinf(self.decided.latest_ends[self.number]))
        return replace(terms, available_seconds=latest - self.field.start_seconds, keep_times=others > 0 or not math.isinf(latest))


def case_of(decided: Decided, job: int) -> Case | None:
    """The case of a task; None in the rare plan whose money was given out step by step so that one task alone does not show it."""
    selection = decided.selection
    task_field, place = selection.fields[job], selection.places[job]
    number = decided.numbers[job]
    part = decided.candidates.parts[job]
    base = columns_of(decided.candidates, part)
    policy, weights = decided.turn.policy, decided.turn.policy.weights
    terms = Terms(
        task_id=decided.plan.tasks[number].id,
        weights=(weights.skill_match, weights.success, weights.cost),
        available_seconds=task_field.latest_end_seconds - task_field.start_seconds,
        money=None,
        loads=selection.workload.loads(task_field.level, task_field.given),
        near_best=policy.load.near_best,
        balancer=decided.turn.balancer,
        tie_breaker=decided.turn.tie_breaker,
        keep_times=decided.deadline_count > 0,
        objective=Objective.SCORE,
    )
    actual = None if place is None else base.rows[place]
    for attempt in _moneys(decided, job, terms):
        case = Case(decided, job, decided.plan.tasks[number], task_field, base, attempt, decided.rulings.facts[job])
        if case.decide(base, decided.rulings.fired[job], attempt) == actual:
            return case
    return None


def _moneys(decided: Decided, job: int, terms: Terms) -> list[Terms]:
    """The money a task had, as what the others left of the budget or as what it got in the end."""
    budget = decided.constraints.budget
    if budget is None:
        return [terms]
    selection = decided.selection
    place = selection.places[job]
    cost = 0 if place is None else decided.candidates.values.costs[selection.fields[job].first + place]
    left = replace(terms, money=budget.nanos - (selection.total - cost))
    got = replace(terms, money=cost if place is not None else -1)
    return [left, got, replace(got, objective=Objective.COST)]
