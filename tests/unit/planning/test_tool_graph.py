"""The entries of a catalogue as a graph."""

from __future__ import annotations

import gc
import weakref

from genesis_server.agents.index import CatalogueIndex
from genesis_server.model.catalogue import AgentCard, Artefact, Catalogue, Skill, Tool
from genesis_server.planning.tool_graph import ToolGraph, tool_graph

FLIGHTS = Artefact("flight_list", "flights")
TOOLS = (
    Tool("train_ticket_booking", "Books a train ticket"),
    Tool("search_train", "Search for trains"),
    Tool("hotel_booking_query", "Hotel Booking Query Tool"),
    Tool("send_email", "Sends an email"),
    Tool("flight_search", "Searches flights", outputs=(FLIGHTS,)),
    Tool("flight_booking", "Books a flight", inputs=(FLIGHTS,)),
)
INDEX = CatalogueIndex(Catalogue(tools=TOOLS))
GRAPH: ToolGraph = tool_graph(INDEX)


def _best(text: str, goal: str = "") -> str:
    fit = GRAPH.fit(text, GRAPH.context(goal or text))
    return GRAPH.entries[int(fit.scores.argmax())].offer.capability


def _place(capability: str) -> int:
    return GRAPH.entry_of(capability).place


def test_an_action_fits_the_entry_that_does_it_to_the_thing_it_names() -> None:
    assert _best("book a ticket for the train to Oslo") == "train_ticket_booking"
    assert _best("look for a railway connection") == "search_train"
    assert _best("check the booking of my hotel") == "hotel_booking_query"


def test_what_the_rest_of_the_goal_speaks_of_tells_what_it_means() -> None:
    assert _best("book it", "search a train and book it") == "train_ticket_booking"
    assert _best("book it", "search a flight and book it") == "flight_booking"


def test_words_nobody_has_fit_nothing() -> None:
    assert not GRAPH.fit("paint the fence", GRAPH.context("paint the fence")).scores.any()


def test_entries_about_the_same_thing_are_near_each_other() -> None:
    near = GRAPH.affinities(_place("train_ticket_booking"))
    assert near[_place("search_train")] > 0.3
    assert near[_place("send_email")] == 0
    assert GRAPH.shared(_place("train_ticket_booking"), _place("search_train")) == "train"
    assert GRAPH.named_things(_place("train_ticket_booking")) == "train ticket"


def test_what_one_makes_and_another_needs_flows() -> None:
    assert GRAPH.flow(_place("flight_search"), _place("flight_booking")) == FLIGHTS
    assert GRAPH.flow(_place("flight_booking"), _place("flight_search")) is None
    assert not GRAPH.entry_of("flight_search").silent
    assert GRAPH.entry_of("search_train").silent


def test_readings_are_told_from_changes() -> None:
    assert [entry.offer.capability for entry in GRAPH.entries if entry.reads] == ["search_train", "hotel_booking_query", "flight_search"]
    assert GRAPH.entry_of("search_train").finds
    assert not GRAPH.entry_of("hotel_booking_query").finds
    assert GRAPH.entry_of("send_email").closes
    assert GRAPH.entry_of("train_ticket_booking").begins


def test_a_capability_of_several_agents_is_one_entry() -> None:
    skill = Skill("report.write", "Write a report", "Writes reports", examples=("write a report about sales",))
    graph = ToolGraph(CatalogueIndex(Catalogue(agents=(AgentCard("a", (skill,)), AgentCard("b", (skill,))))), GRAPH.words)
    (entry,) = graph.entries
    assert (entry.offer.owner, entry.operations, list(graph.exampled)) == (AgentCard("a", (skill,)), {"create"}, [True])


def test_a_graph_is_kept_as_long_as_its_index_and_no_longer() -> None:
    index = CatalogueIndex(Catalogue(tools=TOOLS))
    graph = tool_graph(index)
    assert tool_graph(index) is graph
    gone = weakref.ref(index)
    del index, graph
    gc.collect()
    assert gone() is None


def test_an_empty_catalogue_has_an_empty_graph() -> None:
    graph = tool_graph(CatalogueIndex(Catalogue()))
    assert graph.fit("book a flight", graph.context("book a flight")).scores.size == 0
