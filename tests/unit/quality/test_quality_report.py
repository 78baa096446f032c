"""How figures are written down."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from measurement import Figure
from report import draw, row, to_json, to_markdown

FIGURES = [
    Figure("found", 50.0, 40.0, 60.0, 7, aim="> 40 %"),
    Figure("found", 10.0, 0.0, 20.0, 7, by="plain"),
    Figure("wait", 0.1234, 0.1, 0.2, 7, unit="ms", over="texts"),
    Figure("area", 93.0, 93.0, 93.0, 7, over="-"),
]
TITLES = {"some": "what is found"}


def test_a_row_names_whose_figure_it_is_with_its_spread_and_aim() -> None:
    line = " ".join(row(FIGURES[0]).split())
    assert line == "found Genesis 50.0 % 40.0 to 60.0 (folds) 7 > 40 %"


def test_small_numbers_keep_two_decimals() -> None:
    """0.04 % false alarms are not none."""
    assert "0.12 ms" in row(FIGURES[2])
    assert "0.10 to 0.20 (texts)" in row(FIGURES[2])


def test_a_single_number_has_no_spread() -> None:
    assert " to " not in row(FIGURES[3])


def test_markdown_is_a_table_for_each_measurement() -> None:
    lines = to_markdown({"some": FIGURES}, TITLES).splitlines()
    assert lines[0] == "### some: what is found"
    assert "| found | plain | 10.0 % | 0.0 to 20.0 (folds) | 7 |  |" in lines
    assert {line.count("|") for line in lines[2:7]} == {7}


def test_json_says_what_made_the_figures() -> None:
    whole = json.loads(to_json({"some": FIGURES}, seed=3, limit=5, command=["run.py", "--limit", "5"]))
    assert (whole["seed"], whole["limit"], whole["command"]) == (3, 5, ["run.py", "--limit", "5"])
    assert whole["figures"]["some"][1]["by"] == "plain"
    assert whole["machine"]["cores"] >= 1


def test_a_plot_has_every_share_and_is_the_same_for_the_same_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change in the file is a change of a figure."""
    monkeypatch.setenv("MPLCONFIGDIR", str(tmp_path))
    (path,) = draw({"some": FIGURES, "times only": [FIGURES[2]]}, TITLES, tmp_path / "one")
    text = path.read_text("utf-8")
    assert path.name == "quality-some.svg"
    assert all(word in text for word in ("found", "area", "plain", "what is found"))
    assert "wait" not in text
    (again,) = draw({"some": FIGURES}, TITLES, tmp_path / "two")
    assert again.read_text("utf-8") == text
