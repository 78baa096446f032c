"""One agent's breaker as one process sees it, and what it has in common with the other processes; no input or output.

All processes of a store share one document for each breaker. Each counts what it sees by itself; every transition is the document's next
version, written by compare-and-set. Whoever finds that another version came first drops its own transition and takes over that one: the
breakers are those of the document, ahead of it by at most one transition of their own that is being written.

The trial belongs to the process whose version says so (its `holder`). It tells again and again that it is there; when the others have
seen no new version for `LAPSE_SECONDS` by their own monotonic clocks, the trial is anybody's again. Nothing is ever decided by a wall
clock: an opening counts from the moment a process sees it, for all its seconds. A jump of the wall clock changes only what is shown; a
process that starts anew waits the whole time again, at most those seconds longer, and never tries early.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from genesis_server.resilience.breakers import TRIAL_RETRY_SECONDS, Breaker, BreakerState, Permit, ToldFaultError

FAILURES = 5
"""Faults in a row that open a breaker."""
RESET_SECONDS = 60.0
"""From an opening to the next trial."""
BEAT_SECONDS = 10.0
"""Time between two signs of life of whoever holds the trial."""
LAPSE_SECONDS = 30.0
"""Silence after which a trial is anybody's again."""
UNUSED_SECONDS = 10.0
"""How long a process keeps the right to a trial for which it has no task."""
MAX_REASON = 200
"""Characters kept of the words that say why."""


Work = tuple[str, str]
"""A piece of work of an agent: plan id and task id."""


@dataclass(frozen=True, slots=True)
class BreakerRecord:
    """One version of a breaker's document."""

    state: BreakerState
    changed: float
    """Seconds since the epoch, for showing."""
    reason: str = ""
    """What opened it; empty while closed."""
    opened: float | None = None
    """Seconds since the epoch, for showing; None while closed."""
    holder: str = ""
    """The process that may try, while half-open; empty: whoever claims it."""
    writer: str = ""
    """The process that wrote it; empty for a reset."""
    turn: int = 0
    """What the writer had decided so far, so that it knows its own version again."""
    asked: float = 0.0
    """Before it was written, by the writer's own monotonic clock."""
    actor: str = ""
    """Who reset it."""
    cause: str = ""
    """Why it was reset."""


@cache
def _adapter() -> TypeAdapter[Any]:
    return TypeAdapter(BreakerRecord)


def record_to_bytes(record: BreakerRecord) -> bytes:
    """A version as it is stored."""
    return _adapter().dump_json(record)


def record_from_bytes(value: bytes) -> BreakerRecord | None:
    """A stored version; None when it is not understood."""
    try:
        return _adapter().validate_json(value)
    except ValidationError:
        return None


@dataclass(frozen=True, slots=True)
class BreakerView:
    """A breaker as it is shown."""

    agent_id: str
    state: BreakerState
    failures: int
    """In a row, as this process counted them."""
    reason: str
    opened_at: float | None
    """Seconds since the epoch; None while closed."""
    retry_at: float | None
    """When the next trial is, in seconds since the epoch; None while closed."""


class SharedBreaker:
    """The breaker of one (tenant, agent) in this process."""

    def __init__(
        self,
        agent_id: str,
        *,
        process: str,
        clock: Callable[[], float],
        now: Callable[[], float],
        on_transition: Callable[[BreakerState, BreakerState], None],
    ) -> None:
        """Begin closed and unknown to the store; `process` is unique among the processes, `clock` monotonic, `now` since the epoch."""
        self.agent_id = agent_id
        self._process = process
        self._clock = clock
        self._now = now
        self._breaker = Breaker(
            agent_id,
            clock=clock,
            is_fault=lambda _: True,
            failures=FAILURES,
            reset_seconds=RESET_SECONDS,
            on_transition=lambda _, old, new: on_transition(old, new),
        )
        self._permit: Permit | None = None
        self._trial: Work | None = None
        """What the permit is used for; None: not known yet."""
        self._holder = ""
        self._opened: float | None = None
        self._seen = clock()
        self._turn = 0
        self._written_turn = 0
        self._claiming = False
        self.version = 0
        """The last version of the document that is known; 0: there is none."""

    # What the dispatcher asks and tells.

    @property
    def state(self) -> BreakerState:
        """What it does."""
        return self._breaker.state

    @property
    def passes(self) -> bool:
        """Whether `take` may be asked: closed, or a trial may be claimed or taken here."""
        return self.state is BreakerState.CLOSED or self._may_take or (self._may_claim and not self._claiming)

    def take(self) -> bool:
        """Whether a task may be handed out now; it is the trial unless the breaker is closed.

        The first asking after the pause claims the trial and is refused; when the claim is written the next asking gets it.
        """
        if self.state is BreakerState.CLOSED:
            return True
        if self._may_take:
            self._permit, self._trial = self._breaker.admit(), None
            return True
        self._claiming = self._claiming or self._may_claim
        return False

    def begin(self, work: Work) -> None:
        """What was taken last is for this work; when it was the trial, this is the trial."""
        if self._permit is not None and self._trial is None:
            self._trial = work

    def release(self, work: Work | None = None) -> None:
        """Work ended and says nothing: when it was the trial, anybody may claim the next. None: what was taken last was not begun."""
        if self.state is BreakerState.HALF_OPEN and self._permit is not None and self._trial == work:
            self._drop_permit()
            self._decide(holder="")

    def tell(self, fault: str | None) -> None:
        """Work of the agent succeeded (None) or failed, with why. While half-open the first outcome decides, whichever task it is of."""
        error = None if fault is None else ToldFaultError(" ".join(fault.split())[:MAX_REASON])
        before = self.state
        if self._permit is not None:
            self._permit.end(error)
            self._permit = None
        else:
            self._breaker.tell(error)
        if self.state is not before:
            self._opened = self._now() if self.state is BreakerState.OPEN else None
            self._decide(holder="")

    @property
    def retry_in(self) -> float | None:
        """Seconds until asking `take` may help; None while closed."""
        if self.state is BreakerState.CLOSED:
            return None
        if self.passes:
            return 0.0
        wait = (self._breaker.retry_at or 0.0) - self._clock() if self.state is BreakerState.OPEN else 0.0
        return wait if wait > 0 else TRIAL_RETRY_SECONDS

    @property
    def view(self) -> BreakerView:
        """How it is shown."""
        retry_at = self._breaker.retry_at
        return BreakerView(
            agent_id=self.agent_id,
            state=self.state,
            failures=self._breaker.failures,
            reason=self._breaker.reason,
            opened_at=self._opened,
            retry_at=None if retry_at is None else self._now() + retry_at - self._clock(),
        )

    # What is exchanged with the document.

    def wanted(self) -> BreakerRecord | None:
        """The document's next version, if this process has one to write now."""
        if self._turn != self._written_turn:
            return self._record(self.state, holder=self._holder)
        if self._claiming:
            return self._record(BreakerState.HALF_OPEN, holder=self._process)
        if self.holds:
            since = self._clock() - self._seen
            if self._permit is None and since >= UNUSED_SECONDS:
                return self._record(BreakerState.HALF_OPEN, holder="")
            if self._permit is not None and since >= BEAT_SECONDS:
                return self._record(BreakerState.HALF_OPEN, holder=self._process)
        return None

    @property
    def holds(self) -> bool:
        """Whether the trial is this process's: it has to tell that it is there."""
        return self.state is BreakerState.HALF_OPEN and self._holder == self._process

    def adopt(self, version: int, record: BreakerRecord) -> None:
        """Take over a version of the document; one that is not new says nothing."""
        if version <= self.version:
            return
        self.version = version
        if record.writer == self._process:
            # From before the write: the others count from later, so that they do not try while this process still would.
            self._seen = record.asked
            self._adopt_own(record)
            return
        self._seen = self._clock()
        self._written_turn = self._turn
        self._claiming = False
        self._drop_permit()
        self._holder, self._opened = record.holder, record.opened
        if record.state is BreakerState.OPEN:
            self._breaker.open(self._clock(), record.reason)
        elif record.state is BreakerState.HALF_OPEN:
            self._half_open(record)
        else:
            self._breaker.reset()

    def skip(self, version: int) -> None:
        """The document is gone (0), or this version is not understood: nothing changes, and the next transition overwrites it."""
        self.version = version

    # How.

    def _adopt_own(self, record: BreakerRecord) -> None:
        """This process's own version has come to be; what it decided meanwhile stands."""
        if record.turn < self._turn:
            return
        self._written_turn = self._turn
        if record.state is BreakerState.HALF_OPEN:
            self._claiming = False
            self._holder = record.holder
            if self.state is BreakerState.OPEN:
                self._half_open(record)

    def _half_open(self, record: BreakerRecord) -> None:
        if self.state is BreakerState.CLOSED:
            # The opening was not seen here, only that its time is over.
            self._breaker.open(self._clock() - RESET_SECONDS, record.reason)
        self._breaker.half_open()

    @property
    def _may_take(self) -> bool:
        fresh = self._clock() - self._seen < LAPSE_SECONDS
        return self.holds and fresh and self._permit is None

    @property
    def _may_claim(self) -> bool:
        if self.state is BreakerState.OPEN:
            return self._breaker.passes()
        if self.state is BreakerState.CLOSED or self._permit is not None:
            return False
        return self._holder == "" or self._clock() - self._seen >= LAPSE_SECONDS

    def _decide(self, *, holder: str) -> None:
        """This process decided something that has to be written."""
        self._turn += 1
        self._claiming = False
        self._holder = holder

    def _drop_permit(self) -> None:
        if self._permit is not None:
            self._permit.release()
            self._permit = None

    def _record(self, state: BreakerState, *, holder: str) -> BreakerRecord:
        return BreakerRecord(
            state=state,
            changed=self._now(),
            reason=self._breaker.reason,
            opened=self._opened,
            holder=holder,
            writer=self._process,
            turn=self._turn,
            asked=self._clock(),
        )
