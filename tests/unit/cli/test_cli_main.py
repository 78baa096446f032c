"""The command line as a whole: help, exit codes, global options, start-up."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import typer.main
from fake_server import FakeServer
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from genesis.v1 import orchestrator_service_pb2 as pb2
from genesis_server.cli import main as main_module
from genesis_server.cli.exits import ExitCode
from genesis_server.cli.group import hoist
from genesis_server.cli.main import app, main

TAKES = {"--server": True, "--json": False}


def _commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, command in group.commands.items():
        yield (*path, name), command
        if hasattr(command, "commands"):
            yield from _commands(command, (*path, name))


ROOT = typer.main.get_command(app)
COMMANDS = dict(_commands(ROOT))


def test_help_names_every_command_and_every_exit_code() -> None:
    """Nothing has to be guessed."""
    result = CliRunner().invoke(app, ["--help"])
    assert result.exit_code == 0
    text = " ".join(result.stdout.split())
    for code in ExitCode:
        assert f"{code.value} {code.meaning}".replace(", but", " but") in text
    for path in COMMANDS:
        assert path[0] in text


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_has_help(path: tuple[str, ...]) -> None:
    """With a sentence on what it does, and one on each option."""
    result = CliRunner().invoke(app, [*path, "--help"])
    assert result.exit_code == 0
    assert COMMANDS[path].help
    assert all(getattr(option, "help", "set") for option in COMMANDS[path].params)


@pytest.mark.parametrize("path", COMMANDS)
def test_no_command_has_an_option_that_a_global_one_would_take_away(path: tuple[str, ...]) -> None:
    """Global options stand anywhere, so their names are taken."""
    taken = {name for option in ROOT.params for name in option.opts}
    assert taken.isdisjoint(name for option in COMMANDS[path].params for name in option.opts if name.startswith("-"))


def test_global_options_move_to_the_front_with_their_values() -> None:
    """Both spellings, and nothing behind `--`."""
    args = ["plan", "goal", "--json", "--server", "a:1", "--server=b:2", "--stream", "--", "--json"]
    assert hoist(args, TAKES) == ["--json", "--server", "a:1", "--server=b:2", "plan", "goal", "--stream", "--", "--json"]
    assert hoist(["plan", "--server"], TAKES) == ["--server", "plan"]


@given(st.lists(st.sampled_from(["--json", "--server", "--server=x", "--", "plan", "-o", "x"])))
def test_hoisting_loses_nothing_and_keeps_the_order_of_the_rest(args: list[str]) -> None:
    """Whatever is typed is still there, and a second time changes nothing."""
    moved = hoist(args, TAKES)
    assert sorted(moved) == sorted(args)
    assert hoist(moved, TAKES) == moved or "--server" in args[-1:]


def test_the_version_is_told() -> None:
    """For bug reports."""
    assert CliRunner().invoke(app, ["--version"]).stdout.startswith("genesis ")


def test_without_a_command_the_help_is_shown() -> None:
    """And the exit code says that nothing was done."""
    result = CliRunner().invoke(app, [])
    assert "Usage" in result.output


def test_a_fault_of_the_command_is_one_line_and_exit_code_70(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Never a stack trace."""

    def broken(**_: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(main_module, "app", broken)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == ExitCode.FAULT
    error = capsys.readouterr().err
    assert "ZeroDivisionError: oops" in error
    assert "Traceback" not in error


def test_help_loads_neither_grpc_nor_the_server() -> None:
    """`genesis --help` is there at once."""
    code = """
import sys
from genesis_server.cli.main import main
sys.argv = ["genesis", "--help"]
try:
    main()
except SystemExit:
    pass
heavy = {"grpc", "google.protobuf", "pydantic", "networkx", "numpy", "starlette", "genesis_server.app"} & set(sys.modules)
sys.exit(f"loaded: {sorted(heavy)}" if heavy else 0)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", [["--json", "plan"], ["plan"]])
def test_an_answer_fits_through_any_encoding(
    fake: FakeServer, monkeypatch: pytest.MonkeyPatch, orchestrated: pb2.OrchestrateResponse, command: list[str]
) -> None:
    """JSON stays whole; for people, a sign that cannot be written is a question mark."""
    answer = pb2.PlanResponse(plan=orchestrated.plan)
    answer.plan.goal = "写 it"
    fake.on("Plan", answer)
    written = io.BytesIO()
    stdout = io.TextIOWrapper(written, encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stdout)
    monkeypatch.setattr(sys, "argv", ["genesis", "--server", fake.address, *command, "x"])
    with pytest.raises(SystemExit) as caught:
        main()
    stdout.flush()
    assert caught.value.code == 0
    text = written.getvalue().decode("ascii")
    assert json.loads(text)["plan"]["goal"] == "写 it" if "--json" in command else "? it" in text


@pytest.mark.parametrize("command", [["--json", "flag", "list"], ["flag", "list"]])
def test_a_closed_pipe_ends_quietly_with_a_code_of_its_own(fake: FakeServer, command: list[str]) -> None:
    """`genesis … | head` does not look like a verdict that failed."""
    fake.on("Flag", pb2.FlagResponse(flags=[pb2.FlagEvaluation(key="otel_enabled")]))
    reading, writing = os.pipe()
    os.close(reading)
    arguments = [sys.executable, "-m", "genesis_server", "--server", fake.address, *command]
    done = subprocess.run(arguments, check=False, stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    assert (done.returncode, done.stderr) == (ExitCode.CLOSED, "")
