"""Rules read the context."""

from __future__ import annotations

from collections.abc import Callable
from math import inf, nan
from types import MappingProxyType

import pytest

from genesis_server.flags.rules.compiling import compile_rule
from genesis_server.flags.rules.errors import RuleError, RuleMistakesError
from genesis_server.model.flags import FlagContext, Generation

Say = Callable[..., object]
USER = {"name": "Ada", "tags": ["a", "b", None], "address": {"city": "London"}}
WRONG = {"/": [1, {"var": "zero"}]}
"""Goes wrong when it is reached."""


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("user.name", "Ada"),
        ("user.address.city", "London"),
        ("user.tags.1", "b"),
        ("user.tags.length", 3),
        ("user.name.length", 3),
        ("user.name.0", "A"),
        ("user.tags.2", None),
        ("user.tags.3", None),
        ("user.tags.01", None),
        ("user.tags.-1", None),
        ("user.tags.99999999999", None),
        ("user.tags.x", None),
        ("user.name.first", None),
        ("user.name.0.0.0", "A"),
        ("age.x", None),
        ("words.1", "two"),
        ("words.length", 2),
        ("words.2", None),
        ("nobody.x", None),
        ("age", 36),
        ("nothing", None),
        (1, None),
        (["age"], 36),
        ("targetingKey", "user-1"),
        ("$flagd.flagKey", "flag"),
        ("$flagd.flagKey.length", 4),
        ("$flagd.flagKey.0", "f"),
        ("$flagd.flagKey.x", None),
        ("$flagd.timestamp", 1_700_000_000),
        ("$flagd.other", None),
        ("$flagd", {"flagKey": "flag", "timestamp": 1_700_000_000}),
    ],
)
def test_what_stands_under_a_name(say: Say, name: object, value: object) -> None:
    """Written in the rule, worked out, or with a default, a name means the same."""
    context = {"user": USER, "age": 36, "words": ["one", "two"]}
    assert say({"var": [name]}, **context) == value
    assert say({"var": [{"var": "asked"}]}, **context, asked=name) == value
    assert say({"var": [name, "other"]}, **context) == ("other" if value is None else value)
    assert say({"var": [name, {"var": "age"}]}, **context) == (36 if value is None else value)


def test_without_a_name_it_is_everything(say: Say) -> None:
    everything = {"age": 36, "targetingKey": "user-1", "$flagd": {"flagKey": "flag", "timestamp": 1_700_000_000}}
    for name in ("", None, []):
        assert say({"var": name}, age=36) == everything
    assert say({"var": ""}, who="") == {"targetingKey": None, "$flagd": everything["$flagd"]}


@pytest.mark.parametrize("name", ["age", "", "$flagd", "$flagd.flagKey", "user.x"])
def test_a_default_that_goes_wrong_does_so_even_when_it_is_not_needed(say: Say, name: str) -> None:
    """As in the reference."""
    with pytest.raises(RuleError, match="division"):
        say({"var": [name, WRONG]}, age=36, zero=0)


def test_positions_are_for_lists_and_texts(say: Say) -> None:
    items = [["a", None], "text", {"1": "x"}, 5]
    for position, expected in [
        (0, ["a", "t", None, None]),
        (1, [None, "e", None, None]),
        (2.0, [None, "x", None, None]),
        (0.5, [None] * 4),
    ]:
        assert say({"map": [{"var": "items"}, {"var": position}]}, items=items) == expected
    assert say({"map": [{"var": "items"}, {"var": [9, "none"]}]}, items=items) == ["none"] * 4
    assert say({"map": [{"var": "items"}, {"var": [1, "none"]}]}, items=items) == [None, "e", "none", "none"]
    assert say({"map": [{"var": "items"}, {"var": nan}]}, items=items) == [None] * 4
    assert say({"map": [[["b", "c"]], {"var": {"var": "0"}}]}) == [None]
    assert say({"map": [[["length", "c"]], {"var": {"var": "0"}}]}) == [2]
    with pytest.raises(RuleError, match="infinity"):
        say({"map": [{"var": "items"}, {"var": inf}]}, items=items)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"missing": ["age", "name"]}, ["name"]),
        ({"missing": [["age", "empty", "name"]]}, ["empty", "name"]),
        ({"missing": "age"}, []),
        ({"missing": []}, []),
        ({"missing": ["$flagd.flagKey", "$flagd.x", None, 7]}, ["$flagd.x", 7]),
        ({"missing": {"var": "wanted"}}, ["name"]),
        ({"missing_some": [1, ["age", "name"]]}, []),
        ({"missing_some": [2, ["age", "name"]]}, ["name"]),
        ({"missing_some": ["2", ["age", "name"]]}, ["name"]),
        ({"missing_some": [1, "age"]}, []),
        ({"missing_some": []}, []),
        ({"map": [[{"a": 1, "b": 2}, {}], {"missing": ["a"]}]}, [[], ["a"]]),
        ({"map": [[{"a": 1, "b": 2}], {"missing_some": [2, ["a", "c"]]}]}, [["c"]]),
    ],
)
def test_what_is_missing(say: Say, rule: object, said: object) -> None:
    assert say(rule, age=36, empty="", wanted=["age", "name"]) == said


@pytest.mark.parametrize(
    ("rule", "reads"),
    [
        ({"var": "user.name"}, {"user"}),
        ({"var": ["a", {"var": "b"}]}, {"a", "b"}),
        ({"if": [{"var": "a"}, {"var": "$flagd.timestamp"}, {"var": "$flagd.flagKey"}]}, {"a", "$flagd"}),
        ({"var": "$flagd"}, {"$flagd"}),
        ({"==": [1, 1]}, set()),
        ({"var": ""}, None),
        ({"var": {"var": "name"}}, None),
        ({"map": [{"var": "items"}, {"var": "inner"}]}, {"items"}),
        ({"map": [{"var": "items"}, {"var": {"var": ""}}]}, {"items"}),
        ({"missing": ["a.b", ["c", 1]]}, {"a", "c", "1"}),
        ({"missing": {"var": "a"}}, None),
        ({"missing": [None]}, None),
        ({"missing_some": [1, ["a", "b"]]}, {"a", "b"}),
        ({"missing_some": [{"var": "n"}, ["a"]]}, {"a", "n"}),
        ({"fractional": [["on", 1]]}, {"targetingKey"}),
        ({"fractional": ["salt", ["on", 1]]}, set()),
        ({"fractional": [{"var": "team"}, ["on", {"var": "weight"}]]}, {"targetingKey", "team", "weight"}),
        ({"fractional": []}, {"targetingKey"}),
    ],
)
def test_a_rule_knows_what_it_reads(rule: object, reads: set[str] | None) -> None:
    assert compile_rule("flag", rule, generation=Generation.V3).reads == reads


def test_a_rule_reads_the_data_of_a_context() -> None:
    context = FlagContext("ada", {"plan": "team"}, 1_700_000_000.9)
    rule = {"cat": [{"var": "plan"}, {"var": "targetingKey"}, {"var": "$flagd.timestamp"}, {"var": "$flagd.flagKey"}]}
    assert compile_rule("k", rule, generation=Generation.V3).ask(context.data()) == "teamada1700000000k"


def test_the_data_may_be_any_mapping() -> None:
    data = MappingProxyType({"a": {"b": {"c": 1}}, "$flagd": {"timestamp": 5}})
    for name, value in {"a.b.c": 1, "a.b": {"c": 1}, "$flagd.timestamp": 5, "x": None, "a.x.y": None}.items():
        assert compile_rule("k", {"var": name}, generation=Generation.V3).ask(data) == value
        assert compile_rule("k", {"var": {"cat": [name]}}, generation=Generation.V3).ask(data) == value
    assert compile_rule("k", {"fractional": [["on"]]}, generation=Generation.V2).ask(data) is None


def test_data_without_a_clock_still_have_the_key() -> None:
    rule = {"var": "$flagd"}
    assert compile_rule("k", rule, generation=Generation.V3).ask({}) == {"flagKey": "k"}
    assert compile_rule("k", rule, generation=Generation.V3).ask({"$flagd": 5}) == {"flagKey": "k"}


def test_a_name_too_many_is_a_mistake() -> None:
    with pytest.raises(RuleMistakesError, match="var takes a name and a default"):
        compile_rule("flag", {"!": {"var": ["a", "b", "c"]}}, generation=Generation.V3)
