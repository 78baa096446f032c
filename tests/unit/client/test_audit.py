"""Whoever changes the audit log behind the server's back is found out by its readers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis import audit
from genesis.admin.v1.flag_admin_service_pb2 import AuditEntry, ListAuditEntriesResponse


def log(count: int, *, first: int = 1, before: str = audit.NO_HASH) -> list[AuditEntry]:
    """Entries as a server writes them."""
    entries: list[AuditEntry] = []
    for sequence in range(first, first + count):
        told = {"actor": "acme/ann", "action": "put", "key": f"k{sequence}", "cause": "because", "correlation_id": "c", "version": sequence}
        content = json.dumps({**told, "before": "", "after": "{}", "time": 1_700_000_000.25 + sequence, "sequence": sequence}).encode()
        digest = hashlib.sha256(before.encode() + content).hexdigest()
        entry = AuditEntry(sequence=sequence, hash=digest, previous_hash=before, content=content, after_json="{}", **told)
        entry.time.FromMicroseconds(1_700_000_000_250_000 + sequence * 1_000_000)
        entries.append(entry)
        before = digest
    return entries


def pages(entries: Sequence[AuditEntry], *, size: int = 2, head: int | None = None) -> list[ListAuditEntriesResponse]:
    """Pages of a log that says it ends with its last entry, or with that of the number `head`."""
    last = len(entries) if head is None else head
    told = entries[last - 1].hash if 0 < last <= len(entries) else ""
    starts = range(0, max(len(entries), 1), size)
    return [ListAuditEntriesResponse(entries=entries[at : at + size], head_sequence=last, head_hash=told) for at in starts]


@given(count=st.integers(0, 7), size=st.integers(1, 8))
def test_an_unchanged_log_is_proven_whatever_its_pages(count: int, size: int) -> None:
    """Also an empty one."""
    entries = log(count)
    proof = audit.proven(pages(entries, size=size))
    assert (proof.entries, proof.head, proof.expected_at) == (count, entries[-1].hash if entries else "", 0)


def _changed(entry: AuditEntry) -> None:
    entry.content = entry.content.replace(b"because", b"becausE")
    entry.cause = "becausE"


def _rehashed(entry: AuditEntry) -> None:
    _changed(entry)
    entry.hash = hashlib.sha256(entry.previous_hash.encode() + entry.content).hexdigest()


def _told_otherwise(entry: AuditEntry) -> None:
    entry.actor = "acme/bob"


def _another_time(entry: AuditEntry) -> None:
    entry.time.seconds += 1


def _no_json(entry: AuditEntry) -> None:
    entry.content = b"{"
    entry.hash = hashlib.sha256(entry.previous_hash.encode() + entry.content).hexdigest()


@pytest.mark.parametrize(
    ("tamper", "sequence", "words"),
    [
        (_changed, 3, "was changed"),
        (_rehashed, 4, "was not written behind entry 3"),
        (_told_otherwise, 3, "tells another actor"),
        (_another_time, 3, "tells another time"),
        (_no_json, 3, "tells another thing"),
    ],
)
def test_a_change_is_found_at_its_entry(tamper: Callable[[AuditEntry], None], sequence: int, words: str) -> None:
    """Or right behind it, when whoever made it gave it a new hash as well."""
    entries = log(5)
    tamper(entries[2])
    with pytest.raises(audit.BrokenChainError, match=words) as caught:
        audit.proven(pages(entries))
    assert caught.value.sequence == sequence
    assert str(caught.value).startswith(f"entry {sequence}: ")


@given(data=st.data())
def test_taking_out_putting_in_or_swapping_entries_is_found(data: st.DataObject) -> None:
    """Wherever in the log."""
    entries = log(6)
    at = data.draw(st.integers(0, 4))
    how = data.draw(st.sampled_from(["out", "in", "swapped"]))
    if how == "out":
        del entries[at]
    elif how == "in":
        entries.insert(at, log(1, first=at + 1, before=entries[at].previous_hash)[0])
        entries[at].content += b" "
    else:
        entries[at], entries[at + 1] = entries[at + 1], entries[at]
    with pytest.raises(audit.BrokenChainError):
        audit.proven(pages(entries))


def test_a_log_that_ends_before_its_head_is_broken() -> None:
    """Entries at the end were taken away."""
    with pytest.raises(audit.BrokenChainError, match="said to end with number 5") as caught:
        audit.proven(pages(log(5)[:3], head=5))
    assert caught.value.sequence == 4


def test_entries_that_were_written_while_the_log_is_read_break_nothing() -> None:
    """A head that was read before the entries of its page."""
    assert audit.proven(pages(log(5), size=5, head=3)).entries == 5


def test_a_head_that_is_another_or_goes_back_is_found() -> None:
    """Two servers tell two logs."""
    one, other = pages(log(2)), pages(log(2), head=1)
    one[0].head_hash = "ab" * 32
    with pytest.raises(audit.BrokenChainError, match="is said to be the last one"):
        audit.proven(one)
    other[0].head_sequence = 2
    other[0].head_hash = log(2)[-1].hash
    with pytest.raises(audit.BrokenChainError, match="is said to be the last one"):
        audit.proven([*other, ListAuditEntriesResponse(head_sequence=1)])


def test_a_head_that_was_kept_elsewhere_must_be_in_the_log() -> None:
    """It proves that nothing before it was written anew."""
    entries = log(5)
    assert audit.proven(pages(entries), expected=entries[2].hash.upper()).expected_at == 3
    with pytest.raises(audit.BrokenChainError, match="written anew"):
        audit.proven(pages(log(5, before="1" * 64)[:0]), expected=entries[2].hash)


async def test_the_asynchronous_client_proves_the_same() -> None:
    """Page by page."""

    async def served(found: list[ListAuditEntriesResponse]) -> AsyncIterator[ListAuditEntriesResponse]:
        for page in found:
            yield page

    assert (await audit.proven_async(served(pages(log(5))))).entries == 5
