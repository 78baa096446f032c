"""A store behind a circuit breaker and retries, so that a store that does not answer costs each caller little."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TypeVar

from genesis_server.resilience.breakers import Breaker
from genesis_server.resilience.errors import GenesisError, ResourceError
from genesis_server.resilience.retry import Retry
from genesis_server.storage.base import ANY_VERSION, Change, Document, Entry, Key, Lease, Put, Store

T = TypeVar("T")


def is_fault(error: Exception) -> bool:
    """Whether the store failed, as opposed to refusing (a version conflict) or being full."""
    return isinstance(error, ResourceError) and error.reason == "STORAGE_UNAVAILABLE"


class GuardedStore:
    """A `Store` that calls another one through `breaker` and repeats what failed by `retry`.

    A failed write wrote nothing, so that repeating it is safe. `watch`, `check` and `close` go straight through: a watcher goes on from
    the last revision it knows, a check must see the store and not the breaker. While `enabled` says False every call is one plain attempt.
    Nothing is written that `refusal` gives an error for, by the kind of the document; journals and leases have the kind "".
    """

    def __init__(
        self,
        store: Store,
        *,
        breaker: Breaker,
        retry: Retry,
        enabled: Callable[[], bool] = lambda: True,
        refusal: Callable[[str], GenesisError | None] = lambda _: None,
    ) -> None:
        """`breaker` should count the faults of `is_fault`."""
        self._store = store
        self._breaker = breaker
        self._retry = retry
        self._enabled = enabled
        self._refusal = refusal

    async def _call(self, call: Callable[[], Awaitable[T]]) -> T:
        if not self._enabled():
            return await call()
        # A fault is a call whose attempts all failed, so that a hiccup does not open the breaker.
        return await self._breaker.run(lambda: self._retry.run(call, retryable=is_fault))

    def _refuse(self, *kinds: str) -> None:
        for kind in kinds:
            error = self._refusal(kind)
            if error is not None:
                raise error

    async def get(self, key: Key) -> Document | None:
        """The document, or None."""
        return await self._call(lambda: self._store.get(key))

    async def put(self, key: Key, value: bytes, *, expected: int = ANY_VERSION, expires: float | None = None) -> int:
        """Write and return the new version."""
        self._refuse(key.kind)
        return await self._call(lambda: self._store.put(key, value, expected=expected, expires=expires))

    async def put_all(self, puts: Sequence[Put]) -> Sequence[int]:
        """Write all or none; the new versions, in order."""
        self._refuse(*{put.key.kind for put in puts})
        return await self._call(lambda: self._store.put_all(puts))

    async def delete(self, key: Key, *, expected: int = ANY_VERSION) -> bool:
        """Delete; False when it was not there."""
        self._refuse(key.kind)
        return await self._call(lambda: self._store.delete(key, expected=expected))

    async def list(
        self, tenant: str, kind: str, *, prefix: str = "", after: str = "", limit: int = 100, descending: bool = False
    ) -> Sequence[Document]:
        """Documents whose id begins with `prefix`, in order of ids, beyond `after`."""
        return await self._call(lambda: self._store.list(tenant, kind, prefix=prefix, after=after, limit=limit, descending=descending))

    def watch(self, tenant: str, kind: str, *, after_revision: int | None = None) -> AsyncIterator[Change]:
        """Changes from `after_revision` on; raises at the first fault."""
        return self._store.watch(tenant, kind, after_revision=after_revision)

    async def append(self, tenant: str, stream: str, values: Sequence[bytes]) -> int:
        """Append all or none; the sequence number of the last."""
        self._refuse("")
        return await self._call(lambda: self._store.append(tenant, stream, values))

    async def read(self, tenant: str, stream: str, *, after: int = 0, limit: int = 100) -> Sequence[Entry]:
        """Entries with a larger sequence number than `after`, in order."""
        return await self._call(lambda: self._store.read(tenant, stream, after=after, limit=limit))

    async def acquire(self, tenant: str, name: str, holder: str, *, seconds: float, slots: int = 1) -> Lease | None:
        """A lease when fewer than `slots` live ones of this name are out; None otherwise."""
        self._refuse("")
        return await self._call(lambda: self._store.acquire(tenant, name, holder, seconds=seconds, slots=slots))

    async def renew(self, lease: Lease, *, seconds: float) -> Lease | None:
        """The lease with a new end and the same token; None when it is gone."""
        self._refuse("")
        return await self._call(lambda: self._store.renew(lease, seconds=seconds))

    async def release(self, lease: Lease) -> bool:
        """Give it back; False when it was gone already."""
        self._refuse("")
        return await self._call(lambda: self._store.release(lease))

    async def check(self) -> None:
        """Raise ResourceError when the store does not answer."""
        await self._store.check()

    async def close(self) -> None:
        """Finish what is under way and let go."""
        await self._store.close()
