"""`genesis worker`: a program for each task; and the workers of the demo."""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import sys
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest
from fake_server import FakeServer
from google.protobuf.json_format import MessageToDict

from genesis import Reference, TaskContext, TaskFailed, Worker
from genesis.v1 import common_pb2, plan_pb2, work_pb2
from genesis_server.agents.loading import load_agents
from genesis_server.cli import demo_worker
from genesis_server.cli.demo import AGENTS
from genesis_server.cli.demo_tasks import DamagedError, Job, do_job
from genesis_server.cli.demo_worker import DemoWorker
from genesis_server.cli.worker import ProgramWorker, card_of, environment_of, stdin_of
from genesis_server.rpc.convert import catalogue_to_proto

CARDS = """
[[agents]]
id = "one"
skills = [{ id = "a.do", name = "Do a", description = "Does a." }]

[[agents]]
id = "two"
skills = [{ id = "b.do", name = "Do b", description = "Does b." }]

[end]
"""


@pytest.fixture
def cards(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The file cards.toml is in the current folder."""
    (tmp_path / "cards.toml").write_text(CARDS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)


def _context(outputs: dict[str, str] | None = None, inputs: dict[str, Any] | None = None, skill: str = "") -> TaskContext:
    task = plan_pb2.Task(id="t", goal="Count the words", acceptance="None is left out")
    task.outputs.extend(common_pb2.Artefact(name=name, type=kind) for name, kind in (outputs or {}).items())
    expected = work_pb2.Usage(cost=common_pb2.Money(currency_code="USD", nanos=10_000_000), tokens=1000)
    return TaskContext(
        task=task, plan_id="p", goal="Write it", attempt=2, inputs=inputs or {}, skill_id=skill, expected=expected, traceparent="00-ab",
        correlation_id="cafe", deadline=30.0, clock=lambda: 10.0, news=lambda: None,
    )  # fmt: skip


def _program(code: str) -> ProgramWorker:
    return ProgramWorker((sys.executable, "-c", code), 1.0)


async def test_a_program_gets_task_and_inputs_and_gives_outputs() -> None:
    """A value that lies elsewhere is a reference on both sides."""
    code = """
import json, os, sys
given = json.load(sys.stdin)
print("genesis:progress 0.5 counting", file=sys.stderr)
print(json.dumps({"count": len(given["text"].split()), "goal": os.environ["GENESIS_TASK_GOAL"], "report": given["file"]}))
"""
    context = _context({"count": "number", "goal": "text", "report": ""}, {"text": "ä b c", "file": Reference("s3://x", "ab" * 32)})
    assert await _program(code).do(context) == {"count": 3, "goal": "Count the words", "report": Reference("s3://x", "ab" * 32)}
    assert context.told == (0.5, "counting")


@pytest.mark.parametrize(
    ("code", "permanent", "words"),
    [
        ("import sys; print('no disk', file=sys.stderr); sys.exit(75)", False, "exit code 75: no disk"),
        ("import sys; sys.exit(65)", True, "exit code 65"),
        ('print(\'{"uri": "x", "sha256": "short"}\')', True, "cannot be sent"),
    ],
)
async def test_a_program_that_fails_fails_the_task(code: str, permanent: bool, words: str) -> None:
    """By its exit code; a broken reference for good."""
    with pytest.raises(TaskFailed, match=words) as caught:
        await _program(code).do(_context({"a": ""}))
    assert caught.value.permanent is permanent


def test_a_program_does_not_see_the_workers_keys() -> None:
    """Only its task, and what is not Genesis' own."""
    environment = environment_of(_context({"a": "", "b": ""}, skill="x.do"), {"PATH": "/bin", "GENESIS_AGENT_KEY": "k:secret"}, 1000.0)
    assert environment == {
        "PATH": "/bin",
        "GENESIS_TASK_ID": "t",
        "GENESIS_TASK_GOAL": "Count the words",
        "GENESIS_TASK_ACCEPTANCE": "None is left out",
        "GENESIS_TASK_SKILL": "x.do",
        "GENESIS_TASK_MODEL": "",
        "GENESIS_TASK_OUTPUTS": "a,b",
        "GENESIS_TASK_ATTEMPT": "2",
        "GENESIS_TASK_DEADLINE": "1020.000",
        "GENESIS_TASK_PLAN_ID": "p",
        "GENESIS_TASK_PLAN_GOAL": "Write it",
        "GENESIS_TASK_CORRELATION_ID": "cafe",
        "TRACEPARENT": "00-ab",
    }
    assert json.loads(stdin_of({"a": [1, "ä"]})) == {"a": [1, "ä"]}


def test_the_command_makes_an_agent_of_its_options(run, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the key that it signs with."""
    ran: list[tuple[Any, str, dict[str, Any]]] = []
    monkeypatch.setattr(Worker, "run", lambda self, target, **options: ran.append((self.card, target, options)))
    monkeypatch.setenv("GENESIS_AGENT_KEY", "k1:secret")
    result = run(
        "worker", "--agent", "counter", "--skill", "text.count=Counts words", "--skill", "text.sum", "--command", "python3 -m count 'a b'",
        "--slots", "4",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    [(card, _, options)] = ran
    assert (card.id, card.max_concurrent_tasks) == ("counter", 4)
    assert (card.skills[0].id, card.skills[0].description) == ("text.count", "Counts words")
    assert (options["agent_key"], options["agent"], options["tenant"]) == ("k1:secret", "counter", "default")
    assert "secret" not in result.output
    assert "counter offers text.count, text.sum" in result.stderr


def test_a_card_comes_from_an_agents_file(tmp_path: Path) -> None:
    """By the agent's id where there are several."""
    file = tmp_path / "cards.toml"
    file.write_text(CARDS, encoding="utf-8")
    assert card_of("two", [], file, 3).max_concurrent_tasks == 3
    file.write_text(CARDS.replace(CARDS[CARDS.index('[[agents]]\nid = "two"') : CARDS.index("[end]")], ""), encoding="utf-8")
    assert card_of(None, [], file, None).id == "one"


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--command", "x"], "--agent ID"),
        (["--command", "x", "--agent", "a"], "--skill"),
        (["--command", "x 'y", "--agent", "a", "--skill", "s"], "cannot be read"),
        (["--command", " ", "--agent", "a", "--skill", "s"], "is empty"),
        (["--agent", "a", "--skill", "s"], "Missing option"),
        (["--command", "x", "--agent", "a", "--skill", "s", "--skill", "s=again"], "twice"),
        (["--command", "x", "--agent", "a", "--skill", "s", "--grace", "long"], "no time span"),
        (["--command", "x", "--card", "cards.toml"], "name it with --agent; there are: one, two"),
        (["--command", "x", "--card", "cards.toml", "--agent", "three"], "has no agent 'three'"),
        (["--command", "x", "--card", "cards.toml", "--skill", "s"], "not both"),
        (["--command", "x", "--card", "missing.toml"], "No such file"),
    ],
)
@pytest.mark.usefixtures("cards")
def test_wrong_input_is_exit_code_2(fake: FakeServer, run, args: list[str], words: str) -> None:
    """Before anything is sent."""
    result = run("worker", *args)
    assert result.exit_code == 2, result.output
    assert words in " ".join(result.stderr.split())
    assert not fake.requests


def _content(reference: Any, folder: Path) -> str:
    [name] = [file for file in folder.iterdir() if file.as_uri() == reference.uri]
    assert hashlib.sha256(name.read_bytes()).hexdigest() == reference.sha256
    return name.read_text(encoding="utf-8")


def test_what_a_program_prints_has_a_name_without_a_card() -> None:
    """That of the skill; it would be lost otherwise."""
    [skill] = card_of("one", ["docs.summary = Summarises"], None, None).skills
    assert (skill.id, skill.description) == ("docs.summary", "Summarises")
    assert [(one.name, one.type) for one in skill.outputs] == [("docs_summary", "")]


def test_the_demos_work_is_real(tmp_path: Path) -> None:
    """A document, a check that reads it, and a report of both; equal names never share a file."""
    spec = do_job(Job("Specify it", "It can be tested", {"request": "dark mode"}, ["spec"]), "write", tmp_path)["spec"]
    assert "It can be tested" in _content(spec, tmp_path)
    other = do_job(Job("Specify more", "", {}, ["spec"]), "unheard-of", tmp_path)["spec"]
    assert other.uri != spec.uri
    assert do_job(Job("Check it", "", {"spec": spec}, ["review"]), "check", tmp_path) == {"review": "passed"}
    report = do_job(Job("Tell them", "", {"spec": spec, "review": "passed"}, ["news"]), "report", tmp_path)["news"]
    assert "Specify it" in _content(report, tmp_path)


@pytest.mark.parametrize("damage", [lambda file: file.write_text("other"), lambda file: file.unlink()])
def test_a_damaged_file_is_noticed(tmp_path: Path, damage: Any) -> None:
    """Its hash travelled with the task."""
    spec = do_job(Job("Specify it", "", {}, ["spec"]), "write", tmp_path)["spec"]
    damage(tmp_path / "spec.md")
    with pytest.raises(DamagedError, match="spec"):
        do_job(Job("Check it", "", {"spec": spec}, ["review"]), "check", tmp_path)


async def _no_sleep(_: float) -> None:
    return None


async def test_a_demo_worker_fails_after_so_many_tasks(tmp_path: Path) -> None:
    """It tells what it used either way."""
    worker = DemoWorker(tmp_path, {"x.do": "write"}, tasks_before_it_fails=1, sleep=_no_sleep)
    good, bad = _context({"a": ""}, skill="x.do"), _context({"a": ""}, skill="x.do")
    assert isinstance((await worker.do(good))["a"], Reference)
    assert good.used == work_pb2.Usage(cost=common_pb2.Money(currency_code="USD", nanos=9_000_000), tokens=900)
    with pytest.raises(TaskFailed, match="do not answer"):
        await worker.do(bad)
    assert bad.used is not None
    assert bad.used.tokens == 100


async def test_a_demo_worker_fails_for_good_on_a_damaged_file(tmp_path: Path) -> None:
    """Trying again would not mend it."""
    context = _context({"a": ""}, {"b": Reference((tmp_path / "gone").as_uri(), "ab" * 32)})
    with pytest.raises(TaskFailed) as caught:
        await DemoWorker(tmp_path, {}, sleep=_no_sleep).do(context)
    assert caught.value.permanent


def test_a_demo_worker_joins_with_its_card(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Every skill's first tag says how it is done."""
    ran: list[tuple[Any, str]] = []
    monkeypatch.setattr(Worker, "run", lambda self, target: ran.append((self.card, target)))
    monkeypatch.setattr(demo_worker, "end_with_parent", lambda: None)
    cards = catalogue_to_proto(load_agents(AGENTS.read_text("utf-8"), AGENTS.name)).agents
    [given] = [MessageToDict(card) for card in cards if card.id == "quick-hands"]
    order = json.dumps({"address": "127.0.0.1:1", "card": given, "fails_after": 2})
    monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(f"{order}\n".encode())))
    demo_worker.main(str(tmp_path), "quick-hands")
    [(card, target)] = ran
    assert (card.id, target) == ("quick-hands", "127.0.0.1:1")
    assert {skill.tags[0] for skill in card.skills} <= {"write", "report", "check"}
    assert len(card.skills) >= 6


def test_a_demo_worker_without_an_order_ends(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The demo is gone before it gave one."""
    monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(b"")))
    demo_worker.main(str(tmp_path), "quick-hands")


def test_a_process_ends_when_whoever_started_it_is_gone() -> None:
    """However that came: its standard input ends."""
    code = "from genesis_server.cli.parent import end_with_parent; import time; end_with_parent(); print(flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        process.stdin.close()
        assert process.wait(20) == -signal.SIGTERM
