"""Which entries answer a goal's actions, decided together."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genesis_server.agents.index import CatalogueIndex
from genesis_server.model.catalogue import Artefact, Catalogue, Tool
from genesis_server.model.explanation import MAX_REJECTED_PER_ACTION
from genesis_server.model.plan import EdgeSource, TaskSource
from genesis_server.planning.actions import split
from genesis_server.planning.composition import Composition, compose
from genesis_server.planning.method_files import build_library
from genesis_server.planning.methods import MethodLibrary
from genesis_server.planning.planner import Draft, plan_goal

CITY = CatalogueIndex(
    Catalogue(
        tools=(
            Tool("train_ticket_booking", "Book a train ticket"),
            Tool("train_ticket_search", "Search for train tickets"),
            Tool("train_ticket_changing", "Change a train ticket"),
            Tool("train_ticket_query", "Train Ticket Query Tool"),
            Tool("hotel_booking", "Complete the hotel room booking process"),
            Tool("hotel_booking_query", "Hotel Booking Query Tool"),
            Tool("weather_query", "Get the weather forecast of a city"),
            Tool("send_email", "Send an email"),
            Tool("payment_processing", "Complete payment operation"),
        )
    )
)
NO_METHODS = build_library({})


def _compose(goal: str, index: CatalogueIndex = CITY) -> Composition:
    actions = split(goal)
    return compose(goal, actions, range(len(actions)), index)


def _plan(goal: str, index: CatalogueIndex = CITY, givens: tuple[Artefact, ...] = ()) -> Draft:
    return plan_goal(goal, index=index, methods=NO_METHODS, givens=givens)


def _tools(draft: Draft) -> list[str]:
    return [task.capability for task in draft.plan.tasks]


def _edges(draft: Draft) -> list[tuple[str, str]]:
    names = {task.id: task.capability or task.goal for task in draft.plan.tasks}
    return [(names[edge.from_id], names[edge.to_id]) for edge in draft.plan.edges]


def test_a_booking_takes_a_search_before_it_and_a_change_a_look_at_what_is_there() -> None:
    draft = _plan("Book a train ticket to Oslo")
    assert _edges(draft) == [("train_ticket_search", "train_ticket_booking")]
    search, booking = draft.plan.tasks
    assert search.origin is not None
    assert booking.origin is not None
    assert (search.origin.source, booking.origin.source) == (TaskSource.CATALOGUE, TaskSource.CLAUSE)
    origin = draft.plan.edges[0].origin
    assert origin is not None
    assert (origin.source, origin.text) == (EdgeSource.ARTEFACT, "train ticket")
    assert _edges(_plan("Change my train ticket to Monday")) == [("train_ticket_query", "train_ticket_changing")]


@pytest.mark.parametrize("goal", ["Tell me the weather in Oslo", "Send an email to Ann"])
def test_a_single_action_that_one_entry_covers_stays_one_task(goal: str) -> None:
    assert len(_plan(goal).plan.tasks) == 1


def test_entries_that_tell_what_they_need_get_no_other_helper_than_a_producer() -> None:
    flights = Artefact("flight_list", "flights")
    index = CatalogueIndex(
        Catalogue(
            tools=(
                Tool("flight_search", "Search flights", outputs=(flights,)),
                Tool("flight_booking", "Book a flight", inputs=(flights,)),
                Tool("flight_query", "Query flight status"),
            )
        )
    )
    assert _tools(_plan("Book a flight", index)) == ["flight_search", "flight_booking"]
    assert _tools(_plan("Book a flight", index, givens=(flights,))) == ["flight_booking"]


def test_a_pronoun_is_answered_by_what_the_rest_of_the_goal_is_about() -> None:
    assert _tools(_plan("Search for a train ticket to Oslo and then book it")) == ["train_ticket_search", "train_ticket_booking"]


def test_an_action_that_says_how_another_is_done_joins_its_task() -> None:
    draft = _plan("Search for a train ticket to Oslo. Book a train ticket. Make sure the seat is by the window")
    assert _tools(draft) == ["train_ticket_search", "train_ticket_booking"]
    origin = draft.plan.tasks[1].origin
    assert origin is not None
    assert "window" in draft.plan.tasks[1].goal
    assert len(origin.spans) == 2


def test_two_pieces_of_work_for_one_entry_stay_two_tasks() -> None:
    draft = _plan("Book a hotel room in Oslo and book a hotel room in Bergen")
    assert _tools(draft) == ["hotel_booking_query", "hotel_booking", "hotel_booking"]
    first, second = (task.id for task in draft.plan.tasks[1:])
    assert {edge.to_id for edge in draft.plan.edges} == {first, second}
    assert (first, second) not in {(edge.from_id, edge.to_id) for edge in draft.plan.edges}


def test_an_action_nothing_answers_keeps_its_own_task() -> None:
    assert _tools(_plan("Knit a scarf and send an email to Ann")) == ["", "send_email"]
    assert _tools(_plan("Send an email to Ann and knit a scarf")) == ["send_email", ""]


def test_what_shares_nothing_is_left_parallel_and_a_reading_comes_before_the_change_it_may_decide() -> None:
    assert _edges(_plan("Book a hotel room and send an email to Ann")) in ([], [("hotel_booking", "send_email")])
    assert ("weather_query", "hotel_booking") in _edges(_plan("Get the weather in Oslo and book a hotel room"))


def test_what_closes_follows_on_what_was_done_before_it() -> None:
    assert ("hotel_booking", "payment_processing") in _edges(_plan("Book a hotel room and complete the payment operation"))


def test_entries_that_were_not_taken_are_told_with_the_reason_and_the_words() -> None:
    composed = _compose("Book a train ticket to Oslo")
    assert composed.rejected
    first = composed.rejected[0]
    assert (first.source, first.reason) == (TaskSource.CATALOGUE, "train_ticket_booking fits better")
    assert first.span is not None
    assert first.span.text == "Book a train ticket to Oslo"
    assert "train_ticket_booking" not in {one.id for one in composed.rejected}
    draft = _plan("Book a train ticket to Oslo")
    assert draft.explanation.rejected == composed.rejected


def test_methods_that_were_not_taken_are_told_with_what_is_missing(methods: MethodLibrary) -> None:
    draft = plan_goal("Ship the new dark mode to all our users and send an email to Ann", index=CITY, methods=methods)
    rejected = [one for one in draft.explanation.rejected if one.source is TaskSource.METHOD]
    assert "release-feature" in {one.id for one in rejected}
    assert all(one.reason.startswith("nobody in the catalogue can do ") for one in rejected)


def test_a_method_that_fits_less_than_the_one_taken_is_told(methods: MethodLibrary, shipped_index: CatalogueIndex) -> None:
    goal = "Users report that uploads hang; find the cause and repair it"
    draft = plan_goal(goal, index=shipped_index, methods=methods)
    rejected = [one for one in draft.explanation.rejected if one.source is TaskSource.METHOD]
    assert [(one.id, one.reason) for one in rejected] == [("incident-response", "bug-fix fits better")]


def test_actions_that_have_a_method_are_left_alone() -> None:
    goal = "Book a hotel room and send an email to Ann"
    composed = compose(goal, split(goal), [1], CITY)
    assert composed.matches[0] is None
    assert composed.matches[1] is not None
    assert compose(goal, split(goal), [], CITY) == Composition((None, None), (None, None), (), (), ())


def test_an_empty_catalogue_answers_nothing() -> None:
    assert _compose("Book a flight and send an email", CatalogueIndex(Catalogue())).matches == (None, None)


WORDS = [
    "book",
    "a",
    "train",
    "ticket",
    "hotel",
    "room",
    "and",
    "then",
    "it",
    "change",
    "send",
    "email",
    "the",
    "weather",
    "pay",
    "fence",
    ".",
]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=30).map(" ".join))
def test_any_words_get_a_bounded_choice_and_always_the_same(words: str) -> None:
    actions = split(words)
    composed = compose(words, actions, range(len(actions)), CITY)
    assert composed == compose(words, actions, range(len(actions)), CITY)
    assert len(composed.matches) == len(composed.joins) == len(actions)
    for place, joined in enumerate(composed.joins):
        assert joined is None or (joined < place and composed.joins[joined] is None)
    for match in composed.matches:
        assert match is None or 0 < match.score <= 1
    spans = [one.span for one in composed.rejected]
    assert all(spans.count(span) <= MAX_REJECTED_PER_ACTION for span in spans)
