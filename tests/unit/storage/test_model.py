"""Every engine against a model of a few lines: whatever sequence of calls, the same answers."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import pytest
from engines import ENGINES, Clock, Engine
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from genesis_server.storage.base import ANY_VERSION, Change, Document, Key, Lease, Put, VersionConflictError

TENANTS = st.sampled_from(["acme", "globex"])
NAMES = st.sampled_from(["", "a", "ab", "abé", "b", "\ud7ff", "\uffff", "😀", "\U0010ffff"])
VALUES = st.binary(max_size=20)
SECONDS = st.sampled_from([0.5, 5.0, 90.0])


class Model(RuleBasedStateMachine):
    """One tenant-keyed dict for each primitive; time moves only when a rule moves it."""

    engine_class: type[Engine]

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.clock = Clock()
        self.documents: dict[tuple[str, str], tuple[bytes, int, float]] = {}
        self.streams: dict[tuple[str, str], list[bytes]] = {}
        self.leases: dict[Lease, None] = {}
        self.given: dict[tuple[str, str], int] = {}

    @initialize()
    def begin(self) -> None:
        self.engine = self.engine_class(Path(self.folder.name), self.clock)
        self.store = self.on_loop(self._open)

    def on_loop(self, call):
        async def run():
            return await call()

        return self.runner.run(run())

    async def _open(self):
        return self.engine.open()

    def live(self) -> dict[tuple[str, str], tuple[bytes, int, float]]:
        return {key: row for key, row in self.documents.items() if row[2] > self.clock.now}

    def out(self) -> list[Lease]:
        return [lease for lease in self.leases if lease.expires > self.clock.now]

    @rule(tenant=TENANTS, name=NAMES, value=VALUES, expected=st.sampled_from([ANY_VERSION, 0, 1, 2, None]), lives=st.none() | SECONDS)
    def put(self, tenant: str, name: str, value: bytes, expected: int | None, lives: float | None) -> None:
        actual = self.live().get((tenant, name), (b"", 0, 0.0))[1]
        expected = actual if expected is None else expected
        expires = None if lives is None else self.clock.now + lives
        key = Key(tenant, "k", name)
        if expected in {ANY_VERSION, actual}:
            assert self.on_loop(lambda: self.store.put(key, value, expected=expected, expires=expires)) == actual + 1
            self.documents[tenant, name] = (value, actual + 1, float("inf") if expires is None else expires)
        else:
            with pytest.raises(VersionConflictError) as caught:
                self.on_loop(lambda: self.store.put(key, value, expected=expected, expires=expires))
            assert caught.value.actual == actual

    @rule(
        tenant=TENANTS,
        writes=st.lists(
            st.tuples(NAMES, VALUES, st.sampled_from([ANY_VERSION, ANY_VERSION, ANY_VERSION, 0, 1, 2]), st.none() | SECONDS), max_size=4
        ),
    )
    def put_all(self, tenant: str, writes: list[tuple[str, bytes, int, float | None]]) -> None:
        after, versions, conflict = dict(self.documents), [], None
        for name, value, expected, lives in writes:
            kept = after.get((tenant, name))
            actual = kept[1] if kept is not None and kept[2] > self.clock.now else 0
            if expected not in {ANY_VERSION, actual}:
                conflict = (name, expected, actual)
                break
            after[tenant, name] = (value, actual + 1, float("inf") if lives is None else self.clock.now + lives)
            versions.append(actual + 1)
        puts = [
            Put(Key(tenant, "k", name), value, expected, None if lives is None else self.clock.now + lives)
            for name, value, expected, lives in writes
        ]
        if conflict is None:
            assert list(self.on_loop(lambda: self.store.put_all(puts))) == versions
            self.documents = after
        else:
            with pytest.raises(VersionConflictError) as caught:
                self.on_loop(lambda: self.store.put_all(puts))
            assert (caught.value.key.id, caught.value.expected, caught.value.actual) == conflict

    @rule(tenant=TENANTS, name=NAMES, expected=st.sampled_from([ANY_VERSION, 1, 2]))
    def delete(self, tenant: str, name: str, expected: int) -> None:
        actual = self.live().get((tenant, name), (b"", 0, 0.0))[1]
        key = Key(tenant, "k", name)
        if actual and expected not in {ANY_VERSION, actual}:
            with pytest.raises(VersionConflictError):
                self.on_loop(lambda: self.store.delete(key, expected=expected))
        else:
            assert self.on_loop(lambda: self.store.delete(key, expected=expected)) == bool(actual)
            self.documents.pop((tenant, name), None)

    @rule(tenant=TENANTS, prefix=NAMES, after=NAMES, limit=st.integers(0, 5), descending=st.booleans())
    def listing(self, tenant: str, prefix: str, after: str, limit: int, descending: bool) -> None:
        names = sorted((name for owner, name in self.live() if owner == tenant and name.startswith(prefix)), reverse=descending)
        if after:
            names = [name for name in names if (name < after if descending else name > after)]
        found = self.on_loop(
            lambda: self.store.list(tenant, "k", prefix=prefix, after=after, limit=limit, descending=descending),
        )
        assert [document.key.id for document in found] == names[:limit]
        for document in found:
            assert (document.value, document.version) == self.live()[tenant, document.key.id][:2]

    @rule(tenant=TENANTS, stream=st.sampled_from(["s", "t"]), values=st.lists(VALUES, max_size=4))
    def append(self, tenant: str, stream: str, values: list[bytes]) -> None:
        entries = self.streams.setdefault((tenant, stream), [])
        entries.extend(values)
        assert self.on_loop(lambda: self.store.append(tenant, stream, values)) == len(entries)

    @rule(tenant=TENANTS, stream=st.sampled_from(["s", "t"]), after=st.integers(0, 8), limit=st.integers(0, 5))
    def read(self, tenant: str, stream: str, after: int, limit: int) -> None:
        expected = list(enumerate(self.streams.get((tenant, stream), []), 1))[after : after + limit]
        found = self.on_loop(lambda: self.store.read(tenant, stream, after=after, limit=limit))
        assert [(entry.sequence, entry.value) for entry in found] == expected

    @rule(tenant=TENANTS, name=st.sampled_from(["x", "y"]), seconds=SECONDS, slots=st.integers(0, 3))
    def acquire(self, tenant: str, name: str, seconds: float, slots: int) -> None:
        out = [lease for lease in self.out() if (lease.tenant, lease.name) == (tenant, name)]
        lease = self.on_loop(lambda: self.store.acquire(tenant, name, "me", seconds=seconds, slots=slots))
        assert (lease is not None) == (len(out) < slots)
        if lease is not None:
            assert lease.token > self.given.get((tenant, name), 0)
            assert lease == Lease(tenant, name, "me", lease.token, self.clock.now + seconds)
            self.given[tenant, name] = lease.token
            self.leases[lease] = None

    @rule(data=st.data(), seconds=SECONDS)
    def renew(self, data: st.DataObject, seconds: float) -> None:
        if self.leases:
            lease = data.draw(st.sampled_from(list(self.leases)))
            alive = lease in self.out()
            renewed = self.on_loop(lambda: self.store.renew(lease, seconds=seconds))
            del self.leases[lease]
            assert (renewed is not None) == alive
            if renewed is not None:
                self.leases[renewed] = None

    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        if self.leases:
            lease = data.draw(st.sampled_from(list(self.leases)))
            assert self.on_loop(lambda: self.store.release(lease)) == (lease in self.out())
            del self.leases[lease]

    @rule(seconds=st.sampled_from([0.5, 5.0, 61.0, 4000.0]))
    def wait(self, seconds: float) -> None:
        self.clock.now += seconds

    @rule()
    def restart(self) -> None:
        self.on_loop(self.store.close)
        self.store = self.on_loop(self._open)

    @rule(tenant=TENANTS)
    def watch_from_the_start(self, tenant: str) -> None:
        """A watcher that begins at 0 arrives at exactly what is there."""
        live = {name: row[1] for (owner, name), row in self.live().items() if owner == tenant}
        marker = Key(tenant, "k", "zz-marker")

        async def collect() -> dict[str, Document]:
            seen: dict[str, Document] = {}
            version = await self.store.put(marker, b"")
            last = 0
            changes = self.store.watch(tenant, "k", after_revision=0)
            while True:
                change: Change = await anext(changes)
                assert change.revision > last
                last = change.revision
                if change.key == marker and change.document is not None and change.document.version == version:
                    await self.store.delete(marker)
                    await changes.aclose()  # type: ignore[attr-defined]
                    return seen
                if change.document is None:
                    seen.pop(change.key.id, None)
                else:
                    seen[change.key.id] = change.document

        seen = self.on_loop(collect)
        assert {name: document.version for name, document in seen.items()} == live

    @invariant()
    def documents_agree(self) -> None:
        if hasattr(self, "store"):
            for (tenant, name), (value, version, _) in self.live().items():
                key = Key(tenant, "k", name)
                assert self.on_loop(lambda key=key: self.store.get(key)) == Document(key, value, version)

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.on_loop(self.store.close)
        self.runner.close()
        self.folder.cleanup()


@pytest.mark.parametrize("name", sorted(ENGINES))
def test_any_sequence_of_calls_agrees_with_the_model(name: str) -> None:
    """Documents, journals, leases and watching behave like plain dictionaries with a clock."""
    machine = type("Machine", (Model,), {"engine_class": ENGINES[name]})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=40, stateful_step_count=30, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
        ),
    )
