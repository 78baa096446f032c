"""Genesis answers as flagd's own evaluator in Python does, openfeature-flagd-core: 2.0.0 for generation v3, 1.0.0 for v2.

100 000 random pairs of flag and context for each of the two; GENESIS_DIFFERENTIAL_PAIRS=1000000 makes it more, and
GENESIS_DIFFERENTIAL_SEED takes another seed than 1. Every failure tells the seed and a small example. What is meant to differ stands in
divergences.py. The two evaluators are installed by `python3 -B .ci/setup.py --flagd-core`, which is part of `make setup`; these tests
skip where they are not.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from divergences import LISTED, Difference, Divergence
from flag_cases import Case, CaseMaker
from flagd_oracles import INSTALL, Oracle, pinned_version, python_of, running
from our_side import answers
from shrinking import shrunk

from genesis_server.model.flags import Generation

PAIRS = int(os.environ.get("GENESIS_DIFFERENTIAL_PAIRS", "100000"))
SEED = int(os.environ.get("GENESIS_DIFFERENTIAL_SEED", "1"))
PARTS = 4
"""So that two workers share the work."""
CONTEXTS, BATCH = 5, 200


@pytest.fixture(scope="module", params=[Generation.V2, Generation.V3], ids=["v2", "v3"])
def generation(request: pytest.FixtureRequest) -> Generation:
    """A generation of bucketing."""
    return request.param


@pytest.fixture(scope="module")
def oracle(generation: Generation) -> Iterator[Oracle]:
    """The evaluator of flagd that draws by the generation."""
    if not python_of(generation).exists():
        pytest.skip(f"flagd's evaluator for {generation.name} is not installed; {INSTALL} does it")
    with running(generation) as started:
        yield started


def differences(oracle: Oracle, cases: list[Case], generation: Generation) -> Iterator[Difference]:
    """Every pair of answers that are not the same."""
    oracle.send(cases)
    try:
        ours = answers(cases, generation)
    finally:
        found = oracle.receive()
    for case, mine, theirs in zip(cases, ours, found, strict=True):
        for context, left, right in zip(case.contexts, mine, theirs, strict=True):
            for level in ("rule", "flag"):
                if differ(left[level], right[level]):
                    yield Difference(Case(case.key, case.document, case.time, (context,)), level, left[level], right[level])


def differ(ours: list[Any] | None, theirs: list[Any] | None) -> bool:
    """Whether two answers are not the same; errors are, whatever they say."""
    if ours is None or theirs is None or ours[0] == theirs[0] == "error":
        return False
    return ours != theirs


def divergence_of(difference: Difference) -> Divergence | None:
    """The listed divergence that explains a difference; None when it is a mistake."""
    return next((listed for listed in LISTED if listed.covers(difference)), None)


def small_example(oracle: Oracle, found: Difference, generation: Generation) -> str:
    """The smallest rule and attributes that differ in the same way, with both answers."""
    whole = {"targeting": found.case.rule, "attributes": found.case.contexts[0]["attributes"]}

    def likewise(parts: dict[str, Any]) -> Difference | None:
        flags = {found.case.key: {**found.case.flag, "targeting": parts["targeting"]}}
        context = {**found.case.contexts[0], "attributes": parts["attributes"]}
        case = Case(found.case.key, {**found.case.document, "flags": flags}, found.case.time, (context,))
        others = [other for other in differences(oracle, [case], generation) if other.level == found.level and divergence_of(other) is None]
        return next((other for other in others if (other.ours[0], other.theirs[0]) == (found.ours[0], found.theirs[0])), None)

    def fails(parts: Any) -> bool:
        sound = isinstance(parts, dict) and parts.keys() == whole.keys() and isinstance(parts["attributes"], dict)
        return sound and likewise(parts) is not None

    smallest = shrunk(whole, fails)
    last = likewise(smallest) or found
    evaluators = last.case.document.get("$evaluators", {})
    return json.dumps({**last.case.flag, "$evaluators": evaluators, **last.case.contexts[0], "ours": last.ours, "theirs": last.theirs})


@pytest.mark.timeout(120 + PAIRS // 500)
@pytest.mark.parametrize("part", range(PARTS))
def test_every_flag_is_what_flagd_says_it_is(oracle: Oracle, generation: Generation, part: int) -> None:
    """A flag of flagd's format is the same for the same subject wherever it is evaluated."""
    maker, pairs, used = CaseMaker(SEED * PARTS + part), PAIRS // PARTS, Counter[str]()
    drawn = f"GENESIS_DIFFERENTIAL_SEED={SEED} GENESIS_DIFFERENTIAL_PAIRS={PAIRS}, part {part}"
    for _ in range(0, pairs, BATCH * CONTEXTS):
        cases = [maker.case(CONTEXTS) for _ in range(BATCH)]
        for found in list(differences(oracle, cases, generation)):
            listed = divergence_of(found)
            if listed is None:
                example = small_example(oracle, found, generation)
                pytest.fail(f"{drawn}: the {found.level} is not what flagd {oracle.version} says:\n{example}")
            used[listed.name] += 1
    too_many = {listed.name: used[listed.name] for listed in LISTED if used[listed.name] > max(50, listed.share * pairs)}
    print(f"{generation.name}, {drawn}: {dict(used)}")
    assert not too_many, f"{drawn}: these divergences explain so much that they hide mistakes"


@pytest.mark.parametrize("listed", LISTED, ids=lambda listed: listed.name)
def test_what_is_listed_as_meant_still_differs(oracle: Oracle, generation: Generation, listed: Divergence) -> None:
    """A divergence that is gone does not stay on the list."""
    flag = {"state": "ENABLED", "variants": {"on": True}, "defaultVariant": "on", **listed.example}
    attributes, evaluators = flag.pop("attributes", {}), flag.pop("$evaluators", {})
    document = {"flags": {"flag": flag}, "$evaluators": evaluators}
    found = list(differences(oracle, [Case("flag", document, 0, ({"targetingKey": "ann", "attributes": attributes},))], generation))
    assert found
    assert all(divergence_of(each) is listed for each in found)


def test_the_evaluators_are_of_the_versions_that_are_pinned(oracle: Oracle, generation: Generation) -> None:
    """An evaluator that was installed long ago is not taken for the one the pins name."""
    assert oracle.version == pinned_version(generation), f"run {INSTALL}"
