"""`genesis audit`: who did what, and the proof that the record is whole."""

from __future__ import annotations

import hashlib
import json

import pytest
from fake_server import FakeServer

from genesis.admin.v1 import flag_admin_service_pb2 as admin


def log(count: int) -> list[admin.AuditEntry]:
    entries: list[admin.AuditEntry] = []
    before = "0" * 64
    for sequence in range(1, count + 1):
        told = {"actor": "acme/ann", "action": "put", "key": "a", "cause": "because", "correlation_id": "c", "version": sequence}
        content = json.dumps({**told, "before": "", "after": "{}", "time": 3_600.0, "sequence": sequence}).encode()
        digest = hashlib.sha256(before.encode() + content).hexdigest()
        entry = admin.AuditEntry(sequence=sequence, hash=digest, previous_hash=before, content=content, after_json="{}", **told)
        entry.time.FromSeconds(3_600)
        entries.append(entry)
        before = digest
    return entries


def serve(fake: FakeServer, entries: list[admin.AuditEntry]) -> None:
    head = entries[-1] if entries else admin.AuditEntry()
    page = admin.ListAuditEntriesResponse
    first = page(entries=entries[:2], next_page_token="t", head_sequence=head.sequence, head_hash=head.hash)
    fake.on("ListAuditEntries", first, page(entries=entries[2:], head_sequence=head.sequence, head_hash=head.hash))


def words(text: str) -> str:
    return " ".join(text.split())


def test_entries_are_listed_with_who_what_and_why(fake: FakeServer, run) -> None:
    """Newest first unless asked otherwise, of one flag when asked."""
    serve(fake, log(3))
    text = words(run("audit", "list", "--flag", "a", "--oldest-first").stdout)
    assert f"1 1970-01-01 01:00:00 UTC acme/ann put a because {log(1)[0].hash[:16]}" in text
    serve(fake, log(3))
    told = json.loads(run("audit", "list", "--limit", "1", "--json").stdout)
    assert (len(told["entries"]), told["headSequence"], told["headHash"]) == (1, "3", log(3)[-1].hash)
    serve(fake, log(3))
    assert len(json.loads(run("audit", "list", "--json").stdout)["entries"]) == 3
    serve(fake, log(3))
    run("audit", "list", "--limit", "1")
    first, *_, last = fake.asked("ListAuditEntries")
    assert (first.key, first.oldest_first, last.key, last.oldest_first, last.page_size) == ("a", True, "", False, 1)
    fake.on("ListAuditEntries", admin.ListAuditEntriesResponse())
    assert "the audit log is empty" in run("audit", "list").stdout


@pytest.mark.parametrize("count", [1, 3])
def test_a_whole_log_is_exit_code_0_with_the_head_to_keep(fake: FakeServer, run, count: int) -> None:
    """Every page is read, oldest first."""
    entries = log(count)
    serve(fake, entries)
    result = run("audit", "verify")
    assert result.exit_code == 0, result.output
    assert words(result.stdout).startswith("whole 1 entry," if count == 1 else "whole 3 entries,")
    assert entries[-1].hash in result.stdout
    assert [(request.oldest_first, request.page_token) for request in fake.asked("ListAuditEntries")] == [(True, ""), (True, "t")]


def test_a_head_from_before_must_still_be_there(fake: FakeServer, run) -> None:
    """A log that was written anew has another one."""
    entries = log(3)
    serve(fake, entries)
    result = run("audit", "verify", "--expect-head", entries[1].hash)
    assert result.exit_code == 0
    assert "the expected hash is that of entry 2" in words(result.stdout)
    serve(fake, entries)
    told = json.loads(run("audit", "verify", "--expect-head", entries[1].hash, "--json").stdout)
    assert told == {"whole": True, "entries": 3, "head": entries[2].hash, "expectedAt": 2}
    serve(fake, entries)
    assert run("audit", "verify", "--expect-head", "ab" * 32).exit_code == 1
    result = run("audit", "verify", "--expect-head", "abc")
    assert result.exit_code == 2
    assert "64 hexadecimal digits" in words(result.stderr)


def test_the_first_broken_entry_is_exit_code_1(fake: FakeServer, run) -> None:
    """For a person, and for a program."""
    entries = log(3)
    entries[1].content = entries[1].content.replace(b"because", b"no cause")
    serve(fake, entries)
    result = run("audit", "verify")
    assert result.exit_code == 1
    assert "broken: entry 2 was changed" in words(result.stdout)
    serve(fake, entries)
    told = json.loads(run("audit", "verify", "--json").stdout)
    assert (told["whole"], told["brokenEntry"]) == (False, 2)


def test_an_empty_log_is_whole(fake: FakeServer, run) -> None:
    fake.on("ListAuditEntries", admin.ListAuditEntriesResponse())
    result = run("audit", "verify")
    assert result.exit_code == 0
    assert "the audit log is empty" in result.stdout
