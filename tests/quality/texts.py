"""Attacks, benign texts and task traffic for measurement 9, each text with its source."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from lines import lines_of

TRICKY = "NotInject_one"
"""Benign texts full of the words of attacks."""


@dataclass(frozen=True)
class Texts:
    """Texts by source: attacks, benign texts of the same collections, and ordinary requests."""

    attacks: dict[str, list[str]]
    benign: dict[str, list[str]]
    traffic: dict[str, list[str]]

    def all(self) -> Iterator[str]:
        """Every text once."""
        seen: dict[str, None] = {}
        for kind in (self.attacks, self.benign, self.traffic):
            for some in kind.values():
                seen.update(dict.fromkeys(some))
        return iter(seen)


def texts_of(data: Path, limit: int | None) -> Texts:
    """The first texts of each source; a source is a file, or what a record names as its source."""
    folder = data / "injection"
    mixed: dict[int, dict[str, list[str]]] = {0: defaultdict(list), 1: defaultdict(list)}
    for record in _json(folder / "valid.json"):
        mixed[record["label"]][record["source"]].append(record["prompt"])
    # The whole set stands in a file of its own.
    mixed[0].pop(TRICKY, None)
    attacks = {
        "deepset": _yaml(folder / "opensource_deepset_attacks.yaml"),
        "giskard": _yaml(folder / "opensource_giskard_attacks.yaml"),
        **mixed[1],
    }
    benign = {
        "deepset": _yaml(folder / "opensource_deepset_benign.yaml"),
        TRICKY: [record["prompt"] for record in _json(folder / "NotInject_one.json")],
        **mixed[0],
    }
    traffic = {
        "ultratool": [json.loads(line)["user_request"] for line in lines_of(data / "ultratool" / "train.jsonl")],
        "metatool": [json.loads(line)["query"] for line in lines_of(data / "metatool" / "queries.jsonl")],
        "clinc150": [text for part in _json(data / "clinc150" / "data.json").values() for text, _ in part],
        "worfbench": list(_worfbench(data / "worfbench")),
    }
    return Texts(*({source: _some(found, limit) for source, found in kind.items()} for kind in (attacks, benign, traffic)))


def _some(texts: Sequence[str], limit: int | None) -> list[str]:
    return list(texts[:limit])


def _worfbench(folder: Path) -> Iterator[str]:
    for path in sorted(folder.glob("*.json")):
        for record in _json(path):
            yield [turn["content"] for turn in record["conversations"] if turn["role"] == "user"][-1]


def _json(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def _yaml(path: Path) -> list[str]:
    return [record["content"] for record in yaml.safe_load(path.read_text("utf-8"))]
