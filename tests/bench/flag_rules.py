"""What an evaluation costs: six kinds of rules, each asked through the snapshot as the server does, and the rule alone.

Evaluations a second of CPU time on one core, the best of five rounds; rules draw by percentage in generation 3. Printed as a table, or
with --json FILE written besides. To compare with another machine, scale by the bare-echo CPU per call that `run.py` prints, against 124 µs.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

from genesis_server.flags.layers import Layer
from genesis_server.flags.reading import read_flags
from genesis_server.flags.snapshot import FlagSnapshot
from genesis_server.model.flags import FlagContext, FlagLayer

ROUNDS, EVALUATIONS = 5, 20_000
CLOCK = {"var": "$flagd.timestamp"}
START, END = 1_700_000_000, 1_700_604_800
STEPS = [0, 5, 10, 25, 50, 75, 100]
DRAW = {"fractional": [["on", 25], ["off", 75]]}
"""A quarter is in."""
CLOCK_DRAW = {"fractional": [["on", {"-": [CLOCK, START]}], ["off", {"-": [END, CLOCK]}]]}
"""More and more are in as time passes."""


def ladder(shares: list[int]) -> object:
    """A share for each day of a week."""
    steps = [part for day, share in enumerate(shares[:-1], 1) for part in ({"<": [CLOCK, START + day * 86_400]}, share)]
    return {"if": [*steps, shares[-1]]}


RULES: dict[str, object] = {
    "static": {},
    "if ==": {"if": [{"==": [{"var": "email"}, "ada@example.com"]}, "on", "off"]},
    "fractional 25/75": DRAW,
    "linear clock rollout": CLOCK_DRAW,
    "$ref + in + sem_ver + fractional": {
        "if": [{"and": [{"$ref": "staff"}, {"sem_ver": [{"var": "version"}, ">=", "1.2.0"]}]}, DRAW, "off"],
    },
    "7-step clock `if` ladder x2": {"fractional": [["on", ladder(STEPS)], ["off", ladder([100 - share for share in STEPS])]]},
}
STAFF = {"in": [{"var": "email"}, ["ada@example.com", *(f"user{number}@example.com" for number in range(20))]]}


def flags() -> FlagSnapshot:
    """A snapshot with a flag for each of the rules."""
    definitions = {
        name: {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "off", "targeting": rule}
        for name, rule in RULES.items()
    }
    document = read_flags(json.dumps({"$evaluators": {"staff": STAFF}, "flags": definitions}).encode(), name="bench.json")
    assert not document.mistakes, document.mistakes
    return FlagSnapshot([Layer(FlagLayer.FILE, "bench.json", document.definitions)])


def contexts() -> list[FlagContext]:
    """Some callers, in the middle of the week."""
    attributes = {"email": "ada@example.com", "version": "1.4.2", "plan": "team", "region": "eu", "seats": 12}
    return [FlagContext(f"user-{number}", {**attributes}, START + 300_000.5) for number in range(1000)]


def a_second(call: Callable[[], None]) -> float:
    """How often a second something is done, of EVALUATIONS times in a call."""
    best = float("inf")
    for _ in range(ROUNDS):
        begin = time.process_time()
        call()
        best = min(best, time.process_time() - begin)
    return EVALUATIONS / best


def measure() -> dict[str, dict[str, float]]:
    """Evaluations a second by rule: `evaluate` with the data of the context and the result object, `ask` of the rule alone."""
    snapshot = flags()
    callers = contexts() * (EVALUATIONS // 1000)
    result: dict[str, dict[str, float]] = {}
    for name in RULES:

        def evaluate(name: str = name) -> None:
            for caller in callers:
                snapshot.evaluate(name, caller)

        result[name] = {"evaluate": a_second(evaluate)}
        definition = snapshot.definition(name)
        if definition is None or definition.compiled is None:
            continue
        ask, read = definition.compiled.ask, [caller.data() for caller in callers]

        def ask_alone(ask: Callable[[dict[str, object]], object] = ask, read: list[dict[str, object]] = read) -> None:
            for data in read:
                ask(data)

        result[name]["ask"] = a_second(ask_alone)
    return result


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    asked = parser.parse_args()
    result = measure()
    print(f"{'rule':36}{'evaluate/s':>12}{'ask/s':>12}")
    for name, figures in result.items():
        print(f"{name:36}{figures['evaluate']:12,.0f}" + (f"{figures['ask']:12,.0f}" if "ask" in figures else ""))
    if asked.json:
        asked.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
