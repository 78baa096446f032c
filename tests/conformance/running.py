"""One language through everything: the scenarios, the examples, the worker."""

from __future__ import annotations

import json
import secrets
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import genesis
from arena import Arena
from genesis.admin.v1 import flag_admin_service_pb2, policy_service_pb2
from genesis.v1 import agent_service_pb2, orchestrator_service_pb2, plan_pb2, update_pb2
from judging import judged
from languages import Language
from scenarios import for_driver, load

CONTRACT = (orchestrator_service_pb2, agent_service_pb2, policy_service_pb2, flag_admin_service_pb2)
BUILD, EXAMPLES, WORKER = "it is built", "an example of every call", "a worker does a task and leaves"
DRIVER_SECONDS, WORKER_SECONDS = 180, 30


@dataclass
class Outcome:
    """What came of a language: what is wrong, by scenario; a scenario without anything wrong passed."""

    language: str
    wrong: dict[str, list[str]] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong."""
        return not any(self.wrong.values())


def methods() -> set[str]:
    """Every method a client can call, and the health check."""
    found = {"grpc.health.v1.Health/Check"}
    for file in CONTRACT:
        for service in file.DESCRIPTOR.services_by_name.values():
            found |= {f"{service.full_name}/{method.name}" for method in service.methods}
    return found


def run(language: Language, arena: Arena, only: Sequence[str] = ()) -> Outcome:
    """Run everything, or the scenarios that are named."""
    start = time.monotonic()
    outcome = Outcome(language.name)
    chosen = [one for one in load() if not only or one["name"] in only]
    outcome.wrong |= run_scenarios(language, arena, chosen)
    if not only or EXAMPLES in only:
        outcome.wrong[EXAMPLES] = run_examples(language, arena)
    if not only or WORKER in only:
        outcome.wrong[WORKER] = run_worker(language, arena)
    outcome.seconds = time.monotonic() - start
    return outcome


def run_scenarios(language: Language, arena: Arena, chosen: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """What is wrong with each scenario."""
    word = f"{language.name}-{secrets.token_hex(4)}"
    asked = [for_driver(one, arena.connect(one.get("connect", {})), word) for one in chosen]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "scenarios.json"
        file.write_text(json.dumps({"scenarios": asked}, ensure_ascii=False))
        said, complaint = _output(language, language.conformance, str(file))
    told = {one["scenario"]: one for one in map(json.loads, filter(None, said.splitlines()))}
    wrong = {one["name"]: judged(one, told.get(one["name"]), word, arena.counted(f"{word}-{one['name']}")) for one in chosen}
    if complaint and any(wrong.values()):
        wrong[next(name for name, found in wrong.items() if found)].append(complaint)
    return wrong


def run_examples(language: Language, arena: Arena) -> list[str]:
    """What is wrong with the examples: one that fails, or a method without one."""
    said, complaint = _output(language, language.examples, arena.open.address)
    shown = {line.removeprefix("ok ").strip() for line in said.splitlines() if line.startswith("ok ")}
    missing = sorted(methods() - shown)
    return ([f"without a working example: {', '.join(missing)}"] if missing else []) + ([complaint] if complaint else [])


def run_worker(language: Language, arena: Arena) -> list[str]:
    """What is wrong with the worker: it joins, does a task, and leaves when it is told to stop."""
    agent, skill = f"{language.name}-{secrets.token_hex(3)}", f"example.{language.name}"
    environment = language.environment(GENESIS_TARGET=arena.open.address, GENESIS_AGENT_ID=agent, GENESIS_SKILL=skill)
    with genesis.connect(arena.open.address) as client, tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            language.command(language.worker), cwd=language.folder, env=environment, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            wrong = _work(client, agent, skill)
            process.send_signal(signal.SIGTERM)
            code = process.wait(WORKER_SECONDS)
            if code:
                wrong.append(f"it ended with {code}")
            if any(entry.workers for entry in client.agents() if entry.card.id == agent):
                wrong.append("it did not leave")
        except (genesis.GenesisError, subprocess.TimeoutExpired, TimeoutError) as error:
            wrong = [f"{type(error).__name__}: {error}"]
        finally:
            process.kill()
            process.wait()
        log.seek(0)
        return [*wrong, log.read()[-1000:]] if wrong else []


def _work(client: genesis.Client, agent: str, skill: str) -> list[str]:
    """Give the worker a task, and wait until it is done; what is wrong with it."""
    end = time.monotonic() + WORKER_SECONDS
    while not any(entry.workers for entry in client.agents() if entry.card.id == agent):
        if time.monotonic() > end:
            raise TimeoutError("the worker did not join")
        time.sleep(0.05)
    made = client.orchestrate("Write a report").plan
    task = plan_pb2.Task(id="example", goal="Greet", capability=skill)
    edits = [update_pb2.Edit(add_task=task), *(update_pb2.Edit(remove_task_id=old.id) for old in made.tasks if not old.parent_id)]
    client.update_plan(made.id, edits=edits)
    client.update_plan(made.id, dispatch=True)
    for news in client.watch_plan(made.id, runs=True, timeout=WORKER_SECONDS):
        if news.state in {plan_pb2.PLAN_STATE_DONE, plan_pb2.PLAN_STATE_FAILED}:
            break
    found = client.get_plan(made.id, contents=True)
    by = {attempt.agent_id for run in found.runs for attempt in run.attempts}
    wrong = [] if found.plan.state == plan_pb2.PLAN_STATE_DONE else [f"the plan is {plan_pb2.PlanState.Name(found.plan.state)}"]
    wrong += [] if found.artefacts else ["the task has no output"]
    return wrong + ([] if by <= {agent, ""} else [f"somebody else did it: {by}"])


def _output(language: Language, words: Sequence[str], argument: str) -> tuple[str, str]:
    """What a program printed, and what to say of it when it failed."""
    command = language.command(words, argument)
    try:
        done = subprocess.run(
            command, cwd=language.folder, env=language.environment(), check=False, capture_output=True, text=True, timeout=DRIVER_SECONDS
        )
    except subprocess.TimeoutExpired as late:
        said = late.stdout or b""
        return said if isinstance(said, str) else said.decode(), f"it took longer than {DRIVER_SECONDS} s"
    except OSError as error:
        return "", f"it does not start: {error}"
    return done.stdout, f"it ended with {done.returncode}: {done.stderr[-1500:]}" if done.returncode else ""
