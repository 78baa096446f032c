"""Writing decisions down."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path

import pytest
from decision_cases import DAY, NOON, Office, index_of, materials, opened, writing

from genesis_server.model.catalogue import AgentCard, Skill
from genesis_server.orchestration.decisions import coding, recorder
from genesis_server.orchestration.decisions.keys import SNAPSHOTS, body_key, head_key
from genesis_server.orchestration.decisions.recorder import FAILED, RECORDED, REFRESH_SECONDS
from genesis_server.resilience.errors import ResourceError
from genesis_server.storage.base import SERVER, Put, Store


def put_kinds(puts: Sequence[Put]) -> list[str]:
    """The kinds of the documents, sorted."""
    return sorted(put.key.kind for put in puts)


async def written(store: Store, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What each transaction writes from now on."""
    told: list[list[str]] = []
    put_all = store.put_all

    async def spy(puts: Sequence[Put]) -> Sequence[int]:
        told.append(put_kinds(puts))
        return await put_all(puts)

    monkeypatch.setattr(store, "put_all", spy)
    return told


async def test_snapshots_are_written_once_and_again_when_they_would_not_outlive_a_decision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A routing costs two short writes, not a catalogue."""
    async with opened(tmp_path) as store:
        told = await written(store, monkeypatch)
        office = Office(store)
        for seconds in (0.0, 1.0, REFRESH_SECONDS - 1, REFRESH_SECONDS + 1):
            await office.routed(now=NOON + seconds)
    short = ["decision", "decision_body"]
    whole = [*short, *[SNAPSHOTS] * 3]
    assert told == [whole, short, short, whole]
    assert office.observed == [RECORDED] * 4


async def test_every_snapshot_outlives_the_last_decision_made_from_it(tmp_path: Path) -> None:
    """The decision of an hour later, which does not write the snapshots, replays until its own time is over."""
    now = NOON
    async with opened(tmp_path, lambda: now) as store:
        office = Office(store)
        await office.routed(now=now)
        now += REFRESH_SECONDS - 1
        last = await office.routed(now=now)
        now += 30 * DAY - 1
        decision = await office.decisions.get("acme", last)
        assert (await office.replayer.replay(decision, decision.explanation)).same


async def test_a_decision_of_a_plan_is_found_under_it_in_the_same_transaction(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(tmp_path) as store:
        told = await written(store, monkeypatch)
        await Office(store).routed(writing(plan_id="plan_1"))
    assert len(told) == 1
    assert "decision_of_plan" in told[0]


async def test_a_storage_that_fails_costs_the_record_and_not_the_routing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(puts: Sequence[Put]) -> Sequence[int]:
        raise ResourceError("STORAGE_UNAVAILABLE", "down")

    async with opened(tmp_path) as store:
        office = Office(store)
        with monkeypatch.context() as patch, caplog.at_level(logging.WARNING):
            patch.setattr(store, "put_all", fail)
            assert await office.routed() == ""
        assert "could not be recorded" in caplog.text
        assert await office.routed() != ""
        assert await store.list(SERVER, SNAPSHOTS)
    assert office.observed == [FAILED, RECORDED]


async def test_a_storage_that_hangs_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(puts: Sequence[Put]) -> Sequence[int]:
        await asyncio.Event().wait()
        return ()

    monkeypatch.setattr(recorder, "PATIENCE_SECONDS", 0.0)
    async with opened(tmp_path) as store:
        monkeypatch.setattr(store, "put_all", hang)
        office = Office(store)
        assert await office.routed() == ""
    assert office.observed == [FAILED]


async def test_a_large_decision_is_stored_compressed_and_read_back_whole(tmp_path: Path) -> None:
    goals = [f"write a contract number {number}" for number in range(200)]
    async with opened(tmp_path) as store:
        office = Office(store)
        name = await office.routed(writing(*goals))
        stored = await store.get(body_key("acme", name))
        assert stored is not None
        decision = await office.decisions.get("acme", name)
        assert [task.goal for task in decision.plan.tasks] == goals
        assert len(stored.value) < 20_000
        short = await office.routed(writing("write a poem"))
        plain = await store.get(body_key("acme", short))
        head = await store.get(head_key("acme", short))
    assert plain is not None
    assert plain.value.startswith(b"{")
    assert head is not None
    assert len(head.value) < 1_000


async def test_what_is_remembered_of_stored_snapshots_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "_KNOWN_AT_MOST", 3)
    other = materials(index_of([AgentCard("hand", (Skill("text.write"),))]))
    async with opened(tmp_path) as store:
        office = Office(store)
        await office.routed()
        told = await written(store, monkeypatch)
        await office.routed(on=other)
        await office.routed()
    assert [kinds.count(SNAPSHOTS) for kinds in told] == [1, 1]


def test_a_catalogue_a_policy_and_a_rulebook_survive_storing() -> None:
    on = materials()
    assert coding.decode_agents(coding.encode_agents(on.agents)).catalogue == on.agents.catalogue
    assert coding.decode_policy(coding.encode_policy(on.routing)) == on.routing
    again = coding.decode_rulebook(coding.encode_rulebook(on.rulebook))
    assert (again.version, again.text) == (on.rulebook.version, on.rulebook.text)
