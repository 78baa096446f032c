"""Requests against the constraints declared in the contract, by protovalidate: all violations at once, with their field paths."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import Any

import protovalidate
from google.protobuf.message import Message

from genesis_server.resilience.errors import FieldViolation, ValidationError
from genesis_server.resilience.remembering import remembering
from genesis_server.rpc.deserialisation import Rejected, small_request
from genesis_server.rpc.interceptors.layer import Context, Layer, Stream, Unary
from genesis_server.rpc.known_requests import KnownRequests
from genesis_server.rpc.methods import FLAG, GET_PLAN, HEARTBEAT, contract_methods, takes_stream

_ASKED_AGAIN = frozenset({FLAG, GET_PLAN, HEARTBEAT})
"""Clients ask for a flag before each step, those who wait for a plan ask how it is, workers say that they live: the same bytes each time.

Checking takes longer than answering them, and the constraints never change, so small requests of these that were found sound are known.
Of other methods the same request seldom comes twice, and to know it would only fill the memory.
"""

Check = Callable[[object], None]
"""Raises the error of a request that is not sound."""


class ConstraintsInterceptor(Layer):
    """Refuses requests that could not be read, and requests of the contract's methods that break a declared constraint.

    A RawRequest passes: whoever parses it checks it. The constraints of a type are compiled with its first check: 18 ms for the first of
    all, at most 4 ms for another. At the start they would cost 5 MB, also in a server that nobody calls but for its health.
    """

    def around_unary(self, method: str, inner: Unary) -> Unary:
        """Check the request, then run."""
        check = _check_of(method)
        if method in _ASKED_AGAIN:
            check = _once_for_each(check)
        if takes_stream(method):

            async def unary_of_stream(request: Any, context: Context) -> Any:
                return await inner(_checked(request, check), context)

            return unary_of_stream

        async def unary(request: Any, context: Context) -> Any:
            check(request)
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


def _once_for_each(check: Check) -> Check:
    """The same check, made once of each small request that it finds sound."""
    known = KnownRequests[bool]()

    def check_unknown(request: object) -> None:
        data = small_request(request) if remembering() else None
        if data is None:
            check(request)
        elif not known.get(data):
            check(request)
            known.add(data, found=True)

    return check_unknown


def _check_of(method: str) -> Check:
    known = contract_methods().get(method)
    return check_message if known is not None and known.request.DESCRIPTOR.fields else check_readable


def check_readable(request: object) -> None:
    """Raise the error of a request that could not be read."""
    if isinstance(request, Rejected):
        raise request.error


def check_message(request: object) -> None:
    """Raise ValidationError INVALID_FIELD with every violation, or the error of a request that could not be read."""
    if isinstance(request, Message):
        violations = [_violation(found.proto) for found in protovalidate.collect_violations(request)]
        if violations:
            raise invalid_fields(violations)
    else:
        check_readable(request)


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


async def _checked(requests: AsyncIterator[Any], check: Check) -> AsyncGenerator[Any, None]:
    async for request in requests:
        check(request)
        yield request
