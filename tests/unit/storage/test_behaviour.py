"""What every engine does: the meaning of storage/base.py, on each engine of engines.py."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from engines import Clock, Engine

from genesis_server.resilience.errors import ResourceError
from genesis_server.storage.base import ABSENT, Change, Key, Put, Store, VersionConflictError

KEY = Key("acme", "plan", "p1")


def key(name: str, *, tenant: str = "acme", kind: str = "plan") -> Key:
    return Key(tenant, kind, name)


async def ids(store: Store, **how: object) -> list[str]:
    return [document.key.id for document in await store.list("acme", "plan", **how)]


async def upcoming(changes: AsyncIterator[Change], count: int) -> list[Change]:
    async with asyncio.timeout(5):
        return [await anext(changes) for _ in range(count)]


# Documents


async def test_a_document_comes_back_as_written(store: Store) -> None:
    """Bytes of any kind, also none, come back unchanged with their version."""
    for version, value in enumerate((b"plan", b"", bytes(range(256)) * 4000), 1):
        assert await store.put(KEY, value) == version
        found = await store.get(KEY)
        assert found is not None
        assert (found.key, found.value, found.version) == (KEY, value, version)


async def test_a_missing_document_is_none(store: Store) -> None:
    """Asking for what is not there is no error."""
    assert await store.get(KEY) is None


async def test_create_only_once(store: Store) -> None:
    """Two who create the same document: the second is told that it exists."""
    assert await store.put(KEY, b"mine", expected=ABSENT) == 1
    with pytest.raises(VersionConflictError) as caught:
        await store.put(KEY, b"theirs", expected=ABSENT)
    assert (caught.value.key, caught.value.expected, caught.value.actual) == (KEY, 0, 1)
    assert "version 1, not 0" in str(caught.value)


async def test_a_stale_write_changes_nothing(store: Store) -> None:
    """Who wrote on the basis of an old version is told the present one, and the present value stays."""
    await store.put(KEY, b"one")
    await store.put(KEY, b"two", expected=1)
    with pytest.raises(VersionConflictError) as caught:
        await store.put(KEY, b"three", expected=1)
    assert caught.value.actual == 2
    found = await store.get(KEY)
    assert found is not None
    assert (found.value, found.version) == (b"two", 2)


async def test_update_of_an_absent_document_is_refused(store: Store) -> None:
    """A document that somebody deleted does not come back by an update."""
    with pytest.raises(VersionConflictError) as caught:
        await store.put(KEY, b"x", expected=3)
    assert caught.value.actual == 0


async def test_delete(store: Store) -> None:
    """Deleting tells whether there was something; a stale version is refused; a new document counts from 1 again."""
    await store.put(KEY, b"one")
    await store.put(KEY, b"two")
    with pytest.raises(VersionConflictError):
        await store.delete(KEY, expected=1)
    assert await store.delete(KEY, expected=2)
    assert not await store.delete(KEY, expected=2)
    assert await store.get(KEY) is None
    assert await store.put(KEY, b"new", expected=ABSENT) == 1


async def test_tenants_and_kinds_are_apart(store: Store) -> None:
    """The same id under another tenant or kind is another document."""
    await store.put(key("p1"), b"acme's")
    await store.put(key("p1", tenant="globex"), b"globex's")
    await store.put(key("p1", kind="decision"), b"decision")
    assert await store.delete(key("p1", tenant="globex"))
    found = await store.get(KEY)
    assert found is not None
    assert found.value == b"acme's"
    assert await ids(store) == ["p1"]
    assert await store.list("globex", "plan") == []


async def test_list_is_in_code_point_order(store: Store) -> None:
    """Pages come in an order that a client can predict, also beyond ASCII."""
    names = ["", "a", "a\0", "a/1", "aé", "b", "Z", "é", "z", "\ud7ff", "\ud7ffx", "\ue000", "\uffff", "😀", "\U0010ffff"]
    for name in reversed(names):
        await store.put(key(name), name.encode())
    assert await ids(store) == sorted(names)
    assert await ids(store, descending=True) == sorted(names, reverse=True)
    for prefix in names:
        assert await ids(store, prefix=prefix) == sorted(name for name in names if name.startswith(prefix))


async def test_list_by_prefix_and_page(store: Store) -> None:
    """Paging forward and backward through a prefix meets each document once and no other."""
    for name in ("a", "ab1", "ab2", "ab3", "ab4", "ac"):
        await store.put(key(name), b"")
    assert await ids(store, prefix="ab", limit=3) == ["ab1", "ab2", "ab3"]
    assert await ids(store, prefix="ab", limit=3, after="ab3") == ["ab4"]
    assert await ids(store, prefix="ab", limit=3, descending=True) == ["ab4", "ab3", "ab2"]
    assert await ids(store, prefix="ab", limit=3, descending=True, after="ab2") == ["ab1"]
    assert await ids(store, prefix="ab", after="zz") == []
    assert await ids(store, prefix="ab", limit=0) == []


async def test_a_document_expires(store: Store, clock: Clock) -> None:
    """At its time a document is gone for get, list, compare-and-set and delete alike."""
    await store.put(KEY, b"one")
    await store.put(KEY, b"short", expires=clock.now + 10)
    await store.put(key("p2"), b"long", expires=clock.now + 100)
    clock.now += 9.9
    assert await ids(store) == ["p1", "p2"]
    clock.now += 0.1
    assert await store.get(KEY) is None
    assert await ids(store) == ["p2"]
    assert not await store.delete(KEY)
    assert await store.put(KEY, b"new", expected=ABSENT) == 1


async def test_a_write_without_expiry_keeps_a_document(store: Store, clock: Clock) -> None:
    """The last write decides how long a document lives."""
    await store.put(KEY, b"short", expires=clock.now + 10)
    await store.put(KEY, b"kept")
    clock.now += 1000
    found = await store.get(KEY)
    assert found is not None
    assert found.version == 2


async def test_counting_by_many_at_once(store: Store, other: Store) -> None:
    """Forty increments by compare-and-set through two processes make forty, whatever collides."""

    async def increment(store: Store) -> int:
        while True:
            found = await store.get(KEY)
            count, version = (int(found.value), found.version) if found else (0, 0)
            with contextlib.suppress(VersionConflictError):
                return await store.put(KEY, str(count + 1).encode(), expected=version)

    versions = await asyncio.gather(*(increment(each) for each in [store, other] * 20))
    assert sorted(versions) == list(range(1, 41))
    found = await other.get(KEY)
    assert found is not None
    assert int(found.value) == 40


async def test_a_refused_write_does_not_undo_its_neighbours(store: Store) -> None:
    """Writes that are committed together succeed and fail one by one."""
    outcomes = await asyncio.gather(
        *(store.put(key(f"d{number}"), b"", expected=0 if number % 3 else 7) for number in range(60)), return_exceptions=True
    )
    refused = [number for number, outcome in enumerate(outcomes) if isinstance(outcome, VersionConflictError)]
    assert refused == list(range(0, 60, 3))
    assert len(await ids(store)) == 40


async def test_writes_together_happen_together(store: Store, clock: Clock) -> None:
    """Several documents are written at once, each with its own expectation, expiry and new version."""
    await store.put(key("old"), b"1")
    puts = [
        Put(key("old"), b"2", expected=1),
        Put(key("new"), b"n", expected=ABSENT, expires=clock.now + 10),
        Put(key("new"), b"m", expected=1),
    ]
    assert list(await store.put_all(puts)) == [2, 1, 2]
    assert [document.value for document in await store.list("acme", "plan")] == [b"m", b"2"]
    assert list(await store.put_all([])) == []
    clock.now += 11
    assert await ids(store) == ["new", "old"]
    assert list(await store.put_all([Put(key("short"), b"", expires=clock.now + 1)])) == [1]
    clock.now += 1
    assert await ids(store) == ["new", "old"]


async def test_one_conflict_keeps_all_writes_out(store: Store) -> None:
    """When one of several writes finds another version none happens, and the first that is wrong is named."""
    await store.put(key("a"), b"1")
    watching = store.watch("acme", "plan")
    await store.get(KEY)  # whoever watches reads next: from then on nothing is missed
    with pytest.raises(VersionConflictError) as caught:
        await store.put_all([Put(key("a"), b"2", expected=1), Put(key("b"), b"1", expected=4), Put(key("a"), b"3", expected=9)])
    assert (caught.value.key, caught.value.expected, caught.value.actual) == (key("b"), 4, 0)
    assert [(document.key.id, document.value, document.version) for document in await store.list("acme", "plan")] == [("a", b"1", 1)]
    await store.put(key("c"), b"")
    assert [change.key.id for change in await upcoming(watching, 1)] == ["c"]


async def test_transfers_by_many_at_once_lose_nothing(store: Store, other: Store) -> None:
    """Two documents written together by compare-and-set through two processes always add up."""
    await store.put_all([Put(key("left"), b"100"), Put(key("right"), b"0")])

    async def move(store: Store) -> None:
        while True:
            left, right = [await store.get(key(name)) for name in ("left", "right")]
            assert left is not None
            assert right is not None
            with contextlib.suppress(VersionConflictError):
                await store.put_all(
                    [
                        Put(left.key, b"%d" % (int(left.value) - 1), expected=left.version),
                        Put(right.key, b"%d" % (int(right.value) + 1), expected=right.version),
                    ]
                )
                return

    await asyncio.gather(*(move(each) for each in [store, other] * 10))
    assert [document.value for document in await store.list("acme", "plan")] == [b"80", b"20"]


async def test_text_that_is_no_unicode_is_the_callers_error(store: Store) -> None:
    """A lone surrogate in an id fails that call and leaves the others alone."""
    bad, good = await asyncio.gather(store.put(key("\ud800"), b""), store.put(KEY, b"fine"), return_exceptions=True)
    assert isinstance(bad, UnicodeEncodeError)
    assert good == 1


async def test_cancelled_writes_are_whole_or_absent(store: Store) -> None:
    """Callers that give up leave no half state, and the store goes on."""
    tasks = [asyncio.ensure_future(store.append("acme", "audit", [b"%d" % number] * 3)) for number in range(50)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    entries = await store.read("acme", "audit", limit=1000)
    batches = [entry.value for entry in entries[::3]]
    assert [entry.value for entry in entries] == [value for value in batches for _ in range(3)]
    assert {int(value) for value in batches} >= {n for n, outcome in enumerate(outcomes) if isinstance(outcome, int)}
    assert len(set(batches)) == len(batches)
    await store.check()


# Watching


async def test_watch_tells_changes_in_order(store: Store) -> None:
    """A watcher hears of writes and deletions of its kind and of nothing else."""
    changes = store.watch("acme", "plan")
    await store.get(KEY)  # whoever watches reads next: from then on nothing is missed
    await store.put(key("x", tenant="globex"), b"")
    await store.put(key("x", kind="decision"), b"")
    await store.put(key("a"), b"1")
    await store.put(key("b"), b"2")
    first, second = await upcoming(changes, 2)
    assert [first.document, second.document] == [await store.get(key("a")), await store.get(key("b"))]
    await store.delete(key("a"))
    (third,) = await upcoming(changes, 1)
    assert (third.key, third.document) == (key("a"), None)
    assert first.revision < second.revision < third.revision


async def test_watch_begins_when_it_is_called(store: Store) -> None:
    """Nothing falls between a watch and the list made after it, even when the first change is only asked for later."""
    await store.put(key("before"), b"")
    changes = store.watch("acme", "plan")
    assert await ids(store) == ["before"]
    await store.put(key("after"), b"")
    assert [change.key.id for change in await upcoming(changes, 1)] == ["after"]


async def test_watch_again_misses_nothing(store: Store) -> None:
    """Who watches again from the last revision hears what happened meanwhile; from 0 on, all that is there."""
    changes = store.watch("acme", "plan", after_revision=0)
    await store.put(key("a"), b"1")
    (first,) = await upcoming(changes, 1)
    for number in range(150):
        await store.put(key("b"), b"%d" % number)
    await store.delete(key("a"))
    resumed = await upcoming(store.watch("acme", "plan", after_revision=first.revision), 2)
    assert [(change.key.id, change.document.value if change.document else None) for change in resumed] == [("b", b"149"), ("a", None)]


async def test_watch_reads_on_through_many_changes(store: Store) -> None:
    """More changes than one reading holds all arrive."""
    await asyncio.gather(*(store.put(key(f"{number:03}"), b"") for number in range(250)))
    found = await upcoming(store.watch("acme", "plan", after_revision=0), 250)
    assert sorted(change.key.id for change in found) == [f"{number:03}" for number in range(250)]


async def test_watch_across_processes(store: Store, other: Store) -> None:
    """A change by another process arrives too."""
    changes = store.watch("acme", "plan")
    await store.get(KEY)  # whoever watches reads next: from then on nothing is missed
    await other.put(KEY, b"theirs")
    (change,) = await upcoming(changes, 1)
    assert change.document is not None
    assert change.document.value == b"theirs"


async def test_watchers_are_woken_and_end_with_the_store(store: Store) -> None:
    """Many who wait are all told; those who still wait when the store closes simply end."""
    waiting = [asyncio.ensure_future(anext(store.watch("acme", "plan"))) for _ in range(20)]
    ending = asyncio.ensure_future(anext(store.watch("acme", "decision"), None))
    await store.get(KEY)
    await store.put(KEY, b"x")
    async with asyncio.timeout(5):
        assert {change.key for change in await asyncio.gather(*waiting)} == {KEY}
        await store.close()
        assert await ending is None


async def test_an_expiry_is_told_as_a_deletion(store: Store, clock: Clock) -> None:
    """A watcher hears that a document vanished by itself, once the store has swept."""
    changes = store.watch("acme", "plan")
    await store.get(KEY)  # whoever watches reads next: from then on nothing is missed
    await store.put(KEY, b"short", expires=clock.now + 10)
    await upcoming(changes, 1)
    clock.now += 100
    await store.put(key("other", kind="tick"), b"")
    (change,) = await upcoming(changes, 1)
    assert (change.key, change.document) == (KEY, None)


# Journal


async def test_journal_is_gapless(store: Store, clock: Clock) -> None:
    """Entries count from 1 in each stream, with the time of their appending."""
    assert await store.append("acme", "audit", [b"a", b"b"]) == 2
    clock.now += 5
    assert await store.append("acme", "audit", [b"c"]) == 3
    assert await store.append("acme", "audit", []) == 3
    assert await store.append("acme", "other", [b"z"]) == 1
    assert await store.append("globex", "audit", []) == 0
    entries = await store.read("acme", "audit")
    assert [(entry.sequence, entry.value, entry.time) for entry in entries] == [
        (1, b"a", 1_000_000.0),
        (2, b"b", 1_000_000.0),
        (3, b"c", 1_000_005.0),
    ]
    assert [entry.sequence for entry in await store.read("acme", "audit", after=1, limit=1)] == [2]
    assert await store.read("acme", "audit", after=3) == []
    assert await store.read("acme", "audit", limit=0) == []


async def test_batches_stay_together(store: Store, other: Store) -> None:
    """What many append at once lies in the journal batch by batch, without gaps."""
    lasts = await asyncio.gather(*([store, other][n % 2].append("acme", "audit", [b"%d" % n] * 4) for n in range(30)))
    entries = await store.read("acme", "audit", limit=1000)
    assert [entry.sequence for entry in entries] == list(range(1, 121))
    assert all(len({entry.value for entry in entries[start : start + 4]}) == 1 for start in range(0, 120, 4))
    assert all(entries[last - 1].value == b"%d" % number for number, last in enumerate(lasts))


async def test_a_batch_with_a_wrong_value_is_not_written(store: Store) -> None:
    """All or none: a value that cannot be stored keeps the rest of its batch out."""
    with pytest.raises((ResourceError, OverflowError)):
        await store.append("acme", "audit", [b"fine", 2**70])  # type: ignore[list-item]
    assert await store.append("acme", "audit", [b"next"]) == 1


# Leases


async def test_slots_are_counted(store: Store, other: Store) -> None:
    """No more leases of a name are out than it has slots, over all processes."""
    got = await asyncio.gather(*([store, other][n % 2].acquire("acme", "gpu", f"w{n}", seconds=10, slots=3) for n in range(12)))
    held = [lease for lease in got if lease is not None]
    assert len(held) == 3
    assert len({lease.token for lease in held}) == 3
    assert await store.acquire("globex", "gpu", "w", seconds=10) is not None
    assert await store.acquire("acme", "cpu", "w", seconds=10) is not None
    assert await store.acquire("acme", "none", "w", seconds=10, slots=0) is None


async def test_a_lease_expires(store: Store, clock: Clock) -> None:
    """A holder that went silent loses its lease; it can neither renew nor release it, and the next token is larger."""
    first = await store.acquire("acme", "task", "a", seconds=10)
    assert first is not None
    assert first.expires == clock.now + 10
    clock.now += 10
    second = await store.acquire("acme", "task", "b", seconds=10)
    assert second is not None
    assert second.token > first.token
    assert await store.renew(first, seconds=10) is None
    assert not await store.release(first)
    assert await store.acquire("acme", "task", "c", seconds=10) is None


async def test_renew_moves_the_end(store: Store, clock: Clock) -> None:
    """A holder that renews in time keeps its token for as long as it likes."""
    lease = await store.acquire("acme", "task", "a", seconds=10)
    assert lease is not None
    for _ in range(5):
        clock.now += 9
        renewed = await store.renew(lease, seconds=10)
        assert renewed is not None
        assert (renewed.token, renewed.expires) == (lease.token, clock.now + 10)
        lease = renewed
    assert await store.release(lease)
    assert not await store.release(lease)
    assert await store.renew(lease, seconds=10) is None


async def test_tokens_grow_over_release_expiry_and_restart(engine: Engine, clock: Clock) -> None:
    """A token is never smaller than one given before, whatever happened in between."""
    tokens: list[int] = []
    for round_ in range(6):
        store = engine.open()
        lease = await store.acquire("acme", "task", "a", seconds=10)
        assert lease is not None
        tokens.append(lease.token)
        if round_ % 2:
            await store.release(lease)
        clock.now += 1000
        await store.put(KEY, b"gives the sweep its chance")
        await store.close()
    assert tokens == sorted(set(tokens))


# The store


async def test_everything_is_there_after_a_restart(engine: Engine) -> None:
    """Documents, journals and leases outlive the process."""
    store = engine.open()
    await store.put(KEY, b"kept")
    await store.append("acme", "audit", [b"kept"])
    lease = await store.acquire("acme", "task", "a", seconds=10)
    await store.close()
    again = engine.open()
    found = await again.get(KEY)
    assert found is not None
    assert found.value == b"kept"
    assert len(await again.read("acme", "audit")) == 1
    assert lease is not None
    assert await again.release(lease)
    await again.close()


async def test_close_finishes_what_is_under_way(engine: Engine) -> None:
    """Writes that were called before the close are done; calls after it are refused as unavailable; closing twice is fine."""
    store = engine.open()
    writes = [asyncio.ensure_future(store.put(key(f"{n:02}"), b"")) for n in range(30)]
    await asyncio.sleep(0)
    await store.close()
    assert await asyncio.gather(*writes) == [1] * 30
    for refused in (store.get(KEY), store.put(KEY, b""), store.check()):
        with pytest.raises(ResourceError) as caught:
            await refused
        assert caught.value.reason == "STORAGE_UNAVAILABLE"
    await store.close()


async def test_check_passes_on_a_sound_store(store: Store) -> None:
    """A store that works says so, and checking changes nothing that a watcher would hear."""
    changes = store.watch("acme", "plan", after_revision=0)
    await store.check()
    await store.put(KEY, b"x")
    assert [change.key for change in await upcoming(changes, 1)] == [KEY]
