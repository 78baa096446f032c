"""What a Dockerfile says, read as Docker reads it, as far as ours goes."""

from __future__ import annotations

import fnmatch
import json
import os
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


@dataclass(frozen=True)
class Instruction:
    """One instruction: `RUN`, its `--options` and the rest."""

    name: str
    options: tuple[str, ...]
    text: str

    @property
    def words(self) -> list[str]:
        """The rest, in exec form or as a shell would split it."""
        return json.loads(self.text) if self.text.startswith("[") else shlex.split(self.text)

    def option(self, name: str) -> list[str]:
        """The values of `--name=value`."""
        return [one.partition("=")[2] for one in self.options if one.startswith(f"--{name}=")]


@dataclass
class Stage:
    """From one FROM to the next."""

    name: str
    base: str
    instructions: list[Instruction] = field(default_factory=list)

    def last(self, name: str) -> Instruction:
        """The instruction of that name that counts."""
        return [one for one in self.instructions if one.name == name][-1]


def stages(text: str) -> list[Stage]:
    """The stages in order, arguments of FROM at their defaults."""
    arguments: dict[str, str] = {}
    found: list[Stage] = []
    for instruction in _instructions(text):
        if instruction.name == "FROM":
            base, *name = substituted(instruction.text, arguments).split()
            found.append(Stage(name=name[-1] if name else str(len(found)), base=base))
        elif not found:
            arguments |= assignments(instruction, arguments)
        else:
            found[-1].instructions.append(instruction)
    return found


def _instructions(text: str) -> Iterator[Instruction]:
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    for whole in re.sub(r"\\\n", " ", "\n".join(lines)).splitlines():
        name, _, rest = whole.strip().partition(" ")
        options: list[str] = []
        while (rest := rest.lstrip()).startswith("--") and name in {"RUN", "COPY", "FROM"}:
            option, _, rest = rest.partition(" ")
            options.append(option)
        yield Instruction(name.upper(), tuple(options), rest)


def assignments(instruction: Instruction, known: Mapping[str, str]) -> dict[str, str]:
    """What an ENV or ARG sets."""
    return {word.partition("=")[0]: substituted(word.partition("=")[2], known) for word in instruction.words}


def substituted(text: str, known: Mapping[str, str]) -> str:
    """`$NAME` and `${NAME}` replaced; one that is not known is empty, as in Docker."""
    return _VARIABLE.sub(lambda found: known.get(found[1] or found[2], ""), text)


class Context:
    """The files that go to the builder: those .dockerignore leaves."""

    def __init__(self, root: Path) -> None:
        """Read its .dockerignore."""
        self.root = root
        lines = (root / ".dockerignore").read_text("utf-8").splitlines()
        self._rules = [line.strip() for line in lines if line.strip() and not line.startswith("#")]

    def holds(self, path: str) -> bool:
        """Whether a file is sent; the last rule that fits it or a folder above decides."""
        parents = [path, *(str(parent) for parent in Path(path).parents if str(parent) != ".")]
        sent = True
        for rule in self._rules:
            pattern = rule.removeprefix("!")
            fits = fnmatch.fnmatchcase if pattern.startswith("**/") else _same_depth
            candidates = [f"/{parent}" for parent in parents] if pattern.startswith("**/") else parents
            if any(fits(candidate, pattern.replace("**/", "*/")) for candidate in candidates):
                sent = rule.startswith("!")
        return sent

    def files(self, path: str) -> Iterator[str]:
        """The files at or below a path that are sent."""
        place = self.root / path
        if place.is_file():
            if self.holds(path):
                yield path
            return
        for folder, below, names in os.walk(place):
            at = Path(folder).relative_to(self.root)
            below[:] = sorted(name for name in below if self._may_hold((at / name).as_posix()))
            for name in sorted(names):
                relative = (at / name).as_posix()
                if self.holds(relative):
                    yield relative

    def _may_hold(self, folder: str) -> bool:
        """Whether anything below a folder can be sent."""
        return self.holds(folder) or any(rule.startswith(f"!{folder}/") for rule in self._rules)


def _same_depth(path: str, pattern: str) -> bool:
    return path.count("/") == pattern.count("/") and fnmatch.fnmatchcase(path, pattern)
