"""The command line against a real server: a program becomes an agent, goals are run, and what happened is read as JSON."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import genesis
from genesis.v1 import plan_pb2
from servers import Server, clean_environment
from workers import artefact, ended, eventually, plan_of, run_of, state_of, task

PROGRAM = """
import json, os, sys
inputs = json.load(sys.stdin)
skill = os.environ["GENESIS_TASK_SKILL"]
print("genesis:progress 0.5 half way", file=sys.stderr)
if skill == "ferret.spoiling":
    print("the ferret ran away", file=sys.stderr)
    sys.exit(65)
print(json.dumps({"length": len(inputs["word"])} if "word" in inputs else {"word": "naïve " + os.environ["GENESIS_TASK_ID"]}))
"""


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[genesis.Client]:
    """A client of the shared server."""
    with genesis.connect(server.address) as connected:
        yield connected


def genesis_command(server: Server, *arguments: str, json_form: bool = True, code: int = 0) -> Any:
    """What the command prints, read as JSON where that is asked for; it must end with the code."""
    words = [sys.executable, "-m", "genesis_server", "--server", server.address, *(["--json"] if json_form else []), *arguments]
    ran = subprocess.run(words, env=clean_environment(), capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == code, (ran.returncode, ran.stdout[-2000:], ran.stderr[-2000:])
    return json.loads(ran.stdout) if json_form else ran.stdout + ran.stderr


@pytest.fixture(scope="module")
def ferret(server: Server, client: genesis.Client, tmp_path_factory: pytest.TempPathFactory) -> Iterator[subprocess.Popen[str]]:
    """`genesis worker` with a program that does the tasks."""
    folder = tmp_path_factory.mktemp("ferret")
    (folder / "program.py").write_text(PROGRAM)
    skills = [f"--skill=ferret.{name}=ferret.{name}" for name in ("fetching", "measuring", "spoiling")]
    command = f"{sys.executable} {folder / 'program.py'}"
    words = [
        sys.executable,
        "-m",
        "genesis_server",
        "--server",
        server.address,
        "worker",
        "--agent",
        "ferret",
        *skills,
        "--command",
        command,
    ]
    with (folder / "log").open("w") as sink:
        process = subprocess.Popen(words, env=clean_environment(), stdout=sink, stderr=sink, text=True, cwd=folder)
    try:
        eventually(lambda: any(entry.card.id == "ferret" and entry.workers for entry in client.agents()), 30)
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0, (folder / "log").read_text()


@pytest.mark.usefixtures("ferret")
def test_a_program_does_the_tasks_of_a_plan_and_everything_about_it_can_be_read(
    server: Server, client: genesis.Client, tmp_path: Path
) -> None:
    word = artefact("word", "text")
    plan_id = plan_of(
        client,
        task("fetch", "ferret.fetching", outputs=[word]),
        task("measure", "ferret.measuring", inputs=[word], outputs=[artefact("length", "number")], needs_approval=True),
        edges=[plan_pb2.Edge(from_task_id="fetch", to_task_id="measure", kind=plan_pb2.EDGE_KIND_DATA, artefact="word")],
        run_budget={"tasks": 5},
    )
    eventually(lambda: state_of(client, plan_id, "measure") == plan_pb2.TASK_STATE_AWAITING_APPROVAL, 20)
    listed = genesis_command(server, "tasks", plan_id)
    assert {one["id"] for one in listed["plan"]["tasks"]} == {"fetch", "measure"}
    approved = genesis_command(server, "approve", plan_id, "measure", "--comment", "go on")
    assert approved["planId"] == plan_id
    stored = ended(client, plan_id, 20)
    assert stored.plan.state == plan_pb2.PLAN_STATE_DONE
    values = {one.artefact.name: one.artefact.value for one in stored.artefacts}
    assert (values["word"].string_value, values["length"].number_value) == ("naïve fetch", len("naïve fetch"))
    assert run_of(client, plan_id, "fetch").attempts[0].agent_id == "ferret"

    assert {one["artefact"]["name"] for one in genesis_command(server, "artefact", plan_id)["artefacts"]} == {"word", "length"}
    file = tmp_path / "word.txt"
    genesis_command(server, "artefact", plan_id, "fetch", "word", "-o", str(file), json_form=False)
    assert file.read_text() == "naïve fetch\n"
    balance = genesis_command(server, "budget", plan_id)
    assert (balance["limit"]["tasks"], balance["spent"]["tasks"]) == (5, 2)


@pytest.mark.usefixtures("ferret")
def test_run_ends_with_zero_when_the_plan_is_done_and_with_one_when_it_failed(server: Server) -> None:
    ran = genesis_command(server, "run", "ferret.fetching")
    assert ran["plan"]["state"] == "PLAN_STATE_DONE"
    failed = genesis_command(server, "run", "ferret.spoiling", "--max-tasks", "3", code=1)
    assert failed["plan"]["state"] == "PLAN_STATE_FAILED"
    dead = genesis_command(server, "tasks", failed["plan"]["id"], "--dead")
    assert "the ferret ran away" in dead["runs"][0]["deadLetter"]
    breakers = genesis_command(server, "breakers")["breakers"]
    assert "ferret" in {one["agentId"] for one in breakers}
    reset = genesis_command(server, "breakers", "reset", "ferret", "--cause", "a test")
    assert reset["breaker"]["state"] == "BREAKER_STATE_CLOSED"


def test_a_budget_is_changed_from_the_command_line_part_by_part(server: Server, client: genesis.Client) -> None:
    plan_id = plan_of(client, task("t0", "nobodys.business"), run_budget={"tasks": 5, "cost": "1 USD"})
    changed = genesis_command(server, "budget", plan_id, "--tasks", "7", "--cost", "none")
    assert changed["limit"] == {"tasks": 7}
    client.update_plan(plan_id, cancel=True)


def test_security_events_and_refusals_come_with_the_codes_that_are_promised(server: Server) -> None:
    assert isinstance(genesis_command(server, "security").get("events", []), list)
    assert "plan_none" in genesis_command(server, "tasks", "plan_none", json_form=False, code=4)
    assert "nobody" in genesis_command(server, "breakers", "reset", "nobody", "--cause", "x", json_form=False, code=4)
