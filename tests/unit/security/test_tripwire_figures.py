"""What the tripwire finds on public sets, and how often it is wrong; printed with `pytest -s`.

No pattern was written for a single record. While the patterns were written, every other attack of the first set and the false
alarms on task traffic were looked at; the other sources' attacks never were, so theirs are the figures for unseen texts.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from genesis_server.security.tripwire import scan

DATA = Path(os.environ.get("GENESIS_DATA", Path(__file__).resolve().parents[3].parent / "shared" / "data"))

pytestmark = pytest.mark.skipif(not (DATA / "injection").is_dir(), reason="needs the outside data sets; set GENESIS_DATA to their folder")


def _json(*parts: str) -> Any:
    return json.loads(DATA.joinpath(*parts).read_text("utf-8"))


def _lines(*parts: str) -> list[Any]:
    return [json.loads(line) for line in DATA.joinpath(*parts).read_text("utf-8").splitlines() if line.strip()]


def _yaml(name: str) -> list[str]:
    return [record["content"] for record in yaml.safe_load((DATA / "injection" / name).read_text("utf-8"))]


def _valid(label: int) -> dict[str, list[str]]:
    sources: dict[str, list[str]] = {}
    for record in _json("injection", "valid.json"):
        if record["label"] == label:
            sources.setdefault(record["source"], []).append(record["prompt"])
    return sources


def _worfbench() -> list[str]:
    conversations = [
        record["conversations"] for path in sorted((DATA / "worfbench").glob("*.json")) for record in _json("worfbench", path.name)
    ]
    return [[turn["content"] for turn in turns if turn["role"] == "user"][-1] for turns in conversations]


ATTACKS: dict[str, Callable[[], list[str]]] = {
    "deepset, every other": lambda: _yaml("opensource_deepset_attacks.yaml")[::2],
    "deepset, the others": lambda: _yaml("opensource_deepset_attacks.yaml")[1::2],
    "giskard": lambda: _yaml("opensource_giskard_attacks.yaml"),
}
TRAFFIC: dict[str, Callable[[], list[str]]] = {
    "ultratool": lambda: [record["user_request"] for record in _lines("ultratool", "train.jsonl")],
    "metatool": lambda: [record["query"] for record in _lines("metatool", "queries.jsonl")],
    "clinc150": lambda: [text for part in _json("clinc150", "data.json").values() for text, _ in part],
    "worfbench": _worfbench,
}


def _tripped(title: str, texts: list[str]) -> tuple[int, int]:
    hits = sum(bool(scan(text, "goal")) for text in texts)
    print(f"  {title:32} {hits:5} of {len(texts):5}  {hits / len(texts):7.2%}")
    return hits, len(texts)


def test_attacks_are_found() -> None:
    """The bar is what eleven plain patterns find, 23 %; this set of rules must do far better, on unseen sources too."""
    print("\nattacks found")
    seen = {title: _tripped(title, texts()) for title, texts in ATTACKS.items()}
    seen |= {title: _tripped(title, texts) for title, texts in _valid(1).items()}
    total = [sum(column) for column in zip(*seen.values(), strict=True)]
    unseen = [sum(column) for column in zip(*(counts for title, counts in seen.items() if not title.startswith("deepset")), strict=True)]
    print(f"  all {total[0] / total[1]:.1%}, sources never looked at {unseen[0] / unseen[1]:.1%}")
    assert total[0] / total[1] > 0.6
    assert unseen[0] / unseen[1] > 0.5


def test_task_traffic_seldom_trips() -> None:
    """At most 0.5 % of ordinary requests."""
    print("\nfalse alarms on task traffic")
    counts = [_tripped(title, texts()) for title, texts in TRAFFIC.items()]
    assert all(hits / size <= 0.005 for hits, size in counts)


def test_benign_texts_full_of_trigger_words_pass() -> None:
    """More than 87.6 % of NotInject is left alone."""
    print("\nfalse alarms on benign texts of the injection sets")
    for title, texts in _valid(0).items():
        _tripped(title, texts)
    _tripped("deepset", _yaml("opensource_deepset_benign.yaml"))
    hits, size = _tripped("NotInject_one", [record["prompt"] for record in _json("injection", "NotInject_one.json")])
    print(f"  NotInject accuracy {1 - hits / size:.1%}")
    assert 1 - hits / size > 0.876
