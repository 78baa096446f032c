"""Small requests that were found sound are not checked again; all others are."""

from __future__ import annotations

from typing import Any

import protovalidate
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis.v1 import agent_service_pb2
from genesis.v1 import orchestrator_service_pb2 as pb
from genesis_server.resilience.errors import ValidationError
from genesis_server.resilience.remembering import remember
from genesis_server.rpc.deserialisation import SMALL_BYTES, SizeBounds, safe_deserialiser
from genesis_server.rpc.interceptors.constraints import ConstraintsInterceptor
from genesis_server.rpc.methods import FLAG

READ = safe_deserialiser(FLAG, pb.FlagRequest.FromString, SizeBounds())


async def served(request: Any, context: Any) -> Any:
    return request


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What protovalidate was asked."""
    found: list[Any] = []
    check = protovalidate.collect_violations

    def ask(message: Any) -> Any:
        found.append(message)
        return check(message)

    monkeypatch.setattr(protovalidate, "collect_violations", ask)
    return found


async def test_a_small_sound_request_is_checked_once(checked: list[Any]) -> None:
    method: Any = ConstraintsInterceptor().around_unary(FLAG, served)
    data = pb.FlagRequest(keys=["otel_enabled"]).SerializeToString()
    for _ in range(3):
        assert (await method(READ(data), None)).keys == ["otel_enabled"]
    assert len(checked) == 1


async def test_a_call_that_must_not_use_what_others_left_checks_anew(checked: list[Any]) -> None:
    remember(False)
    method: Any = ConstraintsInterceptor().around_unary(FLAG, served)
    data = pb.FlagRequest(keys=["otel_enabled"]).SerializeToString()
    for _ in range(3):
        await method(READ(data), None)
    assert len(checked) == 3


async def test_requests_that_are_wrong_or_large_are_always_checked(checked: list[Any]) -> None:
    method: Any = ConstraintsInterceptor().around_unary(FLAG, served)
    wrong = pb.FlagRequest(keys=[""]).SerializeToString()
    large = pb.FlagRequest(keys=["x" * SMALL_BYTES]).SerializeToString()
    for _ in range(2):
        with pytest.raises(ValidationError, match=r"keys\[0\]"):
            await method(READ(wrong), None)
        await method(READ(large), None)
    assert len(checked) == 4


async def test_what_a_call_that_must_not_use_what_others_left_finds_is_not_left_to_others(checked: list[Any]) -> None:
    method: Any = ConstraintsInterceptor().around_unary(FLAG, served)
    data = pb.FlagRequest(keys=["otel_enabled"]).SerializeToString()
    remember(False)
    await method(READ(data), None)
    remember(True)
    for _ in range(2):
        await method(READ(data), None)
    assert len(checked) == 2


async def test_requests_that_seldom_come_twice_are_not_known(checked: list[Any]) -> None:
    name = "/genesis.v1.AgentService/Deregister"
    read = safe_deserialiser(name, agent_service_pb2.DeregisterRequest.FromString, SizeBounds())
    method: Any = ConstraintsInterceptor().around_unary(name, served)
    data = agent_service_pb2.DeregisterRequest(session_id="s-1").SerializeToString()
    for _ in range(2):
        await method(read(data), None)
    assert len(checked) == 2


SEEN: Any = ConstraintsInterceptor().around_unary(FLAG, served)


@given(st.lists(st.text(max_size=3), max_size=3), st.text(max_size=3))
async def test_what_was_seen_before_makes_no_difference(keys: list[str], run_id: str) -> None:
    data = pb.FlagRequest(keys=keys, run_id=run_id).SerializeToString()

    async def verdict(method: Any) -> object:
        try:
            return await method(READ(data), None)
        except ValidationError as error:
            return str(error)

    assert await verdict(SEEN) == await verdict(SEEN) == await verdict(ConstraintsInterceptor().around_unary(FLAG, served))
