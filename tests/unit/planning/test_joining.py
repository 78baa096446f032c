"""Actions that belong to one task."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from genesis_server.model.plan import EdgeOrigin, EdgeSource, GuardOperator, Requirement, RequirementKind
from genesis_server.model.span import Span
from genesis_server.planning.actions import Action, Condition
from genesis_server.planning.joining import join_actions

WHY = EdgeOrigin(EdgeSource.CUE, "then")


def _action(place: int, after: tuple[int, ...] = (), **more: object) -> Action:
    text = f"do {place}"
    return Action(text, text, (Span(place * 10, place * 10 + len(text), text),), after, tuple(WHY for _ in after), **more)  # type: ignore[arg-type]


def test_a_joined_action_adds_its_words_its_spans_and_what_it_waits_for() -> None:
    must = Requirement(RequirementKind.MUST, "must be quiet")
    actions = [_action(0), _action(1), _action(2, (0, 1), requirements=(must,), expected_seconds=60.0, deadline_seconds=90.0)]
    merged, now = join_actions(actions, [None, None, 1])
    assert now == [0, 1, 1]
    assert merged[0] == actions[0]
    assert (merged[1].text, merged[1].core, len(merged[1].spans)) == ("do 1. do 2", "do 1", 2)
    assert (merged[1].after, merged[1].why_after, merged[1].requirements) == ((0,), (WHY,), (must,))
    assert (merged[1].expected_seconds, merged[1].deadline_seconds) == (60.0, 90.0)


def test_a_condition_is_decided_by_the_task_its_action_is_in_now() -> None:
    condition = Condition(1, "seat", GuardOperator.IS_TRUE, "", "if there is a seat", Span(0, 18, "if there is a seat"))
    merged, _ = join_actions([_action(0), _action(1), _action(2, (1,), guards=(condition,))], [None, 0, None])
    assert [guard.decider for guard in merged[1].guards] == [0]


def test_nothing_is_changed_when_nothing_joins() -> None:
    actions = [_action(0), _action(1, (0,)), _action(2, (0, 1))]
    assert join_actions(actions, [None, None, None]) == (actions, [0, 1, 2])


@st.composite
def _joined(draw: st.DrawFn) -> tuple[list[Action], list[int | None]]:
    count = draw(st.integers(1, 8))
    actions = [_action(n, tuple(sorted(draw(st.sets(st.integers(0, n - 1)) if n else st.just(set()))))) for n in range(count)]
    joins: list[int | None] = []
    for n in range(count):
        free = [place for place in range(n) if joins[place] is None]
        joins.append(draw(st.sampled_from([None, *free])))
    return actions, joins


@given(_joined())
def test_joined_actions_never_wait_for_each_other_in_a_circle_and_lose_no_words(case: tuple[list[Action], list[int | None]]) -> None:
    actions, joins = case
    merged, now = join_actions(actions, joins)
    assert {span for action in merged for span in action.spans} == {span for action in actions for span in action.spans}
    assert all(actions[place].text in merged[now[place]].text for place in range(len(actions)))
    done: set[int] = set()
    while len(done) < len(merged):
        ready = {place for place, action in enumerate(merged) if place not in done and done.issuperset(action.after)}
        assert ready
        done |= ready
