"""Who may call what: one table, method × role.

viewer ⊂ client ⊂ admin; agent stands apart, so a method that agents may call too has two least roles. The table is checked at start
against the descriptors, so that a method can be neither forgotten nor left over, and it is printed in the reference documentation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from genesis_server.model.caller import Caller, Role
from genesis_server.resilience.errors import SecurityError

Least = tuple[Role, ...]
"""The least roles that may call a method; those above each of them may too."""

ANYONE = "anyone"
"""In the table: no credentials are asked for."""

_ORDER = (Role.VIEWER, Role.CLIENT, Role.ADMIN)
_COLUMNS = (*_ORDER, Role.AGENT)

_VIEWER: Least = (Role.VIEWER,)
_CLIENT: Least = (Role.CLIENT,)
_ADMIN: Least = (Role.ADMIN,)
_AGENT: Least = (Role.AGENT,)

PERMISSIONS: Mapping[str, Least | str] = MappingProxyType(
    {
        "/genesis.admin.v1.FlagAdminService/ClearEmergencyFlag": _ADMIN,
        "/genesis.admin.v1.FlagAdminService/DeleteFlag": _ADMIN,
        "/genesis.admin.v1.FlagAdminService/DisableFlag": _ADMIN,
        "/genesis.admin.v1.FlagAdminService/EnableFlag": _ADMIN,
        "/genesis.admin.v1.FlagAdminService/GetFlag": _ADMIN,
        "/genesis.admin.v1.FlagAdminService/ListAuditEntries": _ADMIN,
        "/genesis.admin.v1.FlagAdminService/ListFlags": _ADMIN,
        "/genesis.admin.v1.FlagAdminService/PreviewFlag": _ADMIN,
        "/genesis.admin.v1.FlagAdminService/PutFlag": _ADMIN,
        "/genesis.admin.v1.FlagAdminService/SetEmergencyFlag": _ADMIN,
        "/genesis.admin.v1.FlagAdminService/SetFlagWeight": _ADMIN,
        "/genesis.admin.v1.PolicyService/ActivateRulebook": _ADMIN,
        "/genesis.admin.v1.PolicyService/GetRulebook": _ADMIN,
        "/genesis.admin.v1.PolicyService/LintRulebook": _ADMIN,
        "/genesis.admin.v1.PolicyService/ListBreakers": _ADMIN,
        "/genesis.admin.v1.PolicyService/ListRulebookChanges": _ADMIN,
        "/genesis.admin.v1.PolicyService/ListSecurityEvents": _ADMIN,
        "/genesis.admin.v1.PolicyService/PreviewRulebook": _ADMIN,
        "/genesis.admin.v1.PolicyService/ResetBreaker": _ADMIN,
        "/genesis.v1.AgentService/Deregister": _AGENT,
        "/genesis.v1.AgentService/Heartbeat": _AGENT,
        "/genesis.v1.AgentService/List": _VIEWER,
        "/genesis.v1.AgentService/Register": _AGENT,
        "/genesis.v1.AgentService/Work": _AGENT,
        "/genesis.v1.OrchestratorService/DeletePlan": _CLIENT,
        "/genesis.v1.OrchestratorService/Flag": _VIEWER,
        "/genesis.v1.OrchestratorService/GetDecision": _VIEWER,
        "/genesis.v1.OrchestratorService/GetPlan": _VIEWER,
        "/genesis.v1.OrchestratorService/Health": _VIEWER,
        "/genesis.v1.OrchestratorService/ListDecisions": _VIEWER,
        "/genesis.v1.OrchestratorService/ListPlans": _VIEWER,
        "/genesis.v1.OrchestratorService/Orchestrate": _CLIENT,
        "/genesis.v1.OrchestratorService/Plan": _CLIENT,
        "/genesis.v1.OrchestratorService/PlanStream": _CLIENT,
        "/genesis.v1.OrchestratorService/Report": (Role.CLIENT, Role.AGENT),
        "/genesis.v1.OrchestratorService/Route": _CLIENT,
        "/genesis.v1.OrchestratorService/UpdatePlan": _CLIENT,
        "/genesis.v1.OrchestratorService/Validate": _CLIENT,
        "/genesis.v1.OrchestratorService/WatchPlan": _VIEWER,
        "/grpc.channelz.v1.Channelz/GetChannel": _ADMIN,
        "/grpc.channelz.v1.Channelz/GetServer": _ADMIN,
        "/grpc.channelz.v1.Channelz/GetServerSockets": _ADMIN,
        "/grpc.channelz.v1.Channelz/GetServers": _ADMIN,
        "/grpc.channelz.v1.Channelz/GetSocket": _ADMIN,
        "/grpc.channelz.v1.Channelz/GetSubchannel": _ADMIN,
        "/grpc.channelz.v1.Channelz/GetTopChannels": _ADMIN,
        "/grpc.health.v1.Health/Check": ANYONE,
        "/grpc.health.v1.Health/List": ANYONE,
        "/grpc.health.v1.Health/Watch": ANYONE,
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": _ADMIN,
    }
)
"""Full method name → the least roles that may call it."""


def allowed_roles(least: Least) -> frozenset[Role]:
    """The roles that hold one of `least`: each itself and those above it."""
    return frozenset(role for one in least for role in (_ORDER[_ORDER.index(one) :] if one in _ORDER else (one,)))


_ALLOWED = {method: allowed_roles(least) for method, least in PERMISSIONS.items() if not isinstance(least, str)}


def is_open(method: str) -> bool:
    """Whether anyone may call the method, without credentials."""
    return PERMISSIONS.get(method) == ANYONE


def authorize(caller: Caller, method: str) -> None:
    """Let a call pass, or raise SecurityError PERMISSION_DENIED. A method without an entry is for nobody."""
    if not caller.roles.isdisjoint(_ALLOWED.get(method, ())) or is_open(method):
        return
    least = tuple(PERMISSIONS.get(method, ()))
    held = ",".join(sorted(caller.roles))
    raise SecurityError(
        "PERMISSION_DENIED",
        f"this method needs the role {' or '.join(least) or 'none'}, and the caller has {held or 'no role'}; "
        "ask whoever issues the credentials for it",
        facts={"required_role": ",".join(least) or "none", "roles": held},
    )


def check_table(methods: Iterable[str], table: Mapping[str, Least | str] = PERMISSIONS) -> None:
    """Compare the table with the methods that can be served, at start. Raises ValueError naming every difference."""
    known = set(methods)
    wrong = [f"{method} has no entry in the table of permissions" for method in sorted(known - table.keys())]
    wrong += [f"{method} stands in the table of permissions, and no service has it" for method in sorted(table.keys() - known)]
    if wrong:
        raise ValueError("\n".join(wrong))


def as_markdown(table: Mapping[str, Least | str] = PERMISSIONS) -> str:
    """The table for the reference documentation."""
    lines = ["| method | " + " | ".join(("no credentials", *_COLUMNS)) + " |", "| --- |" + " :-: |" * (len(_COLUMNS) + 1)]
    for method, least in sorted(table.items()):
        may = frozenset(Role) if isinstance(least, str) else allowed_roles(least)
        cells = ["✓" if least == ANYONE else "", *("✓" if role in may else "" for role in _COLUMNS)]
        lines.append(f"| `{method.lstrip('/')}` | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"
