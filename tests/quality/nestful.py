"""Zero-shot transfer: plans of NESTFUL requests from its typed tools alone, through Plan; TF-IDF top 2 beside it in the same run.

Both of its catalogues (Glaive's functions and SGD's services) are one catalogue here. Gold nodes are the calls, gold edges the values
that one call takes from another. Calls that only say the same order have no gold edge, so a plan that follows "then" loses there.
No word, constant or rule of the service was tuned on these requests or tools.
"""

from __future__ import annotations

import json
import re
from itertools import pairwise

from measurement import Figure, Run, Sealed
from top_two import BASELINE, TopTwo
from zero_shot import Answer, Request, ask, client_time, connected, nearness

from genesis.v1.catalogue_pb2 import Tool
from genesis.v1.common_pb2 import Artefact

_SOURCES = ("glaive", "sgd")
_VALUE = re.compile(r"\$(\w+?)[.\[$]")
_RESULT = "var_result"
"""The last call of every record: what is given back, no tool."""


def measure(run: Run) -> list[Figure]:
    """Figures of all requests: against the values that flow, and against the order in which the gold calls stand."""
    folder = run.data / "nestful"
    tools: dict[str, Tool] = {}
    records: dict[str, dict[str, object]] = {}
    for source in _SOURCES:
        for entry in json.loads((folder / f"non-executable-{source}-spec.json").read_text("utf-8")):
            tools.setdefault(entry["name"], _tool(entry))
        some = json.loads((folder / f"non-executable-{source}-data.json").read_text("utf-8"))
        records |= {f"{source}_{number}": record for number, record in enumerate(some)}
    ids = list(records)[: run.limit]
    requests = [Request(one, str(records[one]["input"]).strip()) for one in ids]
    answers = ask(run.address, list(tools.values()), requests, "nestful")
    top_two = TopTwo([(tool.name, tool.description) for tool in tools.values()])
    baseline = {request.id: top_two.answer(request.text) for request in requests}
    flowing = Sealed(ids, lambda: {one: _gold(records[one]) for one in ids}).opened(answers)
    chains = {one: Answer(gold.tools, tuple(pairwise(gold.tools))) for one, gold in flowing.items()}
    return [
        *nearness("values that flow", ids, answers, flowing),
        *nearness("values that flow", ids, baseline, flowing, by=BASELINE),
        *nearness("calls in their order", ids, answers, chains),
        *nearness("calls in their order", ids, baseline, chains, by=BASELINE),
        connected("all", ids, answers),
        client_time("all", answers),
    ]


def _tool(entry: dict[str, object]) -> Tool:
    takes = entry.get("query_parameters") or entry.get("parameters") or entry.get("arguments") or {}
    gives = entry["output_parameters"]
    assert isinstance(takes, dict)
    assert isinstance(gives, dict)
    return Tool(name=str(entry["name"]), description=str(entry["description"]), inputs=_artefacts(takes), outputs=_artefacts(gives))


def _artefacts(fields: dict[str, dict[str, object]]) -> list[Artefact]:
    return [Artefact(name=name, type=str(field.get("type") or "")) for name, field in fields.items()]


def _gold(record: dict[str, object]) -> Answer:
    output = record["output"]
    assert isinstance(output, list)
    calls = [call for call in output if call["name"] != _RESULT]
    labels = {call["label"]: call["name"] for call in calls}
    links = [
        (labels[label], call["name"])
        for call in calls
        for label in dict.fromkeys(_VALUE.findall(json.dumps(call["arguments"])))
        if label in labels
    ]
    return Answer(tuple(call["name"] for call in calls), tuple(links))
