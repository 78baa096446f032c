"""House rules that no linter knows: module length, words that belong to one machine, what the lock names.

python .ci/check_house.py    prints every finding, or the lengths of the modules; exit code 1 with findings
"""

from __future__ import annotations

import re
import statistics
import sys
from pathlib import Path

from package_index import PUBLIC_INDEX
from repository import ROOT, is_generated, project_files, texts

LONGEST_MODULE = 450
_MACHINE_PATH = re.compile(r"(?<![\w.])/(?:work|root)/|(?<![\w.])/(?:home|Users)/[a-z]\w*/(?!\.local)")
_REGISTRY = re.compile(r"\b(?:pypi\.org|pythonhosted\.org|registry\.npmjs\.org)\b")
_MAY_NAME_REGISTRY = {"uv.lock", ".ci/package_index.py", ".ci/check_house.py", "tests/unit/test_repository.py"}
_LOCK_SOURCE = re.compile(r'source = \{ (\w+) = "([^"]*)" \}')
_LOCK_FILE = re.compile(r'url = "(https?://[^/"]+)/')
_PUBLIC_FILES = "https://files.pythonhosted.org"


def module_lengths(files: list[Path]) -> dict[Path, int]:
    """Lines of each module that somebody wrote."""
    return {path: text.count("\n") for path, text in texts([p for p in files if p.suffix == ".py" and not is_generated(p)])}


def long_modules(files: list[Path]) -> list[str]:
    """Modules that hold more than one idea, by their length."""
    return [f"{path}: {lines} lines, more than {LONGEST_MODULE}" for path, lines in module_lengths(files).items() if lines > LONGEST_MODULE]


def machine_words(files: list[Path], root: Path) -> list[str]:
    """Paths of one machine, and registry hosts outside the two files that must name one."""
    found: list[str] = []
    for path, text in texts(files):
        name = path.relative_to(root).as_posix()
        for number, line in enumerate(text.splitlines(), 1):
            if not is_generated(path) and (word := _MACHINE_PATH.search(line)):
                found.append(f"{name}:{number}: names a path of one machine: {word.group()}")
            if name not in _MAY_NAME_REGISTRY and (word := _REGISTRY.search(line)):
                found.append(f"{name}:{number}: names a registry: {word.group()}")
    return found


def foreign_sources(lock: str) -> list[str]:
    """Sources in a uv.lock that are neither the public default index nor this project."""
    sources = {f"{kind} {place}" for kind, place in _LOCK_SOURCE.findall(lock)} - {f"registry {PUBLIC_INDEX}", "editable ."}
    hosts = set(_LOCK_FILE.findall(lock)) - {_PUBLIC_FILES}
    return [f"uv.lock: names {source}, not only the public default index" for source in sorted(sources | hosts)]


def findings(root: Path = ROOT) -> list[str]:
    """All that is against the rules of the house."""
    files = project_files(root)
    return [
        *long_modules([path for path in files if path.relative_to(root).parts[0] != "tests"]),
        *machine_words(files, root),
        *foreign_sources((root / "uv.lock").read_text("utf-8")),
    ]


if __name__ == "__main__":
    problems = findings()
    print("\n".join(problems))
    server = module_lengths([path for path in project_files() if path.is_relative_to(ROOT / "server")])
    if server:
        largest = max(server, key=lambda path: server[path])
        median = statistics.median(server.values())
        print(f"{len(server)} modules in server/, median {median:.0f} lines, largest {largest.stem} {server[largest]}")
    sys.exit(bool(problems))
