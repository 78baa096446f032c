"""The chain of the audit log: whoever knows the newest hash sees every change of what was written."""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256

import pytest
from audit_proof import broken_at
from hypothesis import given
from hypothesis import strategies as st

from genesis_server.flags.audit import GENESIS_HASH, AuditEntry, AuditHead, chain, entry_to_bytes, read_entry
from genesis_server.flags.written import AuditDraft

DRAFT = AuditDraft(time=12.5, actor="acme/ann", action="put", key="dark_mode", cause="Ärger", version=3, before="", after='{"state":1}')

texts = st.text(max_size=20)
drafts = st.builds(
    AuditDraft,
    time=st.floats(0, 4e9),
    actor=texts,
    action=st.sampled_from(["put", "delete", "set_emergency"]),
    key=texts,
    cause=texts,
    version=st.integers(0, 2**40),
    before=texts,
    after=texts,
    correlation_id=texts,
)


def chained(written: list[AuditDraft]) -> list[AuditEntry]:
    entries: list[AuditEntry] = []
    for number, draft in enumerate(written, 1):
        entries.append(chain(entries[-1].hash if entries else GENESIS_HASH, draft, number))
    return entries


def head_of(entries: list[AuditEntry]) -> AuditHead:
    return AuditHead(entries[-1].sequence, entries[-1].hash) if entries else AuditHead()


def test_an_entry_can_be_checked_with_nothing_but_a_sha256() -> None:
    entry = chain("ab" * 32, DRAFT, 7)
    assert entry.content == (
        b'{"action":"put","actor":"acme/ann","after":"{\\"state\\":1}","before":"","cause":"\\u00c4rger","correlation_id":"",'
        b'"key":"dark_mode","sequence":7,"time":12.5,"version":3}'
    )
    assert entry.hash == sha256(("ab" * 32).encode() + entry.content).hexdigest()
    assert (entry.draft, entry.previous_hash) == (DRAFT, "ab" * 32)


@given(st.lists(drafts, max_size=6))
def test_a_chain_as_it_was_written_is_whole(written: list[AuditDraft]) -> None:
    entries = chained(written)
    assert broken_at(entries, head_of(entries)) == 0
    assert [entry.draft for entry in entries] == written


@given(drafts)
def test_what_is_stored_is_read_again(draft: AuditDraft) -> None:
    entry = chain(GENESIS_HASH, draft, 1)
    found = read_entry(1, entry_to_bytes(entry))
    assert (found, found.draft) == (entry, draft)


@given(st.lists(drafts, min_size=1, max_size=5), st.data())
def test_any_change_of_any_byte_is_found_at_its_place(written: list[AuditDraft], data: st.DataObject) -> None:
    entries = chained(written)
    head = head_of(entries)
    at = data.draw(st.integers(0, len(entries) - 1))
    content = bytearray(entries[at].content)
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    entries[at] = replace(entries[at], content=bytes(content))
    assert broken_at(entries, head) == at + 1


@given(st.lists(drafts, min_size=1, max_size=6), st.data())
def test_an_entry_taken_out_is_found(written: list[AuditDraft], data: st.DataObject) -> None:
    entries = chained(written)
    head = head_of(entries)
    at = data.draw(st.integers(0, len(entries) - 1))
    del entries[at]
    assert broken_at(entries, head) == at + 1


@given(st.lists(drafts, min_size=1, max_size=5), drafts, st.data())
def test_a_chain_that_was_made_again_from_some_place_does_not_end_in_the_known_hash(
    written: list[AuditDraft], other: AuditDraft, data: st.DataObject
) -> None:
    """Who changes an entry and all hashes after it is found out by the newest hash."""
    at = data.draw(st.integers(0, len(written) - 1))
    forged = chained([*written[:at], other, *written[at + 1 :]])
    assert (broken_at(forged, head_of(chained(written))) == 0) is (other == written[at])


def test_an_entry_put_in_does_not_follow() -> None:
    first, second = chained([DRAFT, DRAFT])
    stranger = chain(GENESIS_HASH, replace(DRAFT, actor="evil/eve"), 2)
    assert broken_at([first, stranger, second], head_of([second])) == 2


@pytest.mark.parametrize("stored", [b"", b"\xff\xfe", b"[]", b"{}", b'{"hash": 1}', b'{"hash": "a", "previous_hash": "b"}'])
def test_what_somebody_scribbled_over_is_shown_and_found(stored: bytes) -> None:
    """A damaged document stands in nobody's way who lists the log, and the proof names it."""
    first, second = chained([DRAFT, DRAFT])
    entry = read_entry(2, stored)
    assert (entry.sequence, entry.content, entry.draft.actor) == (2, stored, "")
    assert broken_at([first, entry], head_of([second])) == 2


def test_an_entry_of_a_newer_release_says_what_is_known_here() -> None:
    content = json.dumps({**json.loads(chain(GENESIS_HASH, DRAFT, 1).content), "approved_by": "acme/bob"}).encode()
    entry = AuditEntry(1, GENESIS_HASH, sha256(GENESIS_HASH.encode() + content).hexdigest(), content)
    assert entry.draft == DRAFT
    assert broken_at([entry], head_of([entry])) == 0
