"""Rulebooks and recorded decisions as a server puts them together."""

from __future__ import annotations

from pathlib import Path

import pytest
from decision_cases import ANN, NO_POET, NO_WRITER, Office, book_text, opened

from genesis_server.app.decisions import DecisionParts, decision_parts
from genesis_server.app.errors import StartError
from genesis_server.app.probes import rulebook_probe
from genesis_server.app.start_files import snapshots_at_start
from genesis_server.model.health import HealthStatus
from genesis_server.orchestration.policy.file import RulebookFile
from genesis_server.settings import Settings
from genesis_server.storage.base import Store


def parts(store: Store, path: Path, *, days: float = 30) -> DecisionParts:
    return decision_parts(store, RulebookFile(path, clock=lambda: 0.0), retention_days=days, observe=lambda _: None)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "rules.toml"
    found.write_text(book_text(NO_POET), encoding="utf-8")
    return found


async def test_with_a_retention_of_no_days_nothing_is_recorded(tmp_path: Path, path: Path) -> None:
    async with opened(tmp_path) as store:
        assert parts(store, path, days=0).recorder is None
        assert parts(store, path, days=0.5).recorder is not None


async def test_the_parts_work_together(tmp_path: Path, path: Path) -> None:
    """What is activated at the desk is what decisions are made by, and what was decided is found."""
    async with opened(tmp_path) as store:
        found = parts(store, path)
        await found.desk.activate(ANN, text=book_text(NO_WRITER), cause="try")
        assert [rule.id for rule in found.rulebook.rulebook.rules] == ["no-writer"]
        name = await Office(store).routed()
        decision = await found.store.get("acme", name)
        assert (await found.replayer.replay(decision, decision.explanation)).same
        assert (await found.desk.preview("acme", text=book_text(NO_WRITER), limit=5)).decision_count == 1


async def test_health_tells_of_a_broken_rulebook_file(tmp_path: Path, path: Path) -> None:
    async with opened(tmp_path) as store:
        found = parts(store, path)
        assert (await rulebook_probe(found.rulebook)()).status is HealthStatus.HEALTHY
        path.write_text("nonsense", encoding="utf-8")
        found.rulebook.file.poll()
        found.rulebook.file.poll()
        component = await rulebook_probe(found.rulebook)()
    assert component.status is HealthStatus.DEGRADED
    assert "rules.toml:1" in component.message
    assert str(tmp_path) not in component.message


def test_a_server_does_not_start_with_a_broken_rulebook_file(path: Path) -> None:
    """Every mistake is told."""
    path.write_text("[[rules]]\n[[rules]]\n[end]\n", encoding="utf-8")
    environ = {"GENESIS_RULEBOOK_FILE": str(path)}
    with pytest.raises(StartError) as caught:
        snapshots_at_start(Settings.load(None, environ), environ)
    assert len([message for message in caught.value.messages if "rules.toml" in message]) >= 2
