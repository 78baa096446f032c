"""The narrow changes of a flag change what they name and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis_server.flags.definition import FlagDefinition
from genesis_server.flags.reading import read_flag, read_flags
from genesis_server.flags.strategies import canary, percentage
from genesis_server.flags.verbs import disabled, enabled, with_weight
from genesis_server.model.flags import FlagContext
from genesis_server.resilience.errors import ValidationError

SWITCH: dict[str, Any] = {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "on", "metadata": {"owner": "x"}}
PERCENT = st.integers(0, 100_000).map(lambda steps: steps / 1000)
SUBJECTS = [f"user-{number}" for number in range(500)]


def read(flag: object) -> FlagDefinition:
    return read_flag(json.dumps(flag), key="dark_mode")


def drawing(*arms: Any) -> FlagDefinition:
    return read(
        {"state": "ENABLED", "variants": {"a": "1", "b": "2", "c": "3"}, "defaultVariant": "a", "targeting": {"fractional": [*arms]}}
    )


def arms(flag: dict[str, Any]) -> list[Any]:
    return flag["targeting"]["fractional"]


def mismatch(change: Any, verb: str) -> str:
    with pytest.raises(ValidationError) as caught:
        change()
    assert caught.value.reason == "FLAG_VERB_MISMATCH"
    assert caught.value.facts == {"flag": "dark_mode", "verb": verb}
    assert caught.value.message.endswith("write the whole definition with PutFlag")
    return caught.value.message


@given(PERCENT)
def test_a_boolean_flag_without_a_rule_gets_a_percentage(percent: float) -> None:
    changed = with_weight(read(SWITCH), percent)
    assert changed == {**percentage(percent), "metadata": {"owner": "x"}}


@given(st.lists(st.integers(0, 2**31 // 8), min_size=2, max_size=3), PERCENT)
def test_the_first_gets_its_share_exactly_and_the_others_keep_their_proportions(weights: list[int], percent: float) -> None:
    if sum(weights) == 0 or (len(weights) == 3 and not any(weights[1:])):
        return
    changed = with_weight(drawing(*([name, weight] for name, weight in zip("abc", weights, strict=False))), percent)
    read(changed)
    shares = [share for _, share in arms(changed)]
    assert all(isinstance(share, int) and share >= 0 for share in shares)
    assert 0 < sum(shares) <= 2**31 - 1
    assert shares[0] * 100_000 == round(percent * 1000) * sum(shares)
    rest, others = sum(shares[1:]), sum(weights[1:])
    if len(weights) == 3:
        for share, weight in zip(shares[1:], weights[1:], strict=True):
            assert abs(share * others - weight * rest) <= 2 * others


@given(PERCENT, PERCENT)
def test_whoever_was_in_at_a_smaller_weight_stays_in(one: float, other: float) -> None:
    flag = drawing(["a", 3], ["b", 4], ["c", 5])
    ins: list[set[str]] = []
    for percent in sorted((one, other)):
        rule = read(with_weight(flag, percent)).compiled
        assert rule is not None
        ins.append({subject for subject in SUBJECTS if rule.ask(FlagContext(subject).data()) == "a"})
    assert ins[0] <= ins[1]


def test_weights_are_written_as_per_cent_where_they_can_be() -> None:
    assert arms(with_weight(drawing(["a", 1], ["b", 1]), 30)) == [["a", 30], ["b", 70]]
    assert arms(with_weight(drawing(["a", 1], ["b", 1], ["c", 3]), 20)) == [["a", 20], ["b", 20], ["c", 60]]
    assert arms(with_weight(drawing(["a"], ["b"]), 0.5)) == [["a", 5], ["b", 995]]
    assert arms(with_weight(drawing(["a", 100], ["b", 0]), 40)) == [["a", 40], ["b", 60]]


def test_what_is_drawn_by_and_all_around_the_draw_stays() -> None:
    flag = read(canary("team", ["red"], 10, metadata={"owner": "x"}))
    assert with_weight(flag, 20) == canary("team", ["red"], 20, metadata={"owner": "x"})
    changed = with_weight(drawing({"cat": ["salt", {"var": "targetingKey"}]}, ["a", 1], ["b", 1]), 20)
    assert arms(changed) == [{"cat": ["salt", {"var": "targetingKey"}]}, ["a", 20], ["b", 80]]


def test_what_a_flag_had_from_its_document_comes_along() -> None:
    document = {
        "metadata": {"genesis.bucketing": "v2"},
        "$evaluators": {"draw": {"fractional": [["on", 1], ["off", 9]]}},
        "flags": {"dark_mode": {**SWITCH, "targeting": {"if": [{"var": "x"}, {"$ref": "draw"}, "off"]}}},
    }
    flag = read_flags(json.dumps(document).encode(), name="own.json").definitions["dark_mode"]
    changed = read(with_weight(flag, 50))
    assert changed.rule == {"if": [{"var": "x"}, {"fractional": [["on", 50], ["off", 50]]}, "off"]}
    assert changed.metadata == {"genesis.bucketing": "v2", "owner": "x"}


@pytest.mark.parametrize(
    ("flag", "why"),
    [
        ({**SWITCH, "state": "DISABLED"}, "is disabled"),
        ({**SWITCH, "variants": {"a": "x"}, "defaultVariant": "a"}, "is of type string, not boolean"),
        ({**SWITCH, "variants": {"on": True}}, "has no variant that is false"),
        ({**SWITCH, "targeting": {"if": [True, "on", "off"]}}, "draws by percentage 0 times"),
        ({**SWITCH, "targeting": {"fractional": [["on", 1], [{"fractional": [["off", 1]]}, 1]]}}, "draws by percentage 2 times"),
        ({**SWITCH, "targeting": {"fractional": [["on", {"var": "x"}], ["off", 1]]}}, "weights are not all whole numbers"),
        ({**SWITCH, "targeting": {"fractional": [["on", 0.5], ["off", 1]]}}, "weights are not all whole numbers"),
        ({**SWITCH, "targeting": {"fractional": [["on", -1], ["off", 1]]}}, "weights are not all whole numbers"),
        ({**SWITCH, "targeting": {"fractional": [["on", 1]]}}, "between fewer than two"),
        ({**SWITCH, "targeting": {"fractional": {"var": "x"}}}, "between fewer than two"),
        ({**SWITCH, "targeting": {"fractional": [["on", 1], ["off", 0], ["on", 0]]}}, "no shares behind the first"),
    ],
)
def test_a_weight_that_does_not_fit_the_flag_is_refused(flag: object, why: str) -> None:
    assert why in mismatch(lambda: with_weight(read(flag), 10), "set_weight")


def test_a_percentage_that_is_none_is_refused() -> None:
    with pytest.raises(ValidationError) as caught:
        with_weight(read(SWITCH), 100.5)
    assert caught.value.reason == "INVALID_FIELD"


@pytest.mark.parametrize("state", ["ENABLED", "DISABLED"])
def test_on_and_off_for_everybody_take_the_rule_away(state: str) -> None:
    flag = read({**percentage(10, variants={"no": False, "yes": True}, chosen="yes", other="no", metadata={"owner": "x"}), "state": state})
    assert enabled(flag) == {
        "state": "ENABLED",
        "variants": {"no": False, "yes": True},
        "defaultVariant": "yes",
        "metadata": {"owner": "x"},
    }
    assert disabled(flag) == {**enabled(flag), "defaultVariant": "no"}


def test_only_boolean_flags_are_switched() -> None:
    text = {"state": "ENABLED", "variants": {"a": "x"}}
    assert "is of type string" in mismatch(lambda: enabled(read(text)), "enable")
    assert "has no variant that is false" in mismatch(lambda: disabled(read({"state": "ENABLED", "variants": {"on": True}})), "disable")
