"""The entry that goes with the only one chosen."""

from __future__ import annotations

import numpy as np

from genesis_server.agents.index import CatalogueIndex
from genesis_server.model.catalogue import Artefact, Catalogue, Tool
from genesis_server.planning.operations import operations
from genesis_server.planning.second_entry import SecondEntry, second_entry
from genesis_server.planning.tool_graph import ToolGraph

TOOLS = (
    Tool("car_rental_booking", "Car Rental Booking Tool"),
    Tool("car_rental_search", "Search for a car rental"),
    Tool("car_rental_status", "Query the status of a car rental"),
    Tool("car_rental_cancelling", "Car Rental Cancellation Tool"),
    Tool("stock_trend", "Analyse the trend of a stock"),
    Tool("stock_prediction", "Predict the price of a stock"),
    Tool("piano_lesson", "Teaches the piano", inputs=(Artefact("note_sheet"),)),
)
GRAPH = ToolGraph(CatalogueIndex(Catalogue(tools=TOOLS)), operations())


def _second(only: str, text: str) -> tuple[str, bool] | None:
    fit = GRAPH.fit(text, GRAPH.context(text))
    found: SecondEntry | None = second_entry(GRAPH, GRAPH.entry_of(only).place, text, fit.scores)
    return None if found is None else (GRAPH.entries[found.place].offer.capability, found.behind)


def test_what_begins_something_takes_a_search_and_what_ends_it_a_look_at_how_it_stands() -> None:
    assert _second("car_rental_booking", "book a car") == ("car_rental_search", False)
    assert _second("car_rental_cancelling", "cancel the car rental") == ("car_rental_status", False)


def test_words_that_a_reading_leaves_unexplained_call_for_another_entry() -> None:
    assert _second("stock_trend", "analyse the trend of the stock and predict its price") == ("stock_prediction", True)


def test_a_reading_that_explains_all_words_stays_alone() -> None:
    assert _second("car_rental_status", "query the status of the car rental") is None


def test_an_entry_that_tells_its_inputs_takes_no_other_by_name() -> None:
    assert _second("piano_lesson", "book a piano lesson") is None


def test_the_choice_does_not_depend_on_scores_of_the_goal_alone() -> None:
    place = GRAPH.entry_of("car_rental_booking").place
    assert second_entry(GRAPH, place, "book a car", np.zeros(len(TOOLS))) == SecondEntry(1, behind=False)
