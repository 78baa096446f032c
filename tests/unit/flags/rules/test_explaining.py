"""The way through a rule: what `genesis flag explain` shows."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from flag_cases import CaseMaker
from hypothesis import assume, given
from hypothesis import strategies as st

from genesis_server.flags.rules.compiling import RuleError, RuleMistakesError, compile_rule
from genesis_server.flags.rules.explaining import MAX_SHOWN, MAX_STEPS, MAX_WALKED, Step, Trace, explain_rule
from genesis_server.flags.rules.json_start import json_start
from genesis_server.model.flags import FlagContext, Generation

GENERATIONS = st.sampled_from(Generation)


def explained(rule: object, context: FlagContext | None = None, *, generation: Generation = Generation.V3, key: str = "flag") -> Trace:
    return explain_rule(key, rule, (context or FlagContext("ann")).data(), generation=generation)


def walked(trace: Trace) -> list[str]:
    return [f"{step.path} {step.arguments} {step.result}" for step in trace.steps]


# --- agreement with the compiled rule ---


@given(seed=st.integers(min_value=0), generation=GENERATIONS)
def test_the_explanation_never_says_anything_else_than_the_evaluation(seed: int, generation: Generation) -> None:
    """For any rule: the walk arrives at what the compiled rule says, or goes wrong where it does, with the same words."""
    case = CaseMaker(seed).case(3)
    try:
        rule = compile_rule(case.key, case.rule, generation=generation)
    except RuleMistakesError:
        assume(False)
    for context in case.contexts:
        subject = FlagContext(context["targetingKey"] or "", context["attributes"], case.time)
        trace = explained(case.rule, subject, generation=generation, key=case.key)
        said, error = None, ""
        try:
            said = rule.ask(subject.data())
        except RuleError as problem:
            error = str(problem)
        assert json.dumps(trace.result) == json.dumps(said)
        assert trace.error == error
        # The last step of the walk is the whole rule, or where it went wrong.
        assert trace.steps[-1].result == ("" if error else json_start(trace.result, MAX_SHOWN))


def test_a_rule_with_mistakes_is_refused_as_when_it_is_compiled() -> None:
    with pytest.raises(RuleMistakesError):
        explained({"unknown": 1})


# --- steps ---


def test_only_the_branches_that_were_taken_are_told_in_order() -> None:
    rule = {"if": [{"in": [{"var": "plan"}, ["pro", "team"]]}, {"cat": ["o", "n"]}, {"==": [1, {"/": [1, 0]}]}, "never", "off"]}
    assert walked(explained(rule, FlagContext("ann", {"plan": "pro"}))) == [
        '/if/0/in/0/var ["plan"] "pro"',
        '/if/0/in ["pro", ["pro", "team"]] true',
        '/if/1/cat ["o", "n"] "on"',
        '/if [true, "on"] "on"',
    ]


@pytest.mark.parametrize(
    ("rule", "arguments", "result"),
    [
        ({"and": [1, 0, {"var": "a"}]}, "[1, 0]", "0"),
        ({"or": [0, {"var": "a"}, {"var": "b"}]}, "[0, 7]", "7"),
        ({"and": []}, "[]", "null"),
        ({"if": [0, 1]}, "[0]", "null"),
        ({"?:": ["a", "on", "off"]}, '["a", "on"]', '"on"'),
        ({"if": []}, "[]", "null"),
        ({"!": {"var": "a"}}, "[7]", "false"),
        ({"some": [[0, 7, {"/": [1, 0]}]]}, "[]", "false"),
        ({"map": [[]]}, "[[]]", "[]"),
        ({"reduce": []}, "[]", "null"),
        ({"reduce": [{"var": "list"}, {"+": [{"var": "accumulator"}, {"var": "current"}]}, 1]}, "[[1, 2]]", "4"),
        ({"missing": ["a", "x"]}, '["a", "x"]', '["x"]'),
        ({"missing_some": [1, ["a", "x"]]}, '[1, ["a", "x"]]', "[]"),
        ({"var": []}, "[]", '{"targetingKey": "ann", "a": 7, "list": [1, 2], "$flagd": {"timestamp": 0, "flagKey": "flag"}}'),
    ],
)
def test_arguments_are_those_that_were_asked(rule: object, arguments: str, result: str) -> None:
    last = explained(rule, FlagContext("ann", {"a": 7, "list": [1, 2]})).steps[-1]
    assert (last.arguments, last.result) == (arguments, result)


def test_what_is_asked_of_each_item_is_told_for_each_item() -> None:
    rule = {"filter": [[1, 2], {">": [{"var": ""}, 1]}]}
    assert walked(explained(rule)) == [
        '/filter/1/>/0/var [""] 1',
        "/filter/1/> [1, 1] false",
        '/filter/1/>/0/var [""] 2',
        "/filter/1/> [2, 1] true",
        "/filter [[1, 2]] [2]",
    ]


def test_the_operation_that_went_wrong_is_the_last_and_has_no_result() -> None:
    trace = explained({"if": [True, {"+": [1, {"/": [1, 0]}]}]})
    assert trace.result is None
    assert "division by zero" in trace.error
    assert trace.steps == (Step("/if/1/+/1/~1", "/", "[1, 0]", ""),)


def test_a_path_is_a_json_pointer() -> None:
    assert [step.path for step in explained({"!": [{"/": [1, 2]}]}).steps] == ["/!/0/~1", "/!"]


def test_a_long_way_is_told_up_to_a_bound() -> None:
    trace = explained({"map": [{"var": "list"}, {"+": [{"var": ""}, 1]}]}, FlagContext("ann", {"list": [1] * MAX_STEPS}))
    assert len(trace.steps) == MAX_STEPS
    assert trace.result == [2] * MAX_STEPS


def test_a_rule_that_takes_too_many_steps_says_so() -> None:
    """An explanation costs no more than a bounded time, whatever the rule and the context are."""
    inner = {"map": [{"var": "accumulator"}, {"map": [[1, 2, 3, 4, 5, 6, 7, 8], {"fractional": ["x", ["on", 1]]}]}]}
    rule = {"reduce": [{"var": "list"}, {"merge": [[0], inner, inner]}, []]}
    trace = explained(rule, FlagContext("ann", {"list": [1] * 1000}))
    assert "steps" in trace.error
    assert len(trace.steps) <= MAX_STEPS
    assert len(trace.buckets) <= MAX_STEPS


def test_a_way_too_long_to_be_told_is_not_walked_to_its_end() -> None:
    """Its answer is, and it is the same."""
    one = {"fractional": ["x", ["on", 1]]}
    trace = explained({"map": [{"var": "list"}, {"!": [{"var": ""}]}]}, FlagContext("ann", {"list": [1] * MAX_WALKED}))
    assert trace.result == [False] * MAX_WALKED
    assert not trace.error
    assert len(trace.steps) == MAX_STEPS
    late = explained(
        {"if": [{"some": [{"var": "list"}, {"==": [{"var": ""}, 2]}]}, "on", one]}, FlagContext("ann", {"list": [1] * MAX_WALKED})
    )
    assert (late.result, late.buckets) == ("on", ())


# --- draws ---


def test_a_draw_is_told_with_its_numbers() -> None:
    """The numbers are those of flagd's own vectors: ["flag", "user-1"] as CBOR and "flaguser-1" (Murmur3 x86 32)."""
    rule = {"fractional": [["on", 25], ["off", 75]]}
    newer, older = (
        explained(rule, FlagContext("user-1"), generation=generation).buckets[0] for generation in (Generation.V3, Generation.V2)
    )
    assert (newer.bucketed_by, newer.hash, newer.bucket, newer.variant) == ('["flag", "user-1"]', 1204790219, 28, "off")
    assert (newer.lower, newer.upper, newer.total_weight, newer.path) == (25, 100, 100, "/fractional")
    assert newer.distance == pytest.approx(1204790219 / 2**32 - 0.25)
    assert (older.bucketed_by, older.hash, older.bucket, older.variant) == ("flaguser-1", 3034658845, 70, "off")
    assert older.distance == pytest.approx(1 - 3034658845 / 2**32)


@pytest.mark.parametrize(
    ("first", "generation", "hashed"),
    [
        ({"var": "email"}, Generation.V3, "ann@example.com"),
        ({"var": "email"}, Generation.V2, "ann@example.com"),
        ({"var": "n"}, Generation.V3, "7"),
    ],
)
def test_what_was_hashed_is_told_as_text(first: object, generation: Generation, hashed: str) -> None:
    trace = explained({"fractional": [first, ["on", 1]]}, FlagContext("ann", {"email": "ann@example.com", "n": 7}), generation=generation)
    assert [bucket.bucketed_by for bucket in trace.buckets] == [hashed]


def test_a_draw_from_items_of_a_list_knows_no_flag() -> None:
    """Inside of `map` the item is all there is, so its own targeting key is hashed alone, as flagd does it."""
    rule = {"map": [{"var": "people"}, {"fractional": [["on", 1]]}]}
    context = FlagContext("ann", {"people": [{"targetingKey": "bob"}, {"targetingKey": "eve"}]})
    assert [bucket.bucketed_by for bucket in explained(rule, context).buckets] == ['["", "bob"]', '["", "eve"]']
    assert [bucket.bucketed_by for bucket in explained(rule, context, generation=Generation.V2).buckets] == ["bob", "eve"]


def test_nobody_is_told_to_be_drawn_when_nobody_was() -> None:
    assert explained({"fractional": [["on", 0]]}).buckets == ()
    assert explained({"fractional": [["on", 1]]}, FlagContext()).buckets == ()


def test_a_variant_that_is_no_text_is_told_as_json() -> None:
    assert explained({"fractional": [[True, 1]]}).buckets[0].variant == "true"


@given(
    weights=st.tuples(*[st.integers(min_value=1, max_value=2**29)] * 3), who=st.text(min_size=1, alphabet="abcdef"), generation=GENERATIONS
)
def test_the_share_may_shrink_by_the_distance_and_no_more(weights: tuple[int, int, int], who: str, generation: Generation) -> None:
    """Whoever watches a rollout being taken back sees from the distance when this subject leaves."""
    first, middle, last = weights
    total = sum(weights)

    def drawn(before: int, after: int) -> str:
        arms = [["a", first + before], ["b", middle - before - after], ["c", last + after]]
        return explained({"fractional": arms}, FlagContext(who), generation=generation).buckets[0].variant

    bucket = explained({"fractional": [["a", first], ["b", middle], ["c", last]]}, FlagContext(who), generation=generation).buckets[0]
    assert bucket.lower <= bucket.bucket < bucket.upper
    assert 0 <= bucket.distance <= (bucket.upper - bucket.lower) / total / 2 + 1e-9
    assume(bucket.variant == "b" and bucket.upper - bucket.lower > 4)
    near_lower = bucket.hash / 2**32 - bucket.lower / total < bucket.upper / total - bucket.hash / 2**32
    stays, leaves = max(0, int(bucket.distance * total) - 1), int(bucket.distance * total) + 1
    assert drawn(*((stays, 0) if near_lower else (0, stays))) == "b"
    assert drawn(*((leaves, 0) if near_lower else (0, leaves))) != "b"


# --- what is shown ---


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=30,
)


@given(value=JSON, limit=st.integers(min_value=1, max_value=100))
def test_a_value_is_shown_as_json_up_to_a_bound(value: object, limit: int) -> None:
    whole = json.dumps(value, ensure_ascii=False)
    with suppress(UnicodeEncodeError):
        whole.encode()
        assert json_start(value, limit) == (whole if len(whole) <= limit else whole[: limit - 1] + "…")


def test_a_value_of_any_size_and_depth_is_shown_at_once() -> None:
    nested: list[object] = []
    for _ in range(100_000):
        nested = [nested]
    assert json_start(nested, 10) == "[" * 9 + "…"
    assert json_start({"a": "x" * 10**6, "b": [1] * 10**6}, 12) == '{"a": "xxxx…'


def test_half_a_character_is_shown_as_a_question_mark() -> None:
    """Protobuf texts are UTF-8."""
    trace = explained({"cat": ["\ud800", "x"]})
    assert trace.steps[-1].result == '"?x"'
