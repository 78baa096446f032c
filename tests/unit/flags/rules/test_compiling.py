"""Rules are compiled once, and no rule and no context bring the server down."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genesis_server.flags.rules.compiling import MAX_OPERATORS, RuleError, RuleMistakesError, compile_rule
from genesis_server.flags.rules.operators import OPERATORS
from genesis_server.model.flags import Generation

Say = Callable[..., object]
NAMES = st.sampled_from(["", "a", "b", "a.0", "a.length", "$flagd", "$flagd.flagKey", "targetingKey", "accumulator", "current", "\ud800"])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | NAMES | st.text(max_size=5)
OPERATOR_NAMES = st.sampled_from(
    [*OPERATORS, "if", "?:", "and", "or", "var", "missing", "missing_some", "fractional", "map", "filter", "reduce", "all", "some", "none"]
)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(OPERATOR_NAMES | NAMES, inner, max_size=2), max_leaves=12
)
RULES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.tuples(OPERATOR_NAMES, inner | st.lists(inner, max_size=4)).map(lambda pair: dict([pair]))
    ),
    max_leaves=20,
)
DATA = st.dictionaries(NAMES, JSON, max_size=5)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(RULES | JSON, DATA, st.sampled_from(Generation), NAMES)
def test_any_rule_and_any_data_give_an_answer_or_a_rule_error(
    rule: object, data: dict[str, object], generation: Generation, key: str
) -> None:
    """The answer depends on nothing that the rule does not say it reads."""
    try:
        compiled = compile_rule(key, rule, generation=generation)
    except RuleMistakesError:
        return
    assert asked(compiled.ask, data) == asked(compiled.ask, data)
    if compiled.reads is not None:
        read = {name: value for name, value in data.items() if name in compiled.reads}
        assert asked(compiled.ask, read) == asked(compiled.ask, data)


def asked(ask: Callable[[dict[str, object]], object], data: dict[str, object]) -> str:
    """What is said, or how it goes wrong."""
    try:
        return repr(ask(data))
    except RuleError as error:
        return f"{type(error).__name__}: {error}"


def test_every_mistake_is_told_with_its_place() -> None:
    rule = {"if": [{"like": ["a", {"var": ["a", 1, 2]}]}, "on", {"map": [{"$ref": "x"}, {"constructor": 1}]}]}
    with pytest.raises(RuleMistakesError) as caught:
        compile_rule("flag", rule, generation=Generation.V3)
    assert caught.value.mistakes == (
        (("if", 0, "like", 1, "var"), "var takes a name and a default, and nothing else"),
        (("if", 0, "like"), "there is no operator 'like'"),
        (("if", 2, "map", 0, "$ref"), "there is no operator '$ref'"),
        (("if", 2, "map", 1, "constructor"), "there is no operator 'constructor'"),
    )
    assert "no operator 'like'" in str(caught.value)


def test_a_rule_of_another_form_and_a_key_of_no_form_are_mistakes() -> None:
    with pytest.raises(RuleMistakesError, match="one operator"):
        compile_rule("flag", ["on"], generation=Generation.V3)
    with pytest.raises(RuleMistakesError, match="half a character"):
        compile_rule("\ud800", {"var": "a"}, generation=Generation.V3)


def test_a_name_that_is_far_too_long_is_a_mistake() -> None:
    with pytest.raises(RuleMistakesError, match="more than 100000 characters"):
        compile_rule("flag", {"var": [["x" * 60_000] * 2]}, generation=Generation.V3)


def test_a_rule_may_have_so_many_operators_and_no_more(say: Say) -> None:
    assert say({"and": [{"var": "a"}] * (MAX_OPERATORS - 1)}, a=5) == 5
    with pytest.raises(RuleMistakesError, match="operators"):
        say({"and": [{"var": "a"}] * MAX_OPERATORS}, a=5)
    with pytest.raises(RuleMistakesError, match=f"a rule may have {MAX_OPERATORS} operators") as caught:
        compile_rule("flag", {"and": [{"!": [{"var": "a"}]}] * MAX_OPERATORS}, generation=Generation.V3)
    assert len(caught.value.mistakes) == 1


@pytest.mark.parametrize(
    ("rule", "draws"),
    [
        ({"var": "a"}, False),
        ({"if": [{"var": "a"}, {"fractional": [["on"]]}]}, True),
        ({"map": [[1], {"fractional": ["x", ["on"]]}]}, True),
    ],
)
def test_a_rule_knows_whether_it_draws(rule: object, draws: bool) -> None:
    assert compile_rule("flag", rule, generation=Generation.V3).draws is draws


def test_an_error_says_what_went_wrong_and_keeps_the_cause(say: Say) -> None:
    with pytest.raises(RuleError, match="cannot be worked out for this context: division by zero") as caught:
        say({"/": [1, {"var": "n"}]}, n=0)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_what_stands_in_a_rule_stays_as_it_is(say: Say) -> None:
    """An object that has not exactly one member is no operator."""
    literal = {"a": {"var": "b"}, "c": 1}
    assert say({"if": [True, literal]}) == literal
    assert say({"if": [True, {}]}) == {}
    assert say({"log": [{"var": "a"}, 2]}, a=5) == 5


def test_a_rule_of_the_largest_depth_is_asked(say: Say) -> None:
    rule: object = {"var": "a"}
    for _ in range(49):
        rule = {"some": [[1], rule]} if isinstance(rule, list) else {"if": [rule, True, False]}
    assert say(rule, a=1) is True


def test_threads_that_ask_one_rule_do_not_use_up_each_other_s_steps() -> None:
    ask = compile_rule("flag", {"map": [{"var": "items"}, {"+": [{"var": ""}, 1]}]}, generation=Generation.V3).ask
    said: list[object] = []

    def run() -> None:
        said.extend(ask({"items": list(range(10_000))}) == list(range(1, 10_001)) for _ in range(10))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert said == [True] * 40


ACCUMULATOR, ITEM, BIG = {"var": "accumulator"}, {"var": ""}, {"var": "big"}
HUNGRY = {
    "a list that doubles": {"reduce": [list(range(1000)), {"merge": [ACCUMULATOR, ACCUMULATOR]}, [1]]},
    "a text that doubles": {"reduce": [list(range(1000)), {"cat": [ACCUMULATOR, ACCUMULATOR]}, "x"]},
    "a number that is squared": {"reduce": [list(range(1000)), {"*": [ACCUMULATOR, ACCUMULATOR]}, 3]},
    "a list of itself, as a text": {"cat": [{"reduce": [list(range(90)), [ACCUMULATOR, ACCUMULATOR], []]}]},
    "lists in lists in lists": {"some": [list(range(300)), {"some": [list(range(300)), {"none": [list(range(300)), True]}]}]},
    "a long text, searched again and again": {"and": [{"!": {"in": ["y", BIG]}}] * 600},
    "a long version": {"and": [{"!": {"sem_ver": [BIG, "=", "1"]}}] * 600},
    "a long text, hashed again and again": {"and": [{"!": {"fractional": [BIG, ["on", 0]]}}] * 600},
    "a long text, as a number": {"and": [{"!": {"<": [BIG, 1]}}] * 600},
    "a long text, as a name": {"and": [{"!": {"var": [BIG]}}] * 600},
    "a long text, cut again and again": {"and": [{"!!": {"substr": [BIG, 1]}}] * 600},
}


@pytest.mark.parametrize("rule", HUNGRY.values(), ids=HUNGRY)
def test_a_rule_that_would_take_for_ever_ends_soon_with_an_error(say: Say, rule: object) -> None:
    begun = time.process_time()
    with pytest.raises(RuleError):
        say(rule, big="9" * 1_000_000)
    assert time.process_time() - begun < 2
