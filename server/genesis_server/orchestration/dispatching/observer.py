"""What the dispatcher tells of itself, for whoever counts."""

from __future__ import annotations

from typing import Literal, Protocol

from genesis_server.model.work import AttemptOutcome

ReportResult = Literal["accepted", "duplicate", "refused"]
BudgetPart = Literal["cost", "tokens", "tasks", "time"]


class DispatchObserver(Protocol):
    """Told of everything the dispatcher does; must not fail and must not wait."""

    def handed_out(self, agent_id: str, delay_seconds: float) -> None:
        """A task was handed to an agent so long after it was ready."""
        ...

    def attempt_ended(self, agent_id: str, outcome: AttemptOutcome) -> None:
        """An attempt ended."""
        ...

    def task_completed(self) -> None:
        """A task succeeded."""
        ...

    def task_failed(self) -> None:
        """A task was given up as it is: planning found another way, or it was put aside."""
        ...

    def dead_lettered(self) -> None:
        """A task was put aside for good, with its reason."""
        ...

    def reported(self, result: ReportResult) -> None:
        """A report was taken, was one that had been taken, or was refused."""
        ...

    def budget_refused(self, part: str) -> None:
        """A task was held back because it would go beyond this part of the run's budget."""
        ...

    def leases(self, count: int) -> None:
        """So many leases are out in this process's tenants now."""
        ...

    def live_agents(self, count: int) -> None:
        """So many agents are live now."""
        ...

    def worker_lost(self) -> None:
        """A worker fell silent: it did not say that it leaves."""
        ...

    def running(self, agent_id: str, count: int) -> None:
        """An agent has so many tasks in hand now."""
        ...
