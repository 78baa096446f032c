"""Demands and lengths of time are read with the words they stand in."""

from __future__ import annotations

from importlib.resources import files

import pytest

from genesis_server.planning.data_file import DataFileError
from genesis_server.planning.durations import read_duration
from genesis_server.planning.quantities import pieces
from genesis_server.planning.requirement_words import build_demands
from genesis_server.planning.requirements import read_demands

WORDS = (files("genesis_server") / "data" / "language" / "requirements.toml").read_text("utf-8")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("book a room under 200 $", ["AT_MOST under 200 $"]),
        ("buy 5 kg or more", ["AT_LEAST 5 kg or more"]),
        ("spend 200 $ max", ["AT_MOST 200 $ max"]),
        ("stay within 300 metres", ["AT_MOST within 300 metres"]),
        ("put it under the table", []),
        ("send it by Friday at noon", ["BY by Friday at noon"]),
        ("send it before the end of the next month", ["BY before the end of the next month"]),
        ("send it by 5 pm at the latest", ["BY by 5 pm at the latest"]),
        ("send it by May 5th", ["BY by May 5th"]),
        ("send it before 2030", ["BY before 2030"]),
        ("raise it by 5", []),
        ("check it before the meeting", []),
        ("reply in under 2 hours", ["BY in under 2 hours"]),
        ("invite all but not Bob, please", ["EXCEPT but not Bob"]),
        ("go without sugar before noon", ["EXCEPT without sugar", "BY before noon"]),
        ("use only free tools and data", ["ONLY only free tools and data"]),
        ("not only clean", []),
        ("only if it rains", []),
        ("it must be blue", ["MUST must be blue"]),
        ("it must be done by Friday", ["BY by Friday"]),
        ("it must", []),
    ],
)
def test_a_demand_is_read(text: str, expected: list[str]) -> None:
    assert [f"{one.requirement.kind.name} {one.requirement.text}" for one in read_demands(text, pieces(text))] == expected


def test_a_length_of_time_from_now_is_a_deadline() -> None:
    (demand,) = read_demands("reply within two hours", pieces("reply within two hours"))
    assert (demand.deadline_seconds, demand.requirement.amount, demand.requirement.unit) == (7_200.0, 2.0, "hours")


@pytest.mark.parametrize(
    ("verb", "text", "seconds"),
    [
        ("boil", "boil water (about 5 minutes)", 300.0),
        ("boil", "boil water - 5 minutes", 300.0),
        ("wait", "wait 10 minutes", 600.0),
        ("wait", "wait for 3 days", 259_200.0),
        ("bake", "bake the cake for half an hour", 1_800.0),
        ("print", "print it, which takes around 20 minutes", 1_200.0),
        ("book", "book a room for 2 hours", None),
        ("visit", "visit Rome for 3 days", None),
        ("book", "book a meeting lasting 90 minutes", None),
        ("call", "call Ann every 2 hours", None),
        ("read", "read the mail of the last 3 hours", None),
        ("call", "call Ann 20 minutes before", None),
        ("", "for 2 hours", None),
    ],
)
def test_a_length_of_time_is_of_the_action_or_of_a_thing(verb: str, text: str, seconds: float | None) -> None:
    assert read_duration(pieces(text), verb=verb, taken=set()) == seconds


def test_every_mistake_in_the_words_is_told_with_its_line() -> None:
    broken = WORDS.replace("\nalls =", "\nall =").replace('only = ["only",', 'only = [5, "only",', 1)
    with pytest.raises(DataFileError) as refused:
        build_demands(broken)
    told = "\n".join(refused.value.mistakes)
    line = next(number for number, text in enumerate(broken.splitlines(), start=1) if text.startswith("only ="))
    assert f"requirements.toml:{line}: only" in told
    assert "alls: is missing" in told
