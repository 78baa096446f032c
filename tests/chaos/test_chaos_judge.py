"""The judge of test_work_survives_kills.py finds what it is there for: each thing that must not happen is planted, and told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from chaos_arena import Chore, Wish
from chaos_judge import Judge, Looks, Stored

from genesis.v1 import plan_pb2, work_pb2
from genesis.v1.orchestrator_service_pb2 import GetPlanResponse
from genesis_server.model.money import Money
from genesis_server.model.plan import Plan, PlanState, Task, TaskState
from genesis_server.model.provenance import DegradationLevel, Provenance
from genesis_server.model.update import Known, PlanDiff
from genesis_server.model.work import Attempt, AttemptOutcome, LeaseToken, Outcome, PlanRun, TaskRun, Usage
from genesis_server.orchestration.plan_store import PlanChange, StoredPlan

DONE, FAILED, LOST, RUNNING = AttemptOutcome.DONE, AttemptOutcome.FAILED, AttemptOutcome.LOST, AttemptOutcome.RUNNING
PRICE = Usage(Money(5, "USD"), 2, 1)
WISH = Wish("plan", 0.0, (Chore("good", "steady"), Chore("bad", "hopeless"), Chore("after", "steady", needs=("bad",))))


def attempt(token: int, outcome: AttemptOutcome, *, begin: float, error: str = "") -> Attempt:
    lease = LeaseToken(f"lse{token}", token)
    return Attempt(1, "ada", "ses", lease, begin, 60.0, expected=PRICE, outcome=outcome, end=begin + 1, error=error)


@dataclass
class Case:
    """A plan that was carried out as it should be."""

    attempts: dict[str, tuple[Attempt, ...]] = field(
        default_factory=lambda: {
            "good": (attempt(1, LOST, begin=0.0), attempt(3, DONE, begin=2.0)),
            "bad": (attempt(2, FAILED, begin=0.0, error="no luck"),),
        }
    )
    tasks: dict[str, Task] = field(
        default_factory=lambda: {
            "good": Task("good", "", state=TaskState.DONE),
            "bad": Task("bad", "", state=TaskState.FAILED, error="no luck"),
            "after": Task("after", "", state=TaskState.CANCELLED, error="needs bad, which failed"),
        }
    )
    state: PlanState = PlanState.FAILED
    dead_letter: str = "ada failed: no luck."
    told: list[tuple[str, int, AttemptOutcome]] = field(default_factory=lambda: [("good", 1, LOST), ("good", 3, DONE), ("bad", 2, FAILED)])
    outputs: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: {"good": {"good_result": "7-1"}})
    diary: list[Mapping[str, Any]] = field(
        default_factory=lambda: [
            {"what": "begin", "task": "good", "value": "7-1"},
            line("accepted", "good", 3, "done", {"good_result": "7-1"}),
            line("accepted", "bad", 2, "failed", "no luck"),
            line("refused", "good", 1, "done", {"good_result": "6-1"}, reason="LEASE_LOST"),
        ]
    )
    spent: Usage = field(default_factory=lambda: Usage(Money(15, "USD"), 6, 3))
    last_token: int = 3
    seen_value: str = "7-1"
    reserved: int = 0
    wish: Wish = WISH

    def problems(self) -> Sequence[str]:
        provenance = Provenance(DegradationLevel.HEURISTIC, "c", "m", "f")
        plan = StoredPlan(Plan("goal", tuple(self.tasks.values()), id="p", state=self.state), provenance, known=Known(self.outputs))
        runs = {
            task_id: TaskRun(task_id, attempts, dead_letter=self.dead_letter if task_id == "bad" else "")
            for task_id, attempts in self.attempts.items()
        }
        run = PlanRun("p", 1, 0.0, spent=self.spent, dispatched=True, last_token=self.last_token, tasks=runs)
        history = [Outcome("p", task_id, "ada", "", "", token, outcome, 1.0, 1.0) for task_id, token, outcome in self.told]
        change = PlanChange("p", 1, "bad failed", PlanDiff(), (), self.state, 1.0, "ada")
        seen = GetPlanResponse(plan=plan_pb2.Plan(id="p", state=self.state.value))
        seen.balance.spent.CopyFrom(work_pb2.Usage(tokens=self.spent.tokens, tasks=self.spent.tasks))
        seen.balance.spent.cost.nanos = self.spent.cost.nanos
        seen.balance.reserved.tasks = self.reserved
        artefact = seen.artefacts.add(task_id="good").artefact
        artefact.name, artefact.value.string_value = "good_result", self.seen_value
        return Judge(self.wish, Stored(plan, run, history, [change]), seen, self.diary).judge()


def line(what: str, task: str, token: int, kind: str, told: Any, *, reason: str = "") -> dict[str, Any]:
    return {"what": what, "task": task, "token": token, "kind": kind, "told": told, "reason": reason}


def test_what_went_well_is_not_objected_to() -> None:
    assert Case().problems() == []


def last(case: Case, **change: Any) -> None:
    case.attempts["good"] = (*case.attempts["good"][:-1], replace(case.attempts["good"][-1], **change))


@pytest.mark.parametrize(
    ("plant", "said"),
    [
        (lambda case: case.told.append(("good", 3, DONE)), "tells something twice"),
        (lambda case: case.told.pop(), "the history lacks"),
        (lambda case: case.told.append(("good", 4, LOST)), "tells what never was"),
        (lambda case: case.told.append(("good", 1, DONE)), "the history has {'good': 2}"),
        (lambda case: case.attempts.update(good=case.attempts["good"][::-1]), "do not grow"),
        (lambda case: case.attempts.update(bad=(attempt(3, FAILED, begin=0.0, error="no luck"),)), "given twice"),
        (lambda case: setattr(case, "last_token", 2), "does not know"),
        (lambda case: last(case, begin=0.5), "while 1 held it"),
        (lambda case: last(case, outcome=RUNNING, end=None), "still held under token 3"),
        (lambda case: last(case, outcome=LOST), "was accepted, and the plan has"),
        (lambda case: setattr(case, "outputs", {"good": {"good_result": "7-2"}}), "accepted with {'good_result': '7-1'}"),
        (lambda case: case.diary.pop(0), "which nobody ever made"),
        (lambda case: case.diary.append(line("accepted", "good", 1, "done", {"good_result": "6-1"})), "token 1 was accepted"),
        (lambda case: case.diary.append(line("accepted", "bad", 9, "failed", "no luck")), "the plan has None"),
        (lambda case: case.diary.append(line("accepted", "bad", 2, "failed", "bad luck")), "said 'bad luck'"),
        (lambda case: case.diary.append(line("refused", "good", 3, "done", {}, reason="LEASE_FOREIGN")), "refused with LEASE_FOREIGN"),
        (lambda case: setattr(case, "seen_value", "7-9"), "GetPlan tells"),
        (lambda case: setattr(case, "spent", replace(case.spent, tokens=7)), "was spent, and the attempts used"),
        (lambda case: setattr(case, "reserved", 1), "still set aside"),
        (lambda case: setattr(case, "dead_letter", ""), "is no dead letter"),
        (lambda case: setattr(case, "state", PlanState.ACTIVE), "has not ended"),
        (lambda case: setattr(case, "state", PlanState.DONE), "the plan is DONE, not FAILED"),
        (lambda case: case.tasks.update(bad=Task("bad", "", state=TaskState.FAILED)), "does not say why"),
        (lambda case: case.tasks.update(after=Task("after", "")), "after is PENDING in the end"),
        (lambda case: case.tasks.update(good=Task("good", "", state=TaskState.CANCELLED)), "good (steady) is CANCELLED, not DONE"),
        (lambda case: setattr(case, "wish", replace(WISH, tasks=2)), "the budget has room for 2"),
    ],
)
def test_what_went_wrong_is_told(plant: Callable[[Case], object], said: str) -> None:
    case = Case()
    plant(case)
    assert any(said in problem for problem in case.problems()), case.problems()


def look(version: int = 2, *, outcomes: Sequence[int] = (DONE,), value: str = "7-1", pending: bool = False) -> GetPlanResponse:
    state = plan_pb2.TASK_STATE_PENDING if pending else plan_pb2.TASK_STATE_DONE
    seen = GetPlanResponse(plan=plan_pb2.Plan(id="p", version=version, tasks=[plan_pb2.Task(id="good", state=state)]))
    if outcomes:
        seen.runs.add(task_id="good", attempts=[work_pb2.TaskAttempt(number=1, outcome=one) for one in outcomes])
    artefact = seen.artefacts.add(task_id="good").artefact
    artefact.name, artefact.value.string_value = "good_result", value
    seen.balance.spent.tasks = len(outcomes)
    return seen


def test_looks_that_agree_are_not_objected_to() -> None:
    looks = Looks()
    looks.look(WISH, look(1, outcomes=(LOST, RUNNING), pending=True))
    looks.look(WISH, look(2, outcomes=(LOST, DONE)))
    assert looks.problems == []


@pytest.mark.parametrize(
    ("later", "said"),
    [
        (look(1), "version 2 became 1"),
        (look(pending=True), "was done and is not any more"),
        (look(value="7-2"), "put out"),
        (look(outcomes=()), "are gone"),
        (look(outcomes=(LOST,)), "changed"),
        (look(outcomes=(DONE, RUNNING, RUNNING)), "runs twice"),
    ],
)
def test_what_is_taken_back_between_two_looks_is_told(later: GetPlanResponse, said: str) -> None:
    looks = Looks()
    looks.look(WISH, look())
    looks.look(WISH, later)
    assert any(said in problem for problem in looks.problems), looks.problems


def test_a_budget_that_is_gone_beyond_is_told() -> None:
    looks = Looks()
    looks.look(replace(WISH, tasks=1), look(outcomes=(LOST, DONE)))
    assert any("room for" in problem for problem in looks.problems)
