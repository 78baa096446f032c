"""What every method answers while an emergency flag holds: one table, checked against the descriptors.

`emergency_shutdown` refuses new work; what is under way may finish and be reported. `maintenance_mode` and `read_only_mode` refuse every
write but the emergency flags' own; plans are still made, but not stored, and nothing is handed out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType

from genesis_server.flags.emergency import Modes
from genesis_server.resilience.errors import ResourceError


class InMode(StrEnum):
    """What a method does in a mode."""

    SERVED = "served"
    NOT_STORED = "served, nothing is stored"
    REFUSED = "refused"


_READ = (InMode.SERVED, InMode.SERVED)
_PLANS = (InMode.REFUSED, InMode.NOT_STORED)
_JOINS = (InMode.REFUSED, InMode.REFUSED)
_WRITES = (InMode.SERVED, InMode.REFUSED)

TABLE: Mapping[str, tuple[InMode, InMode]] = MappingProxyType(
    {
        "/genesis.admin.v1.FlagAdminService/ClearEmergencyFlag": _READ,
        "/genesis.admin.v1.FlagAdminService/DeleteFlag": _WRITES,
        "/genesis.admin.v1.FlagAdminService/DisableFlag": _WRITES,
        "/genesis.admin.v1.FlagAdminService/EnableFlag": _WRITES,
        "/genesis.admin.v1.FlagAdminService/GetFlag": _READ,
        "/genesis.admin.v1.FlagAdminService/ListAuditEntries": _READ,
        "/genesis.admin.v1.FlagAdminService/ListFlags": _READ,
        "/genesis.admin.v1.FlagAdminService/PreviewFlag": _READ,
        "/genesis.admin.v1.FlagAdminService/PutFlag": _WRITES,
        "/genesis.admin.v1.FlagAdminService/SetEmergencyFlag": _READ,
        "/genesis.admin.v1.FlagAdminService/SetFlagWeight": _WRITES,
        "/genesis.admin.v1.PolicyService/ActivateRulebook": _WRITES,
        "/genesis.admin.v1.PolicyService/GetRulebook": _READ,
        "/genesis.admin.v1.PolicyService/LintRulebook": _READ,
        "/genesis.admin.v1.PolicyService/ListBreakers": _READ,
        "/genesis.admin.v1.PolicyService/ListRulebookChanges": _READ,
        "/genesis.admin.v1.PolicyService/ListSecurityEvents": _READ,
        "/genesis.admin.v1.PolicyService/PreviewRulebook": _READ,
        "/genesis.admin.v1.PolicyService/ResetBreaker": _WRITES,
        "/genesis.v1.AgentService/Deregister": _WRITES,
        "/genesis.v1.AgentService/Heartbeat": _READ,
        "/genesis.v1.AgentService/List": _READ,
        "/genesis.v1.AgentService/Register": _JOINS,
        "/genesis.v1.AgentService/Work": _JOINS,
        "/genesis.v1.OrchestratorService/DeletePlan": _WRITES,
        "/genesis.v1.OrchestratorService/Flag": _READ,
        "/genesis.v1.OrchestratorService/GetDecision": _READ,
        "/genesis.v1.OrchestratorService/GetPlan": _READ,
        "/genesis.v1.OrchestratorService/Health": _READ,
        "/genesis.v1.OrchestratorService/ListDecisions": _READ,
        "/genesis.v1.OrchestratorService/ListPlans": _READ,
        "/genesis.v1.OrchestratorService/Orchestrate": _PLANS,
        "/genesis.v1.OrchestratorService/Plan": _PLANS,
        "/genesis.v1.OrchestratorService/PlanStream": _PLANS,
        "/genesis.v1.OrchestratorService/Report": _WRITES,
        "/genesis.v1.OrchestratorService/Route": _PLANS,
        "/genesis.v1.OrchestratorService/UpdatePlan": _WRITES,
        "/genesis.v1.OrchestratorService/Validate": _PLANS,
        "/genesis.v1.OrchestratorService/WatchPlan": _READ,
    }
)
"""Full method name → what it does in `emergency_shutdown`, and in `maintenance_mode` and `read_only_mode`. Others are always served."""


def may_be_refused(method: str) -> bool:
    """Whether a call of the method is refused in any mode."""
    return InMode.REFUSED in TABLE.get(method, _READ)


def refusal(method: str, modes: Modes) -> ResourceError | None:
    """Why a call is refused now; None when it is served."""
    in_shutdown, without_writes = TABLE.get(method, _READ)
    if in_shutdown is InMode.REFUSED and modes.shutdown:
        return modes.work_refusal
    return modes.write_refusal if without_writes is InMode.REFUSED else None


def as_markdown() -> str:
    """The table for the documentation."""
    rows = ["| method | `emergency_shutdown` | `maintenance_mode`, `read_only_mode` |", "| --- | --- | --- |"]
    for method, (in_shutdown, without_writes) in TABLE.items():
        service, name = method[1:].rsplit("/", 1)
        rows.append(f"| `{service.rpartition('.')[2]}.{name}` | {in_shutdown} | {without_writes} |")
    return "\n".join(rows)


def check_modes(methods: Iterable[str]) -> None:
    """Compare the table with the methods of the contract. Raises ValueError naming every method one of them lacks."""
    listed, there = set(TABLE), set(methods)
    if listed != there:
        lacking = ", ".join(sorted(there - listed)) or "none"
        left_over = ", ".join(sorted(listed - there)) or "none"
        message = f"the table of modes lacks {lacking} and has too many: {left_over}"
        raise ValueError(message)
