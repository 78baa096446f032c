"""Whatever happens to a plan, in whatever order: its invariants hold after every event."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from update_cases import REPLAN, applied, assert_sound, ids, plan, settling, task, when

from genesis_server.model.plan import MAX_NEW_TASKS_PER_UPDATE, MAX_UPDATES_PER_PLAN, Edge, PlanState, TaskKind, TaskState
from genesis_server.model.update import (
    AddEdgeEdit,
    AddTaskEdit,
    Approve,
    Cancel,
    ChangeTaskEdit,
    Information,
    Known,
    Pause,
    PlanEvent,
    RemoveEdgeEdit,
    RemoveTaskEdit,
    Resume,
    TaskDone,
    TaskFailed,
    UserEdit,
)
from genesis_server.planning.update.apply import Updated, update
from genesis_server.planning.update.ready import settle
from genesis_server.resilience.errors import GenesisError

TEXTS = st.sampled_from(["pay the owed amount", "call the supplier", "clear the invoice", "xyzzy", "settle the invoice"])
VALUES = st.dictionaries(st.sampled_from(["owed_amount", "invoice_scan", "ok", "paid"]), st.booleans() | st.integers(0, 3), max_size=2)
ENDED = {PlanState.DONE, PlanState.FAILED, PlanState.CANCELLED}
REFUSALS = {"TASK_ENDED", "UPDATE_LIMIT", "INVALID_EDIT", "INVALID_FIELD", "NOT_APPROVED", "PLAN_ENDED"}


class Machine(RuleBasedStateMachine):
    """One plan and everything that can be told of it."""

    @initialize(guarded=st.booleans())
    def begin(self, guarded: bool) -> None:
        start = settling()
        more = [task("bell", guards=(when("settle.pay", "paid"),)), task("letter", "thank_supplier")]
        joined = plan([*start.tasks, *more], ("settle", "bell")) if guarded else start
        self.plan = replace(joined, edges=(*start.edges, *[edge for edge in joined.edges if edge not in start.edges]))
        self.known = Known()
        self.number = 0

    def draw(self, data: st.DataObject) -> str:
        return data.draw(st.sampled_from(ids(self.plan.tasks)))

    def tell(self, event: PlanEvent) -> Updated | None:
        before, known = self.plan, self.known
        try:
            updated = update(before, event, known=known, replan=REPLAN)
        except GenesisError as error:
            refusal = error.reason
        else:
            refusal = ""
        if refusal:
            assert refusal in REFUSALS or (refusal == "TASK_NOT_FOUND" and isinstance(event, UserEdit))
            assert (refusal == "PLAN_ENDED") <= (before.state in ENDED)
            return None
        assert updated == update(before, event, known=known, replan=REPLAN)
        assert applied(before, updated.diff) == ({one.id: one for one in updated.plan.tasks}, set(updated.plan.edges))
        self.check(before, updated)
        self.plan, self.known = updated.plan, updated.known
        return updated

    def check(self, before, updated: Updated) -> None:
        after = updated.plan
        now = {one.id: one for one in after.tasks}
        kept = {one.id: one for one in before.tasks}
        assert all(now.get(one.id) == one for one in before.tasks if one.state.ended), "finished work stays"
        assert after.version == before.version + updated.is_new
        assert after.counters.updates == before.counters.updates + updated.replanned <= MAX_UPDATES_PER_PLAN
        new = [one for one in now if one not in kept]
        assert after.counters.tasks_created == before.counters.tasks_created + len(new)
        assert len(new) <= MAX_NEW_TASKS_PER_UPDATE
        assert updated.replanned or not (new or updated.diff.removed_task_ids or updated.diff.added_edges or updated.diff.removed_edges)
        assert set(updated.diff.removed_task_ids).isdisjoint(now)
        assert all(kept[one.id] != one for one in updated.diff.changed_tasks), "nothing that is the same is named"

    @rule(data=st.data(), outputs=VALUES)
    def done(self, data: st.DataObject, outputs: dict[str, object]) -> None:
        self.tell(TaskDone(self.draw(data), outputs))

    @rule(data=st.data(), outputs=VALUES)
    def work(self, data: st.DataObject, outputs: dict[str, object]) -> None:
        ready = settle(self.plan, self.known).ready
        if ready:
            task_id = data.draw(st.sampled_from(ids(ready)))
            updated = self.tell(TaskDone(task_id, outputs))
            assert updated is not None
            assert not update(self.plan, TaskDone(task_id, outputs), known=self.known, replan=REPLAN).is_new

    @rule(data=st.data())
    def failed(self, data: st.DataObject) -> None:
        self.tell(TaskFailed(self.draw(data), "broken"))

    @rule(data=st.data(), refused=st.booleans())
    def decided(self, data: st.DataObject, refused: bool) -> None:
        awaiting = [one for one in self.plan.tasks if one.state is TaskState.AWAITING_APPROVAL]
        if awaiting:
            task_id = data.draw(st.sampled_from(ids(awaiting)))
            assert self.tell(Approve(task_id, "ann", refused)) is not None

    @rule(facts=VALUES)
    def told(self, facts: dict[str, object]) -> None:
        self.tell(Information(facts))

    @rule(data=st.data(), text=TEXTS)
    def reworded(self, data: st.DataObject, text: str) -> None:
        self.tell(Information({}, (self.draw(data),), text))

    @rule(data=st.data())
    def edited(self, data: st.DataObject) -> None:
        edits = []
        for _ in range(data.draw(st.integers(1, 3))):
            self.number += 1
            heads = [one.id for one in self.plan.tasks if one.kind is TaskKind.COMPOUND]
            one = self.plan.tasks[data.draw(st.integers(0, len(self.plan.tasks) - 1))]
            choices = [
                AddTaskEdit(task(f"n{self.number}", parent_id=data.draw(st.sampled_from(["", *heads])), needs_approval=True)),
                ChangeTaskEdit(replace(one, goal="other", state=TaskState.PENDING, error="")),
                RemoveTaskEdit(one.id),
                AddEdgeEdit(Edge(self.draw(data), self.draw(data))),
            ]
            if self.plan.edges:
                edge = data.draw(st.sampled_from(self.plan.edges))
                choices.append(RemoveEdgeEdit(edge.from_id, edge.to_id))
            edits.append(data.draw(st.sampled_from(choices)))
        self.tell(UserEdit(tuple(edits)))

    @rule()
    def pause(self) -> None:
        updated = self.tell(Pause())
        assert updated is None or updated.ready == ()

    @rule()
    def resume(self) -> None:
        self.tell(Resume())

    @precondition(lambda self: self.plan.version > 8)
    @rule()
    def cancel(self) -> None:
        updated = self.tell(Cancel())
        assert updated is None or all(one.state.ended for one in updated.plan.tasks)

    @invariant()
    def sound(self) -> None:
        if not hasattr(self, "plan"):
            return
        assert_sound(self.plan)
        settled = settle(self.plan, self.known)
        assert settled.plan == self.plan, "nothing is left to settle"
        tasks = {one.id: one for one in self.plan.tasks}
        for one in settled.ready:
            line = [one.id]
            while tasks[line[-1]].parent_id:
                line.append(tasks[line[-1]].parent_id)
            assert one.state is TaskState.PENDING
            assert all(not tasks[other].needs_approval or tasks[other].approved_by for other in line)
            assert all(tasks[edge.from_id].state.ended for edge in self.plan.edges if edge.to_id in line)
        if self.plan.state is PlanState.ACTIVE:
            awaiting = [one for one in self.plan.tasks if one.state is TaskState.AWAITING_APPROVAL]
            waits = settled.ready or settled.undecided or awaiting
            assert waits, "an active plan has something to do or says what it waits for"
        if self.plan.state is PlanState.DONE:
            assert all(one.state.ended for one in self.plan.tasks)


Machine.TestCase.settings = settings(max_examples=150, stateful_step_count=25, deadline=None)
TestAnyEvents = Machine.TestCase
