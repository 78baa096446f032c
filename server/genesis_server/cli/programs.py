"""Running a program for a task: what it is given, what it says, and that nothing of it stays behind."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

TEMPORARY = 75
"""EX_TEMPFAIL of sysexits.h: it did not work this time."""
_FINAL = range(64, 79)
"""The other codes of sysexits.h say that trying again does not help."""
MAX_OUTPUT = 1 << 20
"""Bytes a program may print; larger values belong elsewhere, with their URI and hash printed."""
_KEPT_LINES = 20
_LONGEST_LINE = 2_000
_CHUNK = 1 << 16
_POLL_SECONDS = 0.02
_PROGRESS = re.compile(r"genesis:progress\s+([0-9]*\.?[0-9]+)(?:\s+(.*))?")
_TEXTS = frozenset({"text", "string"})
"""Types whose values are taken as they are printed, whatever they look like."""
_REFERENCE = frozenset({"uri", "sha256", "media_type"})


class ProgramError(Exception):
    """A program did not do its task."""

    def __init__(self, message: str, *, permanent: bool) -> None:
        """`permanent`: trying again does not help."""
        super().__init__(message)
        self.permanent = permanent


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended."""

    code: int
    """Its exit code; negative: the signal that killed it."""
    stdout: bytes
    said: Sequence[str]
    """Its last lines on stderr, progress left out."""


async def run_program(
    command: Sequence[str],
    *,
    stdin: bytes,
    environment: Mapping[str, str],
    on_progress: Callable[[float, str], None],
    grace_seconds: float,
) -> Ended:
    """Run a program in a process group of its own until it ends; the whole group is gone afterwards.

    When this is cancelled, the group gets SIGTERM, and SIGKILL after `grace_seconds`. Raises ProgramError when the program cannot be
    started or prints more than 1 MiB.
    """
    try:
        child = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=environment,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise ProgramError(f"the program {command[0]!r} cannot be started: {error}", permanent=True) from error
    said: deque[str] = deque(maxlen=_KEPT_LINES)
    if child.stdin is None or child.stdout is None or child.stderr is None:
        raise RuntimeError("a pipe that was asked for is not there")
    group = asyncio.gather(_feed(child.stdin, stdin), _printed(child.stdout), _listen(child.stderr, said, on_progress), _ended(child))
    try:
        _, stdout, _, code = await asyncio.shield(group)
    except asyncio.CancelledError:
        _signal(child.pid, signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(group), grace_seconds)
        _signal(child.pid, signal.SIGKILL)
        await group
        raise
    finally:
        _signal(child.pid, signal.SIGKILL)
    if len(stdout) > MAX_OUTPUT:
        raise ProgramError("the program printed more than 1 MiB: put it elsewhere, and print its uri and sha256", permanent=True)
    return Ended(code, stdout, tuple(said))


async def _ended(child: asyncio.subprocess.Process) -> int:
    """Wait for the program, then end what it has left behind: that would keep its pipes open, and asyncio's own wait waits for those."""
    while child.returncode is None:  # noqa: ASYNC110  (there is no event for it)
        await asyncio.sleep(_POLL_SECONDS)
    _signal(child.pid, signal.SIGKILL)
    return child.returncode


def _signal(group: int, number: signal.Signals) -> None:
    # A group without processes is gone.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


async def _feed(stdin: asyncio.StreamWriter, data: bytes) -> None:
    # A program need not read what it is given.
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        stdin.write(data)
        await stdin.drain()
    stdin.close()


async def _printed(stdout: asyncio.StreamReader) -> bytes:
    kept = bytearray()
    while chunk := await stdout.read(_CHUNK):
        if len(kept) <= MAX_OUTPUT:
            kept += chunk
    return bytes(kept)


async def _listen(stderr: asyncio.StreamReader, said: deque[str], on_progress: Callable[[float, str], None]) -> None:
    rest = b""
    while chunk := await stderr.read(_CHUNK):
        *lines, rest = (rest + chunk).split(b"\n")
        rest = rest[-_LONGEST_LINE:]
        for line in lines:
            _hear(line, said, on_progress)
    if rest:
        _hear(rest, said, on_progress)


def _hear(line: bytes, said: deque[str], on_progress: Callable[[float, str], None]) -> None:
    text = line.decode("utf-8", "replace").strip()[-_LONGEST_LINE:]
    if told := _PROGRESS.fullmatch(text):
        on_progress(min(1.0, float(told[1])), told[2] or "")
    elif text:
        said.append(text)


def outputs_of(ended: Ended, declared: Mapping[str, str]) -> dict[str, Any]:
    """What a program put out: JSON values by name; `as_reference` tells which of them lie elsewhere.

    `declared`: the outputs of the task with their types. A JSON object holds outputs by name; everything else that is printed is the
    task's only output. Raises ProgramError by the exit code, and when the output does not fit.
    """
    if ended.code:
        raise failure_of(ended)
    text = ended.stdout.decode("utf-8", "replace").strip()
    only = next(iter(declared)) if len(declared) == 1 else None
    try:
        value: Any = json.loads(text) if text else None
    except (ValueError, RecursionError):
        value = text
    if isinstance(value, dict) and (only is None or only in value):
        return cast("dict[str, Any]", value)
    if only is not None:
        return {only: text if declared[only] in _TEXTS else value}
    if text and declared:
        raise ProgramError(f"the task has the outputs {', '.join(declared)}: print them as one JSON object", permanent=True)
    return {}


def as_reference(value: Any) -> dict[str, str] | None:
    """The fields `uri`, `sha256` and perhaps `media_type` of a value that lies elsewhere; None: it is a value like others."""
    if not isinstance(value, dict):
        return None
    fields = cast("dict[str, Any]", value)
    named = {"uri", "sha256"} <= fields.keys() <= _REFERENCE
    return cast("dict[str, str]", fields) if named and all(isinstance(part, str) for part in fields.values()) else None


def failure_of(ended: Ended) -> ProgramError:
    """Why a program failed, by its exit code and its last words."""
    how = f"exit code {ended.code}" if ended.code > 0 else f"killed by {signal.Signals(-ended.code).name}"
    words = "\n".join(ended.said)
    return ProgramError(f"{how}: {words}" if words else how, permanent=ended.code in _FINAL and ended.code != TEMPORARY)
