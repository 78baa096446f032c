"""`genesis config`, `backup`, `restore` and `serve`: what works without a server."""

from __future__ import annotations

import asyncio
import os
import sys
import types
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from genesis_server.cli.main import app
from genesis_server.storage.opening import open_store


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("GENESIS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GENESIS_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("COLUMNS", raising=False)


def _run(*args: str) -> Any:
    return CliRunner().invoke(app, list(args))


def test_good_settings_are_said_to_be_good() -> None:
    """And the exit code is 0."""
    result = _run("config", "check")
    assert result.exit_code == 0, result.output
    assert "the settings are good" in result.stderr


def test_all_mistakes_are_told_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Not one by one, and with their place."""
    file = tmp_path / "genesis.toml"
    file.write_text('listen = "nowhere"\nworkers = 0\n', encoding="utf-8")
    monkeypatch.setenv("GENESIS_RATE_PER_SECOND", "many")
    result = _run("config", "check", "--config", str(file))
    assert result.exit_code == 2
    flat = "".join(result.stderr.split())
    for words in ("genesis.toml:1", "genesis.toml:2", "GENESIS_RATE_PER_SECOND"):
        assert words in flat


def test_settings_are_printed_with_their_origin(monkeypatch: pytest.MonkeyPatch) -> None:
    """Secrets are masked."""
    monkeypatch.setenv("GENESIS_AUTH_JWT_SECRET", "x" * 40)
    monkeypatch.setenv("GENESIS_AUTH_JWT_ISSUER", "me")
    monkeypatch.setenv("GENESIS_AUTH_JWT_AUDIENCE", "genesis")
    text = _run("config", "print").stdout
    assert 'listen = "127.0.0.1:50051"  # default' in text
    assert "x" * 40 not in text


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "data" / "genesis.sqlite3"

    async def make() -> None:
        await open_store(f"sqlite://{path}", clock=lambda: 1.0).close()

    asyncio.run(make())
    return path


def test_a_backup_can_be_restored(store: Path, tmp_path: Path) -> None:
    """The old file is kept."""
    copy = tmp_path / "copy.sqlite3"
    done = _run("backup", str(copy))
    assert done.exit_code == 0, done.output
    assert "0 documents" in " ".join(done.stderr.split())
    back = _run("restore", str(copy), "--data-dir", str(store.parent))
    assert back.exit_code == 0, back.output
    assert "the old file is" in " ".join(back.stderr.split())
    assert len(list(store.parent.glob("*.old"))) == 1


def test_a_backup_over_a_file_that_is_there_is_refused(store: Path, tmp_path: Path) -> None:
    """Nothing is overwritten."""
    (tmp_path / "copy").write_text("mine", encoding="utf-8")
    result = _run("backup", str(tmp_path / "copy"))
    assert result.exit_code == 2
    assert "name a new file" in " ".join(result.stderr.split())


def test_restoring_what_is_no_backup_is_refused(store: Path, tmp_path: Path) -> None:
    """The store stays as it was."""
    (tmp_path / "junk").write_bytes(b"junk" * 1000)
    before = store.read_bytes()
    assert _run("restore", str(tmp_path / "junk")).exit_code == 2
    assert store.read_bytes() == before


def test_a_store_in_memory_has_no_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With what to do."""
    monkeypatch.setenv("GENESIS_STORE", "sqlite://:memory:")
    result = _run("backup", str(tmp_path / "copy"))
    assert result.exit_code == 2
    assert "in memory" in result.stderr


class _StartError(Exception):
    messages = ("127.0.0.1:1 is in use",)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, list[str]]]:
    """What the server is started with, instead of a server."""
    calls: list[tuple[Any, list[str]]] = []
    room = types.ModuleType("genesis_server.app")

    def serve(settings: Any, *, arguments: list[str]) -> int:
        calls.append((settings, arguments))
        if settings.listen == "127.0.0.1:1":
            raise _StartError
        return 0

    vars(room).update(serve=serve, StartError=_StartError)
    monkeypatch.setitem(sys.modules, "genesis_server.app", room)
    monkeypatch.setattr("genesis_server.app", room, raising=False)
    return calls


def test_options_of_serve_win_over_variables_and_reach_the_workers(
    served: list[tuple[Any, list[str]]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Every worker process is started with the same."""
    file = tmp_path / "genesis.toml"
    file.write_text("workers = 3\n", encoding="utf-8")
    monkeypatch.setenv("GENESIS_LISTEN", "127.0.0.1:9")
    result = _run("serve", "--config", str(file), "--listen", "127.0.0.1:7", "--http-listen", "127.0.0.1:8", "--data-dir", str(tmp_path))
    assert result.exit_code == 0, result.output
    [(settings, arguments)] = served
    assert (settings.listen, settings.workers, settings.data_dir) == ("127.0.0.1:7", 3, tmp_path)
    assert arguments == [
        "serve",
        "--config",
        str(file),
        "--listen",
        "127.0.0.1:7",
        "--http-listen",
        "127.0.0.1:8",
        "--data-dir",
        str(tmp_path),
    ]
    _run("serve", "--workers", "2")
    assert served[-1][1] == ["serve", "--workers", "2"]


def test_a_server_that_cannot_start_says_why(served: list[tuple[Any, list[str]]]) -> None:
    """A port in use is a sentence, not a stack trace."""
    result = _run("serve", "--listen", "127.0.0.1:1")
    assert result.exit_code == 2
    assert "127.0.0.1:1 is in use" in result.stderr


def test_wrong_settings_never_reach_the_server(served: list[tuple[Any, list[str]]]) -> None:
    """They are told before anything starts."""
    assert _run("serve", "--listen", "nowhere").exit_code == 2
    assert served == []


IDENTITIES = '[[identities]]\nname = "*"\ntenant = "acme"\nroles = ["boss"]\n'


@pytest.mark.parametrize("command", ["check", "print"])
def test_what_would_keep_the_server_from_starting_is_told_before_it_starts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: str
) -> None:
    """The files that the settings name and the flags in the environment, all at once."""
    files = {
        "AGENTS_FILE": "agents.toml",
        "FLAGS_FILE": "my_flags.json",
        "TLS_CERTIFICATE": "cert.pem",
        "TLS_KEY": "key.pem",
        "TLS_CLIENT_CA": "ca.pem",
        "AUTH_MTLS_FILE": "who.toml",
    }
    for name, file in files.items():
        (tmp_path / file).write_text(IDENTITIES if file == "who.toml" else "no content of this kind", encoding="utf-8")
        monkeypatch.setenv(f"GENESIS_{name}", str(tmp_path / file))
    (tmp_path / "methods").mkdir()
    (tmp_path / "methods" / "broken.toml").write_text("x = \n", encoding="utf-8")
    monkeypatch.setenv("GENESIS_METHODS_DIR", str(tmp_path / "methods"))
    monkeypatch.setenv("GENESIS_FLAG_NOPE", "1")
    monkeypatch.setenv("GENESIS_DATA_DIR", "/")
    result = _run("config", command)
    assert result.exit_code == 2
    flat = " ".join(result.stderr.split())
    for words in ("agents.toml:1", "broken.toml:1", "my_flags.json:1", "GENESIS_FLAG_NOPE", "who.toml:2", "PEM", "data_dir"):
        assert words in flat, (words, flat)


def test_a_secret_that_is_too_short_for_its_algorithm_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server would not start with it."""
    for name, value in {"SECRET": "x" * 40, "ISSUER": "me", "AUDIENCE": "genesis", "ALGORITHMS": "HS512"}.items():
        monkeypatch.setenv(f"GENESIS_AUTH_JWT_{name}", value)
    result = _run("config", "check")
    assert result.exit_code == 2
    assert "at least 64" in " ".join(result.stderr.split())
