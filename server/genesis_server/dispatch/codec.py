"""Runs and outcomes as they are stored."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from genesis_server.model.work import Outcome, PlanRun, TaskRun
from genesis_server.storage.base import Key
from genesis_server.storage.pieces import NO_PIECES, Pieces, encoded

RUN_KIND = "plan_run"
"""Kind of the documents of runs; their ids are the plans'."""
DISPATCHED_KIND = "dispatched"
"""Kind of the marks of plans that agents carry out; their ids are the plans'."""
OUTCOME_KIND = "outcome"
"""Kind of the documents of outcomes; their ids are `outcome_key`'s."""

_Tasks = dict[str, TaskRun]


def run_key(tenant: str, plan_id: str) -> Key:
    """Where the run of a plan is."""
    return Key(tenant, RUN_KIND, plan_id)


def outcome_key(tenant: str, plan_id: str, task_id: str, number: int | str) -> Key:
    """Where an outcome is; `number` tells it from others of its task: the fencing token, or an id for work done elsewhere."""
    last = f"{number:010d}" if isinstance(number, int) else number
    return Key(tenant, OUTCOME_KIND, f"{plan_id}/{task_id}/{last}")


def encode_run(run: PlanRun) -> bytes:
    """A run as it is stored."""
    return encode_run_again(run, NO_PIECES)[0]


def encode_run_again(run: PlanRun, before: Pieces) -> tuple[bytes, Pieces]:
    """A run as it is stored, and its pieces for the next time; `before` are those of the time before."""
    tasks, pieces = encoded(run.tasks.items(), _encode_task, before)
    rest: bytes = _adapter(PlanRun).dump_json(replace(run, tasks={}), exclude_defaults=True)
    return (b'%b,"tasks":{%b}}' % (rest[:-1], b",".join(tasks)) if tasks else rest), pieces


def decode_run(value: bytes) -> PlanRun:
    """A stored run."""
    return _adapter(PlanRun).validate_json(value)


def encode_outcome(outcome: Outcome) -> bytes:
    """An outcome as it is stored."""
    return _adapter(Outcome).dump_json(outcome, exclude_defaults=True)


def decode_outcome(value: bytes) -> Outcome:
    """A stored outcome."""
    return _adapter(Outcome).validate_json(value)


def _encode_task(task_id: str, task: TaskRun) -> bytes:
    return _adapter(_Tasks).dump_json({task_id: task}, exclude_defaults=True)[1:-1]


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
