"""`genesis demo`: a server comes, answers, and is gone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from genesis_server.cli import demo, demo_processes
from genesis_server.cli.main import app

CHILD = str(Path(__file__).with_name("demo_child.py"))


@pytest.fixture
def child(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], Path]:
    def use(kind: str) -> Path:
        file = tmp_path / "child"
        monkeypatch.setattr(demo_processes, "SERVER_COMMAND", (sys.executable, CHILD, str(file), kind))
        return file

    monkeypatch.setenv("GENESIS_LISTEN", "0.0.0.0:1")
    monkeypatch.setenv("USE_V2_ORCHESTRATOR", "banana")
    monkeypatch.delenv("COLUMNS", raising=False)
    return use


def _gone(file: Path) -> bool:
    """Whether the child's process and folder are gone."""
    pid, folder = file.read_text(encoding="utf-8").splitlines()
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return not Path(folder).exists()
    return False


ADVICE = ["demo", "--catalogue", str(demo.AGENTS)]
"""With a catalogue the answer is shown, and not carried out."""


def test_a_goal_goes_through_a_server_that_is_gone_afterwards(child: Callable[[str], Path]) -> None:
    """Exit code 0 although the verdict failed: the demo showed what it had to show."""
    file = child("well")
    result = CliRunner().invoke(app, [*ADVICE, "--goal", "Water the plants"])
    assert result.exit_code == 0, result.output
    assert "Water the plants" in result.stdout
    assert "Verdict FAILED" in result.stdout
    assert "all processes have stopped" in result.stderr
    assert _gone(file)


def test_json_is_all_that_stdout_has(child: Callable[[str], Path]) -> None:
    """The demo can be piped; a default goal is there."""
    child("well")
    result = CliRunner().invoke(app, [*ADVICE, "--json"])
    assert json.loads(result.stdout)["plan"]["goal"] == demo.DEFAULT_GOAL


def test_a_server_that_does_not_start_tells_why(child: Callable[[str], Path]) -> None:
    """With the last lines of its log."""
    child("broken")
    result = CliRunner().invoke(app, ["demo"])
    assert result.exit_code == 5
    assert "ended with exit code 1" in result.stderr
    assert "the port is in use" in result.stderr


def test_a_server_that_never_serves_is_given_up(child: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """And stopped."""
    child("well")
    monkeypatch.setattr(demo_processes, "_START_SECONDS", 0.0)
    result = CliRunner().invoke(app, ["demo"])
    assert result.exit_code == 5
    assert "does not serve after" in result.stderr


def test_a_server_that_does_not_stop_is_killed(child: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is left behind."""
    file = child("stubborn")
    monkeypatch.setattr(demo_processes, "_STOP_SECONDS", 0.2)
    assert CliRunner().invoke(app, ADVICE).exit_code == 0
    assert _gone(file)


def test_ending_the_demo_ends_its_server(tmp_path: Path) -> None:
    """SIGTERM half-way leaves no process and no folder."""
    file = tmp_path / "child"
    code = f"""
import sys
from genesis_server.cli import demo, demo_processes
demo_processes.SERVER_COMMAND = ({sys.executable!r}, {CHILD!r}, {str(file)!r}, "well")
with demo._ending_well(), demo_processes.running_server() as server:
    server.await_serving()
    print("up", flush=True)
    import time
    # A signal that another thread receives does not wake a long sleep.
    for _ in range(1000):
        time.sleep(0.05)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 128 + signal.SIGTERM
    deadline = time.monotonic() + 5
    while not _gone(file) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert _gone(file)


def _mentions(file: Path, text: str) -> bool:
    try:
        return text in file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False


def _carried_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *args: str) -> Result:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setenv("COLUMNS", "200")
    result = CliRunner().invoke(app, ["demo", *args])
    assert result.exit_code == 0, result.output
    # Folders of Python and its libraries are theirs.
    assert not list(tmp_path.glob("genesis-*"))
    left = [file for file in Path("/proc").glob("[0-9]*/cmdline") if _mentions(file, str(tmp_path))]
    assert not left
    return result


def test_the_demo_carries_its_goal_out_although_a_worker_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Six tasks or more are the failing agent's, its breaker opens, another agent does its work, and the plan is done."""
    result = _carried_out(monkeypatch, tmp_path)
    text = " ".join(result.stdout.split())
    for words in ("12 done", "of 0.25 USD", "from quick-hands to steady-hands", "breaker of quick-hands is open", "release_notes.md"):
        assert words in text, result.output
    assert text.count("quick-hands medium-1") >= 6
    assert "the plan is done" in text


def test_a_goal_of_ones_own_shows_what_waits_for_whom(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Only tasks of agents that joined are done; the demo ends when nothing moves any more."""
    result = _carried_out(monkeypatch, tmp_path, "--goal", "Write the specification, then translate it into French", "--json")
    answer = json.loads(result.stdout)
    assert answer["plan"]["state"] == "PLAN_STATE_ACTIVE"
    assert {run.get("waitingFor") for run in answer["runs"]} >= {"WAITING_FOR_AGENT"}


@pytest.mark.parametrize("kind", ["ends", "silent"])
def test_a_worker_that_does_not_join_tells_why(monkeypatch: pytest.MonkeyPatch, child: Callable[[str], Path], kind: str) -> None:
    """With the last lines of its log; the server and the others are stopped."""
    file = child("well")
    code = "import sys; sys.exit('no memory left')" if kind == "ends" else "import sys; print('hello', flush=True); sys.stdin.read()"
    monkeypatch.setattr(demo_processes, "WORKER_COMMAND", (sys.executable, "-c", code))
    monkeypatch.setattr(demo_processes, "_JOIN_SECONDS", 30.0 if kind == "ends" else 0.3)
    result = CliRunner().invoke(app, ["demo"])
    assert result.exit_code == 5, result.output
    assert ("no memory left" if kind == "ends" else "does not join") in result.stderr
    assert _gone(file)


def test_a_program_of_ones_own_works_for_an_agent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In any language: here it is the demo's own, under another name."""
    program = tmp_path / "mine.py"
    program.write_text("import sys\nfrom genesis_server.cli.demo_worker import main\nmain(*sys.argv[1:])\n", encoding="utf-8")
    result = _carried_out(
        monkeypatch, tmp_path, "--goal", "Write the specification", f"--worker=author={sys.executable} {program}", "--json"
    )
    assert f"author is another program: {sys.executable} {program}" in result.stderr
    answer = json.loads(result.stdout)
    assert {attempt["agentId"] for run in answer["runs"] for attempt in run["attempts"]} == {"author"}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("author", "give AGENT=COMMAND"),
        ("author= ", "give AGENT=COMMAND"),
        ("nobody=true", "no agent nobody"),
        ("author=/no/such", "does not start"),
    ],
)
def test_a_program_that_cannot_work_is_refused(child: Callable[[str], Path], given: str, told: str) -> None:
    child("well")
    result = CliRunner().invoke(app, ["demo", "--worker", given])
    assert result.exit_code == 2, result.output
    assert told in result.stderr
