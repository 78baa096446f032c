"""Runs and outcomes as they are stored."""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import TypeAdapter

from genesis_server.model.work import Outcome, PlanRun
from genesis_server.storage.base import Key

RUN_KIND = "plan_run"
"""Kind of the documents of runs; their ids are the plans'."""
OUTCOME_KIND = "outcome"
"""Kind of the documents of outcomes; their ids are `outcome_key`'s."""


def run_key(tenant: str, plan_id: str) -> Key:
    """Where the run of a plan is."""
    return Key(tenant, RUN_KIND, plan_id)


def outcome_key(tenant: str, plan_id: str, task_id: str, number: int | str) -> Key:
    """Where an outcome is; `number` tells it from others of its task: the fencing token, or an id for work done elsewhere."""
    last = f"{number:010d}" if isinstance(number, int) else number
    return Key(tenant, OUTCOME_KIND, f"{plan_id}/{task_id}/{last}")


def encode_run(run: PlanRun) -> bytes:
    """A run as it is stored."""
    return _adapter(PlanRun).dump_json(run, exclude_defaults=True)


def decode_run(value: bytes) -> PlanRun:
    """A stored run."""
    return _adapter(PlanRun).validate_json(value)


def encode_outcome(outcome: Outcome) -> bytes:
    """An outcome as it is stored."""
    return _adapter(Outcome).dump_json(outcome, exclude_defaults=True)


def decode_outcome(value: bytes) -> Outcome:
    """A stored outcome."""
    return _adapter(Outcome).validate_json(value)


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
