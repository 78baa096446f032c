"""The sequence diagrams in the documents can be drawn, and name what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from genesis.v1 import agent_service_pb2, errors_pb2, orchestrator_service_pb2

ROOT = Path(__file__).resolve().parents[2]
DIAGRAM = re.compile(r"^```mermaid\nsequenceDiagram\n(.*?)^```$", re.DOTALL | re.MULTILINE)
DIAGRAMS = [(path.name, found[1]) for path in sorted((ROOT / "docs").glob("*.md")) for found in DIAGRAM.finditer(path.read_text("utf-8"))]
LINE = re.compile(
    r"participant (?P<who>\w+) as .+|(?P<sender>\w+)-{1,2}>>(?P<receiver>\w+): (?P<said>[^;#]+)|Note over (?P<over>\w+): [^;#]+"
    r"|(?P<begin>alt|opt|loop) .+|(?P<turn>else) .+|(?P<end>end)"
)


def test_the_life_of_a_task_is_drawn() -> None:
    """A move of the documents does not silence this file."""
    assert [name for name, _ in DIAGRAMS] == ["agents.md"]


@pytest.mark.parametrize(("name", "diagram"), DIAGRAMS)
def test_a_diagram_is_one_that_every_reader_can_draw(name: str, diagram: str) -> None:
    """Every line is understood, speaks of who takes part, and every part of it that is opened is closed."""
    known, opened = set[str](), list[str]()
    for line in map(str.strip, diagram.splitlines()):
        found = LINE.fullmatch(line)
        assert found, f"{name}: {line}"
        if found["who"]:
            known.add(found["who"])
        assert {found["sender"], found["receiver"], found["over"]} - {None} <= known, line
        if found["begin"]:
            opened.append(found["begin"])
        if found["turn"]:
            assert opened[-1:] == ["alt"], line
        if found["end"]:
            assert opened, line
            opened.pop()
    assert not opened


def test_the_life_of_a_task_calls_what_the_contract_has() -> None:
    services = (agent_service_pb2.DESCRIPTOR, orchestrator_service_pb2.DESCRIPTOR)
    methods = {method for file in services for service in file.services_by_name.values() for method in service.methods_by_name}
    [(_, diagram)] = DIAGRAMS
    assert set(re.findall(r": ([A-Z]\w+)", diagram)) == {"Register", "Work", "Orchestrate", "Heartbeat"}
    assert {"Register", "Work", "Orchestrate", "Heartbeat", "UpdatePlan"} <= methods
    reasons = set(errors_pb2.ErrorReason.keys())
    assert {f"ERROR_REASON_{reason}" for reason in re.findall(r"\b[A-Z]+_[A-Z_]+\b", diagram)} <= reasons
