"""A file that changes under our hands is read when it may have changed, whatever stands in its place."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from genesis_server.flags.reading import MAX_DOCUMENT_BYTES
from genesis_server.flags.sources.file_content import RACY_SECONDS, FileContent


@pytest.fixture
def path(tmp_path: Path) -> Path:
    target = tmp_path / "own.json"
    target.write_bytes(b"one")
    return target


def later() -> float:
    """So late that a file of now is not read twice."""
    return time.time() + RACY_SECONDS + 1


def test_a_content_is_given_once(path: Path) -> None:
    file = FileContent(path, now=time.time)
    assert [file.read(), file.read(), file.read()] == [b"one", None, None]


def test_a_change_of_the_same_size_and_time_is_seen(path: Path) -> None:
    file = FileContent(path, now=later)
    os.utime(path, (1, 1))
    assert file.read() == b"one"
    path.write_bytes(b"two")
    os.utime(path, (1, 1))
    assert file.read() == b"two"


def test_a_second_change_in_the_same_tick_of_the_clock_is_seen(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stamp = path.stat()
    monkeypatch.setattr(os, "fstat", lambda _: stamp)
    file = FileContent(path, now=lambda: stamp.st_ctime + RACY_SECONDS / 2)
    assert file.read() == b"one"
    path.write_bytes(b"two")
    assert file.read() == b"two"


def test_a_file_that_has_been_quiet_is_not_read_again_while_nothing_about_it_changes(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stamp = path.stat()
    monkeypatch.setattr(os, "fstat", lambda _: stamp)
    file = FileContent(path, now=lambda: stamp.st_ctime + RACY_SECONDS)
    assert file.read() == b"one"
    path.write_bytes(b"two")
    assert file.read() is None


def test_a_file_that_comes_back_as_it_was_is_told_again(path: Path) -> None:
    file = FileContent(path, now=later)
    assert file.read() == b"one"
    path.unlink()
    assert file.read() == "is not there"
    assert file.read() is None
    path.write_bytes(b"one")
    assert file.read() == b"one"


def test_a_directory_a_pipe_and_a_dangling_link_are_told_and_never_waited_for(path: Path) -> None:
    file = FileContent(path, now=later)
    path.unlink()
    os.mkfifo(path)
    assert file.read() == "is no regular file"
    path.unlink()
    path.mkdir()
    assert file.read() is None
    path.rmdir()
    path.symlink_to(path.with_name("nowhere"))
    assert file.read() == "is not there"
    path.unlink()
    path.symlink_to(path)
    assert str(file.read()).startswith("cannot be read: ")


def test_a_file_that_may_not_be_read_is_told_without_its_path(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "open", refuse)
    assert FileContent(path, now=later).read() == "cannot be read: Permission denied"


def test_of_a_huge_file_only_so_much_is_read_that_it_is_known_to_be_too_large(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(100 * 1024 * 1024)
    content = FileContent(path, now=later).read()
    assert content is not None
    assert len(content) == MAX_DOCUMENT_BYTES + 1


def test_a_link_that_is_swapped_leads_to_the_new_content(tmp_path: Path) -> None:
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "own.json").write_bytes(name.encode())
    (tmp_path / "..data").symlink_to("first")
    (tmp_path / "own.json").symlink_to("..data/own.json")
    file = FileContent(tmp_path / "own.json", now=later)
    assert file.read() == b"first"
    (tmp_path / "..data_tmp").symlink_to("second")
    (tmp_path / "..data_tmp").rename(tmp_path / "..data")
    assert file.read() == b"second"
