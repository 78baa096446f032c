"""Several processes with one breaker: whatever they see and whenever they hear of each other, they agree, and one task is the trial."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genesis_server.agents.shared_breaker import (
    BEAT_SECONDS,
    FAILURES,
    LAPSE_SECONDS,
    MAX_REASON,
    RESET_SECONDS,
    UNUSED_SECONDS,
    BreakerRecord,
    SharedBreaker,
    record_from_bytes,
    record_to_bytes,
)
from genesis_server.resilience.breakers import TRIAL_RETRY_SECONDS, BreakerState

CLOSED, OPEN, HALF_OPEN = BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN


@dataclass
class World:
    """A clock, one document, and who writes it."""

    clock: float = 1_000.0
    wall: dict[str, float] = field(default_factory=dict[str, float])
    version: int = 0
    record: BreakerRecord | None = None
    transitions: list[tuple[str, str, str]] = field(default_factory=list[tuple[str, str, str]])

    def process(self, name: str) -> SharedBreaker:
        return SharedBreaker(
            "builder",
            process=name,
            clock=lambda: self.clock,
            now=lambda: self.clock + self.wall.get(name, 1e9),
            on_transition=lambda old, new: self.transitions.append((name, old, new)),
        )

    def write(self, record: BreakerRecord, expected: int) -> int | None:
        """The new version, or None when another came first."""
        if expected != self.version:
            return None
        self.version += 1
        self.record = record_from_bytes(record_to_bytes(record))
        return self.version

    def hear(self, breaker: SharedBreaker) -> None:
        if self.record is not None:
            breaker.adopt(self.version, self.record)

    def tend(self, *breakers: SharedBreaker) -> None:
        """Everybody writes what it wants, and hears of the others."""
        for _ in range(20):
            wanting = [(breaker, record) for breaker in breakers if (record := breaker.wanted()) is not None]
            for breaker, record in wanting:
                version = self.write(record, breaker.version)
                if version is not None:
                    breaker.adopt(version, record)
            for breaker in breakers:
                self.hear(breaker)
            if not wanting:
                return
        raise AssertionError("they never come to rest")


def fail(breaker: SharedBreaker, times: int = FAILURES) -> None:
    for _ in range(times):
        breaker.tell("it said no")


def test_an_opening_reaches_the_other_process() -> None:
    """Five failures in a row in one process keep work from the agent in both, with the reason and the time, for a minute."""
    world = World()
    one, other = world.process("one"), world.process("other")
    fail(one, 4)
    assert one.wanted() is None
    assert other.state is one.state is CLOSED
    fail(one, 1)
    assert (one.take(), one.passes, other.take()) == (False, False, True)
    world.clock += 2
    world.tend(one, other)
    assert (one.take(), other.take(), other.passes) == (False, False, False)
    assert (other.view.reason, other.view.opened_at) == ("it said no", 1e9 + 1_000)
    assert (one.retry_in, other.retry_in) == (RESET_SECONDS - 2, RESET_SECONDS)
    assert other.view.retry_at == 1e9 + 1_002 + RESET_SECONDS


def opened(world: World, *names: str) -> list[SharedBreaker]:
    """Processes whose common breaker is open and due."""
    breakers = [world.process(name) for name in names]
    fail(breakers[0])
    world.tend(*breakers)
    world.clock += RESET_SECONDS
    return breakers


def test_one_task_of_all_processes_is_the_trial() -> None:
    """When the time is over two processes ask at once: one gets the trial as soon as its claim is written, the other waits."""
    world = World()
    one, other = opened(world, "one", "other")
    assert (one.retry_in, one.passes, one.take(), other.take()) == (0.0, True, False, False)
    assert (one.retry_in, one.passes, one.state) == (TRIAL_RETRY_SECONDS, False, OPEN)
    world.tend(one, other)
    assert (one.state, other.state) == (HALF_OPEN, HALF_OPEN)
    assert [(one.take(), other.take()) for _ in range(3)] == [(True, False), (False, False), (False, False)]
    assert (one.retry_in, other.retry_in) == (TRIAL_RETRY_SECONDS, TRIAL_RETRY_SECONDS)
    one.tell(None)
    assert one.take()
    world.tend(one, other)
    assert (one.state, other.state, other.retry_in, other.view.reason) == (CLOSED, CLOSED, None, "")


def test_a_failed_trial_opens_it_everywhere_for_the_whole_time() -> None:
    """One failure is enough while half-open."""
    world = World()
    one, other = opened(world, "one", "other")
    one.take()
    world.tend(one, other)
    assert one.take()
    one.tell("still\nno")
    world.tend(one, other)
    assert (one.retry_in, other.retry_in, other.view.reason) == (RESET_SECONDS, RESET_SECONDS, "still no")


def test_a_report_that_comes_to_another_process_decides() -> None:
    """The worker moved to another server while it did the trial: that server's word counts, and the first one's trial is over."""
    world = World()
    one, other = opened(world, "one", "other")
    one.take()
    world.tend(one, other)
    assert one.take()
    other.tell(None)
    world.tend(one, other)
    assert (one.state, other.state) == (CLOSED, CLOSED)
    fail(one, 4)
    assert one.state is CLOSED


def test_what_was_handed_out_before_says_nothing_while_open() -> None:
    """Tasks that were under way when it opened neither close it nor keep it open longer."""
    world = World()
    (one,) = opened(world, "one")
    world.clock -= 30
    one.tell(None)
    one.tell("no")
    one.release()
    assert (one.state, one.retry_in, one.wanted()) == (OPEN, 30.0, None)


@pytest.mark.parametrize("end", ["release", "unused"])
def test_a_trial_without_a_verdict_is_anybodys_again(end: str) -> None:
    """A trial that was declined, or a claim for which there is no task any more, does not keep the agent out."""
    world = World()
    one, other = opened(world, "one", "other")
    one.take()
    world.tend(one, other)
    if end == "release":
        assert one.take()
        one.release()
    else:
        world.clock += UNUSED_SECONDS
    world.tend(one, other)
    assert (other.state, other.passes, other.retry_in, one.passes) == (HALF_OPEN, True, 0.0, True)
    assert not other.take()
    world.tend(one, other)
    assert (other.take(), one.take()) == (True, False)


def test_a_long_trial_stays_one_while_its_process_lives() -> None:
    """A trial of many minutes keeps everybody else out; when its process dies another one tries half a minute later."""
    world = World()
    one, other = opened(world, "one", "other")
    one.take()
    world.tend(one, other)
    assert one.take()
    for _ in range(30):
        world.clock += BEAT_SECONDS
        world.tend(one, other)
        assert not other.passes
    world.clock += LAPSE_SECONDS - 1
    assert not other.take()
    world.clock += 1
    assert (other.passes, one.passes, one.take()) == (True, False, False)
    assert not other.take()
    world.tend(other)
    assert other.take()
    world.hear(one)
    assert (one.take(), one.passes) == (False, False)


def test_a_process_that_was_held_up_does_not_try_on_an_old_claim() -> None:
    """Who could not tell that it is there for half a minute claims anew before it hands out the trial."""
    world = World()
    one, other = opened(world, "one", "other")
    one.take()
    world.tend(one, other)
    world.clock += LAPSE_SECONDS
    assert not other.take()
    world.tend(other)
    assert other.take()
    assert not one.take()
    world.tend(one, other)
    assert not one.take()


@pytest.mark.parametrize("jump", [-1e6, -61.0, 61.0, 1e6])
def test_a_jump_of_the_wall_clock_changes_no_decision(jump: float) -> None:
    """Whatever the date does while a breaker is open, its trial comes after sixty seconds, here and in the other process."""
    world = World()
    one, other = world.process("one"), world.process("other")
    fail(one)
    world.wall = {"one": 1e9 + jump, "other": 1e9 - jump}
    world.tend(one, other)
    world.clock += RESET_SECONDS - 0.1
    assert (one.passes, other.passes) == (False, False)
    world.clock += 0.1
    assert (one.passes, other.passes) == (True, True)


def test_a_process_that_starts_anew_goes_on() -> None:
    """After a restart an open breaker is open, at most for its time again; a trial that died with the process is tried again."""
    world = World()
    (one,) = opened(world, "one")
    again = world.process("again")
    world.hear(again)
    assert (again.state, again.retry_in, again.view.reason) == (OPEN, RESET_SECONDS, "it said no")
    one.take()
    world.tend(one)
    assert one.take()
    third = world.process("third")
    world.hear(third)
    assert (third.state, third.passes, third.view.reason) == (HALF_OPEN, False, "it said no")
    assert (third.view.retry_at or 0) <= world.clock + 1e9
    world.clock += LAPSE_SECONDS
    assert third.passes


def test_two_openings_at_once_are_one() -> None:
    """Both processes saw five failures: the second to write takes over what the first wrote."""
    world = World()
    one, other = world.process("one"), world.process("other")
    fail(one)
    fail(other)
    world.tend(one, other)
    assert (world.version, one.state, other.state, one.wanted(), other.wanted()) == (1, OPEN, OPEN, None, None)


def test_what_is_not_understood_is_overwritten() -> None:
    """A document that is gone or from another age of the server stops nothing."""
    assert record_from_bytes(b"{}") is None
    assert record_from_bytes(b"not json") is None
    world = World()
    one = world.process("one")
    one.skip(7)
    world.version = 7
    fail(one)
    world.tend(one)
    assert (world.version, world.record and world.record.state) == (8, OPEN)


def test_the_words_of_a_failure_are_kept_short() -> None:
    """An agent cannot fill Health with its error."""
    world = World()
    one = world.process("one")
    for _ in range(FAILURES):
        one.tell("x" * 10_000)
    assert one.view.reason == "x" * MAX_REASON


def test_what_is_decided_during_a_write_is_written_next() -> None:
    """The trial ends while its sign of life is being written: the success is not forgotten."""
    world = World()
    (one,) = opened(world, "one")
    one.take()
    world.tend(one)
    assert one.take()
    world.clock += BEAT_SECONDS
    beat = one.wanted()
    assert beat is not None
    one.tell(None)
    one.adopt(world.write(beat, one.version) or 0, beat)
    world.tend(one)
    assert world.record is not None
    assert (world.record.state, one.state) == (CLOSED, CLOSED)


def test_old_news_is_none() -> None:
    """A version that comes late, after a later one, changes nothing."""
    world = World()
    one, other = world.process("one"), world.process("other")
    fail(one)
    world.tend(one, other)
    opening, world.record = world.record, BreakerRecord(CLOSED, 0.0)
    world.version += 1
    world.hear(other)
    assert opening is not None
    other.adopt(1, opening)
    assert other.state is CLOSED


def test_only_the_end_of_the_trial_makes_room_for_another() -> None:
    """Other work that ends without a verdict meanwhile is not the trial, whichever process hears of it."""
    world = World()
    one, other = opened(world, "one", "other")
    one.take()
    world.tend(one, other)
    assert one.take()
    one.begin(("p", "a"))
    one.begin(("p", "b"))
    for work in (("p", "b"), ("q", "a"), None):
        one.release(work)
        other.release(work)
        world.tend(one, other)
        assert (one.holds, one.passes, other.passes) == (True, False, False)
    other.release(("p", "a"))
    assert not other.passes
    one.release(("p", "a"))
    world.tend(one, other)
    assert (one.passes, other.passes) == (True, True)


def test_a_slow_write_does_not_make_two_trials() -> None:
    """The time a claim is good for counts from before it was written, also when the answer came late."""
    world = World()
    one, other = opened(world, "one", "other")
    one.take()
    claim = one.wanted()
    assert claim is not None
    version = world.write(claim, one.version) or 0
    world.hear(other)
    world.clock += LAPSE_SECONDS
    one.adopt(version, claim)
    assert not one.take()


class Simulation:
    """Three processes that do anything in any order, with writes that take their time."""

    def __init__(self) -> None:
        self.world = World()
        self.breakers = {name: self.world.process(name) for name in "abc"}
        self.in_flight: dict[str, tuple[BreakerRecord, int]] = {}
        self.trials: dict[str, int] = {}
        """Who is trying, with the count of openings then."""
        self.written: dict[str, float] = {}
        """When each process wrote last."""
        self.openings = 0
        self.restarts = 0

    def step(self, what: str, name: str) -> None:
        if what.startswith("wait"):
            self.world.clock += float(what.split()[1])
        elif what in {"fault", "success"}:
            self.trials.pop(name, None)
            self.breakers[name].tell("no" if what == "fault" else None)
        else:
            getattr(self, what.replace(" ", "_"))(name)

    def take(self, name: str) -> None:
        breaker = self.breakers[name]
        closed = breaker.state is CLOSED
        if breaker.take() and not closed:
            self.check_trial(name)

    def release(self, name: str) -> None:
        if self.trials.pop(name, None) is not None:
            self.breakers[name].release()

    def begin_write(self, name: str) -> None:
        breaker = self.breakers[name]
        if name not in self.in_flight and (record := breaker.wanted()) is not None:
            self.in_flight[name] = record, breaker.version

    def end_write(self, name: str) -> None:
        if name in self.in_flight:
            record, expected = self.in_flight.pop(name)
            version = self.world.write(record, expected)
            if version is None:
                self.hear(name)
            else:
                self.count(name, record)
                self.breakers[name].adopt(version, record)

    def hear(self, name: str) -> None:
        self.world.hear(self.breakers[name])

    def reset(self, name: str) -> None:
        self.world.write(BreakerRecord(CLOSED, 0.0), self.world.version)
        self.hear(name)

    def restart(self, name: str) -> None:
        self.restarts += 1
        self.in_flight.pop(name, None)
        self.trials.pop(name, None)
        self.breakers[name] = self.world.process(f"{name}{self.restarts}")
        self.hear(name)

    def count(self, name: str, record: BreakerRecord) -> None:
        self.written[name] = self.world.clock
        if record.state is OPEN:
            self.openings += 1
        if record.state is HALF_OPEN and record.holder == "":
            # It was given back: whoever still tries has lost the right to it.
            self.trials.clear()

    def check_trial(self, name: str) -> None:
        for other, openings in self.trials.items():
            if other != name and openings == self.openings:
                assert self.world.clock - self.written[other] >= LAPSE_SECONDS, "two trials at once"
        self.trials[name] = self.openings

    def settle(self) -> None:
        for name in self.breakers:
            self.end_write(name)
        self.world.tend(*self.breakers.values())


STEPS = st.tuples(
    st.sampled_from(
        ["fault"] * 6
        + [
            "success",
            "take",
            "take",
            "begin write",
            "end write",
            "hear",
            "release",
            "reset",
            "restart",
            "wait 3",
            "wait 11",
            "wait 31",
            "wait 60",
        ]
    ),
    st.sampled_from("abc"),
)


@settings(max_examples=400, deadline=None)
@given(st.lists(STEPS, max_size=120))
def test_processes_agree_whatever_happens(steps: list[tuple[str, str]]) -> None:
    """After everything was written and heard, all are in the document's state; there were never two trials at once."""
    simulation = Simulation()
    for what, name in steps:
        simulation.step(what, name)
    simulation.settle()
    world = simulation.world
    states = {breaker.state for breaker in simulation.breakers.values()}
    assert states == {world.record.state if world.record is not None else CLOSED}
    assert all(breaker.version == world.version for breaker in simulation.breakers.values())


@settings(max_examples=200, deadline=None)
@given(steps=st.lists(STEPS, max_size=60), works=st.booleans())
def test_no_agent_stays_out_for_ever(steps: list[tuple[str, str]], *, works: bool) -> None:
    """Whatever happened, two minutes later somebody may try; an agent that works is in again."""
    simulation = Simulation()
    for what, name in steps:
        simulation.step(what, name)
    simulation.settle()
    world, breakers = simulation.world, list(simulation.breakers.values())
    world.clock += RESET_SECONDS + LAPSE_SECONDS
    world.tend(*breakers)
    world.clock += LAPSE_SECONDS + UNUSED_SECONDS
    world.tend(*breakers)
    one = breakers[0]
    trying = [breaker for breaker in breakers if breaker.state is HALF_OPEN and not breaker.passes and breaker.holds]
    if not trying:
        if not one.take():
            world.tend(*breakers)
            assert one.take()
        trying = [one]
    trying[0].tell(None if works else "no")
    world.tend(*breakers)
    if works:
        assert {breaker.state for breaker in breakers} == {CLOSED}
