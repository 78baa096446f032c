"""The same request id gets the same answer (AIP-155), across processes and restarts.

An id belongs to a tenant and a method and is kept for 24 hours with a hash of its request. The same request gets the first answer; one
that arrives while the first is being made waits for it; another request is REQUEST_ID_REUSED. An error is remembered when trying again
cannot help (INVALID_ARGUMENT, NOT_FOUND, FAILED_PRECONDITION); after any other the next attempt runs anew.

Who makes the answer first writes a claim where the answer will stand; a claim ends by itself when its process is gone. A crash between
the handler's own write and the answer's loses the memory: the retry then runs again, as without an id.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

import grpc
from google.protobuf.message import Message

from genesis_server.model.caller import Caller, Role
from genesis_server.resilience.errors import GenesisError, ResourceError, ValidationError
from genesis_server.rpc.context import current_caller
from genesis_server.rpc.interceptors.layer import Context, Handler, Layer, Stream, Unary
from genesis_server.rpc.methods import contract_methods
from genesis_server.rpc.remembered import Answer, Claim, decode, encode
from genesis_server.rpc.status import code_of
from genesis_server.storage.base import ABSENT, Documents, Key, VersionConflictError

KIND = "idempotency"
KEPT_SECONDS = 24 * 3600.0
CLAIM_SECONDS = 15.0
FIELD = "request_id"
WRAPPED = "plan"
"""Field of a streaming request that holds the request with the id."""

_REMEMBERED = frozenset({grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND, grpc.StatusCode.FAILED_PRECONDITION})
_FIRST_WAIT_SECONDS = 0.02
_LONGEST_WAIT_SECONDS = 0.5

_log = logging.getLogger(__name__)

Run = Callable[[], Awaitable[bytes]]


class IdempotencyInterceptor(Layer):
    """Remembers the answers of the contract's methods whose request has a `request_id`."""

    def __init__(
        self,
        store: Documents,
        *,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        kept_seconds: float = KEPT_SECONDS,
        claim_seconds: float = CLAIM_SECONDS,
        may_write: Callable[[], bool] = lambda: True,
    ) -> None:
        """Remember in `store`.

        Args:
            store: shared by all processes of the service.
            now: seconds since the epoch, as the store counts them.
            sleep: waits between looks at another process's progress, and between renewals of a claim.
            kept_seconds: how long answers are remembered.
            claim_seconds: after this time without a sign of life, another process may make the answer.
            may_write: whether anything is written now; answers made meanwhile change nothing and are not remembered, those of before are.
        """
        self._store = store
        self._now = now
        self._sleep = sleep
        self._kept = kept_seconds
        self._claim_seconds = claim_seconds
        self._may_write = may_write
        self._running: dict[Key, asyncio.Event] = {}
        self._serialisers: dict[str, Any] = {}

    def wrap(self, method: str, handler: Handler) -> Handler:
        """Wrap, and keep the serialiser: what is remembered is the answer's bytes."""
        if method in contract_methods():
            self._serialisers[method] = handler.response_serializer
        return super().wrap(method, handler)

    def around_unary(self, method: str, inner: Unary) -> Unary:
        """Answer from memory, or run and remember."""
        known = contract_methods().get(method)
        if known is None or FIELD not in known.request.DESCRIPTOR.fields_by_name:
            return inner
        serialise: Callable[[Any], bytes] = self._serialisers[method]

        async def unary(request: Any, context: Context) -> Any:
            if not request.request_id:
                return await inner(request, context)
            key = Key(current_caller().tenant, KIND, f"{known.name}:{request.request_id}")
            if not self._may_write():
                before = await self._before(key, _digest(request, current_caller()))
                return await inner(request, context) if before is None else before

            async def run() -> bytes:
                return serialise(await inner(request, context))

            return await self._once(key, _digest(request, current_caller()), run)

        return unary

    def around_stream(self, method: str, inner: Stream) -> Stream:
        """The same for a stream whose request wraps one with an id: a repeated id gets the last message, which holds the result, alone."""
        known = contract_methods().get(method)
        if known is None or WRAPPED not in known.request.DESCRIPTOR.fields_by_name:
            return inner
        serialise: Callable[[Any], bytes] = self._serialisers[method]

        async def stream(request: Any, context: Context) -> AsyncGenerator[Any, None]:
            wrapped = getattr(request, WRAPPED)
            key = Key(current_caller().tenant, KIND, f"{known.name}:{wrapped.request_id}")
            if not wrapped.request_id or not self._may_write():
                before = await self._before(key, _digest(request, current_caller())) if wrapped.request_id else None
                if before is not None:
                    yield before
                    return
                async with aclosing(inner(request, context)) as answers:
                    async for answer in answers:
                        yield answer
                return
            progress: asyncio.Queue[Any] = asyncio.Queue()

            async def run() -> bytes:
                last: Any = None
                async with aclosing(inner(request, context)) as answers:
                    async for answer in answers:
                        if last is not None:
                            progress.put_nowait(last)
                        last = answer
                return serialise(last)

            result = asyncio.create_task(self._once(key, _digest(request, current_caller()), run))
            try:
                async for told in _until(result, progress):
                    yield told
                yield await result
            finally:
                result.cancel()

        return stream

    async def _once(self, key: Key, digest: str, run: Run) -> bytes:
        """The remembered answer, or the one of `run`, which then runs nowhere else meanwhile."""
        while (other := self._running.get(key)) is not None:
            await other.wait()
        self._running[key] = event = asyncio.Event()
        try:
            wait = _FIRST_WAIT_SECONDS
            while True:
                version = await self._claim(key, digest)
                if version is not None:
                    return await self._make(key, version, digest, run)
                answer = await self._remembered(key, digest)
                if answer is not None:
                    return _resolve(answer)
                await self._sleep(wait)
                wait = min(wait * 2, _LONGEST_WAIT_SECONDS)
        finally:
            del self._running[key]
            event.set()

    async def _before(self, key: Key, digest: str) -> bytes | None:
        """What was answered before writes were refused, as far as the store tells. Raises as `_remembered`."""
        try:
            answer = await self._remembered(key, digest)
        except ResourceError:
            return None
        return None if answer is None else _resolve(answer)

    async def _claim(self, key: Key, digest: str) -> int | None:
        """Say that this process makes the answer; None when there is a claim or an answer already."""
        try:
            return await self._store.put(key, encode(Claim(digest)), expected=ABSENT, expires=self._now() + self._claim_seconds)
        except VersionConflictError:
            return None

    async def _remembered(self, key: Key, digest: str) -> Answer | None:
        """The answer; None while it is being made. Raises ValidationError REQUEST_ID_REUSED for another request's."""
        document = await self._store.get(key)
        if document is None:
            return None
        entry = decode(document.value)
        if entry.digest != digest:
            message = "the request id was used for another request within the last 24 hours; use a new one"
            raise ValidationError("REQUEST_ID_REUSED", message, facts={"request_id": key.id.split(":", 1)[1]})
        return entry if isinstance(entry, Answer) else None

    async def _make(self, key: Key, version: int, digest: str, run: Run) -> bytes:
        """Run under the claim, and write the answer in its place."""
        claim = _Claimed(version)
        claim.renewing = asyncio.create_task(self._renew(key, digest, claim))
        keep: Answer | None = None
        try:
            response = await run()
            keep = Answer(digest, response)
        except GenesisError as error:
            if code_of(error) in _REMEMBERED:
                keep = Answer(digest, error=error)
            raise
        else:
            return response
        finally:
            # A caller that goes away now must not leave the claim behind.
            await asyncio.shield(self._settle(key, claim, keep))

    async def _settle(self, key: Key, claim: _Claimed, keep: Answer | None) -> None:
        """Keep the answer, or take the claim back. When that fails the caller still gets the answer: the work is done."""
        async with claim.lock:
            if claim.renewing is not None:
                claim.renewing.cancel()
                # A cancelled task keeps its frame, and that keeps the claim: a cycle for each call, were the claim to keep the task.
                claim.renewing = None
            try:
                if keep is None:
                    await self._store.delete(key, expected=claim.version)
                else:
                    await self._store.put(key, encode(keep), expected=claim.version, expires=self._now() + self._kept)
            except VersionConflictError:
                _log.warning("the claim on a request id ended before its answer was made")
            except GenesisError as error:
                _log.warning("an answer could not be remembered (%s); a retry would run again", error.reason)

    async def _renew(self, key: Key, digest: str, claim: _Claimed) -> None:
        while True:
            await self._sleep(self._claim_seconds / 3)
            async with claim.lock:
                try:
                    expires = self._now() + self._claim_seconds
                    claim.version = await self._store.put(key, encode(Claim(digest)), expected=claim.version, expires=expires)
                except VersionConflictError:
                    return
                except GenesisError as error:
                    _log.warning("the claim on a request id could not be renewed (%s)", error.reason)


class _Claimed:
    """A claim's version and the task that renews it; the lock keeps it from being renewed while it is settled."""

    def __init__(self, version: int) -> None:
        self.version = version
        self.lock = asyncio.Lock()
        self.renewing: asyncio.Task[None] | None = None


async def _until(result: asyncio.Task[bytes], progress: asyncio.Queue[Any]) -> AsyncGenerator[Any, None]:
    """What comes through the queue until the task has ended and the queue is empty."""
    while not (result.done() and progress.empty()):
        told = asyncio.ensure_future(progress.get())
        await asyncio.wait({told, result}, return_when=asyncio.FIRST_COMPLETED)
        if told.done():
            yield told.result()
        else:
            told.cancel()


def _resolve(answer: Answer) -> bytes:
    if answer.error is not None:
        raise answer.error
    return answer.response


def _digest(request: Message, caller: Caller) -> str:
    """What tells requests apart. An agent's own: another one that sends the same bytes must not get its session."""
    digest = hashlib.sha256(request.SerializeToString(deterministic=True))
    if Role.AGENT in caller.roles:
        digest.update(f"\n{caller.subject}".encode())
    return digest.hexdigest()
