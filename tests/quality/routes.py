"""What Route answers to requests that name no capability: who is best, who gets it, how well the best fits.

Requests of one catalogue go as the tasks of one plan, many in a call, one after the other, so that none is load for another: load
decides nothing, but of several candidates that are about as good the service draws two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from measurement import in_view

import genesis
from genesis.v1.catalogue_pb2 import AgentCard, Catalogue, Skill
from genesis.v1.plan_pb2 import TASK_KIND_PRIMITIVE, Edge, Plan, Task
from genesis.v1.routing_pb2 import TaskRoute

ROOM = 100_000
SECONDS = 300.0
_CANDIDATES_IN_A_CALL = 20_000
_LARGEST_BATCH = 200


@dataclass(frozen=True)
class Question:
    """A request to route."""

    id: str
    text: str


@dataclass(frozen=True)
class Routed:
    """The route of a request."""

    assigned: str
    """Who gets it; empty: nobody fits."""
    ranked: tuple[str, ...]
    """The candidates served, best first; where nobody fits, the nearest alone."""
    match: float
    """How well the best candidate's words fit, 0 to 1; 0 without a candidate."""

    @property
    def is_drawn(self) -> bool:
        """Whether it went to another than the best candidate."""
        return bool(self.assigned) and self.ranked[:1] != (self.assigned,)


def agent(name: str, *, title: str, description: str = "", examples: Sequence[str] = ()) -> AgentCard:
    """A card with one skill."""
    skill = Skill(id=name, name=title, description=description, examples=examples)
    return AgentCard(id=name, name=title, skills=[skill], max_concurrent_tasks=ROOM)


def ask_routes(client: genesis.Client, questions: Sequence[Question], catalogue: Catalogue, what: str = "") -> dict[str, Routed]:
    """The routes of all requests, by id; how far it is, is told when `what` names it."""
    size = max(1, min(_LARGEST_BATCH, _CANDIDATES_IN_A_CALL // max(1, len(catalogue.agents) + len(catalogue.tools))))
    batches = [questions[start : start + size] for start in range(0, len(questions), size)]
    routed: dict[str, Routed] = {}
    for batch in in_view(batches, f"{what}, calls") if what else batches:
        tasks = [Task(id=f"t{number}", goal=question.text, kind=TASK_KIND_PRIMITIVE) for number, question in enumerate(batch)]
        edges = [Edge(from_task_id=one.id, to_task_id=two.id) for one, two in pairwise(tasks)]
        answer = client.route(Plan(goal="route", tasks=tasks, edges=edges), catalogue=catalogue, explanation="full", timeout=SECONDS)
        by_task = {route.task_id: route for route in answer.routes}
        routed |= {question.id: _routed(by_task[f"t{number}"]) for number, question in enumerate(batch)}
    return routed


def _routed(route: TaskRoute) -> Routed:
    candidates = route.explanation.candidates
    match = candidates[0].parts.skill_match if candidates else 0.0
    return Routed(route.assignment.target.id, tuple(candidate.target.id for candidate in candidates), match)
