"""Measurement 2: plans of UltraTool requests from the catalogue alone, through Plan; TF-IDF top 2 beside it in the same run.

Gold is a chain of tools. The development half was tuned on, words and constants; the held-out half was only scored. Both halves share
the tools. The tool graph of the data set is never read.
"""

from __future__ import annotations

import json
import zlib
from itertools import pairwise

from lines import lines_of
from measurement import Figure, Run, Sealed
from top_two import BASELINE, TopTwo
from zero_shot import Answer, Request, ask, client_time, connected, nearness

from genesis.v1.catalogue_pb2 import Tool

ACCEPTANCE = 300


def measure(run: Run) -> list[Figure]:
    """Figures on the first 300 of the held-out half, that half, the development half, and all."""
    folder = run.data / "ultratool"
    tools = [(node["id"], node["desc"]) for node in json.loads((folder / "tool_desc.json").read_text("utf-8"))["nodes"]]
    lines = lines_of(folder / "train.jsonl")[: run.limit]
    requests = [_request(line) for line in lines]
    answers = ask(run.address, [Tool(name=name, description=description) for name, description in tools], requests, "ultratool")
    top_two = TopTwo(tools)
    baseline = {request.id: top_two.answer(request.text) for request in requests}
    ids = [request.id for request in requests]
    gold = Sealed(ids, lambda: dict(_gold(line) for line in lines)).opened(answers)
    held_out = [one for one in ids if is_held_out(one)]
    groups = {
        f"first {ACCEPTANCE} held out": held_out[:ACCEPTANCE],
        "held out": held_out,
        "development": [one for one in ids if not is_held_out(one)],
        "all": ids,
    }
    figures: list[Figure] = []
    for name, some in groups.items():
        if some:
            figures += nearness(name, some, answers, gold, aim="> 16 %")
            figures += nearness(name, some, baseline, gold, by=BASELINE)
            figures.append(connected(name, some, answers, aim=">= 90 %"))
    return [*figures, client_time("all", answers)]


def is_held_out(request: str) -> bool:
    """Whether nothing was chosen by the request of this id: an odd CRC-32."""
    return zlib.crc32(request.encode()) % 2 == 1


def _request(line: str) -> Request:
    record = json.loads(line)
    return Request(str(record["id"]), record["user_request"].strip())


def _gold(line: str) -> tuple[str, Answer]:
    record = json.loads(line)
    chain = tuple(node["task"] for node in record["task_nodes"])
    return str(record["id"]), Answer(chain, tuple(pairwise(chain)))
