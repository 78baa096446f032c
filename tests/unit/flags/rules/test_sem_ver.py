"""Rules compare versions."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis_server.flags.rules.errors import RuleError
from genesis_server.flags.rules.sem_ver import VERSION_COMPARISONS, parse_version, sem_ver
from genesis_server.flags.rules.work import MAX_STEPS

Say = Callable[..., object]
# The order that https://semver.org gives as its example, with a release below and above.
ORDER = [
    "0.9.9",
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-alpha.beta",
    "1.0.0-beta",
    "1.0.0-beta.2",
    "1.0.0-beta.11",
    "1.0.0-rc.1",
    "1.0.0",
    "1.10.0",
]
VERSIONS = st.from_regex(r"v?(0|[1-9][0-9]?)(\.(0|[1-9][0-9]?)){0,2}(-(0|[1-9]|a|rc\.1))?(\+b)?", fullmatch=True)
ANY = (
    VERSIONS
    | st.sampled_from(["", "1.x", "01.0.0", "1.2.3.4", "-1", "1.0.0-", "1.0.0-01"])
    | st.none()
    | st.integers(0, 3)
    | st.floats(0, 3)
    | st.just([1])
)


@pytest.mark.parametrize(("lower", "higher"), list(pairwise(ORDER)))
def test_the_order_of_versions(lower: str, higher: str) -> None:
    assert sem_ver(lower, "<", higher)
    assert sem_ver(higher, ">=", lower)
    assert sem_ver(lower, "!=", higher)
    assert not sem_ver(higher, "<=", lower)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["v1.2.3", "=", "1.2.3"], True),
        (["V1.2", "=", "1.2.0"], True),
        ([1, "=", "1.0.0"], True),
        ([1.5, ">", "1.4.9"], True),
        (["1.2.3+a", "=", "1.2.3+b"], True),
        (["1-beta", "<", "1"], True),
        (["1.9.0", "^", "1.0.0"], True),
        (["2.0.0", "^", "1.0.0"], False),
        (["1.2.9", "~", "1.2.0"], True),
        (["1.3.0", "~", "1.2.0"], False),
        (["vv1", "=", "1"], None),
        (["1.2.3.4", "=", "1.2.3"], None),
        (["1.02.3", "=", "1.2.3"], None),
        ([None, "=", "1.2.3"], None),
        ([["1.2.3"], "=", "1.2.3"], None),
        (["1.2.3", "=", "none"], None),
        (["1.2.3", "==", "1.2.3"], None),
        (["1.2.3", 1, "1.2.3"], None),
        (["1.2.3", "="], None),
        (["1.2.3", "=", "1.2.3", 4], None),
        ([], None),
        ([True, "=", "1.0.0"], None),
    ],
)
def test_versions_are_written_in_many_ways(say: Say, arguments: list[object], said: object) -> None:
    assert say({"sem_ver": arguments}) is said


def test_a_number_that_cannot_be_written_is_no_version() -> None:
    assert parse_version(10**5000) is None
    assert parse_version(f"1.{'9' * 5000}.0") is None


@given(ANY, st.sampled_from([*VERSION_COMPARISONS, "x"]), ANY)
def test_a_version_in_the_rule_compares_as_one_of_the_context_does(say: Say, a: object, comparison: str, b: object) -> None:
    expected = sem_ver(a, comparison, b)
    assert say({"sem_ver": [{"var": "a"}, comparison, b]}, a=a) is expected
    assert say({"sem_ver": [{"var": "a"}, {"var": "c"}, {"var": "b"}]}, a=a, b=b, c=comparison) is expected


@given(VERSIONS, VERSIONS)
def test_exactly_one_of_less_equal_and_more_holds(a: str, b: str) -> None:
    assert [sem_ver(a, comparison, b) for comparison in "<=>"].count(True) == 1


def test_a_text_far_too_long_for_a_version_costs_its_length(say: Say) -> None:
    assert parse_version("1.0.0-" + "a" * 1000) == (1, 0, 0, (0, ((1, 0, "a" * 1000),)))
    with pytest.raises(RuleError, match="steps"):
        say({"sem_ver": [{"var": "a"}, "=", "1.0.0"]}, a="1.0.0-" + "a" * MAX_STEPS)
