"""What an evaluation of a flag costs: six kinds of rules, each asked through the snapshot as the server does, and the rule alone.

Evaluations a second of CPU time on one core; rules draw by percentage in generation 3.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable

from bench import Bench
from figures import Figure, figure

from genesis_server.flags.layers import Layer
from genesis_server.flags.reading import read_flags
from genesis_server.flags.snapshot import FlagSnapshot
from genesis_server.model.flags import FlagContext, FlagLayer

ROUNDS, EVALUATIONS = 11, 20_000
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
LEAST = {"fractional 25/75": 500_000.0, "$ref + in + sem_ver + fractional": 250_000.0}
"""Evaluations a second that are wanted."""
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


def a_second(call: Callable[[], None]) -> list[float]:
    """How often a second something is done, of EVALUATIONS times in a call, in each round."""
    rates: list[float] = []
    for _ in range(ROUNDS):
        begin = time.process_time()
        call()
        rates.append(EVALUATIONS / (time.process_time() - begin))
    return rates


def measure(bench: Bench) -> list[Figure]:
    """Evaluations a second by rule: with the data of the context and the result object, and of the rule alone."""
    snapshot = flags()
    callers = contexts() * (EVALUATIONS // 1000)
    found: list[Figure] = []
    for name in RULES:

        def evaluate(name: str = name) -> None:
            for caller in callers:
                snapshot.evaluate(name, caller)

        aim = LEAST.get(name)
        found.append(figure(f"flag evaluations, {name}", "/s", a_second(evaluate), aim=aim, more_is_better=True, scales=True))
        definition = snapshot.definition(name)
        if definition is None or definition.compiled is None:
            continue
        ask, read = definition.compiled.ask, [caller.data() for caller in callers]

        def ask_alone(ask: Callable[[dict[str, object]], object] = ask, read: list[dict[str, object]] = read) -> None:
            for data in read:
                ask(data)

        found.append(figure(f"flag rule alone, {name}", "/s", a_second(ask_alone), more_is_better=True, scales=True))
    return found
