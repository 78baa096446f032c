"""The times of phases."""

from __future__ import annotations

import pytest

from genesis_server.orchestration.phases import PhaseTimer


def test_phases_come_in_order_and_add_up_when_they_run_again() -> None:
    times = iter([0.0, 1.0, 1.0, 3.0, 5.0, 6.0])
    told: list[tuple[str, float]] = []
    timer = PhaseTimer(lambda: next(times), lambda name, seconds: told.append((name, seconds)))
    for name in ("route", "validate", "route"):
        with timer.phase(name):
            pass
    assert [(phase.phase, phase.seconds) for phase in timer.phases] == [("route", 2.0), ("validate", 2.0)]
    assert told == [("route", 1.0), ("validate", 2.0), ("route", 1.0)]


def test_a_phase_that_fails_is_measured() -> None:
    times = iter([0.0, 2.0])
    timer = PhaseTimer(lambda: next(times), lambda _name, _seconds: None)
    with pytest.raises(RuntimeError), timer.phase("plan"):
        raise RuntimeError
    assert timer.phases[0].seconds == 2.0
