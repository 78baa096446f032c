"""What `make data` says of the files that are there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "quality" / "data.py"
PLAN = {"id": "a", "title": "", "steps": [], "edges": [], "times": {}, "seconds": {}, "optimal_seconds": [1, 1]}


def said(folder: Path) -> tuple[int, str]:
    """Exit code and output."""
    done = subprocess.run(
        [sys.executable, str(SCRIPT)],
        env=os.environ | {"GENESIS_DATA": str(folder)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stdout + done.stderr


def asynchow(folder: Path, *records: object) -> None:
    """A file of AsyncHow with these records."""
    (folder / "asynchow").mkdir()
    text = "\n".join(json.dumps(record, ensure_ascii=False) for record in records)
    (folder / "asynchow" / "async.jsonl").write_text(text, "utf-8")


def test_a_stranger_learns_where_each_set_is_from_without_having_any(tmp_path: Path) -> None:
    code, words = said(tmp_path / "nothing")
    assert code == 0
    assert "0 of 11 sets are here" in words
    assert words.count("not here") == 11
    assert words.count("  from ") == words.count("  licence ") == 11
    assert words.count("https://github.com/") >= 10


def test_a_set_that_is_here_is_counted(tmp_path: Path) -> None:
    """A character that only looks like the end of a line is none."""
    asynchow(tmp_path, PLAN, PLAN | {"title": "one\u2028two"})
    code, words = said(tmp_path)
    assert (code, "asynchow/  AsyncHow: here, 2 records" in words, "1 of 11 sets are here" in words) == (0, True, True)


@pytest.mark.parametrize(
    ("record", "complaint"),
    [({"id": "a"}, "record 2 has no title, steps"), ([], "record 2 is no object")],
    ids=["without keys", "no object"],
)
def test_a_file_of_another_format_is_told_with_the_record(tmp_path: Path, record: object, complaint: str) -> None:
    asynchow(tmp_path, PLAN, record)
    code, words = said(tmp_path)
    assert code == 1
    assert "asynchow/  AsyncHow: not as it should be" in words
    assert complaint in words


def test_an_empty_file_is_told(tmp_path: Path) -> None:
    asynchow(tmp_path)
    assert "has no record" in said(tmp_path)[1]


def test_a_set_without_one_of_its_files_is_incomplete(tmp_path: Path) -> None:
    (tmp_path / "metatool").mkdir()
    (tmp_path / "metatool" / "tools.json").write_text("{}", "utf-8")
    code, words = said(tmp_path)
    assert code == 0
    assert "metatool/  MetaTool: incomplete" in words
    assert "missing   queries.jsonl" in words
