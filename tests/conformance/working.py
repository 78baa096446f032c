"""The worker of a language: it joins, does tasks, comes back when its server was killed, and leaves when it is told to."""

from __future__ import annotations

import secrets
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import genesis
from genesis.v1 import plan_pb2, update_pb2
from languages import Language
from servers import start, stop

SECONDS = 60
STOP_SECONDS = 40


@dataclass
class _Running:
    """A worker's process, and what is wrong with it so far."""

    process: subprocess.Popen[bytes]
    agent: str
    skill: str
    wrong: list[str]


def worker_works(language: Language, address: str) -> list[str]:
    """What is wrong with a worker that does a task and is told to stop."""
    with _worker(language, address) as worker:
        _work(worker, address)
        _leave(worker, address)
    return worker.wrong


def worker_returns(language: Language) -> list[str]:
    """What is wrong with a worker whose server is killed and started again: it must do the next task, without being told anything."""
    with tempfile.TemporaryDirectory() as folder:
        server = start(Path(folder))
        try:
            with _worker(language, server.address) as worker:
                _work(worker, server.address)
                server.process.kill()
                server.process.wait()
                server = start(Path(folder), settings={"GENESIS_LISTEN": server.address})
                _work(worker, server.address)
                _leave(worker, server.address)
        finally:
            stop(server)
    return worker.wrong


@contextmanager
def _worker(language: Language, address: str) -> Iterator[_Running]:
    agent, skill = f"{language.name}-{secrets.token_hex(3)}", f"example.{language.name}"
    environment = language.environment(GENESIS_TARGET=address, GENESIS_AGENT_ID=agent, GENESIS_SKILL=skill)
    with tempfile.TemporaryFile("w+") as log:
        command = language.command(language.worker)
        process = subprocess.Popen(command, cwd=language.folder, env=environment, stdout=log, stderr=subprocess.STDOUT)
        worker = _Running(process, agent, skill, [])
        try:
            yield worker
        except (genesis.GenesisError, subprocess.TimeoutExpired, TimeoutError) as error:
            worker.wrong.append(f"{type(error).__name__}: {error}")
        finally:
            process.kill()
            process.wait()
        if worker.wrong:
            log.seek(0)
            worker.wrong.append(log.read()[-1000:])


def _work(worker: _Running, address: str) -> None:
    """Give the worker a task, and wait until it is done."""
    with genesis.connect(address) as client:
        end = time.monotonic() + SECONDS
        while not any(entry.workers for entry in client.agents() if entry.card.id == worker.agent):
            if time.monotonic() > end or worker.process.poll() is not None:
                raise TimeoutError("the worker did not join")
            time.sleep(0.05)
        made = client.orchestrate("Write a report").plan
        task = plan_pb2.Task(id="example", goal="Greet", capability=worker.skill)
        edits = [update_pb2.Edit(remove_task_id=old.id) for old in made.tasks if not old.parent_id]
        client.update_plan(made.id, edits=[update_pb2.Edit(add_task=task), *edits])
        client.update_plan(made.id, dispatch=True)
        for news in client.watch_plan(made.id, runs=True, timeout=SECONDS):
            if news.state in {plan_pb2.PLAN_STATE_DONE, plan_pb2.PLAN_STATE_FAILED}:
                break
        found = client.get_plan(made.id, contents=True)
        if found.plan.state != plan_pb2.PLAN_STATE_DONE:
            worker.wrong.append(f"the plan is {plan_pb2.PlanState.Name(found.plan.state)}")
        if not found.artefacts:
            worker.wrong.append("the task has no output")
        if others := {attempt.agent_id for run in found.runs for attempt in run.attempts} - {worker.agent}:
            worker.wrong.append(f"somebody else did it: {others}")


def _leave(worker: _Running, address: str) -> None:
    """Tell it to stop, and see it go."""
    worker.process.send_signal(signal.SIGTERM)
    if code := worker.process.wait(STOP_SECONDS):
        worker.wrong.append(f"it ended with {code}")
    with genesis.connect(address) as client:
        if any(entry.workers for entry in client.agents() if entry.card.id == worker.agent):
            worker.wrong.append("it did not leave")
