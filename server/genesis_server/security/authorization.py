"""Who may call what: one table, method × role.

viewer ⊂ client ⊂ admin; agent stands apart. The table is checked at start against the descriptors, so that a method can be
neither forgotten nor left over, and it is printed in the reference documentation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from genesis_server.model.caller import Caller, Role
from genesis_server.resilience.errors import SecurityError

ANYONE = "anyone"
"""In the table: no credentials are asked for."""

_ORDER = (Role.VIEWER, Role.CLIENT, Role.ADMIN)
_COLUMNS = (*_ORDER, Role.AGENT)

PERMISSIONS: Mapping[str, Role | str] = MappingProxyType(
    {
        "/genesis.admin.v1.PolicyService/ActivateRulebook": Role.ADMIN,
        "/genesis.admin.v1.PolicyService/GetRulebook": Role.ADMIN,
        "/genesis.admin.v1.PolicyService/LintRulebook": Role.ADMIN,
        "/genesis.admin.v1.PolicyService/ListRulebookChanges": Role.ADMIN,
        "/genesis.admin.v1.PolicyService/PreviewRulebook": Role.ADMIN,
        "/genesis.v1.AgentService/List": Role.VIEWER,
        "/genesis.v1.OrchestratorService/DeletePlan": Role.CLIENT,
        "/genesis.v1.OrchestratorService/Flag": Role.VIEWER,
        "/genesis.v1.OrchestratorService/GetDecision": Role.VIEWER,
        "/genesis.v1.OrchestratorService/GetPlan": Role.VIEWER,
        "/genesis.v1.OrchestratorService/Health": Role.VIEWER,
        "/genesis.v1.OrchestratorService/ListDecisions": Role.VIEWER,
        "/genesis.v1.OrchestratorService/ListPlans": Role.VIEWER,
        "/genesis.v1.OrchestratorService/Orchestrate": Role.CLIENT,
        "/genesis.v1.OrchestratorService/Plan": Role.CLIENT,
        "/genesis.v1.OrchestratorService/PlanStream": Role.CLIENT,
        "/genesis.v1.OrchestratorService/Route": Role.CLIENT,
        "/genesis.v1.OrchestratorService/UpdatePlan": Role.CLIENT,
        "/genesis.v1.OrchestratorService/Validate": Role.CLIENT,
        "/genesis.v1.OrchestratorService/WatchPlan": Role.VIEWER,
        "/grpc.channelz.v1.Channelz/GetChannel": Role.ADMIN,
        "/grpc.channelz.v1.Channelz/GetServer": Role.ADMIN,
        "/grpc.channelz.v1.Channelz/GetServerSockets": Role.ADMIN,
        "/grpc.channelz.v1.Channelz/GetServers": Role.ADMIN,
        "/grpc.channelz.v1.Channelz/GetSocket": Role.ADMIN,
        "/grpc.channelz.v1.Channelz/GetSubchannel": Role.ADMIN,
        "/grpc.channelz.v1.Channelz/GetTopChannels": Role.ADMIN,
        "/grpc.health.v1.Health/Check": ANYONE,
        "/grpc.health.v1.Health/List": ANYONE,
        "/grpc.health.v1.Health/Watch": ANYONE,
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": Role.ADMIN,
    }
)
"""Full method name → the least role that may call it."""


def allowed_roles(least: Role) -> frozenset[Role]:
    """The roles that hold `least`: itself and those above it."""
    return frozenset(_ORDER[_ORDER.index(least) :]) if least in _ORDER else frozenset({least})


_ALLOWED = {method: allowed_roles(least) for method, least in PERMISSIONS.items() if isinstance(least, Role)}


def is_open(method: str) -> bool:
    """Whether anyone may call the method, without credentials."""
    return PERMISSIONS.get(method) == ANYONE


def authorize(caller: Caller, method: str) -> None:
    """Let a call pass, or raise SecurityError PERMISSION_DENIED. A method without an entry is for nobody."""
    if is_open(method) or not caller.roles.isdisjoint(_ALLOWED.get(method, frozenset())):
        return
    required = str(PERMISSIONS.get(method, "none"))
    held = ",".join(sorted(caller.roles))
    raise SecurityError(
        "PERMISSION_DENIED",
        f"this method needs the role {required}, and the caller has {held or 'no role'}; ask whoever issues the credentials for it",
        facts={"required_role": required, "roles": held},
    )


def check_table(methods: Iterable[str], table: Mapping[str, Role | str] = PERMISSIONS) -> None:
    """Compare the table with the methods that can be served, at start. Raises ValueError naming every difference."""
    known = set(methods)
    wrong = [f"{method} has no entry in the table of permissions" for method in sorted(known - table.keys())]
    wrong += [f"{method} stands in the table of permissions, and no service has it" for method in sorted(table.keys() - known)]
    if wrong:
        raise ValueError("\n".join(wrong))


def as_markdown(table: Mapping[str, Role | str] = PERMISSIONS) -> str:
    """The table for the reference documentation."""
    lines = ["| method | " + " | ".join(("no credentials", *_COLUMNS)) + " |", "| --- |" + " :-: |" * (len(_COLUMNS) + 1)]
    for method, least in sorted(table.items()):
        may = allowed_roles(least) if isinstance(least, Role) else frozenset(Role)
        cells = ["✓" if least == ANYONE else "", *("✓" if role in may else "" for role in _COLUMNS)]
        lines.append(f"| `{method.lstrip('/')}` | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"
