"""Programs that do tasks: what they are given, what becomes of what they say, and that nothing of them stays."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis_server.cli import programs, watchdog
from genesis_server.cli.programs import MAX_OUTPUT, Ended, ProgramError, as_reference, failure_of, outputs_of, run_program
from genesis_server.cli.watchdog import Watchdog


async def _run(code: str, *, stdin: bytes = b"", progress: list[tuple[float, str]] | None = None, grace: float = 5.0) -> Ended:
    told: list[tuple[float, str]] = [] if progress is None else progress
    return await run_program(
        (sys.executable, "-c", code),
        stdin=stdin,
        environment={"GENESIS_TASK_ID": "t"},
        on_progress=lambda fraction, words: told.append((fraction, words)),
        grace_seconds=grace,
    )


async def test_a_program_reads_its_input_and_is_heard() -> None:
    """Its result on stdout, its progress and its complaints on stderr."""
    progress: list[tuple[float, str]] = []
    code = """
import os, sys
print(sys.stdin.read().upper(), os.environ["GENESIS_TASK_ID"])
print("genesis:progress 0.4 half-way", file=sys.stderr)
print("genesis:progress 7", file=sys.stderr)
print("genesis:progress soon", file=sys.stderr)
print("warning", file=sys.stderr, end="")
"""
    ended = await _run(code, stdin=b"abc", progress=progress)
    assert ended == Ended(0, b"ABC t\n", ("genesis:progress soon", "warning"))
    assert progress == [(0.4, "half-way"), (1.0, "")]


async def test_a_program_that_reads_nothing_and_says_too_much_is_no_trouble() -> None:
    """The last lines are kept; an endless line is cut."""
    code = """
import sys
sys.stdin.close()
for n in range(100):
    print(f"line {n}", file=sys.stderr)
sys.stderr.write("x" * 300_000)
sys.exit(3)
"""
    ended = await _run(code, stdin=b"y" * 1_000_000)
    assert ended.code == 3
    assert ended.said[-2] == "line 99"
    assert len(ended.said) == 20
    assert len(ended.said[-1]) == 2_000


async def test_what_is_printed_without_end_is_refused() -> None:
    """Larger values belong elsewhere."""
    with pytest.raises(ProgramError, match="1 MiB") as caught:
        await _run(f"print('x' * {MAX_OUTPUT + 1})")
    assert caught.value.permanent


async def test_a_program_that_is_not_there_fails_for_good() -> None:
    """Trying again would not help."""
    with pytest.raises(ProgramError, match="cannot be started") as caught:
        await run_program(("no-such-program-here",), stdin=b"", environment={}, on_progress=lambda *_: None, grace_seconds=1)
    assert caught.value.permanent


_FAMILY = """
import os, signal, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import signal,time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"])
open({file!r} + ".part", "w").write(f"{{os.getpid()}} {{child.pid}}")
os.rename({file!r} + ".part", {file!r})
{then}
"""


async def _there(file: Path) -> None:
    for _ in range(2_000):
        if file.exists():
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"{file.name} never came")


async def _pids(file: Path) -> list[int]:
    await _there(file)
    return [int(word) for word in file.read_text().split()]


async def _all_gone(pids: Sequence[int]) -> bool:
    for _ in range(500):
        if not any(map(_alive, pids)):
            return True
        await asyncio.sleep(0.01)
    return False


def _alive(pid: int) -> bool:
    try:
        # A zombie whose new parent has not looked yet is gone as well.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize(("then", "code"), [("print('done')", 0), ("os.abort()", -6), ("sys.exit(1)", 1)])
async def test_what_a_program_leaves_behind_ends_with_it(tmp_path: Path, then: str, code: int) -> None:
    """However it ended; its children do not keep the task open."""
    file = tmp_path / "pids"
    ended = await _run(_FAMILY.format(file=str(file), then=then))
    assert ended.code == code
    assert await _all_gone(await _pids(file))


@pytest.mark.parametrize(
    ("then", "grace"),
    [
        ("time.sleep(600)", 5.0),
        ("signal.signal(signal.SIGTERM, signal.SIG_IGN)\nopen({file!r} + '.deaf', 'w').close()\ntime.sleep(600)", 0.05),
    ],
)
async def test_a_cancelled_program_ends_with_all_its_children(tmp_path: Path, then: str, grace: float) -> None:
    """Those that do not listen to SIGTERM after the grace time."""
    file = tmp_path / "pids"
    task = asyncio.create_task(_run(_FAMILY.format(file=str(file), then=then.format(file=str(file))), grace=grace))
    pids = await _pids(file)
    if "deaf" in then:
        await _there(Path(f"{file}.deaf"))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await _all_gone(pids)


async def test_a_program_may_tidy_up_when_it_is_cancelled(tmp_path: Path) -> None:
    """SIGTERM comes first."""
    ready, tidied = tmp_path / "ready", tmp_path / "tidied"
    code = f"""
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (open({str(tidied)!r}, "w").close(), sys.exit(0)))
open({str(ready)!r}, "w").close()
time.sleep(600)
"""
    task = asyncio.create_task(_run(code, grace=30.0))
    await _there(ready)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert tidied.exists()


@pytest.mark.parametrize(
    ("printed", "declared", "outputs"),
    [
        ('{"a": 1, "b": [2]}', {"a": "", "b": ""}, {"a": 1, "b": [2]}),
        ('{"a": 1}', {"a": "number"}, {"a": 1}),
        ('{"x": 1}', {"a": "object"}, {"a": {"x": 1}}),
        ("hello\n", {"a": "text"}, {"a": "hello"}),
        ("42", {"a": "number"}, {"a": 42}),
        ("42", {"a": "text"}, {"a": "42"}),
        ('{"x": 1}', {"a": "text"}, {"a": '{"x": 1}'}),
        ("", {"a": "text"}, {"a": ""}),
        ("", {"a": "json"}, {"a": None}),
        ("done, thanks", {}, {}),
        ('{"extra": 1}', {}, {"extra": 1}),
        ("", {"a": "", "b": ""}, {}),
        ("[" * 100_000, {"a": ""}, {"a": "[" * 100_000}),
    ],
)
def test_what_is_printed_becomes_outputs(printed: str, declared: dict[str, str], outputs: dict[str, object]) -> None:
    """By name, or as the only one."""
    assert outputs_of(Ended(0, printed.encode(), ()), declared) == outputs


def test_bytes_that_are_no_text_are_not_taken_for_one() -> None:
    """They would arrive as something else; where nothing is put out, they do not matter."""
    ended = Ended(0, b"\xff\xfe", ())
    with pytest.raises(ProgramError, match="no UTF-8") as caught:
        outputs_of(ended, {"picture": ""})
    assert caught.value.permanent
    assert outputs_of(ended, {}) == {}


def test_a_text_for_several_outputs_fails_for_good() -> None:
    """With what to print instead."""
    with pytest.raises(ProgramError, match="one JSON object") as caught:
        outputs_of(Ended(0, b"hello", ()), {"a": "", "b": ""})
    assert caught.value.permanent


@pytest.mark.parametrize(
    ("code", "permanent", "words"),
    [
        (1, False, "exit code 1: no"),
        (75, False, "exit code 75"),
        (64, True, "exit code 64"),
        (69, True, "exit code 69"),
        (78, True, "exit code 78"),
        (79, False, "exit code 79"),
        (127, False, "exit code 127"),
        (-9, False, "killed by SIGKILL"),
    ],
)
def test_exit_codes_say_whether_to_try_again(code: int, permanent: bool, words: str) -> None:
    """As sysexits.h has them."""
    with pytest.raises(ProgramError, match=words) as caught:
        outputs_of(Ended(code, b"{}", ("no", "luck")), {})
    assert caught.value.permanent is permanent
    assert str(failure_of(Ended(code, b"", ()))) == words.removesuffix(": no")


@given(st.dictionaries(st.sampled_from(["uri", "sha256", "media_type", "x"]), st.text() | st.integers()))
def test_only_a_uri_with_its_hash_is_a_reference(value: dict[str, object]) -> None:
    """Everything else is a value like others."""
    found = as_reference(value)
    named = {"uri", "sha256"} <= value.keys() and "x" not in value
    assert (found is not None) == (named and all(isinstance(part, str) for part in value.values()))
    assert as_reference([value]) is None


async def test_what_has_left_the_process_group_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """It holds the pipes open, and the task would never end."""
    monkeypatch.setattr(programs, "_DRAIN_SECONDS", 0.2)
    code = (
        "import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'], start_new_session=True).pid)"
    )
    ended = await asyncio.wait_for(_run(code), 20)
    assert ended.code == 0
    os.kill(int(ended.stdout), signal.SIGKILL)


async def test_a_watchdog_knows_a_program_for_as_long_as_it_runs() -> None:
    """By its process group."""
    told: list[str] = []

    @contextlib.contextmanager
    def watching(group: int) -> Iterator[None]:
        told.append("begun" if group > 1 else "nobody's")
        yield
        told.append("ended")

    await run_program(
        (sys.executable, "-c", ""), stdin=b"", environment={}, on_progress=lambda *_: None, grace_seconds=1.0, watching=watching
    )
    assert told == ["begun", "ended"]


@pytest.mark.parametrize("stubborn", [False, True])
def test_programs_of_a_worker_that_was_killed_end_too(stubborn: bool) -> None:
    """With SIGTERM, and with SIGKILL when that does not help; those that have ended are left alone."""
    ignore = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);" if stubborn else ""
    program = f"{ignore}print(flush=True); import time; time.sleep(60)"
    worker = """
import subprocess, sys, time
from genesis_server.cli.watchdog import running_watchdog

def start():
    child = subprocess.Popen([sys.executable, "-c", sys.argv[1]], start_new_session=True, stdout=subprocess.PIPE)
    child.stdout.readline()
    return child

with running_watchdog(0.3) as watchdog:
    ended, running = start(), start()
    with watchdog.watching(ended.pid):
        pass
    with watchdog.watching(running.pid):
        print(ended.pid, running.pid, flush=True)
        time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", worker, program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ended, running = map(int, process.stdout.readline().split())
        process.kill()
    deadline = time.monotonic() + 20
    while _is_there(running) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not _is_there(running)
    assert _is_there(ended)
    os.kill(ended, signal.SIGKILL)


def _is_there(pid: int) -> bool:
    """Whether a process runs; one that has ended and that nobody asked for its exit code does not."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return False


def test_a_watchdog_that_is_gone_stops_no_work() -> None:
    """Only what it was for is missing."""
    reading, writing = os.pipe()
    os.close(reading)
    with Watchdog(writing).watching(1):
        pass
    os.close(writing)


def test_a_watchdog_ends_only_what_still_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Groups that ended were told of."""
    ended: list[tuple[set[int], float]] = []
    monkeypatch.setattr(watchdog, "end_all", lambda groups, grace: ended.append((set(groups), grace)))
    monkeypatch.setattr(sys, "stdin", StringIO("+12\n+13\n-12\n"))
    watchdog.main("2.5")
    assert ended == [({13}, 2.5)]
