"""The order of ready work: priorities, turns between plans, deadlines, long paths first."""

from __future__ import annotations

from collections import Counter
from copy import deepcopy
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from genesis_server.dispatch.queue import PATIENCE, FairQueue, Ready


def ready(plan_id: str, task_id: str = "t", *, priority: int = 5, deadline: float = inf, order: int = 0, rank: float = 0.0) -> Ready:
    return Ready(plan_id, task_id, priority, deadline, order, rank)


def queue_of(*all_ready: Ready) -> FairQueue:
    queue = FairQueue()
    for one in all_ready:
        queue.put(one)
    return queue


def emptied(queue: FairQueue, *, starting: bool = False) -> list[str]:
    taken: list[str] = []
    while (one := queue.pop()) is not None:
        taken.append(f"{one.plan_id}.{one.task_id}")
        if starting:
            queue.started(one.plan_id)
    return taken


def test_higher_priorities_go_first() -> None:
    queue = queue_of(ready("a", priority=1), ready("b", priority=9), ready("c"))
    queue.started("b")
    assert emptied(queue) == ["b.t", "c.t", "a.t"]


def test_the_plan_with_the_fewest_tasks_under_way_is_next() -> None:
    queue = queue_of(*[ready("a", f"{number}", order=number) for number in range(4)], ready("b", "0"), ready("b", "1"))
    queue.started("a")
    assert emptied(queue, starting=True) == ["b.0", "a.0", "b.1", "a.1", "a.2", "a.3"]


def test_what_ends_makes_room_for_its_plan() -> None:
    queue = queue_of(ready("a"), ready("b"))
    for _ in range(3):
        queue.started("a")
    queue.started("b")
    for _ in range(4):
        queue.ended("a")
    queue.ended("unknown")
    assert emptied(queue) == ["a.t", "b.t"]


def test_plans_take_turns_also_when_every_task_ends_at_once() -> None:
    queue = queue_of(*[ready(plan_id, f"{number}", order=number) for plan_id in "ab" for number in range(3)])
    assert emptied(queue) == ["a.0", "b.0", "a.1", "b.1", "a.2", "b.2"]


def test_the_earliest_deadline_decides_between_plans_with_as_many_tasks_under_way() -> None:
    assert emptied(queue_of(ready("a"), ready("b", deadline=9.0), ready("c", deadline=5.0))) == ["c.t", "b.t", "a.t"]


def test_inside_a_plan_deadline_then_longest_path_then_the_plans_order() -> None:
    tasks = [ready("a", "4", order=1), ready("a", "3"), ready("a", "2", rank=9.0, order=5), ready("a", "1", deadline=5.0, order=9)]
    assert emptied(queue_of(*tasks)) == ["a.1", "a.2", "a.3", "a.4"]


def test_looking_takes_nothing_and_an_empty_queue_has_nothing() -> None:
    queue = queue_of(ready("a"))
    assert queue.peek() == ready("a")
    assert len(queue) == 1
    assert queue.pop() == ready("a")
    assert queue.peek() is None
    assert queue.pop() is None


def test_putting_a_task_again_takes_its_old_place_away() -> None:
    queue = queue_of(ready("a", "1", rank=1.0), ready("a", "2"), ready("a", "1"), ready("a", "2", rank=2.0), ready("a", "1", priority=1))
    assert len(queue) == 2
    assert ("a", "1") in queue
    assert emptied(queue) == ["a.2", "a.1"]


def test_a_task_and_a_whole_plan_go_out_of_the_line() -> None:
    queue = queue_of(ready("a", "1"), ready("a", "2", priority=9), ready("b"), ready("b", "2"))
    queue.discard("b", "2")
    queue.discard("b", "never there")
    queue.discard_plan("a")
    queue.discard_plan("never there")
    assert ("a", "1") not in queue
    assert emptied(queue) == ["b.t"]


@pytest.mark.parametrize("others", [1, 5])
def test_deadlines_starve_no_plan(others: int) -> None:
    queue = queue_of(ready("patient"))
    for turn in range(PATIENCE * (others + 1) + others + 1):
        for other in range(others):
            queue.put(ready(f"urgent{other}", deadline=float(turn)))
        one = queue.pop()
        assert one is not None
        if one.plan_id == "patient":
            return
    pytest.fail("the plan without a deadline never got a turn")


@given(st.lists(st.integers(1, 6), min_size=2, max_size=5), st.integers(1, 6))
def test_plans_differ_by_one_task_under_way_at_most_while_all_have_work(sizes: list[int], slots: int) -> None:
    queue = queue_of(*[ready(f"p{plan}", f"{number}") for plan, size in enumerate(sizes) for number in range(size)])
    left, running = dict(enumerate(sizes)), Counter[int]()
    for _ in range(slots):
        one = queue.pop()
        if one is None:
            break
        queue.started(one.plan_id)
        plan = int(one.plan_id[1:])
        left[plan] -= 1
        running[plan] += 1
        waiting = [running[other] for other, size in left.items() if size]
        assert max(running.values()) - min(waiting, default=max(running.values())) <= 1


_MOVES = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.sampled_from("abc"), st.sampled_from([1, 5]), st.sampled_from([1.0, 2.0, inf])),
        st.tuples(st.sampled_from(["pop", "started", "ended"]), st.sampled_from("abc"), st.just(5), st.just(inf)),
    ),
    min_size=1,
    max_size=60,
)


@given(_MOVES, st.sampled_from("abcd"), st.integers(1, 3))
def test_a_plan_gets_the_place_of_its_own_task_just_when_it_would_once_that_has_ended(
    moves: list[tuple[str, str, int, float]], plan_id: str, fewer: int
) -> None:
    queue, running = FairQueue(), Counter[str]()
    for number, (move, other, priority, deadline) in enumerate(moves):
        if move == "put":
            queue.put(ready(other, f"{number}", priority=priority, deadline=deadline, order=number))
        elif move == "pop":
            queue.pop()
        elif move == "started":
            queue.started(other)
            running[other] += 1
        elif running[other]:
            queue.ended(other)
            running[other] -= 1
    for _ in range(fewer - running[plan_id]):
        queue.started(plan_id)
    later = deepcopy(queue)
    for _ in range(fewer):
        later.ended(plan_id)
    first = later.peek()
    taken = queue.pop_of(plan_id, fewer=fewer)
    if first is not None and first.plan_id == plan_id:
        assert taken == first == later.pop()
    else:
        assert taken is None
    for _ in range(fewer):
        later.started(plan_id)
    assert emptied(queue) == emptied(later)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([1.0, 2.0, inf])), min_size=1, max_size=40))
def test_everything_that_is_put_in_comes_out_once(entries: list[tuple[str, float]]) -> None:
    queue = queue_of(*[ready(plan_id, f"{number}", deadline=deadline) for number, (plan_id, deadline) in enumerate(entries)])
    assert len(queue) == len(entries)
    assert sorted(emptied(queue)) == sorted(f"{plan_id}.{number}" for number, (plan_id, _) in enumerate(entries))
    assert len(queue) == 0


class AnyUse(RuleBasedStateMachine):
    """Against a plain list: what is taken has the highest priority, the fewest under way, and is the best of its plan."""

    def __init__(self) -> None:
        super().__init__()
        self.queue = FairQueue()
        self.there: dict[tuple[str, str], Ready] = {}
        self.running = Counter[str]()

    @rule(
        plan_id=st.sampled_from("abc"),
        task_id=st.sampled_from("123"),
        priority=st.integers(0, 2),
        deadline=st.sampled_from([1.0, 2.0, inf]),
        rank=st.integers(0, 2),
    )
    def put(self, plan_id: str, task_id: str, priority: int, deadline: float, rank: int) -> None:
        one = ready(plan_id, task_id, priority=priority, deadline=deadline, rank=float(rank))
        self.queue.put(one)
        self.there[plan_id, task_id] = one

    @rule()
    def pop(self) -> None:
        expected = self.queue.peek()
        one = self.queue.pop()
        assert one == expected
        if one is None:
            assert not self.there
            return
        best = min((-other.priority, self.running[other.plan_id]) for other in self.there.values())
        assert (-one.priority, self.running[one.plan_id]) == best
        mates = [other for other in self.there.values() if (other.plan_id, other.priority) == (one.plan_id, one.priority)]
        assert one == min(mates, key=lambda other: (other.deadline, -other.rank, other.plan_order, other.task_id))
        assert self.there.pop((one.plan_id, one.task_id)) == one

    @rule(plan_id=st.sampled_from("abc"), task_id=st.sampled_from("123"))
    def discard(self, plan_id: str, task_id: str) -> None:
        self.queue.discard(plan_id, task_id)
        self.there.pop((plan_id, task_id), None)

    @rule(plan_id=st.sampled_from("abc"))
    def discard_plan(self, plan_id: str) -> None:
        self.queue.discard_plan(plan_id)
        self.there = {place: one for place, one in self.there.items() if place[0] != plan_id}

    @rule(plan_id=st.sampled_from("abc"))
    def started(self, plan_id: str) -> None:
        self.queue.started(plan_id)
        self.running[plan_id] += 1

    @rule(plan_id=st.sampled_from("abc"))
    def ended(self, plan_id: str) -> None:
        self.queue.ended(plan_id)
        self.running[plan_id] = max(0, self.running[plan_id] - 1)

    @invariant()
    def knows_what_is_there(self) -> None:
        assert len(self.queue) == len(self.there)
        assert all(place in self.queue for place in self.there)


TestAnyUse = AnyUse.TestCase


def test_what_is_gone_leaves_nothing_behind() -> None:
    queue = FairQueue()
    for turn in range(5_000):
        queue.put(ready(f"p{turn % 7}", f"{turn % 11}", deadline=float(turn), rank=float(turn % 5)))
        queue.started(f"p{turn % 7}")
        queue.ended(f"p{turn % 7}")
        if turn % 2:
            queue.discard(f"p{turn % 7}", f"{turn % 11}")
    entries = (
        len(queue._by_deadline) + len(queue._by_turn) + sum(len(line.heap) for lines in queue._lines.values() for line in lines.values())
    )
    assert entries < 1_000


def test_tasks_that_are_taken_out_behind_the_first_leave_nothing_behind() -> None:
    queue = queue_of(*[ready("a", f"{number}", order=number) for number in range(1_000)])
    for number in range(1, 1_000):
        queue.discard("a", f"{number}")
    queue.put(ready("a", "last", order=1_000))
    assert len(queue._lines["a"][5].heap) < 100
    assert emptied(queue) == ["a.0", "a.last"]
