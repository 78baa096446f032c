"""What the demo's agents do with a task: they write a document, put a report together, or check what they are given."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from genesis import Reference

WRITE, REPORT, CHECK = "write", "report", "check"
_MEDIA_TYPE = "text/markdown"
_NO_NAME = re.compile(r"[^\w.-]+")


@dataclass(frozen=True, slots=True)
class Job:
    """A task, as far as its doer has to know it."""

    goal: str
    acceptance: str
    inputs: Mapping[str, Any]
    """JSON values, and References to files."""
    outputs: Sequence[str]


class DamagedError(Exception):
    """A file is not what its hash says."""


def do_job(job: Job, way: str, folder: Path) -> dict[str, Any]:
    """Do a task in one of the three ways; each output is a file in the folder, for checks the word `passed` as well.

    Raises DamagedError when a file that was handed over is gone or was changed since.
    """
    texts = {name: _content(name, value) for name, value in job.inputs.items()}
    made: dict[str, Any] = {}
    for output in job.outputs:
        lines = _report(texts) if way == REPORT else _checks(texts) if way == CHECK else _document(job, texts)
        reference = _write(folder, output, [f"# {output.replace('_', ' ').capitalize()}", "", f"For: {job.goal}", "", *lines])
        # A word that conditions of a goal ("if the tests pass") can be decided with.
        made[output] = "passed" if way == CHECK else reference
    return made


def _document(job: Job, texts: Mapping[str, str]) -> Iterator[str]:
    if job.acceptance:
        yield f"It is done well when: {job.acceptance}"
        yield ""
    yield "Built on:" if texts else "Built on nothing but the goal."
    for name, text in texts.items():
        yield f"- {name}: {_size(text)}, begins with “{text.splitlines()[0] if text else ''}”"


def _report(texts: Mapping[str, str]) -> Iterator[str]:
    yield f"Put together from {len(texts)} parts, {sum(len(text.split()) for text in texts.values())} words."
    for name, text in texts.items():
        yield ""
        yield f"## {name.replace('_', ' ').capitalize()}"
        yield from text.splitlines()


def _checks(texts: Mapping[str, str]) -> Iterator[str]:
    for name, text in texts.items():
        yield f"- {name}: {_size(text)}, unchanged since it was made"
    yield ""
    yield f"{len(texts)} parts looked at, nothing found."


def _size(text: str) -> str:
    return f"{len(text.splitlines())} lines, {len(text.split())} words"


def _content(name: str, value: Any) -> str:
    """The text of an input: of the file it names, checked against its hash, or the value itself."""
    if not isinstance(value, Reference):
        return str(value)
    path = Path(unquote(urlsplit(value.uri).path))
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DamagedError(f"{name} cannot be read: {error.strerror}") from error
    if hashlib.sha256(data).hexdigest() != value.sha256:
        raise DamagedError(f"{name} was changed since it was made")
    return data.decode("utf-8")


def _write(folder: Path, name: str, lines: Sequence[str]) -> Reference:
    """Write a file under a name of its own; two of the same name never share one."""
    stem = _NO_NAME.sub("-", name).strip(".") or "output"
    data = ("\n".join(lines) + "\n").encode()
    for number in range(1, 10_000):
        path = folder / (f"{stem}.md" if number == 1 else f"{stem}-{number}.md")
        try:
            with path.open("xb") as file:
                file.write(data)
        except FileExistsError:
            continue
        return Reference(path.resolve().as_uri(), hashlib.sha256(data).hexdigest(), _MEDIA_TYPE)
    raise OSError(f"no free name for {stem} in the demo's folder")
