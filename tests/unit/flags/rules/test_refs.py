"""Rules refer to rules that the flags of a document share."""

from __future__ import annotations

import pytest

from genesis_server.flags.rules.errors import RuleMistakesError
from genesis_server.flags.rules.refs import inline_refs
from genesis_server.flags.rules.shape import MAX_VALUES
from genesis_server.flags.rules.work import MAX_DEPTH

STAFF = {"ends_with": [{"var": "email"}, "@example.com"]}


def mistakes_of(rule: object, evaluators: dict[str, object]) -> tuple[tuple[tuple[str | int, ...], str], ...]:
    """What is wrong."""
    with pytest.raises(RuleMistakesError) as caught:
        inline_refs(rule, evaluators)
    return caught.value.mistakes


def test_a_shared_rule_stands_where_it_is_referred_to() -> None:
    rule = {"if": [{"and": [{"$ref": "staff"}, {"!": {"$ref": "staff"}}]}, "on", [{"$ref": "word"}]]}
    before = repr(rule)
    inlined = inline_refs(rule, {"staff": STAFF, "word": "off"})
    assert inlined == {"if": [{"and": [STAFF, {"!": STAFF}]}, "on", ["off"]]}
    assert repr(rule) == before


def test_what_only_looks_like_a_reference_stays() -> None:
    rule = {"==": [{"$ref": "a", "more": 1}, "$ref"]}
    assert inline_refs(rule, {"a": 1}) == rule


def test_shared_rules_refer_to_each_other_in_any_order() -> None:
    evaluators = {"a": {"or": [{"$ref": "b"}, {"$ref": "c"}]}, "b": {"!": {"$ref": "c"}}, "c": STAFF}
    assert inline_refs({"$ref": "a"}, evaluators) == {"or": [{"!": STAFF}, STAFF]}


def test_each_unknown_name_is_told_with_its_place() -> None:
    assert mistakes_of({"if": [{"$ref": "stuff"}, "on", {"$ref": 5}]}, {"staff": STAFF}) == (
        (("if", 0, "$ref"), "$evaluators has no 'stuff'"),
        (("if", 2, "$ref"), "$evaluators has no '5'"),
    )
    assert mistakes_of({"!": [{"$ref": "a"}]}, {"a": [[{"$ref": "b"}]]}) == ((("!", 0, "$ref"), "$evaluators has no 'b'"),)


def test_a_circle_is_told_once() -> None:
    assert mistakes_of({"$ref": "a"}, {"a": {"!": {"$ref": "b"}}, "b": [{"$ref": "a"}]}) == (
        (("$ref",), "$evaluators refer to each other in a circle: a -> b -> a"),
    )
    assert "a -> a" in mistakes_of({"$ref": "a"}, {"a": {"$ref": "a"}})[0][1]


def test_rules_that_multiply_are_refused_before_they_fill_the_memory() -> None:
    evaluators: dict[str, object] = {f"a{number}": [{"$ref": f"a{number + 1}"}] * 10 for number in range(50)}
    evaluators["a50"] = 1
    ((_, text),) = mistakes_of({"$ref": "a0"}, evaluators)
    assert str(MAX_VALUES) in text


def test_texts_that_multiply_are_refused_likewise() -> None:
    ((_, text),) = mistakes_of({"in": ["x", [{"$ref": "long"}] * 1000]}, {"long": "x" * 100_000})
    assert str(MAX_VALUES) in text


def test_rules_that_become_too_deep_are_refused() -> None:
    deep: object = {"$ref": "a"}
    for _ in range(60):
        deep = {"!": deep}
    shared: object = 1
    for _ in range(60):
        shared = {"!": shared}
    ((_, text),) = mistakes_of(deep, {"a": shared})
    assert f"nested {MAX_DEPTH} deep" in text
