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
from contextlib import AbstractContextManager
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
_DRAIN_SECONDS = 1.0
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
    watching: Callable[[int], AbstractContextManager[object]] = contextlib.nullcontext,
) -> Ended:
    """Run a program in a process group of its own until it ends; the whole group is gone afterwards.

    When this is cancelled, the group gets SIGTERM, and SIGKILL after `grace_seconds`. `watching` gets the group's id for as long as it
    runs. Raises ProgramError when the program cannot be started or prints more than 1 MiB.
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
    if child.stdin is None or child.stdout is None or child.stderr is None:
        raise RuntimeError("a pipe that was asked for is not there")
    printed, said = bytearray(), deque[str](maxlen=_KEPT_LINES)
    pipes = (_feed(child.stdin, stdin), _take(child.stdout, printed), _listen(child.stderr, said, on_progress))
    talks = [asyncio.create_task(pipe) for pipe in pipes]
    with watching(child.pid):
        try:
            code = await _ended(child)
        except asyncio.CancelledError:
            _signal(child.pid, signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(_ended(child), grace_seconds)
            raise
        finally:
            # What the program has left behind would keep its pipes open.
            _signal(child.pid, signal.SIGKILL)
            await _ended(child)
            await _silent(child, talks)
    if len(printed) > MAX_OUTPUT:
        raise ProgramError("the program printed more than 1 MiB: put it elsewhere, and print its uri and sha256", permanent=True)
    return Ended(code, bytes(printed), tuple(said))


async def _ended(child: asyncio.subprocess.Process) -> int:
    """Wait for the program alone: asyncio's own wait also waits for its pipes, which others may hold open."""
    while child.returncode is None:  # noqa: ASYNC110  (there is no event for it)
        await asyncio.sleep(_POLL_SECONDS)
    return child.returncode


async def _silent(child: asyncio.subprocess.Process, talks: Sequence[asyncio.Task[None]]) -> None:
    """Read to the end of the pipes; what has left the process group and holds them open is not waited for."""
    _, open_ones = await asyncio.wait(talks, timeout=_DRAIN_SECONDS)
    for talk in open_ones:
        talk.cancel()
    for result in await asyncio.gather(*talks, return_exceptions=True):
        if isinstance(result, Exception):
            raise result
    if open_ones:
        # Nothing public closes the pipes of a program that has ended.
        child._transport.close()  # pyright: ignore[reportPrivateUsage, reportAttributeAccessIssue, reportUnknownMemberType]  # noqa: SLF001


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


async def _take(stdout: asyncio.StreamReader, printed: bytearray) -> None:
    while chunk := await stdout.read(_CHUNK):
        if len(printed) <= MAX_OUTPUT:
            printed += chunk


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
    try:
        text = ended.stdout.decode("utf-8").strip()
    except UnicodeDecodeError as error:
        if not declared:
            return {}
        raise ProgramError("the program printed no UTF-8: put it elsewhere, and print its uri and sha256", permanent=True) from error
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
