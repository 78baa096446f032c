"""Conditions as people write them: read, printed, and what is said of those that are wrong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis_server.routing.rules.condition import (
    ALWAYS,
    And,
    Atom,
    Condition,
    Not,
    Operator,
    Or,
    Scalar,
    conjuncts,
    facts_of,
    print_condition,
)
from genesis_server.routing.rules.facts import CANDIDATE_FACTS, FACTS, TASK_FACTS, FactKind, FactType, Fold
from genesis_server.routing.rules.parsing import ConditionError, Problem, operators_of, parse_condition

TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)
SECONDS = st.integers(-2_000_000_000, 4_000_000_000).map(float)


def literals(kind: FactKind) -> st.SearchStrategy[Scalar]:
    if kind.type is FactType.BOOLEAN:
        return st.booleans()
    if kind.type is FactType.NUMBER:
        return st.floats(allow_nan=False, allow_infinity=False)
    if kind.type is FactType.INSTANT:
        return SECONDS
    if kind.type is FactType.DATE:
        return SECONDS.map(lambda seconds: seconds // 86_400 * 86_400)
    if kind.choices:
        return st.sampled_from(kind.choices)
    return st.sampled_from(["deletion", "Test"]) if kind.fold is Fold.STEM else TEXTS


@st.composite
def atoms(draw: st.DrawFn) -> Atom:
    kind = FACTS[draw(st.sampled_from(sorted(FACTS)))]
    operator = draw(st.sampled_from(operators_of(kind)))
    if operator is Operator.IN:
        return Atom(kind.name, operator, tuple(draw(st.lists(literals(kind), min_size=1, max_size=3))))
    return Atom(kind.name, operator, draw(literals(kind)))


def larger(parts: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
    several = st.lists(parts, min_size=2, max_size=3).map(tuple)
    return st.one_of(parts.map(Not), several.map(And), several.map(Or))


CONDITIONS: st.SearchStrategy[Condition] = st.recursive(atoms(), larger, max_leaves=8)


@given(CONDITIONS)
def test_what_is_printed_reads_back_as_the_same_condition(condition: Condition) -> None:
    assert parse_condition(print_condition(condition)) == condition


def problems(text: str) -> tuple[Problem, ...] | None:
    """What is wrong with a condition; None: it is one."""
    try:
        parse_condition(text)
    except ConditionError as error:
        return error.problems
    return None


@given(st.text(st.sampled_from("task.goal in [==]\"'() and or not<>\\ 1.e-"), max_size=60))
def test_any_text_is_a_condition_or_a_mistake_with_a_column_in_it(text: str) -> None:
    found = problems(text)
    assert found is None or found
    assert all(1 <= problem.column <= len(text) + 1 for problem in found or ())


def test_and_binds_more_strongly_than_or_and_not_more_strongly_than_both() -> None:
    found = parse_condition("not task.depth == 1 and task.depth < 5 or (task.depth == 9)")
    depth = [
        Atom("task.depth", operator, value) for operator, value in ((Operator.EQUAL, 1.0), (Operator.LESS, 5.0), (Operator.EQUAL, 9.0))
    ]
    assert found == Or((And((Not(depth[0]), depth[1])), depth[2]))
    assert facts_of(found) == ("task.depth",)


def test_empty_text_always_holds_and_prints_as_nothing() -> None:
    assert parse_condition("  ") == ALWAYS
    assert print_condition(ALWAYS) == ""
    assert conjuncts(ALWAYS) == ()


def test_both_quotes_and_quotes_in_quotes_are_read() -> None:
    for text in (r'task.id == "a\"b\\c"', r"""task.id == 'a"b\\c'"""):
        assert parse_condition(text) == Atom("task.id", Operator.EQUAL, 'a"b\\c')


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ('task.goale == "x"', 1, "unknown fact task.goale; did you mean task.goal?"),
        ('zzz == "x"', 1, "unknown fact zzz; there are facts of caller, plan, task, time"),
        ('agent.id == "x"', 1, "agent.id cannot be read here; only facts of caller, plan, task, time can"),
        ('task.difficulty == "x"', 20, "task.difficulty is a number; compare it with a number"),
        ("task.difficulty == 1e999", 20, "compare it with a number"),
        ("task.difficulty == true", 20, "compare it with a number"),
        ("caller.anonymous == 1", 21, "compare it with true or false"),
        ("task.goal == 1", 14, "task.goal is a text; compare it with a text in quotes"),
        ('task.data_class == "secret"', 20, "task.data_class is never 'secret'; it is one of public, internal, confidential, restricted"),
        ('task.data_class contains "in"', 17, "contains does not go with task.data_class"),
        ('task.goal < "x"', 11, "< does not go with task.goal, which is a text; use one of ==, !=, in, contains, prefix"),
        ('task.words == "x"', 12, "== does not go with task.words, which is a set of text"),
        ('task.words contains "two words"', 21, "is never one of the words"),
        ('task.words contains "the"', 21, "is never one of the words"),
        ('task.id prefix ""', 16, "an empty text"),
        ('time.now > "yesterday"', 12, "is no instant"),
        ('time.now > "2026-01-01T00:00:00"', 12, "is no instant"),
        ('time.date > "01.02.2026"', 13, "is no date"),
        ("caller.anonymous", 17, "write == true"),
        ("task.goal ==", 13, "expected a text in quotes, a number, true or false, not the end"),
        ('task.goal == "x', 14, "a quote is not closed"),
        ('task.goal in "x"', 14, 'expected a list such as ["a", "b"]'),
        ('task.goal in ["x"', 18, 'expected "," or "]"'),
        ('(task.goal == "x"', 18, 'expected ")"'),
        ('task.goal == "x" task.id == "y"', 18, 'expected "and", "or" or the end, not task.id'),
        ('and task.goal == "x"', 1, 'expected a fact, "not" or "("'),
        ("(" * 60, 51, "is nested more than 50 deep"),
        (" or ".join(["task.depth == 1"] * 201), 3801, "has more than 200 comparisons"),
    ],
)
def test_a_mistake_is_told_with_its_column_and_what_to_do(text: str, column: int, message: str) -> None:
    with pytest.raises(ConditionError) as caught:
        parse_condition(text, TASK_FACTS)
    assert caught.value.problems[-1].column == column
    assert message in caught.value.problems[-1].message
    assert f"column {column}: " in str(caught.value)


def test_all_mistakes_of_meaning_are_told_at_once() -> None:
    with pytest.raises(ConditionError) as caught:
        parse_condition('task.id == "x" or agent.regio == 1 or agent.success_prior == "y"', CANDIDATE_FACTS)
    assert [problem.column for problem in caught.value.problems] == [1, 19, 62]
