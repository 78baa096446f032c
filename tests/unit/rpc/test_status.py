"""Each reason of the contract has the status that its comment promises."""

from __future__ import annotations

import re
from pathlib import Path

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from hypothesis import given
from hypothesis import strategies as st

from genesis.v1 import errors_pb2
from genesis_server.resilience.errors import FieldViolation, GenesisError, ResourceError, ValidationError
from genesis_server.rpc.status import MAX_DETAILS_BYTES, STATUS_OF_REASON, code_of, is_server_fault, to_status

PROTO = Path(__file__).parents[3] / "protos" / "genesis" / "v1" / "errors.proto"


def documented() -> dict[str, str]:
    """Reason → status, from the comments of errors.proto."""
    found: dict[str, str] = {}
    comment = ""
    for line in PROTO.read_text().splitlines():
        text = line.strip()
        if text.startswith("//"):
            comment += text.removeprefix("//") + " "
        else:
            value = re.match(r"ERROR_REASON_(\w+) = \d+;", text)
            status = re.search(r"Status ([A-Z_]+)", comment)
            if value and status:
                found[value.group(1)] = status.group(1)
            comment = ""
    return found


def test_the_table_is_what_the_contract_documents() -> None:
    names = {name.removeprefix("ERROR_REASON_") for name in errors_pb2.ErrorReason.keys()} - {"UNSPECIFIED"}  # noqa: SIM118
    assert set(STATUS_OF_REASON) == names
    assert {reason: code.name for reason, code in STATUS_OF_REASON.items()} == documented()


def test_waiting_is_told_where_the_contract_promises_it() -> None:
    status = to_status(ResourceError("STORAGE_FULL", "full", retry_after_seconds=0.25), "c")
    assert ("grpc-retry-pushback-ms", "250") in status.trailers


@pytest.mark.parametrize("facts", [{"plan_id": "plan_1"}, {"flag": "plan_1"}])
def test_a_version_mismatch_says_which_precondition_failed(facts: dict[str, str]) -> None:
    """Of a plan, or of a flag."""
    status = to_status(ResourceError("VERSION_MISMATCH", "changed", facts=facts), "c")
    rich = status_pb2.Status.FromString(dict(status.trailers)["grpc-status-details-bin"])  # type: ignore[arg-type]
    detail = error_details_pb2.PreconditionFailure()
    assert any(packed.Unpack(detail) for packed in rich.details if packed.Is(detail.DESCRIPTOR))
    assert (detail.violations[0].type, detail.violations[0].subject) == ("VERSION_MISMATCH", "plan_1")


def test_a_reason_that_is_not_in_the_contract_is_a_fault() -> None:
    assert code_of(GenesisError("SOMETHING_NEW", "x")) is grpc.StatusCode.INTERNAL


@pytest.mark.parametrize(
    ("code", "reason", "seconds", "fault"),
    [
        (grpc.StatusCode.OK, "", 0, False),
        (grpc.StatusCode.INTERNAL, "INTERNAL", 0, True),
        (grpc.StatusCode.UNKNOWN, "", 0, True),
        (grpc.StatusCode.UNAVAILABLE, "STORAGE_UNAVAILABLE", 0, True),
        (grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN", 0, False),
        (grpc.StatusCode.UNAVAILABLE, "EMERGENCY_SHUTDOWN", 0, False),
        (grpc.StatusCode.UNAVAILABLE, "MAINTENANCE_MODE", 0, False),
        (grpc.StatusCode.FAILED_PRECONDITION, "READ_ONLY_MODE", 0, False),
        (grpc.StatusCode.UNAVAILABLE, "FLAG_SOURCE_UNAVAILABLE", 0, True),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED", 0, True),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "RATE_LIMITED", 0, False),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "MESSAGE_TOO_LARGE", 0, False),
        (grpc.StatusCode.DEADLINE_EXCEEDED, "", 0.5, False),
        (grpc.StatusCode.DEADLINE_EXCEEDED, "", 1.5, True),
        (grpc.StatusCode.CANCELLED, "", 9, False),
        (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", 0, False),
    ],
)
def test_what_counts_as_a_fault_of_the_server(code: grpc.StatusCode, reason: str, seconds: float, *, fault: bool) -> None:
    assert is_server_fault(code, reason, seconds, fair_deadline_seconds=1.0) is fault


anything = st.text(max_size=400)


@given(
    reason=st.sampled_from(sorted(STATUS_OF_REASON)),
    message=anything,
    facts=st.dictionaries(st.text(st.characters(codec="ascii"), max_size=30), anything, max_size=20),
    violations=st.lists(st.builds(FieldViolation, anything, anything, anything), max_size=30),
    retry=st.none() | st.floats(0, 1e6),
    quota=anything,
)
def test_whatever_an_error_holds_its_details_fit_and_have_each_type_once(  # noqa: PLR0917
    reason: str, message: str, facts: dict[str, str], violations: list[FieldViolation], retry: float | None, quota: str
) -> None:
    error = ValidationError(reason, message, facts=facts, violations=violations, retry_after_seconds=retry, quota_subject=quota)
    status = to_status(error, "correlation")
    rich = status_pb2.Status.FromString(dict(status.trailers)["grpc-status-details-bin"])  # type: ignore[arg-type]
    kinds = [packed.type_url.rsplit(".", 1)[-1] for packed in rich.details]
    assert kinds[0] == "ErrorInfo"
    assert len(kinds) == len(set(kinds))
    assert rich.ByteSize() <= MAX_DETAILS_BYTES + 100
    info = error_details_pb2.ErrorInfo()
    rich.details[0].Unpack(info)
    assert (info.reason, info.domain, info.metadata["category"], info.metadata["correlation_id"]) == (
        reason,
        "genesis",
        "validation",
        "correlation",
    )
