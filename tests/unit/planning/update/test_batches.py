"""Events that arrive together make one version, as if they had come one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from update_cases import REPLAN, applied, assert_sound, heading, ids, plan, settling, states, task, when

from genesis_server.model.plan import Plan, PlanState, TaskKind, TaskState
from genesis_server.model.update import (
    AddEdgeEdit,
    AddTaskEdit,
    Approve,
    Cancel,
    ChangeTaskEdit,
    Edge,
    Information,
    Known,
    Pause,
    PlanDiff,
    PlanEvent,
    RemoveTaskEdit,
    Resume,
    TaskDone,
    TaskFailed,
    UserEdit,
)
from genesis_server.planning.guards import holds
from genesis_server.planning.update.apply import update, update_all
from genesis_server.planning.update.ids import attempts
from genesis_server.planning.update.notes import MAX_NOTE_LENGTH, note_of
from genesis_server.planning.update.ready import settle
from genesis_server.resilience.errors import GenesisError

TASKS = st.sampled_from(["settle", "settle.scan", "settle.read", "settle.pay", "settle.thank", "file", "bell", "letter", "settle.scan~2"])
VALUES = st.dictionaries(st.sampled_from(["owed_amount", "invoice_scan", "ok", "paid"]), st.booleans() | st.integers(0, 3), max_size=2)
EDITS = st.one_of(
    TASKS.map(lambda one: ChangeTaskEdit(task(one, needs_approval=True, parent_id=one.rpartition(".")[0]))),
    TASKS.map(RemoveTaskEdit),
    st.tuples(TASKS, TASKS).map(lambda pair: AddEdgeEdit(Edge(*pair))),
    st.integers(0, 9).map(lambda number: AddTaskEdit(task(f"n{number}", needs_approval=number % 2 == 0))),
)
EVENTS = st.one_of(
    st.builds(TaskDone, TASKS, VALUES),
    st.builds(TaskDone, TASKS, VALUES),
    st.builds(TaskFailed, TASKS, st.just("broken")),
    st.builds(Approve, TASKS, st.just("ann"), st.booleans()),
    st.builds(Approve, TASKS, st.just("ann")),
    st.builds(Information, VALUES),
    st.builds(Information, st.just({}), st.tuples(TASKS), st.just("pay the owed amount")),
    st.builds(lambda edits: UserEdit(tuple(edits)), st.lists(EDITS, min_size=1, max_size=2)),
    st.sampled_from([Pause(), Resume()]),
)


@st.composite
def starts(draw: st.DrawFn) -> Plan:
    """The plan of an invoice with a bell behind a condition and a letter; any of its tasks may need an approval."""
    start = settling()
    more = [task("bell", guards=(when("settle.pay", "paid"),)), task("letter", "thank_supplier")]
    joined = plan([*start.tasks, *more], ("settle", "bell"))
    asking = draw(st.sets(st.sampled_from(ids(joined.tasks)), max_size=4))
    tasks = tuple([replace(one, needs_approval=one.id in asking) for one in joined.tasks])
    return replace(joined, tasks=tasks, edges=(*start.edges, *[edge for edge in joined.edges if edge not in start.edges]))


def one_by_one(start: Plan, events: Sequence[PlanEvent]) -> tuple[Plan, Known, list[str], list[str]]:
    current, known, refusals = start, Known(), []
    for event in events:
        try:
            updated = update(current, event, known=known, replan=REPLAN)
        except GenesisError as error:
            refusals.append(f"{error.reason} {error.message}")
        else:
            current, known = updated.plan, updated.known
            refusals.append("")
    return current, known, ids(settle(current, known).ready), refusals


@given(starts(), st.lists(EVENTS, min_size=1, max_size=8))
@settings(max_examples=400, deadline=None)
def test_events_together_leave_the_plan_as_they_would_one_by_one(start: Plan, events: list[PlanEvent]) -> None:
    updated, refusals = update_all(start, events, known=Known(), replan=REPLAN)
    current, known, ready, refused = one_by_one(start, events)
    settled = settle(start, Known()).plan if not updated.is_new else updated.plan
    expected = settle(current, known).plan
    assert settled.tasks == expected.tasks
    assert (set(settled.edges), settled.state, updated.known) == (set(expected.edges), expected.state, known)
    assert ids(updated.ready) == ready
    assert [f"{one.reason} {one.message}" if one else "" for one in refusals] == refused
    assert updated.plan.counters == current.counters
    assert updated.plan.version == start.version + updated.is_new
    if updated.is_new:
        assert applied(start, updated.diff) == ({one.id: one for one in updated.plan.tasks}, set(updated.plan.edges))
    else:
        assert updated.plan is start


@given(starts(), st.lists(EVENTS, min_size=1, max_size=8))
@settings(max_examples=200, deadline=None)
def test_whatever_happens_nothing_is_done_without_its_approval_and_only_approve_gives_one(start: Plan, events: list[PlanEvent]) -> None:
    updated, refusals = update_all(start, events, known=Known(), replan=REPLAN)
    told = {event.task_id for event, refusal in zip(events, refusals, strict=True) if isinstance(event, Approve) and refusal is None}
    roots = {one.partition("~")[0] for one in told}
    for one in updated.plan.tasks:
        assert not one.approved_by or one.id.partition("~")[0] in roots
        assert one not in updated.ready or (one.state is TaskState.PENDING and (not one.needs_approval or one.approved_by))
        assert not (one.needs_approval and one.state is TaskState.DONE and not one.approved_by and one.kind is not TaskKind.COMPOUND)
        assert updated.plan.state is not PlanState.FAILED or one.state is not TaskState.AWAITING_APPROVAL


@given(starts(), st.lists(EVENTS, max_size=6))
@settings(max_examples=200, deadline=None)
def test_what_is_ready_is_what_a_slow_reading_of_the_plan_says(start: Plan, events: list[PlanEvent]) -> None:
    updated, _ = update_all(start, events, known=Known(), replan=REPLAN)
    whole = settle(updated.plan, updated.known).plan
    assert_sound(whole)
    if whole.state in {PlanState.ACTIVE, PlanState.PAUSED}:
        open_, awaiting = slowly(whole, updated.known)
        assert awaiting == {one.id for one in whole.tasks if one.state is TaskState.AWAITING_APPROVAL}
        assert set(ids(updated.ready)) == (set() if whole.state is PlanState.PAUSED else open_)


def slowly(of: Plan, known: Known) -> tuple[set[str], set[str]]:
    """The work that is open and the tasks that await approval in a settled plan, each task looked at by itself."""
    tasks = {one.id: one for one in of.tasks}

    def below(task_id: str) -> list[str]:
        return [one.id for one in of.tasks if one.parent_id == task_id for one in [one, *map(tasks.get, below(one.id))]]

    def comes_first(task_id: str) -> bool:
        one = tasks[task_id]
        begun = any(tasks[other].state is TaskState.DONE for other in below(task_id))
        waits = any(not tasks[edge.from_id].state.ended for edge in of.edges if edge.to_id == task_id)
        return not one.state.ended and not waits and (begun or all(asked(guard) for guard in one.guards)) and may_begin(one.parent_id)

    def asked(guard) -> bool:
        source = tasks.get(guard.task_id)
        last = attempts(source, of.tasks)[-1] if source is not None and source.state is TaskState.FAILED else source
        if last is not None and not last.state.ended:
            return False
        outputs = {name: value for one in [source, last] if one for name, value in known.outputs.get(one.id, {}).items()}
        return holds(guard, {guard.task_id: outputs}, known.facts) is True

    def may_begin(task_id: str) -> bool:
        return not task_id or (comes_first(task_id) and (not tasks[task_id].needs_approval or bool(tasks[task_id].approved_by)))

    first = {one.id for one in of.tasks if comes_first(one.id)}
    begun = {one for one in first if may_begin(one)}
    return {one for one in begun if tasks[one].kind is not TaskKind.COMPOUND}, first - begun


def test_one_version_tells_of_all_that_was_taken_and_each_refusal_stands_at_its_place() -> None:
    events = [TaskDone("settle.scan", {}), TaskDone("nobody", {}), TaskDone("settle.thank", {}), TaskFailed("settle.scan", "no")]
    updated, refusals = update_all(settling(), events, known=Known(), replan=REPLAN)
    assert [one and one.reason for one in refusals] == [None, "TASK_NOT_FOUND", None, "TASK_ENDED"]
    assert (updated.plan.version, updated.note) == (2, "settle.scan, settle.thank are done")
    assert ids(updated.diff.changed_tasks) == ["settle.scan", "settle.thank"]
    assert ids(updated.ready) == ["settle.read"]


def test_nothing_new_is_no_version() -> None:
    once, _ = update_all(settling(), [TaskDone("settle.scan", {"a": 1})], known=Known(), replan=REPLAN)
    again, refusals = update_all(once.plan, [TaskDone("settle.scan", {"a": 1}), TaskDone("nobody", {})], known=once.known, replan=REPLAN)
    assert (again.is_new, again.plan, again.diff, again.known) == (False, once.plan, PlanDiff(), once.known)
    assert ids(again.ready) == ids(once.ready)
    assert [one and one.reason for one in refusals] == [None, "TASK_NOT_FOUND"]
    assert not update_all(once.plan, [], known=once.known, replan=REPLAN)[0].is_new


def test_tasks_and_edges_that_stay_as_they_are_stay_the_same_objects() -> None:
    start = settling()
    for event in (TaskDone("settle.scan", {}), TaskFailed("file", "no"), Information({"a": 1}), UserEdit((AddTaskEdit(task("n")),))):
        updated, _ = update_all(start, [event], known=Known(), replan=REPLAN)
        changed = {one.id for one in (*updated.diff.changed_tasks, *updated.diff.added_tasks)}
        old = {one.id: one for one in start.tasks}
        assert all(one is old[one.id] for one in updated.plan.tasks if one.id not in changed)
        assert updated.diff.added_edges or updated.diff.removed_edges or updated.plan.edges is start.edges


def test_a_long_chain_of_what_is_not_to_be_done_is_skipped_at_once() -> None:
    chain = [task("a"), *(task(f"t{n}", guards=(when("a"),)) for n in range(900))]
    start = plan(chain, ("a", "t0"), *((f"t{n}", f"t{n + 1}") for n in range(899)))
    updated = update(start, TaskDone("a", {"ok": False}), known=Known(), replan=REPLAN)
    assert updated.plan.state is PlanState.DONE
    assert updated.note == "a is done; t0, t1, t2, t3, t4 and 895 more skipped by a condition; the plan is done"


def test_work_told_of_behind_what_ends_the_plan_is_refused_as_it_would_be_alone() -> None:
    start = plan([task("a", goal="zzz"), task("b"), task("c")], ("a", "c"))
    events = [TaskFailed("a", "no"), TaskDone("c", {}), TaskDone("b", {}), TaskFailed("b", "no")]
    updated, refusals = update_all(start, events, known=Known(), replan=REPLAN)
    assert [one and one.reason for one in refusals] == [None, "TASK_ENDED", None, "PLAN_ENDED"]
    assert states(updated.plan) == {"a": "FAILED", "b": "DONE", "c": "CANCELLED"}
    _, refusals = update_all(start, [Cancel(), Cancel()], known=Known(), replan=REPLAN)
    assert [one and one.reason for one in refusals] == [None, "PLAN_ENDED"]


def test_a_note_of_very_much_is_bounded() -> None:
    one = plan([task("a")])
    note = note_of(["x" * 300] * 9, ["y" * 200] * 9, after=one, said=PlanState.ACTIVE, ended=())
    assert len(note) == MAX_NOTE_LENGTH
    assert note_of([], ["paused", "resumed"] * 4, after=one, said=PlanState.ACTIVE, ended=()).endswith("paused; 3 more events")


def test_an_empty_heading_ends_when_it_is_its_turn() -> None:
    start = plan([heading("h"), task("a")], ("a", "h"))
    assert states(update(start, TaskDone("a", {}), known=Known(), replan=REPLAN).plan)["h"] == "DONE"
