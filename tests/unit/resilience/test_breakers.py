from __future__ import annotations

import asyncio
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis_server.resilience.breakers import TRIAL_RETRY_SECONDS, Breaker, BreakerState, Permit, ToldFaultError
from genesis_server.resilience.errors import NetworkError, ResourceError

CLOSED, OPEN, HALF_OPEN = BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Dependency:
    """Fails while `error` is set; counts who got through."""

    def __init__(self) -> None:
        self.error: BaseException | None = None
        self.calls = 0

    async def call(self) -> str:
        self.calls += 1
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        return "answer"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def transitions() -> list[tuple[str, str, float | None, str]]:
    return []


@pytest.fixture
def breaker(clock: Clock, transitions: list[tuple[str, str, float | None, str]]) -> Breaker:
    return Breaker(
        "model",
        clock=clock,
        is_fault=lambda error: isinstance(error, OSError),
        on_transition=lambda breaker, old, new: transitions.append((old, new, breaker.opened_at, breaker.reason)),
    )


async def fail(breaker: Breaker, dependency: Dependency, times: int = 5) -> None:
    dependency.error = ConnectionError("secret address")
    for _ in range(times):
        with pytest.raises(ConnectionError, match="secret address"):
            await breaker.run(dependency.call)


async def test_five_faults_in_a_row_open_it(breaker: Breaker, clock: Clock, transitions: list[object]) -> None:
    """The fifth fault still comes through as it is; the next caller is refused at once, told why and how long."""
    dependency = Dependency()
    await fail(breaker, dependency, 4)
    assert (breaker.state, breaker.opened_at, breaker.retry_at) == (CLOSED, None, None)
    await fail(breaker, dependency, 1)
    assert (breaker.state, breaker.opened_at, breaker.retry_at, breaker.reason) == (OPEN, 100.0, 160.0, "ConnectionError")
    clock.now += 20
    with pytest.raises(NetworkError) as caught:
        await breaker.run(dependency.call)
    assert caught.value.reason == "DEPENDENCY_CIRCUIT_OPEN"
    assert caught.value.retry_after_seconds == 40.0
    assert caught.value.facts == {"dependency": "model"}
    assert "secret" not in caught.value.message
    assert dependency.calls == 5
    assert transitions == [(CLOSED, OPEN, 100.0, "ConnectionError")]


async def test_a_success_forgets_the_faults(breaker: Breaker) -> None:
    """Faults count in a row only."""
    dependency = Dependency()
    for _ in range(5):
        await fail(breaker, dependency, 4)
        dependency.error = None
        assert await breaker.run(dependency.call) == "answer"
    assert breaker.state is CLOSED


async def test_a_good_trial_closes_it(breaker: Breaker, clock: Clock, transitions: list[tuple[str, str, float | None, str]]) -> None:
    """After the reset time one call is let through; when it works everything is as before."""
    dependency = Dependency()
    await fail(breaker, dependency)
    clock.now += 60
    dependency.error = None
    assert await breaker.run(dependency.call) == "answer"
    assert (breaker.state, breaker.opened_at, breaker.reason) == (CLOSED, None, "")
    assert [(old, new) for old, new, _, _ in transitions] == [(CLOSED, OPEN), (OPEN, HALF_OPEN), (HALF_OPEN, CLOSED)]
    await fail(breaker, dependency, 4)
    assert breaker.state is CLOSED


async def test_a_bad_trial_opens_it_again(breaker: Breaker, clock: Clock) -> None:
    """One fault in the trial is enough, and the whole reset time runs anew."""
    dependency = Dependency()
    await fail(breaker, dependency)
    clock.now += 75
    await fail(breaker, dependency, 1)
    assert (breaker.state, breaker.opened_at, breaker.retry_at) == (OPEN, 175.0, 235.0)
    clock.now += 59
    with pytest.raises(NetworkError):
        await breaker.run(dependency.call)
    assert dependency.calls == 6


async def test_one_of_fifty_is_the_trial(breaker: Breaker, clock: Clock) -> None:
    """When fifty callers arrive at the half-open breaker, the dependency sees one."""
    dependency = Dependency()
    await fail(breaker, dependency)
    clock.now += 60
    dependency.error, dependency.calls = None, 0
    outcomes = await asyncio.gather(*(breaker.run(dependency.call) for _ in range(50)), return_exceptions=True)
    assert dependency.calls == 1
    assert outcomes.count("answer") == 1
    refused = [outcome for outcome in outcomes if isinstance(outcome, NetworkError)]
    assert len(refused) == 49
    assert {error.retry_after_seconds for error in refused} == {TRIAL_RETRY_SECONDS}


async def test_cancellations_count_neither_way(breaker: Breaker) -> None:
    """Callers that give up neither open a breaker nor forget its faults, and see their own cancellation."""
    dependency = Dependency()
    await fail(breaker, dependency, 4)
    dependency.error = asyncio.CancelledError()
    for _ in range(10):
        with pytest.raises(asyncio.CancelledError):
            await breaker.run(dependency.call)
    assert breaker.state is CLOSED
    await fail(breaker, dependency, 1)
    assert breaker.state is OPEN


async def test_a_cancelled_trial_makes_room_for_the_next(breaker: Breaker, clock: Clock) -> None:
    """A trial whose caller gave up says nothing: the breaker stays half-open and the next caller tries."""
    dependency = Dependency()
    await fail(breaker, dependency)
    clock.now += 60
    hanging = asyncio.ensure_future(breaker.run(asyncio.Event().wait))
    await asyncio.sleep(0)
    with pytest.raises(NetworkError):
        await breaker.run(dependency.call)
    hanging.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hanging
    assert breaker.state is HALF_OPEN
    dependency.error = None
    assert await breaker.run(dependency.call) == "answer"
    assert breaker.state is CLOSED


async def test_other_errors_count_neither_way(breaker: Breaker, clock: Clock) -> None:
    """An error that is the caller's own neither resets the count nor closes a half-open breaker."""
    dependency = Dependency()
    await fail(breaker, dependency, 4)
    dependency.error = ValueError("the caller's")
    for _ in range(10):
        with pytest.raises(ValueError, match="the caller's"):
            await breaker.run(dependency.call)
    await fail(breaker, dependency, 1)
    assert breaker.state is OPEN
    clock.now += 60
    dependency.error = ValueError("the caller's")
    with pytest.raises(ValueError, match="the caller's"):
        await breaker.run(dependency.call)
    assert breaker.state is HALF_OPEN


async def test_late_outcomes_of_an_earlier_state_are_ignored(breaker: Breaker, clock: Clock) -> None:
    """Calls that began before the breaker opened change nothing when they end: no early closing, no longer opening."""
    gates = [asyncio.Event() for _ in range(2)]

    async def slow(gate: asyncio.Event, error: Exception | None) -> None:
        await gate.wait()
        if error is not None:
            raise error

    succeeding = asyncio.ensure_future(breaker.run(lambda: slow(gates[0], None)))
    failing = asyncio.ensure_future(breaker.run(lambda: slow(gates[1], TimeoutError())))
    await asyncio.sleep(0)
    await fail(breaker, Dependency())
    clock.now += 10
    gates[0].set()
    await succeeding
    gates[1].set()
    with pytest.raises(TimeoutError):
        await failing
    assert (breaker.state, breaker.opened_at) == (OPEN, 100.0)


async def test_the_wall_clock_does_not_matter(breaker: Breaker, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the clock passed in lets the trial through, whatever the machine's date does."""
    import datetime as dt

    import pybreaker

    class Later(dt.datetime):
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> dt.datetime:
            return dt.datetime(2099, 1, 1, tzinfo=tz) - dt.timedelta(days=36500)

    monkeypatch.setattr(pybreaker, "datetime", Later)
    dependency = Dependency()
    await fail(breaker, dependency)
    monkeypatch.setattr(pybreaker, "datetime", dt.datetime)
    with pytest.raises(NetworkError):
        await breaker.run(dependency.call)
    clock.now += 60
    dependency.error = None
    assert await breaker.run(dependency.call) == "answer"


def test_plain_functions_and_threads(breaker: Breaker, clock: Clock) -> None:
    """Without an event loop it does the same; of sixteen threads one is the trial."""

    def failing() -> None:
        raise TimeoutError

    for _ in range(5):
        with pytest.raises(TimeoutError):
            breaker.run_sync(failing)
    with pytest.raises(NetworkError):
        breaker.run_sync(failing)
    clock.now += 60
    inside, leave = threading.Event(), threading.Event()
    outcomes: list[str] = []

    def trial() -> str:
        inside.set()
        leave.wait(5)
        return "answer"

    def caller() -> None:
        try:
            outcomes.append(breaker.run_sync(trial))
        except NetworkError:
            outcomes.append("refused")

    first = threading.Thread(target=caller)
    first.start()
    assert inside.wait(5)
    rest = [threading.Thread(target=caller) for _ in range(15)]
    for thread in rest:
        thread.start()
    for thread in rest:
        thread.join()
    leave.set()
    first.join()
    assert sorted(outcomes) == ["answer"] + ["refused"] * 15
    assert breaker.state is CLOSED


async def test_the_reason_of_an_error_is_kept(clock: Clock) -> None:
    """Health shows the reason of a Genesis error and never its text."""
    breaker = Breaker("storage", clock=clock, is_fault=lambda _: True, failures=1)

    async def failing() -> None:
        raise ResourceError("STORAGE_UNAVAILABLE", "text")

    with pytest.raises(ResourceError):
        await breaker.run(failing)
    assert breaker.reason == "STORAGE_UNAVAILABLE"


@given(
    st.lists(st.sampled_from(["success", "fault", "own error", "cancelled", "wait 30 s", "wait 60 s"]), max_size=60),
    st.integers(1, 6),
)
def test_any_sequence_agrees_with_the_model(steps: list[str], failures: int) -> None:
    """Closed until n faults in a row, open for the reset time, then decided by the first call that says something."""
    clock = Clock()
    breaker = Breaker("any", clock=clock, is_fault=lambda error: isinstance(error, OSError), failures=failures)
    faults, opened, half = 0, None, False
    for step in steps:
        if step.startswith("wait"):
            clock.now += float(step.split()[1])
            continue
        refuse = opened is not None and not half and clock.now < opened + 60
        assert outcome(breaker, step) == ("refused" if refuse else step)
        half = half or (opened is not None and not refuse)
        if not refuse and step == "success":
            faults, opened, half = 0, None, False
        elif not refuse and step == "fault":
            faults += 1
            if half or faults >= failures:
                opened, half = clock.now, False
        assert breaker.state is (CLOSED if opened is None else HALF_OPEN if half else OPEN)
        assert breaker.opened_at == opened


def outcome(breaker: Breaker, step: str) -> str:
    """What a caller sees whose call ends as `step` says."""
    errors: dict[str, BaseException] = {"fault": OSError(), "own error": ValueError(), "cancelled": asyncio.CancelledError()}

    def call() -> str:
        if step in errors:
            raise errors[step]
        return step

    try:
        return breaker.run_sync(call)
    except NetworkError:
        return "refused"
    except (OSError, ValueError, asyncio.CancelledError) as error:
        return step if error is errors[step] else "another error"


def test_a_permit_ends_once(breaker: Breaker) -> None:
    """Work that ends later counts when it ends, and only its first end counts."""
    permits = [breaker.admit() for _ in range(5)]
    for permit in permits[:4]:
        permit.end(OSError())
        permit.end(OSError())
        permit.end(None)
    assert (breaker.failures, breaker.state) == (4, CLOSED)
    permits[4].release()
    permits[4].end(OSError())
    assert breaker.failures == 4


def test_a_permit_is_the_trial_until_it_ends(breaker: Breaker, clock: Clock) -> None:
    """While a trial is out nothing else passes, and nobody else's word counts; released, it leaves room for the next."""
    for _ in range(5):
        breaker.tell(OSError())
    assert (breaker.state, breaker.passes()) == (OPEN, False)
    clock.now += 60
    assert (breaker.state, breaker.passes()) == (OPEN, True)
    trial = breaker.admit()
    assert (breaker.state, breaker.passes()) == (HALF_OPEN, False)
    with pytest.raises(NetworkError):
        breaker.admit()
    breaker.tell(None)
    assert breaker.state is HALF_OPEN
    trial.release()
    assert breaker.passes()
    breaker.admit().end(None)
    assert breaker.state is CLOSED


def test_told_outcomes_count(breaker: Breaker, clock: Clock) -> None:
    """Work that passed elsewhere opens and closes it, and its words are the reason; while open its word says nothing."""
    for _ in range(5):
        breaker.tell(ToldFaultError("it said no"))
    assert (breaker.state, breaker.reason, breaker.failures) == (OPEN, "it said no", 5)
    breaker.tell(None)
    assert breaker.state is OPEN
    breaker.half_open()
    breaker.tell(None)
    assert (breaker.state, breaker.failures) == (CLOSED, 0)


def test_what_others_decided_is_taken_over(breaker: Breaker, clock: Clock, transitions: list[tuple[str, str, float | None, str]]) -> None:
    """An opening from elsewhere has its own time; a trial from before it counts no more; a reset forgets everything."""
    breaker.open(70.0, "elsewhere")
    assert (breaker.state, breaker.opened_at, breaker.retry_at, breaker.reason) == (OPEN, 70.0, 130.0, "elsewhere")
    clock.now = 130.0
    trial = breaker.admit()
    breaker.open(130.0, "again")
    trial.end(None)
    assert breaker.state is OPEN
    breaker.half_open()
    late, breaker_trial = trial, breaker.admit()
    late.release()
    assert not breaker.passes()
    breaker.half_open()
    assert breaker.passes()
    breaker_trial.end(OSError())
    assert breaker.state is HALF_OPEN
    breaker.reset()
    assert (breaker.state, breaker.opened_at, breaker.reason, breaker.passes()) == (CLOSED, None, "", True)
    breaker.tell(OSError())
    old = breaker.admit()
    breaker.reset()
    old.end(OSError())
    assert breaker.failures == 0
    assert [(old_state, new) for old_state, new, _, _ in transitions] == [
        (CLOSED, OPEN),
        (OPEN, HALF_OPEN),
        (HALF_OPEN, OPEN),
        (OPEN, HALF_OPEN),
        (HALF_OPEN, CLOSED),
    ]


class Model:
    """A breaker of three faults and sixty seconds, in the plainest words."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.faults, self.state, self.opened = 0, CLOSED, 0.0
        self.age = 0
        """Counts transitions: what began before one says nothing after it."""
        self.trial: Permit | None = None
        self.permits: list[tuple[Permit, int]] = []

    def change(self, state: BreakerState) -> None:
        self.state, self.age, self.trial = state, self.age + 1, None
        if state is OPEN:
            self.opened = self.clock.now
        elif state is CLOSED:
            self.faults = 0

    def count(self, *, fault: bool) -> None:
        self.faults = self.faults + 1 if fault else 0
        if fault and (self.state is HALF_OPEN or self.faults >= 3):
            self.change(OPEN)
        elif not fault and self.state is HALF_OPEN:
            self.change(CLOSED)

    def admit(self, breaker: Breaker) -> None:
        due = self.state is OPEN and self.clock.now >= self.opened + 60
        admitted = self.state is CLOSED or due or (self.state is HALF_OPEN and self.trial is None)
        assert breaker.passes() == admitted
        if not admitted:
            with pytest.raises(NetworkError):
                breaker.admit()
            return
        if due:
            self.change(HALF_OPEN)
        permit = breaker.admit()
        self.permits.append((permit, self.age))
        self.trial = permit if self.state is HALF_OPEN else None

    def end(self, step: str) -> None:
        if not self.permits:
            return
        permit, born = self.permits.pop(0)
        if step == "release":
            permit.release()
        else:
            permit.end(OSError() if step == "fault" else None)
            if born == self.age and self.state is not OPEN:
                self.count(fault=step == "fault")
        if self.trial is permit:
            self.trial = None

    def tell(self, breaker: Breaker, *, fault: bool) -> None:
        breaker.tell(OSError() if fault else None)
        if self.state is not OPEN and self.trial is None:
            self.count(fault=fault)

    def adopt(self, breaker: Breaker, step: str) -> None:
        if step == "open":
            breaker.open(self.clock.now, "elsewhere")
            self.change(OPEN)
        elif step == "reset":
            breaker.reset()
            self.change(CLOSED)
        elif self.state is not CLOSED:
            breaker.half_open()
            self.change(HALF_OPEN)


@given(
    st.lists(
        st.sampled_from(["admit", "success", "fault", "release", "told success", "told fault", "open", "half", "reset", "wait"]),
        max_size=80,
    )
)
def test_permits_and_told_outcomes_agree_with_the_model(steps: list[str]) -> None:
    """Whatever ends in whatever order: one trial at most, outcomes count in the state they began in; `passes` agrees with `admit`."""
    clock = Clock()
    model = Model(clock)
    breaker = Breaker("any", clock=clock, is_fault=lambda _: True, failures=3)
    for step in steps:
        if step == "wait":
            clock.now += 30
        elif step == "admit":
            model.admit(breaker)
        elif step in {"success", "fault", "release"}:
            model.end(step)
        elif step.startswith("told"):
            model.tell(breaker, fault=step == "told fault")
        else:
            model.adopt(breaker, step)
        assert (breaker.state, breaker.opened_at) == (model.state, None if model.state is CLOSED else model.opened)
        assert model.state is not CLOSED or breaker.failures == model.faults
