"""Scenarios: read, checked, and made ready for a driver.

A file of scenarios/ is a JSON list of objects:

    name      unique
    about     what a user would notice, one sentence
    connect   optional: `server` ("open", "faults" or "secure"), `role` (a token of that role), `agent` with `agent_key` ("right" or
              "wrong"), `timeout_seconds` (default deadline of the client)
    steps     what a client does; see drivers in the documentation (docs/clients.md). Each has `expect` besides, which drivers never see:
              `status`, and patterns (matching.py) for `answer`, `messages`, `error`, `seconds`, `message`
    tries     optional: how often the faulty server must have been tried
    given_up  optional: how often the faulty server must have seen a client give up

In every text `{run}` becomes a word that is new for each run and language. Objects `{"$repeat": TEXT, "times": N}` become that text so
often, `{"$list": ELEMENT, "times": N}` a list in which `{n}` is the number of the element, from 1.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent / "scenarios"
_KEYS = {"name", "about", "connect", "steps", "tries", "given_up"}


def load() -> list[dict[str, Any]]:
    """All scenarios, by file and place. Raises ValueError for one that is not as it should be."""
    found: list[dict[str, Any]] = []
    for path in sorted(FOLDER.glob("*.json")):
        for scenario in json.loads(path.read_text()):
            name = scenario.get("name", "?")
            if unknown := set(scenario) - _KEYS or _KEYS - {"connect", "tries", "given_up"} - set(scenario):
                raise ValueError(f"{path.name}: {name}: {', '.join(sorted(unknown))}")
            if any("expect" not in step for step in scenario["steps"]):
                raise ValueError(f"{path.name}: {name}: a step expects nothing")
            if name in {one["name"] for one in found}:
                raise ValueError(f"{path.name}: {name} stands there twice")
            found.append(scenario)
    return found


def expanded(value: Any, run: str, number: int | None = None) -> Any:
    """The value with what is repeated written out."""
    if isinstance(value, str):
        text = value.replace("{run}", run)
        return text if number is None else text.replace("{n}", str(number))
    if isinstance(value, list):
        return [expanded(one, run, number) for one in value]
    if not isinstance(value, Mapping):
        return value
    if "$repeat" in value:
        return str(value["$repeat"]) * int(value["times"])
    if "$list" in value:
        return [expanded(value["$list"], run, n) for n in range(1, int(value["times"]) + 1)]
    return {key: expanded(one, run, number) for key, one in value.items()}


def for_driver(scenario: Mapping[str, Any], connect: Mapping[str, Any], run: str) -> dict[str, Any]:
    """What a driver gets of a scenario: everything but what is expected."""
    steps = [{key: value for key, value in step.items() if key != "expect"} for step in scenario["steps"]]
    if "tries" in scenario or "given_up" in scenario:
        for step in steps:
            step["metadata"] = {"x-fault-id": f"{run}-{scenario['name']}", **step.get("metadata", {})}
    return {"name": scenario["name"], "connect": dict(connect), "steps": expanded(steps, run)}
