"""Gold plans of UltraTool and WorfBench as the mutants of measurement 8 need them: steps with ids of their own, and links by id."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from lines import lines_of

_STEP = re.compile(r"^Step \d+\s*")
_CALL = re.compile(r"(?:.*?,\s*)?[Cc]all (?:the )?(\w+)(?: API| tool)?\s*(?:to|for|and)?\s*(.*)$", re.DOTALL)
_AFTER_THE_TASK = re.compile(r"(The api list|The action list|The database tables).*", re.DOTALL)
_BEFORE_THE_TASK = re.compile(r".*?(Your task is to:|My problem is:|Instruction: \[SEP\]|Task:)", re.DOTALL)
_NODE = re.compile(r"^\s*(\d+)\s*[:.]\s*(.*)$", re.MULTILINE)
_ARC = re.compile(r"\(\s*(\w+)\s*,\s*(\w+)\s*\)")


@dataclass(frozen=True)
class Step:
    """A step in words, without the name of its tool."""

    id: str
    text: str
    tool: str = ""


@dataclass(frozen=True)
class Gold:
    """A request with its gold plan."""

    id: str
    goal: str
    steps: tuple[Step, ...]
    links: tuple[tuple[str, str], ...]

    @property
    def held_out(self) -> bool:
        """Whether it is not of the development half (see mutants.py)."""
        number = self.id.rpartition("_")[2]
        return int(number) % 4 >= 2 if number.isdigit() else zlib.crc32(self.id.encode()) % 2 == 1


def ultratool(folder: Path) -> tuple[list[tuple[str, str]], list[Gold]]:
    """The tools with their descriptions, and the requests; links join consecutive steps.

    A step's tool is the one its words say it calls, since steps and tools of 264 records are not as many.
    """
    tools = [(node["id"], node["desc"]) for node in json.loads((folder / "tool_desc.json").read_text("utf-8"))["nodes"]]
    known = {name for name, _ in tools}
    found: list[Gold] = []
    for line in lines_of(folder / "train.jsonl"):
        record = json.loads(line)
        names = [node["task"] for node in record["task_nodes"]]
        steps = [_step(number, text, names, len(record["task_steps"]), known) for number, text in enumerate(record["task_steps"])]
        links = tuple((one.id, two.id) for one, two in pairwise(steps))
        found.append(Gold(f"ultratool_{record['id']}", record["user_request"].strip(), tuple(steps), links))
    return tools, found


def _step(number: int, text: str, names: list[str], size: int, known: set[str]) -> Step:
    text = _STEP.sub("", text)
    call = _CALL.match(text)
    if call is not None and call[1] in known and call[2]:
        return Step(f"s{number}", call[2], call[1])
    return Step(f"s{number}", text, names[number] if call is None and len(names) == size else "")


def worfbench(folder: Path) -> Iterator[Gold]:
    """The tasks with their graphs of steps; what the goal stands in (the room, the tables, the tools) is left out."""
    for path in sorted(folder.glob("*.json")):
        for record in json.loads(path.read_text("utf-8")):
            asked = record["conversations"][1]["content"]
            goal = _BEFORE_THE_TASK.sub("", _AFTER_THE_TASK.sub("", asked), count=1).replace("[SEP] Search", "").strip()
            nodes, _, arcs = record["conversations"][2]["content"].partition("Edge")
            steps = tuple(Step(f"s{number}", text) for number, text in _NODE.findall(nodes) if text.strip())
            known = {step.id for step in steps}
            pairs = dict.fromkeys((f"s{one}", f"s{two}") for one, two in _ARC.findall(arcs))
            yield Gold(record["id"], goal, steps, tuple(pair for pair in pairs if set(pair) <= known))
