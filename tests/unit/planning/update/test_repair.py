"""Repair around failures: what is put in the place of what failed, and what stays."""

from __future__ import annotations

from dataclasses import replace

from update_cases import (
    AMOUNT,
    INDEX,
    METHODS,
    RECEIPT,
    REPLAN,
    SCAN,
    TOOLS,
    after,
    assert_sound,
    heading,
    ids,
    plan,
    settling,
    states,
    task,
    when,
)

from genesis_server.agents.index import CatalogueIndex
from genesis_server.model.catalogue import Artefact, Catalogue, Tool
from genesis_server.model.plan import EdgeKind, PlanState, TaskKind, TaskSource
from genesis_server.model.update import Information, TaskDone, TaskFailed
from genesis_server.planning.methods import Intent, Method, MethodLibrary, Step
from genesis_server.planning.update.alternatives import Replan

SETTLE = "settle the invoice before the quarter closes in the books"
"""Words that methods fit and no tool does."""


def test_another_tool_takes_the_place_of_one_that_failed() -> None:
    updated = after(settling(), TaskFailed("settle.scan", "paper jam"))
    [new] = updated.diff.added_tasks
    assert (new.id, new.capability, new.parent_id, new.state.name) == ("settle.scan~2", "photograph_invoice", "settle", "PENDING")
    assert ids(updated.diff.changed_tasks) == ["settle.scan"]
    assert (updated.plan.tasks[1].state.name, updated.plan.tasks[1].error) == ("FAILED", "paper jam")
    [gone], [came] = updated.diff.removed_edges, updated.diff.added_edges
    assert (gone.from_id, gone.to_id, gone.kind, gone.artefact) == ("settle.scan", "settle.read", EdgeKind.DATA, "invoice_scan")
    assert (came.from_id, came.to_id, came.kind, came.artefact) == ("settle.scan~2", "settle.read", EdgeKind.DATA, "photo")
    assert ids(updated.ready) == ["settle.thank", "settle.scan~2"]
    assert (updated.replanned, updated.plan.counters.updates, updated.plan.counters.tasks_created) == (True, 1, 7)
    assert updated.note == "settle.scan failed; settle.scan~2 takes its place, by photograph_invoice"


def test_when_no_tool_is_left_the_heading_goes_on_by_another_method_with_what_is_done() -> None:
    updated = after(settling(done=["thank"]), TaskFailed("settle.scan", "jam"), TaskFailed("settle.scan~2", "no camera"))
    assert updated.note == "settle.scan~2 failed; settle goes on by the method settle-by-phone"
    assert ids(updated.diff.added_tasks) == ["settle.call", "settle.pay~2"]
    assert updated.diff.removed_task_ids == ("settle.read", "settle.pay")
    assert {one.id for one in updated.diff.changed_tasks} == {"settle", "settle.scan~2"}
    assert states(updated.plan) == {
        "settle": "PENDING",
        "settle.scan": "FAILED",
        "settle.thank": "DONE",
        "settle.scan~2": "FAILED",
        "settle.call": "PENDING",
        "settle.pay~2": "PENDING",
        "file": "PENDING",
    }
    assert ids(updated.ready) == ["settle.call"]
    assert_sound(updated.plan)
    ended = after(updated.plan, TaskDone("settle.call", {}), TaskDone("settle.pay~2", {}), TaskDone("file", {}))
    assert ended.plan.state is PlanState.DONE


def test_work_that_does_not_depend_on_the_failure_is_kept_and_serves_the_new_method() -> None:
    updated = after(settling(), TaskFailed("settle.scan", ""), TaskFailed("settle.scan~2", ""))
    assert "settle.thank" not in updated.diff.removed_task_ids
    assert "settle.thank" not in ids(updated.diff.added_tasks)


def test_a_task_gets_a_method_of_its_own_when_no_tool_is_left_for_it() -> None:
    start = plan([task("t", goal=SETTLE), task("file", "file_receipt")], ("t", "file"))
    updated = after(start, TaskFailed("t", "nobody"))
    assert updated.note == "t failed; t~2 takes its place, by the method settle-by-phone"
    assert [(one.id, one.kind, one.depth) for one in updated.diff.added_tasks][:2] == [
        ("t~2", TaskKind.COMPOUND, 1),
        ("t~2.call", TaskKind.PRIMITIVE, 2),
    ]
    assert [(edge.from_id, edge.to_id) for edge in updated.plan.edges if edge.to_id == "file"] == [("t~2", "file")]
    assert_sound(updated.plan)


def test_of_two_methods_that_fit_the_one_that_changes_less_is_taken() -> None:
    long = Method("long", "Long", "", (Intent((("settle",), ("invoice",))),), tuple(Step(f"s{n}", "x", "thank_supplier") for n in range(4)))
    short = Method("short", "Short", "", (Intent((("settle",), ("invoice",))),), (Step("s", "x", "thank_supplier"),))
    replan = Replan(INDEX, MethodLibrary((long, short), "m"))
    updated = after(plan([task("t", goal=SETTLE)]), TaskFailed("t", ""), replan=replan)
    assert ids(updated.diff.added_tasks) == ["t~2", "t~2.s"]


def test_a_method_of_more_than_twenty_tasks_is_no_repair() -> None:
    large = Method("large", "L", "", (Intent((("settle",), ("invoice",))),), tuple(Step(f"s{n}", "x", "thank_supplier") for n in range(20)))
    small = replace(large, id="small", steps=large.steps[:19])
    start = plan([task("t", goal=SETTLE)])
    assert len(after(start, TaskFailed("t", ""), replan=Replan(INDEX, MethodLibrary((large, small), "m"))).diff.added_tasks) == 20


def test_somebody_else_with_the_same_capability_gets_the_same_work() -> None:
    """What a method's step takes and gives is told in more detail than the skill; the other agent's task keeps it."""
    names = {"inputs": (Artefact("draft"),), "outputs": (Artefact("french_text"),)}
    step = replace(task("t", goal="into French", capability="translate"), expected_seconds=60.0, **names)
    reader = replace(task("r", goal="read it"), inputs=(Artefact("french_text"),))
    start = plan([step, reader], ("t", "r"))
    updated = after(start, TaskFailed("t", "ill"), replan=Replan(INDEX, METHODS, targets={"t": "ann"}))
    [new] = updated.diff.added_tasks
    assert (new.id, new.capability, new.inputs, new.outputs) == ("t~2", "translate", step.inputs, step.outputs)
    assert new.expected_seconds == 60.0


def test_the_repair_climbs_to_the_heading_above_when_a_level_has_none() -> None:
    start = plan(
        [
            heading("top", goal="clear the invoice"),
            heading("inner", goal="something", parent_id="top"),
            task("x", goal="zzz", parent_id="inner"),
            task("y", goal="qqq", parent_id="inner"),
            task("other", goal="vvv", parent_id="top"),
        ],
        ("x", "y"),
    )
    updated = after(start, TaskFailed("x", ""))
    assert updated.note == "x failed; top goes on by the method settle-by-phone"
    assert states(updated.plan)["inner"] == "FAILED"
    assert updated.diff.removed_task_ids == ("y",)
    assert states(updated.plan)["other"] == "PENDING"
    assert_sound(updated.plan)


def test_a_tool_can_do_what_a_whole_heading_should_have_done() -> None:
    start = plan(
        [heading("h", goal="call the supplier"), task("x", goal="zzz", parent_id="h"), task("y", goal="qqq", parent_id="h")], ("x", "y")
    )
    updated = after(start, TaskFailed("x", ""))
    assert (ids(updated.diff.added_tasks), updated.diff.removed_task_ids) == (["h~2"], ("y",))
    assert states(updated.plan) == {"h": "FAILED", "x": "FAILED", "h~2": "PENDING"}
    assert after(updated.plan, TaskDone("h~2", {})).plan.state is PlanState.DONE


def test_a_heading_that_failed_as_a_whole_goes_on_by_another_method() -> None:
    updated = after(settling(done=["thank"]), TaskFailed("settle", "the supplier wants no paper"))
    assert updated.note == "settle failed; settle goes on by the method settle-by-phone"
    assert set(updated.diff.removed_task_ids) == {"settle.scan", "settle.read", "settle.pay"}
    assert states(updated.plan)["settle"] == "PENDING"


def test_the_plan_fails_when_nothing_can_take_the_place_of_a_needed_task_and_nothing_else_is_left() -> None:
    updated = after(plan([task("a", goal="zzz"), task("b")], ("a", "b")), TaskFailed("a", "no"))
    assert (updated.plan.state, updated.ready, updated.replanned) == (PlanState.FAILED, (), False)
    assert updated.diff.state is PlanState.FAILED
    nobody = "nobody else can do it, and no other method fits"
    assert updated.note == f"a failed; {nobody}; b cancelled for want of what failed; the plan is failed"
    assert states(updated.plan) == {"a": "FAILED", "b": "CANCELLED"}
    assert after(settling(done=["scan", "read", "pay", "thank"]), TaskFailed("file", "")).plan.state is PlanState.FAILED
    assert states(after(plan([heading("h"), task("x", parent_id="h")]), TaskFailed("h", "no")).plan)["h"] == "FAILED"


def test_a_helper_nobody_needs_any_more_may_fail() -> None:
    start = plan([task("scan", "scan_invoice", source=TaskSource.CATALOGUE), task("b")], ("scan", "b"))
    updated = after(start, TaskFailed("scan", "jam"))
    assert (updated.plan.state, updated.replanned, ids(updated.ready)) == (PlanState.ACTIVE, False, ["b"])
    assert after(updated.plan, TaskDone("b", {})).plan.state is PlanState.DONE
    needed = plan([task("scan", "scan_invoice", source=TaskSource.CATALOGUE), task("b", "read_amount")], ("scan", "b"))
    assert after(needed, TaskFailed("scan", "jam")).replanned
    assert not after(needed, Information({"invoice_scan": "told"}), TaskFailed("b", "")).plan.tasks[0].error


def test_a_substitute_must_put_out_what_others_need() -> None:
    tools = (Tool("scan_invoice", "scan the invoice", outputs=(SCAN,)), Tool("scan_invoice_fast", "scan the invoice fast"))
    replan = Replan(CatalogueIndex(Catalogue(tools=tools)), MethodLibrary((), ""))
    fed = plan([task("scan", "scan_invoice"), task("read", "read_amount")], ("scan", "read", "invoice_scan"))
    assert after(fed, TaskFailed("scan", ""), replan=replan).plan.state is PlanState.FAILED
    alone = plan([task("scan", "scan_invoice", outputs=()), task("read")], ("scan", "read"))
    assert ids(after(alone, TaskFailed("scan", ""), replan=replan).diff.added_tasks) == ["scan~2"]


def test_a_substitute_must_have_what_it_needs_unless_only_the_caller_can_give_it() -> None:
    map_of, place = Artefact("town_map", "map"), Artefact("town_name", "name_of_town")
    tools = (
        Tool("go_museum", "go to the museum"),
        Tool("go_museum_by_bicycle", "go to the museum", inputs=(map_of,)),
        Tool("draw_map", "draw", outputs=(map_of,)),
        Tool("go_museum_by_car", "go to the museum", inputs=(place,)),
    )
    replan = Replan(CatalogueIndex(Catalogue(tools=tools)), MethodLibrary((), ""))
    walking = task("go", goal="go to the museum", capability="go_museum")
    assert after(plan([walking]), TaskFailed("go", ""), replan=replan).diff.added_tasks[0].capability == "go_museum_by_car"
    drawn = plan([task("map", goal="draw", capability="draw_map", outputs=(map_of,)), walking], ("map", "go"))
    tried = after(drawn, TaskFailed("go", ""), replan=replan)
    assert tried.diff.added_tasks[0].capability == "go_museum_by_bicycle"
    [edge] = tried.diff.added_edges
    assert (edge.kind, edge.artefact) == (EdgeKind.DATA, "town_map")


def test_who_failed_does_not_get_the_task_again_and_who_offers_the_same_does() -> None:
    start = plan([task("t", goal="translate the text", capability="translate")])
    unknown = after(start, TaskFailed("t", ""))
    assert unknown.plan.state is PlanState.FAILED
    known = Replan(INDEX, METHODS, targets={"t": "ann"})
    updated = after(start, TaskFailed("t", ""), replan=known)
    assert updated.diff.added_tasks[0].capability == "translate"
    both = Replan(INDEX, METHODS, targets={"t": "ann", "t~2": "bob"})
    assert after(updated.plan, TaskFailed("t~2", ""), replan=both).plan.state is PlanState.FAILED


def test_who_tried_in_vain_before_the_last_one_does_not_get_the_task_again_either() -> None:
    start = plan([task("t", goal="translate the text", capability="translate")])
    one_left = Replan(INDEX, METHODS, targets={"t": "bob"}, failed={"t": frozenset({"bob"})})
    assert after(start, TaskFailed("t", ""), replan=one_left).diff.added_tasks[0].capability == "translate"
    nobody_left = Replan(INDEX, METHODS, targets={"t": "bob"}, failed={"t": frozenset({"ann", "bob"})})
    assert after(start, TaskFailed("t", ""), replan=nobody_left).plan.state is PlanState.FAILED


def test_a_task_without_a_capability_is_known_by_the_one_it_was_routed_by() -> None:
    start = plan([task("t", goal="scan the invoice on paper")])
    replan = Replan(INDEX, METHODS, targets={"t": "scan_invoice"}, capabilities={"t": "scan_invoice"})
    assert after(start, TaskFailed("t", ""), replan=replan).diff.added_tasks[0].capability == "photograph_invoice"


def test_guards_on_what_was_replaced_are_decided_by_the_replacement() -> None:
    start = plan(
        [task("scan", "scan_invoice"), task("next", guards=(when("scan", "legible"),)), task("else", guards=(when("scan", "torn"),))],
        ("scan", "next"),
        ("scan", "else"),
    )
    failed = after(start, TaskFailed("scan", "jam"))
    assert failed.undecided == ()
    assert [one.guards for one in failed.plan.tasks[1:3]] == [one.guards for one in start.tasks[1:]]
    done = after(failed.plan, TaskDone("scan~2", {"legible": True, "torn": False}))
    assert (ids(done.ready), states(done.plan)["else"]) == (["next"], "SKIPPED")


def test_guards_on_dropped_tasks_ask_the_heading_instead() -> None:
    start = settling()
    guarded = task("bell", guards=(when("settle.pay", "paid"),))
    start = replace(start, tasks=(*start.tasks, guarded))
    updated = after(start, TaskFailed("settle.scan", ""), TaskFailed("settle.scan~2", ""))
    [bell] = [one for one in updated.plan.tasks if one.id == "bell"]
    assert bell.guards[0].task_id == "settle"
    known = after(updated.plan, TaskDone("settle.call", {}), TaskDone("settle.pay~2", {"paid": True}), TaskDone("settle.thank", {}))
    assert "bell" in ids(known.ready)


def test_new_steps_are_fed_by_what_is_done() -> None:
    wire = Tool("bank_transfer", "telegraphic transfer through a bank", inputs=(AMOUNT,), outputs=(RECEIPT,))
    step = Step("wire", "Wire", "bank_transfer", inputs=(AMOUNT,), outputs=(RECEIPT,))
    method = Method("by-wire", "W", "", (Intent((("settle",), ("invoice",))),), (step,), needs=(AMOUNT,))
    replan = Replan(CatalogueIndex(Catalogue(tools=(*TOOLS, wire))), MethodLibrary((method,), "m"))
    updated = after(settling(done=["scan", "read"]), TaskFailed("settle.pay", "declined"), replan=replan)
    assert (ids(updated.diff.added_tasks), updated.diff.removed_task_ids) == (["settle.wire"], ())
    [edge] = updated.diff.added_edges
    assert (edge.from_id, edge.to_id, edge.kind, edge.artefact) == ("settle.read", "settle.wire", EdgeKind.DATA, "owed_amount")
    assert ids(updated.ready) == ["settle.thank", "settle.wire"]


def test_the_third_attempt_has_the_next_number_that_is_free() -> None:
    start = settling()
    taken = replace(start, tasks=(*start.tasks, task("settle.scan~2", parent_id="settle")))
    assert ids(after(taken, TaskFailed("settle.scan", "")).diff.added_tasks) == ["settle.scan~3"]


def test_facts_serve_steps_of_the_new_method() -> None:
    updated = after(settling(), Information({"owed_amount": 12}), TaskFailed("settle.pay", "declined"))
    assert (updated.replanned, updated.plan.hopeless) == (False, ("settle.pay",))
    again = after(settling(), Information({"owed_amount": 12}), TaskFailed("settle", "no"))
    assert ids(again.diff.added_tasks) == ["settle.pay~2", "settle.thank~2"]
    assert AMOUNT.name not in {output.name for one in again.diff.added_tasks for output in one.outputs}
    assert RECEIPT in again.diff.added_tasks[0].outputs


def test_a_repair_is_the_same_every_time() -> None:
    assert after(settling(), TaskFailed("settle.scan", "x")) == after(settling(), TaskFailed("settle.scan", "x"), replan=REPLAN)
