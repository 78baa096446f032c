"""One language through everything: the scenarios, the examples, the worker."""

from __future__ import annotations

import json
import secrets
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from arena import Arena
from genesis.admin.v1 import flag_admin_service_pb2, policy_service_pb2
from genesis.v1 import agent_service_pb2, orchestrator_service_pb2
from judging import judged
from languages import Language
from scenarios import for_driver, load
from working import worker_returns, worker_works

CONTRACT = (orchestrator_service_pb2, agent_service_pb2, policy_service_pb2, flag_admin_service_pb2)
BUILD, EXAMPLES = "it is built", "an example of every call"
WORKER, RETURN = "a worker does a task and leaves", "a worker is back after its server was killed"
DRIVER_SECONDS = 180


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
        outcome.wrong[WORKER] = worker_works(language, arena.open.address)
    if not only or RETURN in only:
        outcome.wrong[RETURN] = worker_returns(language)
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
