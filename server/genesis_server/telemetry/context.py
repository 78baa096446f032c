"""The call that runs: its ids, its method and how it failed, for logs, metrics and spans.

One context variable holds one object per call. grpc.aio serves each call in a task of its own, so what the outermost layer
sets is seen by everything inside, and what is noted inside (the reason of an error, the sampling decision) is seen outside.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from genesis_server.telemetry.names import METADATA_CORRELATION_ID, METADATA_TRACEPARENT

RandomBits = Callable[[int], int]
Metadata = Mapping[str, Any]
"""What came with a call, text, or bytes where the key ends in `-bin`; of several values for a key, the first."""

NO_METADATA: Metadata = MappingProxyType({})

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
    """Names the call in logs and answers."""
    trace_id: str
    """32 hexadecimal digits: the caller's trace, or a new one."""
    parent: TraceParent | None
    """Where the caller is in its trace."""
    metadata: Metadata
    """What came with the call, credentials among it, so not for logs."""
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


def begin_call(method: str, metadata: Metadata = NO_METADATA, *, random_bits: RandomBits = _ids.getrandbits) -> CallContext:
    """The context of a call that arrives with this metadata.

    The trace id is the caller's or a new one. The correlation id is the caller's when it is valid, else the trace id.
    """
    correlation_id, traceparent = metadata.get(METADATA_CORRELATION_ID), metadata.get(METADATA_TRACEPARENT)
    parent = None if traceparent is None else parse_traceparent(traceparent)
    trace_id = (random_bits(128) or 1).to_bytes(16, "big").hex() if parent is None else parent.trace_id
    correlation = trace_id if correlation_id is None or not valid_correlation_id(correlation_id) else correlation_id
    return CallContext(method, correlation, trace_id, parent, metadata)
