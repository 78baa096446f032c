"""What a driver told against what was expected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matching import mismatches
from scenarios import expanded


def judged(scenario: Mapping[str, Any], told: Mapping[str, Any] | None, run: str, counted: tuple[int, int]) -> list[str]:
    """What is wrong with a scenario's outcome, a sentence each; `counted` is how often it was tried and given up."""
    if told is None:
        return ["the driver told nothing of it"]
    if told.get("fault"):
        return [f"the driver failed: {told['fault']}"]
    results = list(told.get("steps", ()))
    if len(results) != len(scenario["steps"]):
        return [f"{len(results)} of {len(scenario['steps'])} steps were told: {results[-1:]}"]
    wrong: list[str] = []
    for number, (step, result) in enumerate(zip(scenario["steps"], results, strict=True)):
        expect = {"status": "OK"} | expanded(step["expect"], run)
        found = mismatches(expect, result, results)
        if found and result.get("message") and "message" not in expect:
            found.append(f"it said: {result['message']}")
        wrong += [f"step {number}: {one}" for one in found]
    for name, count in zip(("tries", "given_up"), counted, strict=True):
        if name in scenario:
            wrong += mismatches(scenario[name], count, place=name)
    return wrong
