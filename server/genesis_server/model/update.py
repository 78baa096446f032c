"""What happens to a stored plan: events, and the difference each makes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from genesis_server.model.plan import Edge, PlanState, Task
from genesis_server.model.work import DEFAULT_PRIORITY, ArtefactReference, RunBudget


@dataclass(frozen=True, slots=True)
class TaskDone:
    """A task succeeded."""

    task_id: str
    outputs: Mapping[str, Any]
    """JSON values by artefact name; guards are evaluated on them."""
    references: Mapping[str, ArtefactReference] = field(default_factory=dict[str, ArtefactReference])
    """Values that lie elsewhere, by artefact name; they decide no guard."""


@dataclass(frozen=True, slots=True)
class TaskFailed:
    """A task failed for good; the plan is repaired around it, or goes on without what needs it."""

    task_id: str
    error: str


@dataclass(frozen=True, slots=True)
class Information:
    """Something became known: facts that guards ask for, givens, or words about tasks."""

    facts: Mapping[str, Any]
    """JSON values by name; a given that a task needed a producer for is not produced any more."""
    task_ids: tuple[str, ...] = ()
    """Tasks the text is about."""
    text: str = ""
    """New words for the goal of what `task_ids` name; empty: facts only."""


@dataclass(frozen=True, slots=True)
class AddTaskEdit:
    """Put a task in below its parent."""

    task: Task


@dataclass(frozen=True, slots=True)
class ChangeTaskEdit:
    """Put a task in the place of one with the same id."""

    task: Task


@dataclass(frozen=True, slots=True)
class RemoveTaskEdit:
    """Take a task out with everything below it; what waited for it waits for what it waited for."""

    task_id: str


@dataclass(frozen=True, slots=True)
class AddEdgeEdit:
    """Make one task wait for another."""

    edge: Edge


@dataclass(frozen=True, slots=True)
class RemoveEdgeEdit:
    """Let a task not wait for another any more."""

    from_id: str
    to_id: str


Edit = AddTaskEdit | ChangeTaskEdit | RemoveTaskEdit | AddEdgeEdit | RemoveEdgeEdit


@dataclass(frozen=True, slots=True)
class UserEdit:
    """A caller changes the plan; all edits happen or none."""

    edits: tuple[Edit, ...]


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing becomes ready until the plan is resumed."""


@dataclass(frozen=True, slots=True)
class Resume:
    """Go on."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """End the plan; what has not ended is cancelled."""


@dataclass(frozen=True, slots=True)
class Approve:
    """Somebody decides about a task that awaits approval."""

    task_id: str
    actor: str
    """Who."""
    refused: bool = False
    comment: str = ""


PlanEvent = TaskDone | TaskFailed | Information | UserEdit | Pause | Resume | Cancel | Approve
"""What changes the plan itself."""


@dataclass(frozen=True, slots=True)
class ChangeBudget:
    """The run's budget is another one from now on."""

    budget: RunBudget


@dataclass(frozen=True, slots=True)
class StartDispatch:
    """Agents are to carry the plan out from now on."""

    priority: int = DEFAULT_PRIORITY
    traceparent: str = ""
    """W3C trace context of the call; empty: it is not recorded."""


RunEvent = ChangeBudget | StartDispatch
"""What changes how a plan is carried out, and not the plan."""


@dataclass(frozen=True, slots=True)
class UndecidedGuard:
    """A guard the known outputs do not decide; the task waits until they do."""

    task_id: str
    text: str
    artefact: str
    """Name of the fact that would decide it."""


@dataclass(frozen=True, slots=True)
class PlanDiff:
    """The least difference between two versions of a plan; tasks are whole, in the later version."""

    added_tasks: tuple[Task, ...] = ()
    changed_tasks: tuple[Task, ...] = ()
    removed_task_ids: tuple[str, ...] = ()
    added_edges: tuple[Edge, ...] = ()
    removed_edges: tuple[Edge, ...] = ()
    state: PlanState = PlanState.UNSPECIFIED
    """The plan's new state; UNSPECIFIED: as before."""


@dataclass(frozen=True, slots=True)
class Known:
    """What was told about a plan so far."""

    outputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    """JSON values by the task that put them out, then by artefact name."""
    facts: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """JSON values by name."""
    references: Mapping[str, Mapping[str, ArtefactReference]] = field(default_factory=dict[str, Mapping[str, ArtefactReference]])
    """Outputs that lie elsewhere, by the task that put them out, then by artefact name."""
