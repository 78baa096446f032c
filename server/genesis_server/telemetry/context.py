"""The call that runs: its ids, its method and how it failed, for logs, metrics and spans.

One context variable holds one object per call. grpc.aio serves each call in a task of its own, so what the outermost interceptor
sets is seen by everything inside, and what is noted inside (the reason of an error, the sampling decision) is seen outside.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field

RandomBits = Callable[[int], int]

_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_CORRELATION_ID = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")
_NO_TRACE = "0" * 32
_NO_SPAN = "0" * 16
_ids = random.Random()  # noqa: S311 - ids need to be unique, not secret; the system's source costs a system call


@dataclass(frozen=True, slots=True)
class TraceParent:
    """The caller's position in a trace (W3C Trace Context 1, header `traceparent`)."""

    trace_id: str
    """32 hexadecimal digits."""
    span_id: str
    """16 hexadecimal digits."""
    sampled: bool


@dataclass(slots=True)
class CallContext:
    """What is known of a call; made when it arrives, completed while it runs."""

    method: str
    """Full name without the leading slash, `genesis.v1.OrchestratorService/Plan`; `_OTHER` for a method that does not exist."""
    correlation_id: str
    trace_id: str
    """32 hexadecimal digits: the caller's trace, or a new one."""
    parent: TraceParent | None = None
    credentials_hash: int = 0
    """Hash of the `authorization` metadata in this process, to tell callers apart without keeping a secret; 0 without any."""
    sampled: bool = False
    """Whether a span is recorded for this call."""
    withheld: bool = False
    """Whether the span is dropped when it ends: the flag `otel_enabled` is off for the caller, who is known only when it has begun."""
    span_id: str = ""
    """16 hexadecimal digits of the recorded span; empty when none is recorded."""
    reason: str = ""
    """Reason of the error the call ended with; empty while there is none."""
    category: str = ""
    """Category of that error."""
    fields: dict[str, str] = field(default_factory=dict[str, str])
    """More for the access log, for example the tenant."""
    metadata: Sequence[tuple[str, str | bytes]] | None = field(default=None, repr=False)
    """What came with the call, credentials among it, so not for logs; None: nobody kept it. gRPC makes it anew whenever it is asked."""

    @property
    def traceparent(self) -> str:
        """What is done on behalf of the call goes on behind its span, else behind the caller's; empty when neither is recorded."""
        behind = self.span_id if self.sampled else self.parent.span_id if self.parent is not None and self.parent.sampled else ""
        return f"00-{self.trace_id}-{behind}-01" if behind else ""


_current: ContextVar[CallContext | None] = ContextVar("genesis_call", default=None)


def set_call(call: CallContext) -> None:
    """Say which call runs in this task."""
    _current.set(call)


def current_call() -> CallContext | None:
    """The call that runs in this task; None outside calls."""
    return _current.get()


def parse_traceparent(header: str | None) -> TraceParent | None:
    """Read a `traceparent`; None when it is missing or not valid, as the recommendation asks."""
    match = _TRACEPARENT.fullmatch(header) if header else None
    if match is None:
        return None
    version, trace_id, span_id, flags, rest = match.groups()
    if version == "ff" or (version == "00" and rest) or trace_id == _NO_TRACE or span_id == _NO_SPAN:
        return None
    return TraceParent(trace_id, span_id, bool(int(flags, 16) & 1))


def valid_correlation_id(text: str | None) -> bool:
    """Whether a caller's correlation id is 1 to 128 letters, digits and `. _ : / + = -`, and so safe in logs and metadata."""
    return text is not None and _CORRELATION_ID.fullmatch(text) is not None


def begin_call(
    method: str,
    *,
    correlation_id: str | None = None,
    traceparent: str | None = None,
    random_bits: RandomBits = _ids.getrandbits,
) -> CallContext:
    """The context of a call that arrives with these two metadata values.

    The trace id is the caller's or a new one. The correlation id is the caller's when it is valid, else the trace id.
    """
    parent = parse_traceparent(traceparent)
    trace_id = parent.trace_id if parent else f"{random_bits(128) or 1:032x}"
    correlation = correlation_id if correlation_id is not None and valid_correlation_id(correlation_id) else trace_id
    return CallContext(method, correlation, trace_id, parent)
