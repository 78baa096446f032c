"""What the ends of attempts say of their agents."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the end of an attempt says of its agent."""

    agent_id: str
    fault: str | None = None
    """None: it speaks for the agent."""


class Verdicts:
    """Verdicts in their order; a success that follows another one of the same agent says nothing more, and is left out."""

    def __init__(self) -> None:
        """Begin with none."""
        self.failing: set[str] = set()
        """Agents that failed with an attempt."""
        self._noted: list[Verdict] = []
        self._last: dict[str, Verdict] = {}

    def __iter__(self) -> Iterator[Verdict]:
        """One after the other."""
        return iter(self._noted)

    def note(self, agent_id: str, fault: str | None = None) -> None:
        """An attempt ended; `fault`: why it speaks against the agent."""
        verdict = Verdict(agent_id, fault)
        if fault is not None:
            self.failing.add(agent_id)
        elif self._last.get(agent_id) == verdict:
            return
        self._last[agent_id] = verdict
        self._noted.append(verdict)
