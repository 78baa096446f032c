"""Client certificates turned into callers: which name in a certificate is which tenant with which roles.

A mapping is a TOML file of `[[identities]]`, the first that fits wins:

    [[identities]]
    name = "spiffe://example.org/ns/*/sa/planner"   # a subject alternative name; * is one part of it
    tenant = "acme"
    roles = ["client"]
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import cast

from genesis_server.model.caller import Caller, Role
from genesis_server.security.data_file import Complaints
from genesis_server.security.tokens import TENANT_PATTERN, invalid_credentials

_KEYS = frozenset({"name", "tenant", "roles"})


@dataclass(frozen=True, slots=True)
class CertificateIdentity:
    """Who holds a certificate with a name of this form."""

    name: re.Pattern[str]
    tenant: str
    roles: frozenset[Role]


def parse_identities(source: str, name: str) -> tuple[CertificateIdentity, ...]:
    """Read a mapping. Raises ValueError naming every mistake with file and line."""
    complaints = Complaints(source, name)
    try:
        tables = tomllib.loads(source).get("identities")
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{name}: {error}") from error
    if not isinstance(tables, list) or not tables:
        complaints.add("there must be at least one [[identities]] with name, tenant and roles")
        tables = []
    result: list[CertificateIdentity] = []
    known = {role.value for role in Role}
    line = 0
    for table in cast("list[dict[str, object]]", tables):
        line = complaints.line_of("[[identities]]", line)
        pattern, tenant, roles = table.get("name"), table.get("tenant"), table.get("roles")
        listed = cast("list[object]", roles) if isinstance(roles, list) else []
        mistakes = len(complaints)
        for key in sorted(table.keys() - _KEYS):
            complaints.add(f"{key} is not known; an identity has name, tenant and roles", key, line)
        if not isinstance(pattern, str) or not pattern.strip("*./:"):
            complaints.add(
                "name must be a subject alternative name, * standing for one part of it, and not only *", _near(table, "name"), line
            )
        if not isinstance(tenant, str) or not TENANT_PATTERN.fullmatch(tenant):
            complaints.add("tenant must be letters, digits, dots, dashes and underscores", _near(table, "tenant"), line)
        if not listed or any(role not in known for role in listed):
            complaints.add(f"roles must be a list of {', '.join(sorted(known))}", _near(table, "roles"), line)
        if len(complaints) == mistakes:
            result.append(CertificateIdentity(_expression(str(pattern)), str(tenant), frozenset(Role(str(role)) for role in listed)))
    complaints.raise_if_any()
    return tuple(result)


def caller_of(names: Sequence[str], identities: Iterable[CertificateIdentity]) -> Caller:
    """Who holds a certificate with these names. Raises SecurityError CREDENTIALS_INVALID when nobody known does."""
    for identity in identities:
        for name in names:
            if identity.name.fullmatch(name):
                return Caller(identity.tenant, name, identity.roles)
    raise invalid_credentials()


def _near(table: dict[str, object], key: str) -> str:
    """Where to look for a key: nowhere when the table lacks it."""
    return key if key in table else ""


def _expression(name: str) -> re.Pattern[str]:
    """`*` is one segment of a URI's path, or one label of a host name."""
    part = "[^/]{1,200}" if "://" in name else "[^./]{1,63}"
    return re.compile(part.join(re.escape(piece) for piece in name.split("*")))
