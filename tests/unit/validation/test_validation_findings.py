"""The log of findings."""

from __future__ import annotations

from genesis_server.model.validation import Finding, FindingKind, Principle, Severity
from genesis_server.validation.findings import FindingLog, listed


def _finding(principle: Principle, severity: Severity, message: str = "") -> Finding:
    return Finding(FindingKind.CYCLE, principle, severity, message)


def test_worst_first_then_by_principle_then_as_found() -> None:
    log = FindingLog()
    log.extend([_finding(Principle.ROUTING, Severity.ERROR), _finding(Principle.STRUCTURE, Severity.INFO)])
    log.extend([_finding(Principle.STRUCTURE, Severity.ERROR, "first"), _finding(Principle.STRUCTURE, Severity.ERROR, "second")])
    assert [(f.severity, f.principle, f.message) for f in log.worst_first()] == [
        (Severity.ERROR, Principle.STRUCTURE, "first"),
        (Severity.ERROR, Principle.STRUCTURE, "second"),
        (Severity.ERROR, Principle.ROUTING, ""),
        (Severity.INFO, Principle.STRUCTURE, ""),
    ]
    assert log.count() == 4
    assert log.count(Severity.ERROR) == 3
    assert not log.passed(Principle.ROUTING)
    assert log.passed(Principle.SOLVABILITY)


def test_long_lists_are_cut_in_messages() -> None:
    assert listed(["a", "b"]) == "'a', 'b'"
    assert listed("abcdefg") == "'a', 'b', 'c', 'd', 'e' and 2 more"
