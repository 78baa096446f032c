"""Measurement 2: plans of UltraTool requests from the catalogue alone, through Plan; TF-IDF top 2 beside it in the same run.

Gold is a chain of tools. The development half was tuned on, words and constants; the held-out half was only scored. Both halves share
the tools. The tool graph of the data set is never read.
"""

from __future__ import annotations

import json
import zlib
from itertools import pairwise
from pathlib import Path

from measurement import Figure
from top_two import TopTwo
from zero_shot import Answer, Request, ask, client_time, connected, nearness

from genesis.v1.catalogue_pb2 import Tool

ACCEPTANCE = 300


def measure(data: Path, address: str, limit: int | None) -> list[Figure]:
    """Figures on the first 300 of the held-out half, that half, the development half, and all."""
    folder = data / "ultratool"
    tools = [(node["id"], node["desc"]) for node in json.loads((folder / "tool_desc.json").read_text("utf-8"))["nodes"]]
    requests = [_request(json.loads(line)) for line in (folder / "train.jsonl").read_text("utf-8").splitlines()[:limit]]
    answers = ask(address, [Tool(name=name, description=description) for name, description in tools], requests, "ultratool")
    top_two = TopTwo(tools)
    baseline = [top_two.answer(request.text) for request in requests]
    held_out = [number for number, request in enumerate(requests) if is_held_out(request.id)]
    development = [number for number, request in enumerate(requests) if not is_held_out(request.id)]
    groups = {
        f"first {ACCEPTANCE} held out": held_out[:ACCEPTANCE],
        "held out": held_out,
        "development": development,
        "all": list(range(len(requests))),
    }
    figures: list[Figure] = []
    for name, numbers in groups.items():
        some = [requests[number] for number in numbers]
        if some:
            plans = [answers[number] for number in numbers]
            figures += nearness(f"{name}: TF-IDF top 2", some, [baseline[number] for number in numbers])
            figures += nearness(f"{name}: Plan", some, plans, aim="> 16 %")
            figures.append(connected(f"{name}: Plan", some, plans, aim=">= 90 %"))
    return [*figures, client_time("all", requests, answers)]


def is_held_out(request: str) -> bool:
    """Whether nothing was chosen by the request of this id: an odd CRC-32."""
    return zlib.crc32(request.encode()) % 2 == 1


def _request(record: dict[str, object]) -> Request:
    nodes = record["task_nodes"]
    assert isinstance(nodes, list)
    chain = tuple(node["task"] for node in nodes)
    return Request(str(record["id"]), str(record["user_request"]).strip(), Answer(chain, tuple(pairwise(chain))))
