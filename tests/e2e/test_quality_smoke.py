"""`make quality` measures everything it names on a few records of each data set that is there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from servers import clean_environment

QUALITY = Path(__file__).resolve().parents[1] / "quality"
DATA = Path(os.environ.get("GENESIS_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
RECORDS = 5
SECONDS = 280
"""Far more than it takes, for machines with other work."""
MEASUREMENTS = ("gold", "ultratool", "nestful", "asynchow", "metatool", "clinc150", "bfcl", "mutants", "tripwire", "wfinstances")


def run(*arguments: str, data: Path = DATA, scratch: Path | None = None) -> subprocess.CompletedProcess[str]:
    """The runner, ended; what is drawn with keeps its own files in `scratch`."""
    command = [sys.executable, str(QUALITY / "run.py"), *arguments]
    more = {} if scratch is None else {"MPLCONFIGDIR": str(scratch)}
    return subprocess.run(
        command, env=clean_environment(GENESIS_DATA=str(data), **more), capture_output=True, text=True, check=False, timeout=SECONDS
    )


@pytest.mark.timeout(300)
@pytest.mark.skipif(not DATA.is_dir(), reason="needs the outside data sets; set GENESIS_DATA to their folder")
def test_every_measurement_gives_figures_beside_its_baseline_and_the_bars_hold(tmp_path: Path) -> None:
    """One server for all; the figures stand in the table, the JSON, the Markdown and the plots alike."""
    named = [option for name in MEASUREMENTS for option in ("--only", name)]
    files = ["--json", str(tmp_path / "figures.json"), "--markdown", str(tmp_path / "figures.md"), "--plots", str(tmp_path / "plots")]
    done = run("--limit", str(RECORDS), *named, *files, scratch=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    whole = json.loads((tmp_path / "figures.json").read_text("utf-8"))
    markdown = (tmp_path / "figures.md").read_text("utf-8")
    assert (whole["limit"], whole["seed"]) == (RECORDS, 8)
    assert set(whole["figures"]) == set(MEASUREMENTS)
    for name, figures in whole["figures"].items():
        assert f"### {name}: " in markdown
        assert (tmp_path / "plots" / f"quality-{name}.svg").stat().st_size > 1000
        assert all(figure["low"] <= figure["high"] for figure in figures), name
        assert all(figure["name"] in done.stdout for figure in figures)
        owners = {figure["by"] for figure in figures}
        assert "Genesis" in owners
        # What a plan alone is judged by has nothing to be compared with.
        assert len(owners) > 1 or name == "gold", name


def test_without_data_it_says_so(tmp_path: Path) -> None:
    done = run("--only", "asynchow", data=tmp_path)
    assert done.returncode == 2
    assert "make data" in done.stderr
    assert "GENESIS_DATA" in done.stderr


def test_it_lists_what_it_measures_and_what_it_lacks(tmp_path: Path) -> None:
    done = run("--list", data=tmp_path)
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines] == list(MEASUREMENTS)
    assert all("not here" in line for line in lines)


def test_a_bar_that_does_not_hold_fails_the_run(tmp_path: Path) -> None:
    """A finish time that is published wrong by an hour is nobody's rounding."""
    (tmp_path / "asynchow").mkdir()
    plan = {
        "id": "made_1",
        "title": "Bake bread",
        "steps": ["Mix the dough.", "Bake it."],
        "edges": [["START", "1"], ["1", "2"], ["2", "END"]],
        "times": {"1": "10 min", "2": "1 hour"},
        "seconds": {"1": [600.0, 600.0], "2": [3600.0, 3600.0]},
        "optimal_seconds": [7800.0, 7800.0],
    }
    (tmp_path / "asynchow" / "async.jsonl").write_text(json.dumps(plan), "utf-8")
    done = run("--only", "asynchow", data=tmp_path)
    assert done.returncode == 1
    assert "does not hold: asynchow, finish time up to rounding: 0.000 %, not at least 100" in done.stderr
