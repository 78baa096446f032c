"""Ids of tasks: readable, stable, unique in a plan."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from genesis_server.planning.task_ids import TaskIds, slug_of


def test_an_id_shows_the_first_words() -> None:
    assert re.fullmatch(r"book-a-flight-to-rome-[0-9a-f]{8}", TaskIds("a goal").of("Book a flight to Rome tomorrow"))


def test_letters_of_other_scripts_fall_back_to_a_plain_word() -> None:
    assert slug_of("予約する") == "task"
    assert slug_of("Réserver à Orléans") == "reserver-a-orleans"


@given(st.text(min_size=1), st.lists(st.sampled_from(["fix it", "run it", "", "ship it", "😀"]), max_size=30))
def test_the_same_goal_gets_the_same_ids_and_each_task_its_own(goal: str, texts: list[str]) -> None:
    first, second = TaskIds(goal), TaskIds(goal)
    ids = [first.of(text) for text in texts]
    assert ids == [second.of(text) for text in texts]
    assert len(set(ids)) == len(ids)
    assert all(0 < len(one) <= 128 for one in ids)
