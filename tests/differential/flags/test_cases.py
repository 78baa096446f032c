"""The random cases are worth asking, and a failure among them is told by a small example."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from divergences import parts
from flag_cases import EVERY_OPERATION, CaseMaker
from our_side import context_of
from shrinking import shrunk

from genesis_server.flags.rules.compiling import RuleMistakesError
from genesis_server.flags.rules.explaining import explain_rule
from genesis_server.model.flags import Generation


def test_every_operation_is_carried_out_and_says_different_things() -> None:
    """An operator that no case comes to could be wrong unseen."""
    maker, said = CaseMaker(1), defaultdict[str, set[str]](set)
    for case in (maker.case(1) for _ in range(2000)):
        context = context_of(case, case.contexts[0])
        try:
            trace = explain_rule(case.key, case.rule, context.data(), generation=Generation.V3)
        except RuleMistakesError:
            continue
        for step in trace.steps:
            said[step.operation].add(step.result)
    assert said.keys() >= set(EVERY_OPERATION)
    assert {name for name, results in said.items() if len(results) < 2} == set()


def test_the_same_seed_gives_the_same_cases() -> None:
    one, same, other = CaseMaker(5), CaseMaker(5), CaseMaker(6)
    assert [repr(one.case(2)) for _ in range(20)] == [repr(same.case(2)) for _ in range(20)]
    assert repr(other.case(2)) != repr(CaseMaker(5).case(2))


def test_an_example_is_shrunk_to_what_makes_it_fail() -> None:
    def fails(example: Any) -> bool:
        return any(isinstance(part, dict) and part.get("%") == [0, "x"] for part in parts(example))

    example = {"a": [1, {"if": [True, {"%": [0, "x"], "b": "text"}, [1, 2, 3]]}], "c": {"d": 12.5}}
    assert shrunk(example, fails) == {"%": [0, "x"]}
    assert shrunk(1e308, lambda part: isinstance(part, float)) == 1e308
    assert shrunk("abcdef", lambda part: "c" in part) == "c"


def test_shrinking_ends_even_when_everything_fails() -> None:
    calls = 0

    def fails(_: Any) -> bool:
        nonlocal calls
        calls += 1
        return False

    assert shrunk([list(range(100))], fails, attempts=10) == [list(range(100))]
    assert calls < 11
