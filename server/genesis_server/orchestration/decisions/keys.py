"""Where decisions and snapshots are stored."""

from __future__ import annotations

from genesis_server.storage.base import Key

HEADS = "decision"
BODIES = "decision_body"
OF_PLAN = "decision_of_plan"
SNAPSHOTS = "snapshot"


def head_key(tenant: str, decision_id: str) -> Key:
    """The head of a decision."""
    return Key(tenant, HEADS, decision_id)


def body_key(tenant: str, decision_id: str) -> Key:
    """All of a decision."""
    return Key(tenant, BODIES, decision_id)


def of_plan_key(tenant: str, plan_id: str, decision_id: str) -> Key:
    """The head of a decision once more, under its plan."""
    return Key(tenant, OF_PLAN, f"{plan_id}/{decision_id}")


def snapshot_key(tenant: str, kind: str, snapshot_id: str) -> Key:
    """A snapshot; `kind` is "agents", "methods", "rulebook" or "routing"."""
    return Key(tenant, SNAPSHOTS, f"{kind}/{snapshot_id}")
