"""Measurement 2: plans of UltraTool requests from the catalogue alone, through Plan; TF-IDF top 2 beside it in the same run.

Gold is a chain of tools; a plan's nodes are its primitive tasks' capabilities, its edges the waits between them. A whole plan is
exact when nodes and edges are the gold's. The development half was tuned on, words and constants; the held-out half was only scored.
Both halves share the tools. The tool graph of the data set is never read.
"""

from __future__ import annotations

import json
import math
import re
import time
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from measurement import Figure, spread_over_folds
from scores import edges_by_name, f1

import genesis
from genesis.v1.catalogue_pb2 import Catalogue, Tool
from genesis.v1.common_pb2 import DEGRADATION_LEVEL_HEURISTIC
from genesis.v1.plan_pb2 import TASK_KIND_COMPOUND
from genesis_server.text.words import stop_words

ACCEPTANCE = 300


@dataclass(frozen=True)
class Request:
    """A request with its gold chain."""

    id: str
    text: str
    chain: tuple[str, ...]

    @property
    def held_out(self) -> bool:
        """Whether nothing was chosen by it: an odd CRC-32 of its id."""
        return zlib.crc32(self.id.encode()) % 2 == 1


@dataclass(frozen=True)
class Answer:
    """A plan as tools and the waits between them."""

    tools: tuple[str, ...]
    edges: tuple[tuple[str, str], ...]
    heuristic: bool = True
    seconds: float = 0.0

    @property
    def connected(self) -> bool:
        """Whether it is a plan of two tasks and an edge at the heuristic level."""
        return self.heuristic and len(self.tools) >= 2 and len(self.edges) >= 1


def measure(data: Path, address: str, limit: int | None) -> list[Figure]:
    """Figures on the development half, the held-out half, the first 300 of it, and all."""
    folder = data / "ultratool"
    tools = [(node["id"], node["desc"]) for node in json.loads((folder / "tool_desc.json").read_text())["nodes"]]
    with (folder / "train.jsonl").open() as lines:
        requests = [_request(json.loads(line)) for line in lines][:limit]
    answers = _ask(address, tools, requests)
    top_two = TopTwo(tools)
    baseline = [top_two.answer(request.text) for request in requests]
    held_out = [number for number, request in enumerate(requests) if request.held_out]
    development = [number for number, request in enumerate(requests) if not request.held_out]
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
            figures += _figures(f"{name}: TF-IDF top 2", some, [baseline[number] for number in numbers], service=False)
            figures += _figures(f"{name}: Plan", some, [answers[number] for number in numbers], service=True)
    ids = [request.id for request in requests]
    figures.append(spread_over_folds("client time of Plan", ids, [1e3 * answer.seconds for answer in answers], unit="ms"))
    return figures


def _request(record: dict[str, object]) -> Request:
    nodes = record["task_nodes"]
    assert isinstance(nodes, list)
    return Request(str(record["id"]), str(record["user_request"]).strip(), tuple(node["task"] for node in nodes))


def _ask(address: str, tools: Sequence[tuple[str, str]], requests: Sequence[Request]) -> list[Answer]:
    """What the service plans for each request."""
    catalogue = Catalogue(tools=[Tool(name=name, description=description) for name, description in tools])
    answers: list[Answer] = []
    with genesis.connect(address) as client:
        for request in requests:
            start = time.perf_counter()
            response = client.plan(request.text, catalogue=catalogue)
            seconds = time.perf_counter() - start
            work = [task for task in response.plan.tasks if task.kind != TASK_KIND_COMPOUND]
            names = {task.id: task.capability for task in work}
            edges = [(edge.from_task_id, edge.to_task_id) for edge in response.plan.edges]
            answers.append(
                Answer(
                    tools=tuple(names.values()),
                    edges=tuple(edges_by_name([edge for edge in edges if edge[0] in names and edge[1] in names], names)),
                    heuristic=response.provenance.level == DEGRADATION_LEVEL_HEURISTIC,
                    seconds=seconds,
                )
            )
    return answers


def _figures(name: str, requests: Sequence[Request], answers: Sequence[Answer], *, service: bool) -> list[Figure]:
    ids = [request.id for request in requests]
    gold = [Answer(request.chain, tuple(pairwise(request.chain))) for request in requests]
    pairs = list(zip(answers, gold, strict=True))
    exact = [float(Counter(a.tools) == Counter(g.tools) and Counter(a.edges) == Counter(g.edges)) for a, g in pairs]
    figures = [
        spread_over_folds(f"{name}, whole plan exact", ids, exact, aim="> 16 %" if service else ""),
        spread_over_folds(f"{name}, node-F1", ids, [f1(a.tools, g.tools) for a, g in pairs]),
        spread_over_folds(f"{name}, edge-F1", ids, [f1(a.edges, g.edges) for a, g in pairs]),
    ]
    if service:
        connected = [float(answer.connected) for answer in answers]
        figures.append(spread_over_folds(f"{name}, >= 2 tasks and >= 1 edge at HEURISTIC", ids, connected, aim=">= 90 %"))
    return figures


class TopTwo:
    """TF-IDF top 2: words and pairs of words, sublinear, cosine; the two best in the order in which their rarest words stand."""

    def __init__(self, tools: Sequence[tuple[str, str]]) -> None:
        """Weigh the words of the tools' names and descriptions."""
        self.names = [name for name, _ in tools]
        self.documents = [_terms(f"{name} {description}") for name, description in tools]
        frequency = Counter(term for document in self.documents for term in set(document))
        self.places = {term: place for place, term in enumerate(frequency)}
        self.idf = np.array([math.log((1 + len(tools)) / (1 + count)) + 1 for count in frequency.values()])
        self.matrix = np.array([self._vector(document) for document in self.documents])

    def _vector(self, terms: Sequence[str]) -> np.ndarray:
        vector = np.zeros(len(self.places))
        for term, count in Counter(terms).items():
            if term in self.places:
                vector[self.places[term]] = 1 + math.log(count)
        vector *= self.idf
        length = float(np.linalg.norm(vector))
        return vector / length if length else vector

    def answer(self, text: str) -> Answer:
        """The two best tools, one after the other."""
        terms = _terms(text)
        best = np.argsort(-(self.matrix @ self._vector(terms)), kind="stable")[:2]
        first = {term: -place for place, term in reversed(list(enumerate(terms)))}

        def place(tool: int) -> int:
            shared = [(self.idf[self.places[term]], first[term]) for term in set(self.documents[tool]) if term in first]
            return -max(shared)[1] if shared else len(terms)

        one, two = sorted((int(tool) for tool in best), key=place)
        return Answer((self.names[one], self.names[two]), ((self.names[one], self.names[two]),))


def _terms(text: str) -> list[str]:
    """Words of two letters or more that are no stop words, and pairs of neighbours."""
    words = [word for word in re.findall(r"\w\w+", text.lower().replace("_", " ")) if word not in stop_words()]
    return [*words, *(f"{one} {two}" for one, two in pairwise(words))]
