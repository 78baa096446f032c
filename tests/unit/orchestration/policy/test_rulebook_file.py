"""The rulebook of the server's file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from decision_cases import NO_POET, NO_WRITER, book_text

from genesis_server.orchestration.policy import file as module
from genesis_server.orchestration.policy.file import RulebookFile
from genesis_server.routing.rules.loading import default_rulebook
from genesis_server.text.toml_file import DataFileError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "my_rules.toml"
    found.write_text(book_text(NO_POET), encoding="utf-8")
    return found


def test_without_a_file_the_rules_that_ship_are_in_use() -> None:
    source = RulebookFile(clock=lambda: 0.0)
    assert source.ships
    assert source.rulebook is default_rulebook()
    assert source.poll() is False


def test_a_change_is_taken_when_the_writer_is_done(path: Path) -> None:
    source = RulebookFile(path, clock=lambda: 0.0)
    path.write_text(book_text(NO_WRITER), encoding="utf-8")
    assert [source.poll(), source.poll(), source.poll()] == [False, True, False]
    assert [rule.id for rule in source.rulebook.rules] == ["no-writer"]
    assert not source.ships


@pytest.mark.parametrize("content", [b"[[rules]]\n", b"\xff", b"x" * 100])
def test_a_broken_file_leaves_the_last_good_rules_until_it_is_mended(path: Path, content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_FILE_BYTES", 99 if content.startswith(b"x") else 10_000)
    now = 1.0
    path.write_text(book_text(), encoding="utf-8")
    source = RulebookFile(path, clock=lambda: now)
    good = source.rulebook
    path.write_bytes(content)
    now = 2.0
    assert [source.poll(), source.poll()] == [False, False]
    assert source.rulebook is good
    assert "my_rules.toml:1" in source.mistakes[0]
    assert source.since == 2.0
    now = 3.0
    path.write_text(book_text(), encoding="utf-8")
    source.poll()
    source.poll()
    assert (source.mistakes, source.since) == ((), 3.0)


def test_a_file_that_is_gone_leaves_the_last_good_rules(path: Path) -> None:
    source = RulebookFile(path, clock=lambda: 0.0)
    path.unlink()
    assert source.poll() is False
    assert "cannot be read" in source.mistakes[0]
    assert os.fspath(path.parent) not in source.mistakes[0]
    assert [rule.id for rule in source.rulebook.rules] == ["no-poet"]


def test_a_server_does_not_start_with_a_broken_file(path: Path) -> None:
    path.write_text("nonsense", encoding="utf-8")
    with pytest.raises(DataFileError, match=r"my_rules\.toml"):
        RulebookFile(path, clock=lambda: 0.0)
