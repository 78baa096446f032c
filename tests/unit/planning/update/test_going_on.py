"""A plan goes on where it can when a task that was needed fails with nothing in its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter
from update_cases import after, assert_sound, heading, ids, plan, states, task, when

from genesis_server.agents.index import CatalogueIndex
from genesis_server.model.catalogue import Catalogue
from genesis_server.model.plan import Guard, GuardOperator, Plan, PlanState, Task, TaskKind, TaskState
from genesis_server.model.update import AddEdgeEdit, AddTaskEdit, Cancel, Edge, Information, Known, Pause, TaskDone, TaskFailed, UserEdit
from genesis_server.planning.methods import MethodLibrary
from genesis_server.planning.update.alternatives import Replan
from genesis_server.planning.update.apply import update
from genesis_server.planning.update.ready import settle

NOTHING_ELSE = Replan(CatalogueIndex(Catalogue()), MethodLibrary((), "none"))
"""Nothing repairs anything."""


def errors(of: Plan) -> dict[str, str]:
    return {one.id: one.error for one in of.tasks if one.error}


def bad(task_id: str, **more: object) -> Task:
    """A task that nobody else can do."""
    return task(task_id, goal="zzz", **more)


def test_what_needs_the_failure_is_cancelled_with_the_reason_and_the_rest_goes_on_to_its_end() -> None:
    start = plan([bad("a"), task("b"), task("c"), task("x"), task("y")], ("a", "b"), ("b", "c"), ("x", "y"))
    failed = after(start, TaskFailed("a", "broken"))
    assert (failed.plan.state, ids(failed.ready), failed.plan.hopeless) == (PlanState.ACTIVE, ["x"], ("a",))
    assert errors(failed.plan) == {"a": "broken", "b": "needs a, which failed", "c": "needs a, which failed"}
    assert failed.note == "a failed; nobody else can do it, and no other method fits; b, c cancelled for want of what failed"
    ended = after(failed.plan, TaskDone("x", {}), TaskDone("y", {}))
    assert (ended.plan.state, ended.diff.state) == (PlanState.FAILED, PlanState.FAILED)
    assert states(ended.plan) == {"a": "FAILED", "b": "CANCELLED", "c": "CANCELLED", "x": "DONE", "y": "DONE"}
    assert ended.note == "y is done; the plan is failed"


def test_a_heading_goes_on_with_its_other_tasks_and_then_it_has_failed() -> None:
    tasks = [heading("h"), bad("a", parent_id="h"), task("b", parent_id="h"), heading("g"), task("c", parent_id="g"), task("d")]
    failed = after(plan(tasks, ("h", "g"), ("g", "d")), TaskFailed("a", "broken"))
    assert ids(failed.ready) == ["b"]
    assert [states(failed.plan)[one] for one in ("h", "g", "c", "d")] == ["PENDING", "CANCELLED", "CANCELLED", "CANCELLED"]
    ended = after(failed.plan, TaskDone("b", {})).plan
    assert (states(ended)["h"], ended.state) == ("FAILED", PlanState.FAILED)
    assert {errors(ended)[one] for one in ("h", "g", "c", "d")} == {"needs a, which failed"}


def test_a_heading_whose_task_needs_a_failure_elsewhere_is_cancelled_after_its_other_tasks() -> None:
    tasks = [bad("a"), heading("h"), task("b", parent_id="h", guards=(when("a"),)), task("c", parent_id="h"), task("d")]
    failed = after(plan(tasks, ("h", "d")), TaskFailed("a", "broken"))
    assert (states(failed.plan)["b"], states(failed.plan)["h"], states(failed.plan)["d"]) == ("CANCELLED", "PENDING", "CANCELLED")
    ended = after(failed.plan, TaskDone("c", {})).plan
    assert (states(ended)["h"], errors(ended)["h"], ended.state) == ("CANCELLED", "needs a, which failed", PlanState.FAILED)


def test_a_heading_that_fails_as_a_whole_cancels_what_is_left_below_it() -> None:
    tasks = [heading("h", goal="zzz"), task("a", parent_id="h"), task("b", parent_id="h"), task("c")]
    failed = after(plan(tasks), TaskDone("a", {}), TaskFailed("h", "no"))
    assert states(failed.plan) == {"h": "FAILED", "a": "DONE", "b": "CANCELLED", "c": "PENDING"}
    assert errors(failed.plan) == {"h": "no", "b": "needs h, which failed"}
    assert ids(failed.ready) == ["c"]


def test_a_condition_on_the_failure_cancels_unless_something_else_decides_it() -> None:
    asking = Guard("a", "", GuardOperator.EQUAL, "green", text="if it is green")
    start = plan([bad("a"), task("b", guards=(when("a", "light"),)), task("c", guards=(asking,)), task("d", guards=(when("a", "sun"),))])
    failed = after(start, Information({"sun": True}), TaskFailed("a", "broken"))
    assert states(failed.plan) == {"a": "FAILED", "b": "CANCELLED", "c": "CANCELLED", "d": "PENDING"}
    assert (ids(failed.ready), failed.undecided) == (["d"], ())
    excluded = plan([bad("a"), task("x"), task("b", guards=(when("a"), when("x"))), task("c")], ("b", "c"))
    waiting = after(excluded, TaskFailed("a", "broken")).plan
    assert states(waiting)["b"] == "PENDING", "what comes may still exclude it, which lets others go on"
    assert states(after(waiting, TaskDone("x", {"ok": False})).plan)["b"] == "SKIPPED"
    assert states(after(waiting, TaskDone("x", {"ok": True})).plan)["c"] == "CANCELLED"


def test_a_condition_asks_what_a_failed_heading_did_put_out() -> None:
    tasks = [heading("h"), bad("a", parent_id="h"), task("b", parent_id="h"), task("c", guards=(when("h", "light"),))]
    failed = after(plan(tasks), TaskFailed("a", "broken")).plan
    assert states(failed)["c"] == "PENDING"
    assert ids(after(failed, TaskDone("b", {"light": True})).ready) == ["c"]
    assert states(after(failed, TaskDone("b", {})).plan)["c"] == "CANCELLED"


def test_what_was_cancelled_stays_so_and_other_ways_can_be_added() -> None:
    failed = after(plan([bad("a"), task("b"), task("x")], ("a", "b")), TaskFailed("a", "broken")).plan
    other = after(failed, UserEdit((AddTaskEdit(task("a2")), AddTaskEdit(task("b2")), AddEdgeEdit(Edge("a2", "b2")))))
    assert (states(other.plan)["b"], ids(other.ready)) == ("CANCELLED", ["x", "a2"])
    waits = after(failed, UserEdit((AddTaskEdit(task("c")), AddEdgeEdit(Edge("b", "c"))))).plan
    assert (states(waits)["c"], errors(waits)["c"]) == ("CANCELLED", "needs a, which failed")


def test_a_level_that_is_lost_is_not_repaired_for_another_failure_in_it() -> None:
    """What waits for the heading is cancelled already: another method for it would serve nobody."""
    start = plan([heading("h", goal="clear the invoice"), bad("a", parent_id="h"), bad("b", parent_id="h"), task("c", parent_id="h")])
    assert after(start, TaskFailed("b", "no")).note == "b failed; h goes on by the method settle-by-phone"
    first = after(start, TaskFailed("a", "no"), replan=NOTHING_ELSE).plan
    second = after(first, TaskFailed("b", "no"))
    assert (second.replanned, second.plan.hopeless, ids(second.ready)) == (False, ("a", "b"), ["c"])
    whole = after(first, TaskFailed("h", "no")).plan
    assert (whole.hopeless, set(states(whole).values())) == (("a", "h"), {"FAILED", "CANCELLED"})


def test_a_paused_plan_stays_paused_and_a_cancelled_one_is_cancelled() -> None:
    start = plan([bad("a"), task("b")])
    paused = after(start, Pause(), TaskFailed("a", "broken"))
    assert (paused.plan.state, paused.ready) == (PlanState.PAUSED, ())
    assert after(paused.plan, TaskDone("b", {})).plan.state is PlanState.FAILED
    cancelled = after(paused.plan, Cancel())
    assert (cancelled.plan.state, cancelled.note) == (PlanState.CANCELLED, "cancelled")


def test_work_done_ahead_of_a_failure_and_what_waits_for_it_stay() -> None:
    start = after(plan([bad("a"), task("b"), task("c")], ("a", "b"), ("b", "c")), TaskDone("b", {})).plan
    assert ids(after(start, TaskFailed("a", "broken")).ready) == ["c"]


def test_a_very_long_id_is_told_in_short() -> None:
    failed = after(plan([bad("a" * 1000), task("b")], ("a" * 1000, "b")), TaskFailed("a" * 1000, "broken")).plan
    assert len(errors(failed)["b"]) < 200


def test_a_plan_stored_before_there_were_such_failures_is_read_without_any() -> None:
    adapter = TypeAdapter(Plan)
    assert adapter.validate_python({"goal": "g", "tasks": ()}).hopeless == ()
    failed = after(plan([bad("a")]), TaskFailed("a", "broken")).plan
    assert adapter.validate_json(adapter.dump_json(failed)) == failed


LEVELS = ("", "h", "h.g")
"""Headings inside each other, with up to three tasks each."""


@st.composite
def cases(draw: st.DrawFn) -> tuple[Plan, dict[str, dict[str, bool]], set[str]]:
    """A plan with headings, edges and conditions; what each task will put out; and which tasks fail."""
    tasks: list[Task] = []
    edges: list[tuple[str, str]] = []
    for level, below in zip(LEVELS, (*LEVELS[1:], None), strict=True):
        names = [f"{level or 't'}{number}" for number in range(draw(st.integers(1, 4)))]
        tasks += [bad(name, parent_id=level) for name in names]
        members = draw(st.permutations([*names, below] if below else names))
        pairs = list(combinations(members, 2))
        edges += draw(st.lists(st.sampled_from(pairs), unique=True, max_size=4)) if pairs else []
        if below:
            tasks.append(heading(below, goal="zzz", parent_id=level))
    order = flattened(plan(tasks, *edges))
    guarded: list[Task] = []
    for one in tasks:
        free = [
            other for other in tasks if other.id != one.id and other.kind is not TaskKind.COMPOUND and not reaches(order, one.id, other.id)
        ]
        asked = draw(st.lists(st.sampled_from(free), max_size=2, unique=True)) if free and draw(st.booleans()) else []
        guards: list[Guard] = []
        for other in asked:
            if not reaches(order, one.id, other.id) and not one.id.startswith(other.id) and not other.id.startswith(one.id):
                order[other.id] |= {one.id, *below_of(tasks, one.id)}
                guards.append(when(other.id, draw(st.sampled_from(["", "ok"]))))
        guarded.append(replace(one, guards=tuple(guards)))
    told = {one.id: draw(st.sampled_from([{"ok": True}, {"ok": True}, {"ok": False}])) for one in tasks}
    work = [one.id for one in tasks if one.kind is not TaskKind.COMPOUND]
    return plan(guarded, *edges), told, draw(st.sets(st.sampled_from(work), max_size=3))


def below_of(tasks: list[Task], task_id: str) -> list[str]:
    return [found for one in tasks if one.parent_id == task_id for found in [one.id, *below_of(tasks, one.id)]]


def flattened(of: Plan) -> dict[str, set[str]]:
    """For each task what comes later: along edges, from a heading into it, and from the last of its tasks out of it."""
    later: dict[str, set[str]] = {one.id: set() for one in of.tasks}
    for edge in of.edges:
        sources = [edge.from_id, *below_of(list(of.tasks), edge.from_id)]
        for source in sources:
            later[source] |= {edge.to_id, *below_of(list(of.tasks), edge.to_id)}
    return later


def reaches(later: Mapping[str, set[str]], start: str, goal: str) -> bool:
    queue = [start, *(one for one in later if one.startswith(start))]
    seen = set(queue)
    for one in queue:
        new = later[one] - seen
        seen |= new
        queue += new
    return goal in seen


LOST = {TaskState.FAILED, TaskState.CANCELLED}


class Expected:
    """How every task ends, by the definition: by the ends of what it needs, and by nothing's turn. PENDING: it waits for a fact."""

    def __init__(self, of: Plan, told: Mapping[str, Mapping[str, bool]], failing: set[str]) -> None:
        self.told, self.failing = told, failing
        self.tasks = {one.id: one for one in of.tasks}
        self.below = {one.id: [other.id for other in of.tasks if other.parent_id == one.id] for one in of.tasks}
        self.before = {one.id: [edge.from_id for edge in of.edges if edge.to_id == one.id] for one in of.tasks}
        self.ends: dict[str, TaskState] = {}
        for one in self.tasks:
            self.end(one)

    def end(self, task_id: str) -> TaskState:
        if task_id not in self.ends:
            begins = self.begins(task_id)
            if begins is TaskState.DONE and self.below[task_id]:
                ends = [self.end(one) for one in self.below[task_id]]
                first = (TaskState.PENDING, TaskState.FAILED, TaskState.CANCELLED, TaskState.DONE, TaskState.SKIPPED)
                begins = next(state for state in first if state in ends)
            elif begins is TaskState.DONE and task_id in self.failing:
                begins = TaskState.FAILED
            self.ends[task_id] = begins
        return self.ends[task_id]

    def begins(self, task_id: str) -> TaskState:
        """DONE where it begins, else how it ends without."""
        one = self.tasks[task_id]
        above = self.begins(one.parent_id) if one.parent_id else TaskState.DONE
        if above is not TaskState.DONE:
            return above
        if any(self.is_lost(other) for other in self.before[task_id]):
            return TaskState.CANCELLED
        if any(self.end(other) is TaskState.PENDING for other in self.before[task_id]):
            return TaskState.PENDING
        return self.guarded(one)

    def guarded(self, one: Task) -> TaskState:
        verdicts = [self.verdict(guard) for guard in one.guards]
        if False in verdicts:
            return TaskState.SKIPPED
        asked = [self.end(guard.task_id) for guard in one.guards]
        if not LOST.isdisjoint(asked) and TaskState.PENDING not in asked:
            return TaskState.CANCELLED
        return TaskState.PENDING if None in verdicts else TaskState.DONE

    def verdict(self, guard: Guard) -> bool | None:
        """What was not done puts out nothing: a condition without a name does not hold then, one with a name waits for a fact."""
        if (state := self.end(guard.task_id)) is TaskState.DONE:
            return self.told[guard.task_id]["ok"]
        return False if state is TaskState.SKIPPED and not guard.artefact else None

    def is_lost(self, task_id: str) -> bool:
        return self.end(task_id) in LOST or any(self.is_lost(one) for one in self.below[task_id])


@given(cases(), st.randoms(use_true_random=False))
@settings(max_examples=400, deadline=None)
def test_whatever_fails_in_whatever_order_each_task_ends_as_what_it_needs_lets_it(
    case: tuple[Plan, dict[str, dict[str, bool]], set[str]], random
) -> None:
    """A task is DONE iff it and all it needs succeed and its conditions hold; the plan ends, and no state goes back."""
    current, told, failing = case
    known = Known()
    ready = settle(current, known).ready
    for _ in range(len(current.tasks)):
        if not ready:
            break
        chosen = random.choice(ready).id
        event = TaskFailed(chosen, "broken") if chosen in failing else TaskDone(chosen, told[chosen])
        updated = update(current, event, known=known, replan=NOTHING_ELSE)
        for before, now in zip(current.tasks, updated.plan.tasks, strict=True):
            assert not before.state.ended or now == before
        assert settle(updated.plan, updated.known).plan == updated.plan
        assert_sound(updated.plan)
        current, known, ready = updated.plan, updated.known, updated.ready
    ends = {one.id: one.state for one in current.tasks}
    wanted = Expected(case[0], told, failing).ends
    open_ = {one for one, state in wanted.items() if state is TaskState.PENDING}
    assert {one: state for one, state in ends.items() if state.ended} == {one: state for one, state in wanted.items() if one not in open_}
    if not open_:
        failed = any(state is TaskState.FAILED for state in ends.values())
        assert current.state is (PlanState.FAILED if failed else PlanState.DONE)
    for one in current.tasks:
        assert (one.state is TaskState.CANCELLED) <= (one.error.startswith("needs ") and ends[one.error[6:-14]] is TaskState.FAILED)
    assert all(bool(one.error) == (one.state in {TaskState.FAILED, TaskState.CANCELLED}) for one in current.tasks)
