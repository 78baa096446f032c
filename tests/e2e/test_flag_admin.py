"""Flags of one's own over the wire: written, tried, drawn, explained, taken away, and proven by the audit log."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format

import genesis
from genesis import audit
from genesis.v1 import flags_pb2
from genesis.v1 import orchestrator_service_pb2 as pb
from genesis_server.flags.audit_log import ENTRIES
from genesis_server.storage.base import SERVER, Key
from genesis_server.storage.opening import open_store
from servers import Server, clean_environment, running

OFF = {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "off"}


@pytest.fixture
def client(server: Server) -> Iterator[genesis.Client]:
    with genesis.connect(server.address) as connected:
        yield connected


def drawn(client: genesis.Client, key: str, count: int = 300) -> set[str]:
    """Of so many subjects, those for whom a flag is on."""
    people = [f"user-{number}" for number in range(count)]
    # A caller has its rate.
    return {one for one in people if not time.sleep(0.006) and client.flag(key, targeting_key=one).flags[0].value.bool_value}


def test_a_flag_of_ones_own_is_written_raised_tried_and_taken_away(client: genesis.Client) -> None:
    """Its version counts every write, and who is in at a small share is in at a larger one."""
    first = client.put_flag("life", OFF, "a beginning", expected_version=0).change
    assert (first.version, first.before_json, json.loads(first.after_json)) == (1, "", OFF)
    assert client.set_flag_weight("life", 20, "a few", expected_version=1).change.version == 2
    few = drawn(client, "life")
    tried = client.preview_flag("life", percent=60, contexts=[{"targetingKey": f"user-{number}"} for number in range(300)])
    assert client.set_flag_weight("life", 60, "more").change.version == 3
    more = drawn(client, "life")
    assert 30 < len(few) < len(more)
    assert few < more
    assert {f"user-{one.context_index}" for one in tried.differences} == more - few
    assert tried.moved_share == pytest.approx(0.4, abs=0.02)
    assert client.delete_flag("life", "enough").change.after_json == ""
    with pytest.raises(genesis.NotFound) as caught:
        client.flag("life")
    assert caught.value.reason == "FLAG_NOT_FOUND"
    assert client.put_flag("life", OFF, "again").change.version == 5


def test_a_flag_that_was_changed_meanwhile_is_not_written_over(client: genesis.Client) -> None:
    """The version it has is told; a repeat with the same request id is the same write."""
    client.put_flag("raced", OFF, "one", request_id="raced-1")
    assert client.put_flag("raced", OFF, "one", request_id="raced-1").change.version == 1
    with pytest.raises(genesis.AlreadyExists):
        client.put_flag("raced", OFF, "two", request_id="raced-1")
    with pytest.raises(genesis.Aborted) as caught:
        client.enable_flag("raced", "late", expected_version=7)
    assert caught.value.reason == "VERSION_MISMATCH"
    assert {"flag": "raced", "actual": "1"}.items() <= dict(caught.value.metadata).items()
    assert [entry.action for entry in client.audit_entries(key="raced")] == ["put"]


@pytest.mark.parametrize(
    ("definition", "words"),
    [
        ("{", "not JSON"),
        ({**OFF, "defaultVariant": "maybe"}, "maybe"),
        ({**OFF, "targeting": {"fractoinal": []}}, "fractoinal"),
        ({**OFF, "variants": {"on": True, "off": "no"}}, "all must be of one"),
    ],
)
def test_a_definition_with_mistakes_is_refused_with_their_places(client: genesis.Client, definition: Any, words: str) -> None:
    """Tried or written; nothing is changed."""
    for attempt in (lambda: client.put_flag("wrong", definition, "x"), lambda: client.preview_flag("wrong", definition=definition)):
        with pytest.raises(genesis.InvalidArgument) as caught:
            attempt()
        assert caught.value.reason == "INVALID_FLAG"
        assert words in " ".join(violation.description for violation in caught.value.field_violations)
    assert not list(client.audit_entries(key="wrong"))


def test_a_verb_that_does_not_fit_says_what_to_do(client: genesis.Client) -> None:
    client.put_flag("model", {"state": "ENABLED", "variants": {"one": "small-1", "two": "large-1"}, "defaultVariant": "one"}, "a model")
    with pytest.raises(genesis.FailedPrecondition, match="PutFlag") as caught:
        client.enable_flag("model", "x")
    assert (caught.value.reason, caught.value.metadata["verb"]) == ("FLAG_VERB_MISMATCH", "enable")


def test_one_flag_alone_is_what_it_is_among_all(client: genesis.Client) -> None:
    """The answer that is kept ready, the one that is made, and the one that is explained."""
    client.put_flag("alike", {**OFF, "targeting": {"if": [{"in": [{"var": "plan"}, ["beta"]]}, "on", "off"]}, "metadata": {"n": 1}}, "x")
    for key in ("alike", "otel_enabled"):
        alone = client.flag(key).flags[0]
        [among] = [flag for flag in client.flag().flags if flag.key == key]
        explained = client.flag(key, explain=True).flags[0]
        assert explained.explanation.text
        explained.ClearField("explanation")
        assert alone == among == explained
    on = client.flag("alike", attributes={"plan": "beta", "rest": ["of", {"it": None}]}).flags[0]
    assert (on.value.bool_value, on.reason, on.layer) == (True, pb.FLAG_REASON_TARGETING_MATCH, flags_pb2.FLAG_LAYER_WRITTEN)
    assert json_format.MessageToDict(on.metadata) == {"n": 1.0}


@pytest.mark.parametrize("attributes", [{"tenant": "other"}, {"targetingKey": "bob"}, {"big": "x" * 1_000_001}])
def test_a_context_that_cannot_be_given_is_refused(client: genesis.Client, attributes: dict[str, Any]) -> None:
    """Nobody asks as another tenant."""
    with pytest.raises(genesis.InvalidArgument) as caught:
        client.flag("otel_enabled", attributes=attributes)
    assert caught.value.field_violations[0].field.startswith("context.attributes")


def test_whoever_changes_the_record_behind_the_servers_back_is_found_out(tmp_path: Path) -> None:
    """The proof is made by the reader, who needs no trust in the server."""
    with running(tmp_path) as server, genesis.connect(server.address) as client:
        for number in range(3):
            client.put_flag(f"f{number}", OFF, "because")
        client.set_emergency_flag("read_only_mode", "bad disk")
        client.clear_emergency_flag("read_only_mode", "a new disk")
        proof = audit.proven(client.audit_pages(oldest_first=True, page_size=2))
        assert proof.entries == 5
        assert verified(server, "--expect-head", proof.head) == (0, True)
    asyncio.run(rewrite(server.data_dir, 2, old="because", new="no cause"))
    with running(tmp_path) as server, genesis.connect(server.address) as client:
        with pytest.raises(audit.BrokenChainError, match="entry 2: was changed") as caught:
            audit.proven(client.audit_pages(oldest_first=True))
        assert caught.value.sequence == 2
        assert verified(server) == (1, False)


def verified(server: Server, *arguments: str) -> tuple[int, bool]:
    """Exit code of `genesis audit verify`, and whether it says the log is whole."""
    command = [sys.executable, "-m", "genesis_server", "audit", "verify", "--json", *arguments]
    environment = clean_environment(GENESIS_SERVER=server.address)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, json.loads(done.stdout)["whole"]


async def rewrite(data_dir: Path, sequence: int, *, old: str, new: str) -> None:
    """Change an entry of the log in the store of a server that is stopped."""
    [file] = data_dir.glob("*.sqlite3")
    store = open_store(f"sqlite://{file}", clock=time.time)
    key = Key(SERVER, ENTRIES, f"{sequence:012d}")
    found = await store.get(key)
    assert found is not None
    assert old.encode() in found.value
    await store.put(key, found.value.replace(old.encode(), new.encode()))
    await store.close()
