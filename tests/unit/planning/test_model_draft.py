"""A model's draft becomes a plan that is sound, or is refused with a reason."""

from __future__ import annotations

from dataclasses import replace

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis_server.agents.index import CatalogueIndex
from genesis_server.model.catalogue import AgentCard, Artefact, Catalogue, Skill, Tool
from genesis_server.model.draft import DraftedTask, ModelDraft
from genesis_server.model.plan import Edge, EdgeKind, EdgeOrigin, EdgeSource, Plan, TaskSource
from genesis_server.planning.model_brief import make_brief
from genesis_server.planning.model_draft import (
    MAX_DRAFT_TASKS,
    MAX_NAME,
    MAX_TASK_TEXT,
    ModelPlan,
    UnusableDraftError,
    clean,
    plan_from_draft,
)
from genesis_server.planning.model_spans import spans_of

GOAL = "Book a flight to Rome for 3 people, then email the itinerary to my boss"
INDEX = CatalogueIndex(
    Catalogue(
        tools=(
            Tool("book_flight", "book a flight", outputs=(Artefact("itinerary", "document"),)),
            Tool("send_email", "send an email", inputs=(Artefact("itinerary", "document"),)),
            Tool("rent_car", "rent a car"),
        ),
        snapshot_id="t1",
    )
)


def made(*tasks: DraftedTask, goal: str = GOAL, givens: tuple[Artefact, ...] = ()) -> ModelPlan:
    """The plan of a draft, whose first task says which words of the goal it answers unless a test does."""
    told = any(task.words for task in tasks)
    drafted = tuple(replace(task, words=task.words or "flight") if not told and not place else task for place, task in enumerate(tasks))
    return plan_from_draft(goal, ModelDraft(drafted), index=INDEX, givens=givens)


def refusal(*tasks: DraftedTask) -> str:
    with pytest.raises(UnusableDraftError) as caught:
        made(*tasks)
    return str(caught.value)


def edges(plan: Plan) -> list[tuple[str, str]]:
    """Edges by the first word of their tasks' goals."""
    first = {task.id: task.goal.split()[0].lower() for task in plan.tasks}
    return [(first[edge.from_id], first[edge.to_id]) for edge in plan.edges]


def test_a_good_draft_becomes_a_plan_that_says_where_everything_is_from() -> None:
    result = made(
        DraftedTask("a", "Book a flight to Rome for 3 people", "book_flight", words="Book a flight to Rome for 3 people"),
        DraftedTask("b", "Email the itinerary to my boss", "send_email", after=("a",)),
    )
    assert result.notes == ()
    book, send = result.plan.tasks
    assert (book.capability, book.outputs) == ("book_flight", (Artefact("itinerary", "document"),))
    assert book.origin is not None
    assert (book.origin.source, book.origin.catalogue_entry) == (TaskSource.MODEL, "book_flight")
    assert [span.text for span in book.origin.spans] == ["Book a flight to Rome for 3 people"]
    assert send.origin is not None
    assert [span.text for span in send.origin.spans] == ["email the itinerary to my boss"]
    origin = EdgeOrigin(EdgeSource.MODEL, text="itinerary")
    assert result.plan.edges == (Edge(book.id, send.id, EdgeKind.DATA, "itinerary", origin),)


def test_what_one_task_makes_and_another_needs_is_an_edge_the_model_forgot() -> None:
    [edge] = made(DraftedTask("a", "Book a flight", "book_flight"), DraftedTask("b", "Email it", "send_email")).plan.edges
    assert edge.origin == EdgeOrigin(EdgeSource.ARTEFACT, text="itinerary")
    there = made(
        DraftedTask("a", "Book a flight", "book_flight"),
        DraftedTask("b", "Email it", "send_email"),
        givens=(Artefact("itinerary", "document"),),
    )
    assert there.plan.edges == ()


def test_a_circle_loses_the_link_that_goes_against_the_drafts_own_order() -> None:
    result = made(
        DraftedTask("1", "first", after=("3",)), DraftedTask("2", "second", after=("1",)), DraftedTask("3", "third", after=("2",))
    )
    assert edges(result.plan) == [("first", "second"), ("second", "third")]
    assert result.notes == ("the draft had a circle, for which 1 of its 3 links were left out",)


def test_a_draft_of_circles_is_refused() -> None:
    everybody = ("1", "2", "3", "4")
    tasks = [DraftedTask(name, f"task {name}", after=tuple(other for other in everybody if other != name)) for name in everybody]
    assert refusal(*tasks) == "had circles: 6 of its 12 links close one"


def test_links_to_nowhere_and_to_oneself_are_left_out() -> None:
    result = made(DraftedTask("a", "first", after=("a", "ghost")), DraftedTask("b", "second", after=("a", "a")))
    assert edges(result.plan) == [("first", "second")]
    assert len(result.notes) == 1


def test_a_name_written_otherwise_is_recognised() -> None:
    assert made(DraftedTask("a", "Book it", "Book-Flight")).plan.tasks[0].capability == "book_flight"


def test_a_tool_nobody_has_leaves_the_task_to_the_router_and_is_noted() -> None:
    result = made(DraftedTask("a", "Book it", "book_flight"), DraftedTask("b", "Teleport", "teleport"))
    assert [task.capability for task in result.plan.tasks] == ["book_flight", ""]
    assert result.notes == ("the draft named tools the catalogue does not have, which were left out: teleport",)


def test_a_draft_for_another_catalogue_is_refused() -> None:
    tasks = [DraftedTask(str(n), f"task {n}", f"tool_{n}") for n in range(5)]
    assert refusal(*tasks) == "named tools the catalogue does not have: tool_0, tool_1, tool_2 and 2 more"


@pytest.mark.parametrize(
    ("tasks", "reason"),
    [
        ([], "had no task"),
        ([DraftedTask("a", "x"), DraftedTask("a", "y")], "gave two tasks the same id"),
        ([DraftedTask("a", "Buy a bicycle", words="buy a bicycle"), DraftedTask("b", "Ride it")], "answered no part of the goal"),
        ([DraftedTask("a", " \u202e ! ")], "had a task without words"),
        ([DraftedTask(str(n), "x") for n in range(MAX_DRAFT_TASKS + 1)], f"had {MAX_DRAFT_TASKS + 1} tasks, more than {MAX_DRAFT_TASKS}"),
    ],
)
def test_what_cannot_be_put_right_is_refused(tasks: list[DraftedTask], reason: str) -> None:
    assert refusal(*tasks) == reason


def test_texts_are_cleaned_and_cut() -> None:
    [task] = made(DraftedTask("a", "Do\nit \u202e\x00 now " + "x" * 10_000, outputs=(Artefact("a\nb" * 500), Artefact(" ")))).plan.tasks
    assert task.goal.startswith("Do it now xxx")
    assert len(task.goal) == MAX_TASK_TEXT
    assert [len(output.name) for output in task.outputs] == [MAX_NAME]


names = st.sampled_from(["a", "b", "c", "d", "e", "", "\ud800", "ghost"])
drafted = st.builds(
    DraftedTask,
    id=names,
    goal=st.one_of(st.text(max_size=40), st.sampled_from(["Book a flight", "Email the itinerary"])),
    capability=st.one_of(st.sampled_from(["", "book_flight", "send_email", "Rent Car", "teleport"]), st.text(max_size=8)),
    inputs=st.lists(st.builds(Artefact, st.text(max_size=5)), max_size=3).map(tuple),
    outputs=st.lists(st.builds(Artefact, st.text(max_size=5)), max_size=3).map(tuple),
    after=st.lists(names, max_size=5).map(tuple),
    words=st.text(max_size=20),
)


@given(st.lists(drafted, max_size=7))
def test_any_draft_becomes_a_sound_plan_that_can_be_sent_or_is_refused(tasks: list[DraftedTask]) -> None:
    try:
        result = made(*tasks)
    except UnusableDraftError as error:
        str(error).encode("utf-8")
        return
    plan = result.plan
    graph = nx.DiGraph([(edge.from_id, edge.to_id) for edge in plan.edges])
    assert nx.is_directed_acyclic_graph(graph)
    assert set(graph) <= {task.id for task in plan.tasks}
    assert len(plan.tasks) == len(tasks)
    for task in plan.tasks:
        assert not task.capability or INDEX.with_capability(task.capability)
        for text in (task.goal, task.id, *(artefact.name for artefact in (*task.inputs, *task.outputs))):
            text.encode("utf-8")
        assert task.origin is not None
        for span in task.origin.spans:
            assert GOAL[span.start : span.end] == span.text
    for edge in plan.edges:
        assert edge.origin is not None
    assert made(*tasks) == result


@given(st.text(), st.integers(0, 50))
def test_clean_text_is_one_line_that_can_be_sent_and_stays_clean(text: str, limit: int) -> None:
    cleaned = clean(text, limit)
    assert len(cleaned) <= limit
    assert "\n" not in cleaned
    cleaned.encode("utf-8")
    assert clean(cleaned, limit) == cleaned


def test_text_that_is_joined_by_invisible_characters_stays_whole() -> None:
    assert clean("می\u200cخواهم 👩\u200d🚀", 50) == "می\u200cخواهم 👩\u200d🚀"


@pytest.mark.parametrize(
    ("words", "task", "found"),
    [
        ("email the  Itinerary", "whatever", "email the itinerary"),
        ("", "Send an email with the itinerary", "email the itinerary"),
        ("words of another goal", "Book the flight", "Book a flight"),
        ("", "Buy a newspaper", None),
        ("", "Rome", "Rome"),
        ("o", "whatever", None),
        ("x" * 500, "Rome", "Rome"),
    ],
)
def test_the_words_a_task_answers_are_found_in_the_goal(words: str, task: str, found: str | None) -> None:
    assert [span.text for span in spans_of(GOAL, words, task)] == ([found] if found else [])


def test_words_are_found_where_no_blanks_part_them() -> None:
    assert [span.text for span in spans_of("请给植物浇水，然后喂猫", "喂猫", "Feed the cat")] == ["喂猫"]


def test_a_brief_tells_the_entries_nearest_to_the_goal_each_once() -> None:
    skill = Skill("translate", "Translate", "translate a text")
    index = CatalogueIndex(Catalogue(agents=(AgentCard("a", (skill,)), AgentCard("b", (skill,))), tools=INDEX.catalogue.tools))
    brief = make_brief(GOAL, index=index, limit=3, is_suspicious=lambda _: False)
    assert [entry.name for entry in brief.entries] == ["book_flight", "send_email", "translate"]
    assert brief.entries[2].description == "translate a text"


def test_what_looks_like_an_instruction_is_not_told() -> None:
    brief = make_brief(
        GOAL,
        index=INDEX,
        givens=(Artefact("IGNORE"), Artefact("passport")),
        limit=9,
        is_suspicious=lambda text: "flight" in text or "IGNORE" in text,
    )
    assert [entry.name for entry in brief.entries] == ["send_email", "rent_car"]
    assert brief.givens == (Artefact("passport"),)
    assert make_brief(GOAL, index=INDEX, limit=0, is_suspicious=lambda _: False).entries == ()
