"""Spelling of metric names: every one that is mentioned exists, and every one that exists is named by the rules.

    python .ci/check_metric_names.py    prints every finding; exit code 1 with findings

The names are the constants of telemetry/names.py. Rules: https://prometheus.io/docs/practices/naming/
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from repository import ROOT, project_files, texts

NAMES = ROOT / "server" / "genesis_server" / "telemetry" / "names.py"
_METRIC = re.compile(r"\b(?:genesis|grpc_server|spice|pipelex)_[a-z0-9_]+\b")
_NO_METRICS = {"genesis_server", "genesis_orchestrator", "genesis_client"}
_PARTS = ("_bucket", "_sum", "_count", "_created")
_WRONG_UNITS = ("_ms", "_milliseconds", "_us", "_minutes", "_hours", "_percent", "_kb", "_mb")
_ENDINGS = {"Counter": ("_total",), "Histogram": ("_seconds", "_bytes", "_ratio", "_tasks")}


def names_of(source: str) -> dict[str, str]:
    """The metric names of names.py by their constants."""
    found: dict[str, str] = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and isinstance(node.value, ast.Constant):
            value = node.value.value
            if isinstance(value, str) and _METRIC.fullmatch(value) and value not in _NO_METRICS:
                found[node.target.id] = value
    return found


def misnamed(names: Iterable[str]) -> Iterator[str]:
    """Names that break the rules whatever their type is."""
    for name, times in Counter(names).items():
        if times > 1:
            yield f"{name}: is two constants"
        if name.endswith(_PARTS):
            yield f"{name}: ends like a part of a histogram"
        if name.removesuffix("_total").endswith(_WRONG_UNITS):
            yield f"{name}: is in no base unit; take seconds, bytes or a ratio"
        if "__" in name:
            yield f"{name}: has two underscores in a row"


def misused(path: Path, source: str, names: dict[str, str]) -> Iterator[str]:
    """Metrics made with a name that is no constant of names.py or does not fit their type."""
    for node in ast.walk(ast.parse(source)):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute) and node.args):
            continue
        kind = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
        if kind not in {*_ENDINGS, "Gauge"}:
            continue
        first = node.args[0]
        if isinstance(first, ast.Constant) and isinstance(first.value, str) and first.value:
            yield f"{path.name}:{node.lineno}: {kind} {first.value!r} is named in place; add it to telemetry/names.py"
        elif isinstance(first, ast.Attribute) and first.attr in names:
            yield from _misfit(kind, names[first.attr], f"{path.name}:{node.lineno}")
        elif isinstance(first, ast.Name) and first.id in names:
            yield from _misfit(kind, names[first.id], f"{path.name}:{node.lineno}")


def flag_names() -> set[str]:
    """Flags are spelled like metrics and are none."""
    data = ROOT / "server" / "genesis_server" / "data"
    return {*json.loads((data / "flags.json").read_text("utf-8"))["flags"], *(data / "flags_not_built.txt").read_text("utf-8").split()}


def unknown(mentions: Iterable[tuple[str, str]], names: Iterable[str]) -> Iterator[str]:
    """Mentions, as (place, name), of metrics that do not exist."""
    known = {base for name in names for base in (name, name.removesuffix("_total"))} | flag_names()
    for place, mention in mentions:
        bases = {mention, *(mention.removesuffix(part) for part in _PARTS)}
        if mention not in _NO_METRICS and bases.isdisjoint(known):
            yield f"{place}: there is no metric {mention}"


def mentions_in(files: Iterable[tuple[Path, str]]) -> Iterator[tuple[str, str]]:
    """Every metric that texts mention: anywhere in documents and definitions, in the literals of Python."""
    for path, text in files:
        if path.suffix == ".py":
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield from ((f"{path.name}:{node.lineno}", name) for name in _METRIC.findall(node.value))
        else:
            for number, line in enumerate(text.splitlines(), 1):
                yield from ((f"{path.name}:{number}", name) for name in _METRIC.findall(line))


def _misfit(kind: str, name: str, place: str) -> Iterator[str]:
    if kind in _ENDINGS and not name.endswith(_ENDINGS[kind]):
        yield f"{place}: the {kind.lower()} {name} should end with {' or '.join(_ENDINGS[kind])}"
    if kind == "Gauge" and name.endswith("_total"):
        yield f"{place}: the gauge {name} ends with _total, which is for counters"


def _mentioning(path: Path) -> bool:
    folder = path.relative_to(ROOT).parts[0]
    return folder in {"docs", "monitoring", "tests", "README.md"} and path.name != "test_repository.py"


def findings() -> list[str]:
    """All that is wrong with metric names."""
    names = names_of(NAMES.read_text("utf-8"))
    files = project_files()
    found = [*misnamed(names.values())]
    for path, text in texts([path for path in files if path.is_relative_to(ROOT / "server") and path.suffix == ".py"]):
        found += misused(path, text, names)
    found += unknown(mentions_in(texts([path for path in files if _mentioning(path)])), names.values())
    return found


if __name__ == "__main__":
    problems = findings()
    print("\n".join(problems) if problems else f"{len(names_of(NAMES.read_text('utf-8')))} metric names")
    sys.exit(bool(problems))
