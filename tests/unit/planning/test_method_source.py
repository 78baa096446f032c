"""Methods of one's own, followed while the server runs; the last good ones hold."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from genesis_server.planning.data_file import DataFileError
from genesis_server.planning.method_files import shipped_methods
from genesis_server.planning.method_source import MethodSource

SHIPPED = files("genesis_server") / "data" / "methods"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("bug_fix.toml", "hiring.toml"):
        (tmp_path / name).write_text((SHIPPED / name).read_text("utf-8"))
    return tmp_path


def source(folder: Path | None) -> MethodSource:
    return MethodSource(folder, clock=lambda: 5.0)


def test_without_a_folder_the_shipped_methods_are_used() -> None:
    shipped = source(None)
    assert shipped.library is shipped_methods()
    assert not shipped.poll()


def test_a_change_is_taken_when_it_has_stood_for_two_looks(folder: Path) -> None:
    methods = source(folder)
    before = methods.library.snapshot_id
    (folder / "hiring.toml").unlink()
    assert [methods.poll(), methods.poll(), methods.poll()] == [False, True, False]
    assert methods.library.snapshot_id != before
    assert methods.mistakes == ()


def test_a_broken_file_keeps_the_last_good_methods_until_it_is_mended(folder: Path) -> None:
    methods = source(folder)
    good, text = methods.library, (folder / "hiring.toml").read_text()
    (folder / "hiring.toml").write_text("id = 5\n")
    assert [methods.poll(), methods.poll()] == [False, False]
    assert methods.library is good
    assert methods.mistakes[0].startswith("hiring.toml:")
    assert methods.since == 5.0
    (folder / "hiring.toml").write_text(text)
    methods.poll()
    methods.poll()
    assert methods.mistakes == ()


def test_a_folder_that_goes_away_keeps_the_last_good_methods(folder: Path) -> None:
    methods = source(folder)
    for path in folder.iterdir():
        path.unlink()
    assert not methods.poll()
    assert "no .toml file" in methods.mistakes[0]
    folder.rmdir()
    assert not methods.poll()
    assert "cannot be read" in methods.mistakes[0]


def test_a_broken_folder_at_start_tells_every_mistake(folder: Path) -> None:
    (folder / "bad.toml").write_bytes(b"\xff\xfe")
    (folder / "worse.toml").mkdir()
    with pytest.raises(DataFileError) as caught:
        source(folder)
    assert len(caught.value.mistakes) == 2
