"""Findings as they come in: counted all, kept up to a bound, told worst first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from genesis_server.model.validation import Finding, Principle, Severity

MAX_FINDINGS = 1_000


class FindingLog:
    """Counts every finding and keeps the first `MAX_FINDINGS` of each severity."""

    def __init__(self) -> None:
        """Begin with nothing found."""
        self._kept: dict[Severity, list[Finding]] = {severity: [] for severity in Severity}
        self._counts: Counter[tuple[Principle, Severity]] = Counter()

    def extend(self, findings: Iterable[Finding]) -> None:
        """Take in what a check found."""
        for finding in findings:
            self._counts[finding.principle, finding.severity] += 1
            kept = self._kept[finding.severity]
            if len(kept) < MAX_FINDINGS:
                kept.append(finding)

    def passed(self, principle: Principle) -> bool:
        """Whether no error counts against a principle."""
        return not self._counts[principle, Severity.ERROR]

    def count(self, severity: Severity | None = None) -> int:
        """How many there are of a severity, or in all."""
        return sum(n for (_, found), n in self._counts.items() if severity in (None, found))

    def worst_first(self) -> tuple[Finding, ...]:
        """At most `MAX_FINDINGS`: errors before warnings before notes, by principle, then as they were found."""
        ordered = sorted(
            (finding for findings in self._kept.values() for finding in findings),
            key=lambda finding: (-finding.severity, finding.principle),
        )
        return tuple(ordered[:MAX_FINDINGS])


def listed(names: Iterable[str], limit: int = 5) -> str:
    """Ids for a message: the first few in quotes, then how many more."""
    quoted = [f"'{name}'" for name in names]
    more = f" and {len(quoted) - limit} more" if len(quoted) > limit else ""
    return ", ".join(quoted[:limit]) + more
