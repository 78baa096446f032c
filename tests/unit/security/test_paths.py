"""The server writes under its storage directory and nowhere else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genesis_server.security.paths import StorageDirectory, UnsafePathError


def test_a_path_under_the_base_is_given_whole(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    storage = StorageDirectory(tmp_path)
    assert storage.path("genesis.sqlite3") == tmp_path.resolve() / "genesis.sqlite3"
    assert storage.path("there/a b.db") == tmp_path.resolve() / "there" / "a b.db"
    assert storage.path("there") == tmp_path.resolve() / "there"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("", "must be relative"),
        ("  ", "must be relative"),
        ("/etc/passwd", "must be relative"),
        ("C:\\data", "must be relative"),
        ("\\\\host\\share", "must be relative"),
        ("../x", "upwards"),
        ("a/../../x", "upwards"),
        ("a\\..\\x", "upwards"),
        ("a\0b", "NUL"),
        ("x" * 5000, "can be followed"),
    ],
)
def test_a_path_that_leads_elsewhere_is_refused(tmp_path: Path, name: str, told: str) -> None:
    with pytest.raises(UnsafePathError, match=told):
        StorageDirectory(tmp_path).path(name)


def test_links_are_followed_and_may_not_lead_out(tmp_path: Path) -> None:
    base, outside = tmp_path / "base", tmp_path / "outside"
    base.mkdir()
    outside.mkdir()
    (base / "inner").mkdir()
    (base / "in").symlink_to(base / "inner")
    (base / "out").symlink_to(outside)
    (base / "file").symlink_to(outside / "not there yet")
    (base / "loop").symlink_to(base / "loop")
    storage = StorageDirectory(base)
    assert storage.path("in/x") == base.resolve() / "inner" / "x"
    for name in ("out", "out/x", "file"):
        with pytest.raises(UnsafePathError, match="a link out of it"):
            storage.path(name)
    with pytest.raises(UnsafePathError, match="can be followed"):
        storage.path("loop")


def test_a_pipe_is_no_storage(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UnsafePathError, match="a pipe"):
        StorageDirectory(tmp_path).path("pipe")


def test_the_base_must_be_a_directory_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for base, told in [(Path("data"), "absolute"), (Path("/"), "root"), (tmp_path / "file", "is a file")]:
        with pytest.raises(UnsafePathError, match=told):
            StorageDirectory(base)
    assert StorageDirectory(tmp_path / "later").path("x") == tmp_path.resolve() / "later" / "x"


def test_in_test_mode_the_base_lies_in_the_temporary_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert StorageDirectory(tmp_path / "x", test_mode=True).base == (tmp_path / "x").resolve()
    (tmp_path / "away").symlink_to("/usr")
    for base in (Path("/var/lib/genesis"), tmp_path / "away"):
        with pytest.raises(UnsafePathError, match="test mode"):
            StorageDirectory(base, test_mode=True)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(["a", "..", ".", "/", "\\", "C:", "é", "\0", " "]), max_size=8).map("".join))
def test_no_name_ever_leads_out_of_the_base(tmp_path: Path, name: str) -> None:
    storage = StorageDirectory(tmp_path)
    try:
        found = storage.path(name)
    except UnsafePathError:
        return
    assert found.is_relative_to(storage.base)
