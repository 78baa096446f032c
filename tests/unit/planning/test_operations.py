"""What an entry or an action does, and to what."""

from __future__ import annotations

import pytest

from genesis_server.planning.data_file import DataFileError
from genesis_server.planning.operations import LATER_VERB, operations, read_operations

WORDS = operations()


@pytest.mark.parametrize(
    ("name", "does", "things"),
    [
        ("create_reminder", {"create"}, ["remind"]),
        ("train ticket booking", {"book"}, ["train", "ticket"]),
        ("order_tracking", {"look_up"}, ["order"]),
        ("check_flight", {"look_up"}, ["flight"]),
    ],
)
def test_the_word_of_a_name_that_says_what_is_done_is_told_from_its_things(name: str, does: set[str], things: list[str]) -> None:
    assert WORDS.named(WORDS.content(name), []) == (does, things)


def test_a_name_of_things_alone_leaves_the_operation_to_the_description() -> None:
    assert WORDS.named(WORDS.content("credit_debt"), WORDS.content("Query the debt of a card")) == ({"look_up"}, ["credit", "debt"])
    assert WORDS.named(WORDS.content("credit_debt"), ["quux"]) == (frozenset(), ["credit", "debt"])
    assert WORDS.named([], WORDS.content("Send a letter")) == ({"send"}, [])


def test_the_first_verb_is_what_is_asked_for_and_participles_are_not() -> None:
    asked = WORDS.asked_for("cancel the flight booked last week and send a notification")
    assert asked["cancel"] == 1.0
    assert asked["send"] == LATER_VERB
    assert "book" not in asked


def test_kin_of_a_word_is_found_under_the_same_mark() -> None:
    car, sedan = (set(WORDS.with_kin(WORDS.content(word))) for word in ("car", "sedan"))
    assert car & sedan
    assert not car & set(WORDS.with_kin(WORDS.content("hotel")))


def test_actions_that_only_say_how_and_actions_that_bring_in_something_new_are_known() -> None:
    assert WORDS.supports("make sure the room is quiet")
    assert WORDS.supports("use my card")
    assert not WORDS.supports("book a room")
    assert WORDS.introduces("create a file")
    assert not WORDS.introduces("change the date")


def test_every_mistake_of_the_file_is_told_with_its_line() -> None:
    with pytest.raises(DataFileError) as refused:
        read_operations('generic = 3\n\n[[operations]]\nid = "x"\nverbs = []\nnouns = []\nreads = "maybe"\n', "mine.toml")
    assert any(mistake.startswith("mine.toml:1") for mistake in refused.value.mistakes)
    assert len(refused.value.mistakes) > 1
