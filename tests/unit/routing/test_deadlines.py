"""By when each task must end."""

import math

from hypothesis import given
from hypothesis import strategies as st

from genesis_server.model.plan import Edge, Plan, Task, TaskConstraints
from genesis_server.routing.deadlines import latest_ends
from genesis_server.routing.timeline import timeline_of


def _chain(*deadlines: float | None) -> Plan:
    tasks = [Task(f"t{n}", "g", constraints=TaskConstraints(deadline_seconds=end)) for n, end in enumerate(deadlines)]
    return Plan("g", tuple(tasks), tuple(Edge(f"t{n}", f"t{n + 1}") for n in range(len(tasks) - 1)))


def test_without_deadlines_nothing_binds() -> None:
    """A plan without deadlines may take as long as it takes."""
    plan = _chain(None, None)
    assert latest_ends(plan, timeline_of(plan), [1.0, 1.0], None) == [math.inf, math.inf]


def test_a_late_deadline_leaves_time_for_what_comes_before() -> None:
    """The last task's deadline, less its fastest time, is the deadline of the one before."""
    plan = _chain(None, None, 100.0)
    assert latest_ends(plan, timeline_of(plan), [10.0, 20.0, 30.0], None) == [50.0, 70.0, 100.0]
    plan = _chain(None, None)
    assert latest_ends(plan, timeline_of(plan), [10.0, 20.0], 60.0) == [40.0, 60.0]


def test_a_deadline_nobody_can_keep_binds_nobody_else() -> None:
    """A lost cause does not drag down the tasks before it."""
    plan = _chain(50.0, 15.0)
    assert latest_ends(plan, timeline_of(plan), [10.0, 20.0], None) == [50.0, 15.0]


@given(st.lists(st.tuples(st.floats(0, 50), st.one_of(st.none(), st.floats(0, 200))), min_size=1, max_size=8))
def test_the_fastest_choice_keeps_every_latest_end_that_can_be_kept(steps: list[tuple[float, float | None]]) -> None:
    """Where the fastest plan keeps its deadlines it also keeps the latest ends, so that somebody is always feasible."""
    plan = _chain(*[deadline for _, deadline in steps])
    ends = latest_ends(plan, timeline_of(plan), [seconds for seconds, _ in steps], None)
    now = 0.0
    for (seconds, deadline), end in zip(steps, ends, strict=True):
        now += seconds
        assert end <= (math.inf if deadline is None else deadline)
        if deadline is None or now <= deadline:
            assert now <= end + 1e-6
