"""Requests against the constraints declared in the contract, by protovalidate: all violations at once, with their field paths."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from functools import cache
from typing import TYPE_CHECKING, Any

from google.protobuf.message import Message

from genesis_server.resilience.errors import FieldViolation, ValidationError
from genesis_server.resilience.remembering import remembering
from genesis_server.rpc.deserialisation import Rejected, small_request
from genesis_server.rpc.interceptors.layer import Context, Layer, Stream, Unary
from genesis_server.rpc.methods import contract_methods, takes_stream

if TYPE_CHECKING:
    from protovalidate import Violation

MAX_KNOWN_REQUESTS = 1_000


class ConstraintsInterceptor(Layer):
    """Refuses requests that could not be read, and requests of the contract's methods that break a declared constraint.

    A RawRequest passes: whoever parses it checks it. The engine is loaded with the first request that has fields, in 70 ms, and the
    constraints of a type are compiled with its first check: 18 ms for the first of all, at most 4 ms for another. At the start both would
    cost 18 MB, also in a server that nobody calls but for its health.
    """

    def around_unary(self, method: str, inner: Unary) -> Unary:
        """Check the request, then run."""
        check = _check_of(method)
        if takes_stream(method):

            async def unary_of_stream(request: Any, context: Context) -> Any:
                return await inner(_checked(request, check), context)

            return unary_of_stream
        known = _KnownRequests()

        async def unary(request: Any, context: Context) -> Any:
            data = small_request(request)
            if data not in known:
                check(request)
                if data is not None:
                    known.add(data)
            return await inner(request, context)

        return unary

    def around_stream(self, method: str, inner: Stream) -> Stream:
        """Check the request, or each of them, and run."""
        check = _check_of(method)
        streams = takes_stream(method)

        async def stream(request: Any, context: Context) -> AsyncGenerator[Any, None]:
            if streams:
                request = _checked(request, check)
            else:
                check(request)
            async with aclosing(inner(request, context)) as answers:
                async for answer in answers:
                    yield answer

        return stream


class _KnownRequests:
    """Small requests of one method that were found sound. The constraints never change, and checking takes longer than most reads."""

    def __init__(self) -> None:
        self._sound: set[bytes | None] = set()

    def __contains__(self, data: bytes | None) -> bool:
        """Whether the bytes of a request are known, and may be."""
        return data in self._sound and remembering()

    def add(self, data: bytes) -> None:
        """Know the bytes of a request."""
        if len(self._sound) >= MAX_KNOWN_REQUESTS:
            self._sound.clear()
        self._sound.add(data)


def _check_of(method: str) -> Callable[[object], None]:
    known = contract_methods().get(method)
    return check_message if known is not None and known.request.DESCRIPTOR.fields else check_readable


def check_readable(request: object) -> None:
    """Raise the error of a request that could not be read."""
    if isinstance(request, Rejected):
        raise request.error


def check_message(request: object) -> None:
    """Raise ValidationError INVALID_FIELD with every violation, or the error of a request that could not be read."""
    if isinstance(request, Message):
        violations = [_violation(found.proto) for found in _collect_violations()(request)]
        if violations:
            raise invalid_fields(violations)
    else:
        check_readable(request)


@cache
def _collect_violations() -> Callable[[Message], list[Violation]]:
    from protovalidate import collect_violations  # noqa: PLC0415  (lazy, see above)

    return collect_violations


def invalid_fields(violations: list[FieldViolation]) -> ValidationError:
    """The error for fields that break declared constraints."""
    first = violations[0]
    more = f" (and {len(violations) - 1} more)" if len(violations) > 1 else ""
    message = f"{first.field or 'request'}: {first.description}{more}"
    return ValidationError("INVALID_FIELD", message, facts={"field": first.field}, violations=violations)


def _violation(found: Any) -> FieldViolation:
    return FieldViolation(field_path(found.field), found.message, found.rule_id)


def field_path(path: Any) -> str:
    """A protovalidate FieldPath as text: `plan.tasks[2].id`, map keys in quotes."""
    text = ""
    for element in path.elements if path is not None else ():
        text += f".{element.field_name}" if text else element.field_name
        subscript = element.subscript
        if subscript is not None:
            text += f"[{subscript.value}]" if subscript.field != "string_key" else f'["{subscript.value}"]'
    return text


async def _checked(requests: AsyncIterator[Any], check: Any) -> AsyncGenerator[Any, None]:
    async for request in requests:
        check(request)
        yield request
