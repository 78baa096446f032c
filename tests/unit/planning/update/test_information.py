"""What becomes known: producers given up, tasks in other words."""

from __future__ import annotations

import pytest
from update_cases import REPLAN, after, assert_sound, ids, plan, settling, states, task

from genesis_server.model.catalogue import Artefact
from genesis_server.model.plan import EdgeKind, TaskSource
from genesis_server.model.update import Information, Known, PlanDiff, TaskDone
from genesis_server.planning.update.apply import update
from genesis_server.resilience.errors import GenesisError

HELPED = plan(
    [
        task("scan", "scan_invoice", source=TaskSource.CATALOGUE),
        task("read", "read_amount", source=TaskSource.CATALOGUE),
        task("pay", "pay_amount"),
    ],
    ("scan", "read", "invoice_scan"),
    ("read", "pay", "owed_amount"),
)


def test_facts_without_effect_make_a_version_and_count_for_nothing() -> None:
    updated = after(settling(), Information({"weather": "fine"}))
    assert (updated.plan.version, updated.plan.counters.updates, updated.diff, updated.replanned) == (2, 0, PlanDiff(), False)
    assert (updated.known.facts, updated.note) == ({"weather": "fine"}, "weather became known")
    assert after(settling(), Information({})).note == "nothing new"


def test_what_is_told_is_not_produced_any_more_and_neither_is_what_only_fed_it() -> None:
    updated = after(HELPED, Information({"owed_amount": 12}))
    assert states(updated.plan) == {"scan": "SKIPPED", "read": "SKIPPED", "pay": "PENDING"}
    assert (ids(updated.ready), updated.replanned, updated.plan.counters.updates) == (["pay"], True, 1)
    assert updated.note == "owed_amount became known; read, scan not needed any more"


def test_a_producer_with_another_customer_goes_on() -> None:
    start = plan(
        [*HELPED.tasks, task("copy", goal="copy", inputs=(Artefact("invoice_scan", "scan"),))],
        *[(e.from_id, e.to_id, e.artefact) for e in HELPED.edges],
        ("scan", "copy", "invoice_scan"),
    )
    assert states(after(start, Information({"owed_amount": 12})).plan)["scan"] == "PENDING"


def test_what_the_goal_asks_for_itself_is_done_whatever_is_told() -> None:
    asked = plan([task("read", "read_amount"), task("pay", "pay_amount")], ("read", "pay", "owed_amount"))
    assert not after(asked, Information({"owed_amount": 12})).replanned
    assert not after(HELPED, Information({"owed_amount": None})).replanned
    assert not after(HELPED, Information({"receipt": "r"})).replanned
    done = after(HELPED, TaskDone("scan", {}), TaskDone("read", {}))
    assert not after(done.plan, Information({"owed_amount": 12})).replanned


def test_steps_of_a_method_are_given_up_when_what_they_feed_is_told() -> None:
    updated = after(settling(), Information({"owed_amount": 12}))
    assert states(updated.plan)["settle.read"] == "SKIPPED"
    assert states(updated.plan)["settle.scan"] == "PENDING"


def test_a_task_in_other_words_gets_the_tool_that_answers_them() -> None:
    start = plan([task("t", "thank_supplier"), task("file", "file_receipt")], ("t", "file"))
    updated = after(start, Information({}, ("t",), "pay the owed amount"))
    [changed] = updated.diff.changed_tasks
    assert (changed.id, changed.goal, changed.capability, changed.outputs[0].name) == ("t", "pay the owed amount", "pay_amount", "receipt")
    assert (updated.replanned, updated.note) == (True, "new words for t")


def test_what_flows_follows_the_new_words() -> None:
    start = plan(
        [task("scan", "scan_invoice"), task("amount", "read_amount"), task("pay", "pay_amount")],
        ("scan", "amount", "invoice_scan"),
        ("amount", "pay", "owed_amount"),
    )
    updated = after(start, Information({}, ("amount",), "call the supplier"))
    kinds = {(edge.from_id, edge.to_id): (edge.kind, edge.artefact) for edge in updated.plan.edges}
    assert kinds == {("scan", "amount"): (EdgeKind.ORDER, ""), ("amount", "pay"): (EdgeKind.DATA, "owed_amount")}
    assert_sound(updated.plan)
    back = after(updated.plan, Information({}, ("amount",), "read the owed amount on the invoice scan"))
    assert {(edge.kind, edge.artefact) for edge in back.plan.edges} == {(EdgeKind.DATA, "invoice_scan"), (EdgeKind.DATA, "owed_amount")}


def test_what_flows_gets_the_name_of_what_is_put_out_now() -> None:
    start = plan([task("scan", "scan_invoice"), task("amount", "read_amount")], ("scan", "amount", "invoice_scan"))
    updated = after(start, Information({}, ("scan",), "photograph the invoice on paper"))
    assert [(edge.kind, edge.artefact) for edge in updated.plan.edges] == [(EdgeKind.DATA, "photo")]


def test_new_words_never_cost_others_what_they_need() -> None:
    start = plan([task("amount", "read_amount"), task("pay", "pay_amount")], ("amount", "pay", "owed_amount"))
    updated = after(start, Information({}, ("amount",), "write a letter of thanks"))
    [changed] = updated.diff.changed_tasks
    assert (changed.capability, changed.outputs) == ("", start.tasks[0].outputs)


def test_a_heading_in_other_words_follows_the_method_that_fits_them() -> None:
    other = after(settling(done=["thank"]), Information({}, ("settle",), "clear the invoice"))
    assert ids(other.diff.added_tasks) == ["settle.call", "settle.pay~2"]
    assert states(other.plan)["settle.thank"] == "DONE"
    same = after(settling(), Information({}, ("settle",), "settle the red invoice"))
    assert (same.diff.added_tasks, same.diff.removed_task_ids) == ((), ())
    assert same.plan.tasks[1].goal == "Scan: settle the red invoice"
    none = after(settling(), Information({}, ("settle",), "xyzzy"))
    assert ids(none.diff.changed_tasks) == ["settle"]


def test_the_same_words_change_nothing_and_blank_ones_are_none() -> None:
    start = plan([task("t", goal="pay the owed amount")])
    assert not after(start, Information({}, ("t",), "pay the owed amount")).replanned
    assert not after(start, Information({}, ("t",), "  ")).replanned


def test_words_about_no_task_and_about_ended_ones_are_refused() -> None:
    for event, reason in (
        (Information({}, (), "in red"), "INVALID_FIELD"),
        (Information({}, ("settle.scan",), "in red"), "TASK_ENDED"),
    ):
        with pytest.raises(GenesisError) as caught:
            update(settling(done=["scan"]), event, known=Known(), replan=REPLAN)
        assert caught.value.reason == reason


def test_a_heading_and_a_task_below_it_in_other_words_at_once() -> None:
    updated = after(settling(), Information({}, ("settle", "settle.scan", "file"), "clear the invoice"))
    assert_sound(updated.plan)
    assert updated.replanned
