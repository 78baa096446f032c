"""Where the store may be."""

from __future__ import annotations

from pathlib import Path

import pytest

from genesis_server.app.errors import StartError
from genesis_server.app.start_files import check, store_url
from genesis_server.settings import Settings


def test_in_test_mode_a_store_by_name_lies_in_the_temporary_directory_too(tmp_path: Path) -> None:
    """A test with a wrong setting does not write over real data."""
    mode = {"GENESIS_STORAGE_TEST_MODE": "true"}
    with pytest.raises(StartError, match="store: in test mode"):
        store_url(Settings.load(None, mode | {"GENESIS_STORE": "sqlite:///srv/genesis/real.sqlite3"}))
    fine = f"sqlite://{tmp_path}/other.sqlite3"
    assert store_url(Settings.load(None, mode | {"GENESIS_STORE": fine})) == fine


def test_a_wrong_variable_does_not_hide_a_wrong_flag_file(tmp_path: Path) -> None:
    """All mistakes come at once."""
    file = tmp_path / "my_flags.json"
    file.write_text("[]", encoding="utf-8")
    environ = {"GENESIS_FLAG_NOPE": "1", "GENESIS_FLAGS_FILE": str(file)}
    with pytest.raises(StartError) as caught:
        check(Settings.load(None, environ), environ)
    assert "GENESIS_FLAG_NOPE" in str(caught.value)
    assert "my_flags.json" in str(caught.value)
