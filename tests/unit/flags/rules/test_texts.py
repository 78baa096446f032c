"""Rules take texts apart and put them together."""

from __future__ import annotations

from collections.abc import Callable
from math import inf, nan

import pytest

from genesis_server.flags.rules.errors import RuleError
from genesis_server.flags.rules.work import MAX_TEXT

Say = Callable[..., object]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["jsonlogic", 4], "logic"),
        (["jsonlogic", -5], "logic"),
        (["jsonlogic", 1, 3], "son"),
        (["jsonlogic", 4, -2], "log"),
        (["jsonlogic", -5, -2], "log"),
        (["jsonlogic", 20], ""),
        (["jsonlogic", -20], "jsonlogic"),
        (["jsonlogic", 4, -20], ""),
        (["jsonlogic", nan, 4], "json"),
        (["jsonlogic", 4, nan], ""),
        (["jsonlogic", 1.9, 1.9], "s"),
        (["jsonlogic", "4"], "logic"),
        ([12345, 1, 2], "23"),
        ([], "null"),
        ([None], "null"),
    ],
)
def test_a_part_of_a_text(say: Say, arguments: list[object], text: str) -> None:
    assert say({"substr": arguments}) == text


def test_a_part_without_end_is_an_error(say: Say) -> None:
    with pytest.raises(RuleError, match="infinity"):
        say({"substr": ["abc", {"var": "n"}]}, n=inf)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"starts_with": [{"var": "mail"}, "ada"]}, True),
        ({"starts_with": [{"var": "mail"}, "b"]}, False),
        ({"ends_with": [{"var": "mail"}, ".org"]}, True),
        ({"ends_with": [{"var": "mail"}, ".com"]}, False),
        ({"starts_with": [{"var": "nobody"}, "a"]}, None),
        ({"starts_with": ["a", 1]}, None),
        ({"starts_with": ["a"]}, None),
        ({"ends_with": ["a", "a", "a"]}, None),
        ({"ends_with": [["a"], "a"]}, None),
        ({"cat": []}, ""),
        ({"cat": ["v", 1, ".", 2.0, None, True, {"var": "mail"}]}, "v1.2nullTrueada@x.org"),
        ({"cat": {"var": "mail"}}, "ada@x.org"),
    ],
)
def test_what_texts_begin_and_end_with(say: Say, rule: object, said: object) -> None:
    assert say(rule, mail="ada@x.org") == said


def test_a_text_that_a_rule_makes_has_a_bound(say: Say) -> None:
    half = "x" * (MAX_TEXT // 2)
    assert say({"cat": [{"var": "half"}, {"var": "half"}]}, half=half) == half + half
    with pytest.raises(RuleError, match=str(MAX_TEXT)):
        say({"cat": [{"var": "half"}, {"var": "half"}, "x"]}, half=half)


def test_parts_of_a_huge_text_are_not_copied_without_end(say: Say) -> None:
    rule = {"map": [{"var": "same"}, {"substr": [{"var": ""}, 1]}]}
    with pytest.raises(RuleError, match="steps"):
        say(rule, same=["x" * 1_000_000] * 1000)
