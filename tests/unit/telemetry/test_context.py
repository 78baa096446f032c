"""Ids that join logs, traces and answers."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis_server.telemetry.context import TraceParent, begin_call, current_call, parse_traceparent, set_call, valid_correlation_id

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.mark.parametrize(
    ("header", "parent"),
    [
        (f"00-{TRACE}-{SPAN}-01", TraceParent(TRACE, SPAN, sampled=True)),
        (f"00-{TRACE}-{SPAN}-00", TraceParent(TRACE, SPAN, sampled=False)),
        (f"00-{TRACE}-{SPAN}-03", TraceParent(TRACE, SPAN, sampled=True)),
        (f"cc-{TRACE}-{SPAN}-01-what-the-future-brings", TraceParent(TRACE, SPAN, sampled=True)),
        (f"00-{TRACE}-{SPAN}-01-more", None),
        (f"ff-{TRACE}-{SPAN}-01", None),
        (f"00-{'0' * 32}-{SPAN}-01", None),
        (f"00-{TRACE}-{'0' * 16}-01", None),
        (f"00-{TRACE.upper()}-{SPAN}-01", None),
        ("", None),
        (None, None),
        ("nonsense", None),
    ],
)
def test_a_traceparent_is_read_as_the_recommendation_says(header: str | None, parent: TraceParent | None) -> None:
    assert parse_traceparent(header) == parent


@given(st.text(max_size=60))
def test_no_header_breaks_the_reader(header: str) -> None:
    parse_traceparent(header)


@given(st.text(max_size=200) | st.none())
def test_a_call_always_has_ids_that_are_safe_in_logs_and_metadata(given_id: str | None) -> None:
    call = begin_call("/m", {} if given_id is None else {"x-correlation-id": given_id})
    assert valid_correlation_id(call.correlation_id)
    assert call.correlation_id in {given_id, call.trace_id}
    assert re.fullmatch("[0-9a-f]{32}", call.trace_id)


def test_the_trace_of_the_caller_goes_on() -> None:
    call = begin_call("/m", {"traceparent": f"00-{TRACE}-{SPAN}-01"})
    assert call.trace_id == call.correlation_id == TRACE
    assert call.parent == TraceParent(TRACE, SPAN, sampled=True)


def test_a_trace_id_is_never_all_zeros() -> None:
    assert begin_call("/m", random_bits=lambda _: 0).trace_id == "0" * 31 + "1"


async def test_the_call_is_known_in_its_task() -> None:
    call = begin_call("/m")
    set_call(call)
    assert current_call() is call


def test_what_a_call_causes_goes_on_behind_its_span_or_else_behind_its_callers() -> None:
    asked = begin_call("/m", {"traceparent": f"00-{TRACE}-{SPAN}-01"})
    assert asked.traceparent == f"00-{TRACE}-{SPAN}-01"
    asked.sampled, asked.span_id = True, "e" * 16
    assert asked.traceparent == f"00-{TRACE}-{'e' * 16}-01"
    assert not begin_call("/m", {"traceparent": f"00-{TRACE}-{SPAN}-00"}).traceparent
    assert not begin_call("/m").traceparent
