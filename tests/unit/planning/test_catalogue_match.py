"""Which entry answers an action, and which others it needs."""

from __future__ import annotations

from genesis_server.agents.index import CatalogueIndex
from genesis_server.model.catalogue import Artefact, Catalogue, Tool
from genesis_server.planning.catalogue_match import THRESHOLD, best_match, helpers

FLIGHTS = Artefact("flight_list", "flights")
SEARCH = Tool("flight_search", "Searches flights between two cities", inputs=(Artefact("city", "string"),), outputs=(FLIGHTS,))
BOOK = Tool("flight_booking", "Books a flight", inputs=(FLIGHTS,), outputs=(Artefact("booking", "booking"),))
SEATS = Tool("seat_choice", "Chooses a seat on a booked flight", inputs=(Artefact("booking", "booking"),))
OTHER = Tool("weather", "Tells the weather of a city", outputs=(FLIGHTS,))


def _index(*tools: Tool) -> CatalogueIndex:
    return CatalogueIndex(Catalogue(tools=tools))


def test_the_nearest_entry_answers() -> None:
    match = best_match("what will the weather be", _index(SEARCH, BOOK, OTHER))
    assert match is not None
    assert match.offer.capability == "weather"
    assert match.score >= THRESHOLD


def test_nothing_answers_words_no_entry_has() -> None:
    assert best_match("paint the fence", _index(SEARCH, BOOK)) is None
    assert best_match("paint the fence", _index()) is None


def test_an_entry_that_shares_one_word_of_many_does_not_answer() -> None:
    text = "weather " + " ".join(f"{letter}ood" for letter in "abcdefghijklmnopqrst")
    assert best_match(text, _index(SEARCH, BOOK, OTHER)) is None


def _needed(goal: str, chosen: Tool, *tools: Tool, givens: tuple[Artefact, ...] = ()) -> list[str]:
    index = _index(chosen, *tools)
    match = next(match for match in index.match(chosen.name) if match.offer.capability == chosen.name)
    return [helper.offer.capability for helper in helpers([None, match], goal, index, givens)]


def test_what_is_needed_is_added_when_it_fits_the_goal_too() -> None:
    assert _needed("book a flight", BOOK, SEARCH, OTHER) == ["flight_search"]


def test_what_a_helper_needs_is_looked_for_in_turn() -> None:
    assert _needed("choose a seat on a flight", SEATS, BOOK, SEARCH) == ["flight_booking", "flight_search"]


def test_a_producer_that_does_not_fit_the_goal_is_left_out() -> None:
    assert _needed("reserve my trip", BOOK, SEARCH, OTHER) == []


def test_what_is_given_needs_no_helper() -> None:
    assert _needed("book a flight", BOOK, SEARCH, givens=(FLIGHTS,)) == []


def test_an_everyday_input_calls_for_no_helper() -> None:
    tool = Tool("note", "Writes a note about a flight", inputs=(Artefact("text", "string"),))
    maker = Tool("speak", "Makes text of flight speech", outputs=(Artefact("text", "string"),))
    assert _needed("write a flight note", tool, maker) == []


def test_a_producer_the_goal_names_only_by_its_description_is_no_helper() -> None:
    """Who asks to scan a form asks for no user interface, though one may have forms."""
    code = Artefact("program_code", "code")
    scan = Tool("security_scan", "Scans code for weaknesses", inputs=(code,))
    build = Tool("frontend_build", "Builds pages and forms", outputs=(code,))
    assert _needed("scan the form", scan, build) == []
    assert _needed("build the form and scan it", scan, build) == ["frontend_build"]
