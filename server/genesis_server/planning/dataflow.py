"""Edges from what tasks produce to what others need."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import lru_cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict

from genesis_server.model.catalogue import Artefact
from genesis_server.model.plan import EdgeKind, EdgeOrigin, EdgeSource
from genesis_server.planning.dag import TOP, TaskGraph
from genesis_server.planning.data_file import parse
from genesis_server.planning.order import CycleError

EVERYDAY_FILE = "everyday_artefacts.toml"


class Everyday(BaseModel):
    """Names and types so common that sharing them proves nothing (data/language/everyday_artefacts.toml)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    names: list[str]
    types: list[str]


@lru_cache(maxsize=1)
def everyday() -> tuple[frozenset[str], frozenset[str]]:
    """The everyday names and the everyday types."""
    text = (files("genesis_server") / "data" / "language" / EVERYDAY_FILE).read_text("utf-8")
    content, _ = parse(Everyday, text, EVERYDAY_FILE)
    return frozenset(content.names), frozenset(content.types)


def feeds(output: Artefact, needed: Artefact) -> bool:
    """Whether `output` can serve as `needed`: the same telling name with types that agree, or the same telling type."""
    return not _keys(output).isdisjoint(_keys(needed)) and _types_agree(output.type, needed.type)


class Supply:
    """Artefacts that are there, found by what can serve."""

    def __init__(self, givens: Iterable[Artefact] = ()) -> None:
        """Start with the givens; those may also be told by an everyday name."""
        self._named = {given.name.casefold() for given in givens}
        self._by_key: dict[str, dict[Artefact, None]] = {}
        self.add(givens)

    def add(self, artefacts: Iterable[Artefact]) -> None:
        """Add artefacts that are produced."""
        for artefact in artefacts:
            for key in _keys(artefact):
                self._by_key.setdefault(key, {})[artefact] = None

    def missing(self, inputs: Iterable[Artefact]) -> list[Artefact]:
        """Those of `inputs` that nothing here can serve."""
        return [needed for needed in inputs if not self._serves(needed)]

    def _serves(self, needed: Artefact) -> bool:
        if needed.name.casefold() in self._named:
            return True
        return any(feeds(there, needed) for key in _keys(needed) for there in self._by_key.get(key, ()))


def connect_level(graph: TaskGraph, parent_id: str = TOP, *, givens: Collection[Artefact] = ()) -> None:
    """Make every task of a level wait for the producer of what it needs.

    The producer is the last one before it in the level's order, else the first one behind it where that closes no cycle.
    A given of the same name or type needs no producer. Artefacts of headings count, so flows between levels appear where the
    headings are siblings.
    """
    last: dict[str, list[tuple[str, Artefact]]] = {}
    first: dict[str, tuple[str, Artefact]] = {}
    unmet: list[tuple[str, Artefact]] = []
    given = Supply(givens)
    for task_id in graph.in_order(parent_id):
        task = graph.task(task_id)
        for needed in given.missing(task.inputs):
            producer = _latest(last, needed)
            if producer is None:
                unmet.append((task_id, needed))
            else:
                _flow(graph, producer, task_id)
        for output in task.outputs:
            for key in _keys(output):
                kept = last.setdefault(key, [])
                kept[:] = [(owner, other) for owner, other in kept if other.type.casefold() != output.type.casefold()]
                kept.append((task_id, output))
                first.setdefault(key, (task_id, output))
    for task_id, needed in unmet:
        found = next((first[key] for key in sorted(_keys(needed)) if key in first and feeds(first[key][1], needed)), None)
        if found is not None and found[0] != task_id:
            try:
                _flow(graph, found, task_id)
            except CycleError:
                continue


def _flow(graph: TaskGraph, producer: tuple[str, Artefact], consumer: str) -> None:
    """Make a task wait for what it needs."""
    owner, output = producer
    graph.add_edge(owner, consumer, EdgeKind.DATA, output.name, EdgeOrigin(EdgeSource.ARTEFACT, output.name))


def _latest(last: dict[str, list[tuple[str, Artefact]]], needed: Artefact) -> tuple[str, Artefact] | None:
    """The last producer that serves `needed`, one by name before one by type."""
    for key in sorted(_keys(needed)):
        for owner, output in reversed(last.get(key, ())):
            if _types_agree(output.type, needed.type):
                return owner, output
    return None


@lru_cache(maxsize=65_536)
def _keys(artefact: Artefact) -> frozenset[str]:
    """What an artefact can be found by: its name and its type where they are telling."""
    names, types = everyday()
    name, kind = artefact.name.casefold(), artefact.type.casefold()
    found = (f"name {name}" if name and name not in names else "", f"type {kind}" if kind and kind not in types else "")
    return frozenset(key for key in found if key)


def _types_agree(a: str, b: str) -> bool:
    """Whether two types can be the same; no type and everyday types agree with any."""
    left, right = a.casefold(), b.casefold()
    _, types = everyday()
    return left == right or not left or not right or left in types or right in types
