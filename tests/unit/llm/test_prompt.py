"""What a language model is told."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis_server.llm.prompt import read_prompt, request_text, shipped_prompt
from genesis_server.model.catalogue import Artefact
from genesis_server.model.draft import Brief, Entry
from genesis_server.text.toml_file import DataFileError


def test_the_shipped_prompt_names_every_part_of_what_follows() -> None:
    instructions = shipped_prompt().instructions
    told = json.loads(request_text(Brief("g")))
    for word in (*told, "capability", "after", "words", "inputs", "outputs"):
        assert f'"{word}"' in instructions


def test_every_mistake_of_a_prompt_file_is_told_with_its_line() -> None:
    with pytest.raises(DataFileError) as caught:
        read_prompt('instructions = "  "\nother = 1\n', "p.toml")
    told = [str(mistake) for mistake in caught.value.mistakes]
    assert any(mistake.startswith("p.toml:1:") for mistake in told)
    assert any(mistake.startswith("p.toml:2:") for mistake in told)
    assert any("tool_description" in mistake for mistake in told)


@given(st.text(), st.text(), st.text())
def test_any_text_can_be_sent_and_stays_inside_its_place(goal: str, name: str, description: str) -> None:
    text = request_text(Brief(goal, (Entry(name, description),), (Artefact(name, description),)))
    sent = json.loads(text.encode("utf-8"))
    assert set(sent) == {"goal", "catalogue", "there"}
    assert len(sent["goal"]) == len(goal)
    assert len(sent["catalogue"]) == 1
