"""Client certificates turned into callers: which name in a certificate is which tenant with which roles.

A mapping is a TOML file of `[[identities]]`, the first that fits wins:

    [[identities]]
    name = "spiffe://example.org/ns/*/sa/planner"   # a subject alternative name; * is one part of it
    tenant = "acme"
    roles = ["client"]
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from genesis_server.model.caller import Caller, Role
from genesis_server.security.tokens import TENANT_PATTERN, invalid_credentials
from genesis_server.text.toml_file import TableSchema, read_toml


@dataclass(frozen=True, slots=True)
class CertificateIdentity:
    """Who holds a certificate with a name of this form."""

    name: re.Pattern[str]
    tenant: str
    roles: frozenset[Role]


def _selective(name: str) -> str:
    if not name.strip("*./:"):
        raise ValueError("must be a subject alternative name, * standing for one part of it, and not only *")
    return name


def _tenant(tenant: str) -> str:
    if not TENANT_PATTERN.fullmatch(tenant):
        raise ValueError("must be letters, digits, dots, dashes and underscores, at most 63")
    return tenant


def _role(value: object) -> Role:
    known = {role.value: role for role in Role}
    if not isinstance(value, str) or value not in known:
        raise ValueError(f"must be one of {', '.join(sorted(known))}")
    return known[value]


class _Identity(TableSchema):
    name: Annotated[str, AfterValidator(_selective)]
    tenant: Annotated[str, AfterValidator(_tenant)]
    roles: Annotated[list[Annotated[Role, BeforeValidator(_role)]], Field(min_length=1)]


class _File(TableSchema):
    identities: Annotated[list[_Identity], Field(min_length=1)]


def parse_identities(source: str, name: str) -> tuple[CertificateIdentity, ...]:
    """Read a mapping. Raises DataFileError with every mistake."""
    content, _ = read_toml(source, name, _File)
    return tuple(CertificateIdentity(_expression(found.name), found.tenant, frozenset(found.roles)) for found in content.identities)


def caller_of(names: Sequence[str], identities: Iterable[CertificateIdentity]) -> Caller:
    """Who holds a certificate with these names. Raises SecurityError CREDENTIALS_INVALID when nobody known does."""
    for identity in identities:
        for name in names:
            if identity.name.fullmatch(name):
                return Caller(identity.tenant, name, identity.roles)
    raise invalid_credentials()


def _expression(name: str) -> re.Pattern[str]:
    """`*` is one segment of a URI's path, or one label of a host name."""
    part = "[^/]{1,200}" if "://" in name else "[^./]{1,63}"
    return re.compile(part.join(re.escape(piece) for piece in name.split("*")))
