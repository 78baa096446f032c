"""Layers that are folded into one interceptor do what each of them did as one of its own."""

from __future__ import annotations

from collections.abc import Awaitable
from types import SimpleNamespace
from typing import Any, cast

import grpc
import grpc.aio
import pytest

from genesis_server.rpc.interceptors.folding import Fold, folded
from genesis_server.rpc.interceptors.layer import Check, CheckLayer, Context, Handler, Layer, Unary
from genesis_server.rpc.methods import HEALTH_METHOD

DETAILS = cast("grpc.HandlerCallDetails", SimpleNamespace(method=HEALTH_METHOD, invocation_metadata=()))


class Named(Layer):
    """Tells when it is passed."""

    def __init__(self, name: str, told: list[str]) -> None:
        super().__init__()
        self.name, self.told, self.wraps = name, told, 0

    def arrive(self, details: grpc.HandlerCallDetails) -> None:
        self.told.append(f"{self.name} arrives")

    def around_unary(self, method: str, inner: Unary) -> Unary:
        self.wraps += 1

        async def unary(request: Any, context: Context) -> Any:
            self.told.append(self.name)
            return await inner(request, context)

        return unary


class Answering(Named):
    """Knows what to serve where there is no handler."""

    def stand_in(self, method: str, error: Exception | None) -> Handler | None:
        async def unary(request: Any, context: Context) -> str:
            return f"no handler: {error}"

        return self.wrap(method, grpc.unary_unary_rpc_method_handler(unary))  # type: ignore[arg-type]


class Foreign(grpc.aio.ServerInterceptor):
    """No layer."""

    async def intercept_service(self, continuation: Any, handler_call_details: Any) -> Any:
        return await continuation(handler_call_details)


async def echo(request: Any, context: Any) -> Any:
    return request


HANDLER = cast("Handler", grpc.unary_unary_rpc_method_handler(echo))


def gives(result: Any) -> Any:
    """The rest of a chain, which ends so."""

    async def continuation(details: Any) -> Any:
        if isinstance(result, Exception):
            raise result
        return result

    return continuation


async def called(handler: Any) -> Any:
    return await handler.unary_unary("hello", None)


async def test_layers_are_passed_in_their_order_and_wrap_a_handler_once() -> None:
    told: list[str] = []
    layers = [Named("outer", told), Named("inner", told)]
    fold = Fold(layers)
    first = await fold.intercept_service(gives(HANDLER), DETAILS)
    assert await called(first) == "hello"
    assert told == ["outer arrives", "inner arrives", "outer", "inner"]
    assert await fold.intercept_service(gives(HANDLER), DETAILS) is first
    assert [layer.wraps for layer in layers] == [1, 1]


async def test_neighbours_become_one_and_others_stay_where_they_are() -> None:
    told: list[str] = []
    foreign = Foreign()
    outer, inner = Named("outer", told), Named("inner", told)
    found = folded([outer, inner, foreign, Named("last", told)])
    assert [type(one) for one in found] == [Fold, Foreign, Fold]
    assert found[1] is foreign
    assert folded([foreign]) == [foreign]


@pytest.mark.parametrize(("result", "answer"), [(None, "no handler: None"), (ValueError("lost"), "no handler: lost")])
async def test_where_there_is_no_handler_the_innermost_layer_that_knows_answers_inside_those_around_it(result: Any, answer: str) -> None:
    """A method that does not exist is counted and logged, and meets no authentication."""
    told: list[str] = []
    fold = Fold([Named("outer", told), Answering("knows", told), Named("inner", told)])
    assert await called(await fold.intercept_service(gives(result), DETAILS)) == answer
    assert told[3:] == ["outer", "knows"]


async def test_layers_that_know_no_answer_let_the_others_know() -> None:
    fold = Fold([Named("outer", [])])
    assert await fold.intercept_service(gives(None), DETAILS) is None
    with pytest.raises(ValueError, match="lost"):
        await fold.intercept_service(gives(ValueError("lost")), DETAILS)


async def test_a_check_that_fails_keeps_the_call_from_its_handler() -> None:
    class Refusing(CheckLayer):
        def check(self, method: str) -> Check | None:
            return self.refuse if method == HEALTH_METHOD else None

        def refuse(self, context: Context) -> None:
            raise PermissionError

    async def never(request: Any, context: Any) -> Awaitable[None]:
        raise AssertionError("it was called")

    handler = Refusing().wrap(HEALTH_METHOD, cast("Handler", grpc.unary_unary_rpc_method_handler(never)))
    with pytest.raises(PermissionError):
        await called(handler)
    assert await called(Refusing().wrap("/other", HANDLER)) == "hello"


def test_a_layer_that_is_no_coroutine_is_never_the_outermost() -> None:
    """Or gRPC would run its handlers in threads, without the call's context."""
    with pytest.raises(TypeError, match="CheckLayer cannot be the outermost"):
        folded([CheckLayer(), Named("a", [])])
