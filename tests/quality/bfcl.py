"""Measurement 7: is there any tool for this, and which one? BFCL, and MetaTool's requests that no tool of their list fits.

BFCL: each request is routed to the functions it comes with. `multiple` and `parallel_multiple` can be done, `irrelevance` cannot; these
come with one function, the others with several, so the best score of several stands against that of one. MetaTool has no such tilt:
each request goes to its list of ten tools, none of which fits, and to the same list with the tool that fits in the place of one. That
tool is the request's gold; what is asked is whether any fits, not which.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from lines import lines_of
from measurement import SERVICE, Figure, Run, Sealed, spread_over_folds
from scores import f1
from solvable import BASELINE, Item, ask_items, most_similar, solvable_figures

import genesis
from genesis.v1.catalogue_pb2 import Catalogue, Tool
from genesis.v1.common_pb2 import Artefact

ONE, SEVERAL, NONE = "multiple", "parallel_multiple", "irrelevance"
_LISTED = re.compile(r"^\d+\. tool name: (.+?), tool description: (.*)$", re.MULTILINE)
_AIMS = {"AUROC": ">= 84 %"}


def measure(run: Run) -> list[Figure]:
    """Whether anybody can, on both sets; which function, on BFCL."""
    folder = run.data / "bfcl"
    items = {kind: _items(folder, kind, run.limit) for kind in (ONE, SEVERAL, NONE)}
    every = [item for some in items.values() for item in some]
    unfit, fit = _lists(run)
    with genesis.connect(run.address) as client:
        routed = ask_items(client, [*every, *unfit, *fit])
        planned = _plans(client, items[SEVERAL])
    similar = most_similar(every)
    figures = solvable_figures("BFCL", {item.id: kind != NONE for kind, some in items.items() for item in some}, routed, similar, _AIMS)
    in_lists = {item.id: True for item in fit} | {item.id: False for item in unfit}
    figures += solvable_figures("MetaTool's lists", in_lists, routed, most_similar([*unfit, *fit]), _AIMS)
    ids = [item.id for item in items[ONE]]
    gold = Sealed(ids, lambda: _gold(folder, ONE)).opened(routed)
    first = {SERVICE: {one: routed[one].ranked[0] for one in ids if routed[one].ranked}, BASELINE: {one: similar[one][0] for one in ids}}
    for by, said in first.items():
        figures.append(
            spread_over_folds("BFCL: the function, where one is right", ids, [float(said.get(one) in gold[one]) for one in ids], by=by)
        )
    ids = [item.id for item in items[SEVERAL]]
    gold = Sealed(ids, lambda: _gold(folder, SEVERAL)).opened(planned)
    exact = [float(set(planned[one]) == gold[one]) for one in ids]
    figures.append(spread_over_folds("BFCL: functions of Plan, where several are right: all and no others", ids, exact))
    figures.append(
        spread_over_folds("BFCL: functions of Plan, where several are right: F1", ids, [f1(planned[one], gold[one]) for one in ids])
    )
    return figures


def _items(folder: Path, kind: str, limit: int | None) -> list[Item]:
    records = [json.loads(line) for line in lines_of(folder / f"BFCL_v4_{kind}.json")[:limit]]
    return [
        Item(record["id"], record["question"][0][-1]["content"], _unique([_tool(each) for each in record["function"]]))
        for record in records
    ]


def _tool(entry: Mapping[str, object]) -> Tool:
    parameters = entry["parameters"]
    assert isinstance(parameters, dict)
    inputs = [Artefact(name=name, type=str(field.get("type") or "")) for name, field in parameters.get("properties", {}).items()]
    return Tool(name=str(entry["name"]), description=str(entry["description"]), inputs=inputs)


def _lists(run: Run) -> tuple[list[Item], list[Item]]:
    """Requests with lists in which no tool fits, and the same with one that does, in a place drawn by the seed."""
    described: dict[str, str] = json.loads((run.data / "metatool" / "tools.json").read_text("utf-8"))
    unfit: list[Item] = []
    fit: list[Item] = []
    for number, record in enumerate(json.loads((run.data / "metatool" / "no_tool_fits.json").read_text("utf-8"))[: run.limit]):
        tools = _unique([Tool(name=name, description=words) for name, words in _LISTED.findall(record["action_prompt"])])
        name = record["tool"]
        if not tools or name not in described or any(tool.name == name for tool in tools):
            continue
        place = random.Random(f"{run.seed} list {number}").randrange(len(tools))
        right = Tool(name=name, description=described[name])
        unfit.append(Item(f"unfit_{number}", record["query"], tools))
        fit.append(Item(f"fit_{number}", record["query"], (*tools[:place], right, *tools[place + 1 :])))
    return unfit, fit


def _unique(tools: Sequence[Tool]) -> tuple[Tool, ...]:
    """Names are unique in a catalogue: the first of each."""
    return tuple({tool.name: tool for tool in reversed(tools)}.values())[::-1]


def _plans(client: genesis.Client, items: Sequence[Item]) -> dict[str, list[str]]:
    """The functions of the plan for each request, once each."""
    planned: dict[str, list[str]] = {}
    for item in items:
        tasks = client.plan(item.text, catalogue=Catalogue(tools=item.tools)).plan.tasks
        planned[item.id] = list({task.capability: None for task in tasks if task.capability})
    return planned


def _gold(folder: Path, kind: str) -> dict[str, set[str]]:
    records = [json.loads(line) for line in lines_of(folder / "possible_answer" / f"BFCL_v4_{kind}.json")]
    return {record["id"]: {name for call in record["ground_truth"] for name in call} for record in records}
