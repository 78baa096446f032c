"""Bearer tokens: signed JSON web tokens (RFC 7519, checked after RFC 8725) turned into callers."""

from __future__ import annotations

import hashlib
import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from genesis_server.model.caller import Caller, Role
from genesis_server.resilience.errors import SecurityError
from genesis_server.security.signing_keys import KeySet, SigningKey

_LONGEST_TOKEN = 16_384
_LONGEST_SUBJECT = 200
TENANT_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
"""A tenant stands in every stored key, so it is of plain characters."""


def invalid_credentials() -> SecurityError:
    """The one answer to every token that is not valid: which check failed is nobody's business."""
    return SecurityError("CREDENTIALS_INVALID", "the credentials are not valid for this server; get new ones from your token issuer")


def expired_credentials() -> SecurityError:
    """The answer to a token that was valid once."""
    return SecurityError("CREDENTIALS_EXPIRED", "the credentials have expired; get new ones from your token issuer")


class UnknownKeyError(SecurityError):
    """A token names a key that is not in the set at hand; a newer set may have it. Clients see an invalid token."""

    def __init__(self) -> None:
        """Say what is said of every invalid token."""
        error = invalid_credentials()
        super().__init__(error.reason, error.message)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRules:
    """What a token must say."""

    issuer: str
    """Value of `iss`; empty takes any."""
    audience: str
    """One of the values of `aud`; empty takes any."""
    algorithms: frozenset[str]
    """Allowed signature algorithms."""
    leeway_seconds: float = 30.0
    """How far clocks may be apart."""
    tenant_claim: str = "tenant"
    """A token without this claim is refused: a tenant is never guessed."""
    roles_claim: str = "roles"
    """A list, or a text with spaces. Roles that are none of ours are passed over: issuers serve others too."""


class JwtVerifier:
    """Checks tokens against a key set and keeps what it found.

    Not thread-safe; belongs to one event loop. The cache holds SHA-256 digests of tokens, never tokens, is bounded, obeys the
    tokens' `exp`, and is emptied when the keys change.
    """

    def __init__(self, rules: TokenRules, keys: Callable[[], KeySet], *, cache_size: int = 10_000) -> None:
        """`keys` gives the current key set, another object when it has changed; `cache_size` is in tokens."""
        self._rules = rules
        self._keys = keys
        self._cache: OrderedDict[bytes, tuple[Caller, float]] = OrderedDict()
        self._cache_size = cache_size
        self._known_keys = keys()

    def verify(self, token: str, now: float) -> Caller:
        """Who a token speaks for, at wall-clock time `now` in seconds.

        Raises SecurityError CREDENTIALS_INVALID or CREDENTIALS_EXPIRED; UnknownKeyError when the key set lacks its key.
        """
        if not token or len(token) > _LONGEST_TOKEN or not token.isascii():
            raise invalid_credentials()
        keys = self._keys()
        if keys is not self._known_keys:
            self._cache.clear()
            self._known_keys = keys
        digest = hashlib.sha256(token.encode("ascii")).digest()
        if known := self._cache.get(digest):
            caller, expires = known
            if now < expires + self._rules.leeway_seconds:
                self._cache.move_to_end(digest)
                return caller
            del self._cache[digest]
            raise expired_credentials()
        claims = self._checked_claims(token, keys)
        expires = self._check_times(claims, now)
        caller = self._caller(claims)
        self._cache[digest] = (caller, expires)
        if len(self._cache) > self._cache_size:
            self._cache.popitem(last=False)
        return caller

    def _checked_claims(self, token: str, keys: KeySet) -> Mapping[str, object]:
        """The claims of a token whose signature, issuer and audience are right."""
        import jwt  # noqa: PLC0415

        try:
            header = jwt.get_unverified_header(token)
            algorithm, key_id = header.get("alg"), str(header.get("kid", ""))
            if algorithm not in self._rules.algorithms or "crit" in header:
                raise invalid_credentials()
            for key in keys.candidates(key_id, algorithm):
                try:
                    return self._decode(token, key, algorithm)
                except jwt.InvalidSignatureError:
                    continue
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
            raise invalid_credentials() from None
        raise invalid_credentials() if keys.knows(key_id, algorithm) else UnknownKeyError()

    def _decode(self, token: str, key: SigningKey, algorithm: str) -> Mapping[str, object]:
        import jwt  # noqa: PLC0415

        rules = self._rules
        required = ["exp", "sub", *(["iss"] if rules.issuer else []), *(["aud"] if rules.audience else [])]
        # Times are checked against the clock that is passed in.
        options = {"require": required, "verify_exp": False, "verify_nbf": False, "verify_iat": False, "verify_aud": bool(rules.audience)}
        return cast(
            "Mapping[str, object]",
            jwt.decode(
                token,
                key.material,
                algorithms=[algorithm],
                audience=rules.audience or None,
                issuer=rules.issuer or None,
                options=cast("Any", options),
            ),
        )

    def _check_times(self, claims: Mapping[str, object], now: float) -> float:
        expires, begins = _seconds(claims.get("exp")), _seconds(claims.get("nbf", 0))
        if expires is None or begins is None:
            raise invalid_credentials()
        if now >= expires + self._rules.leeway_seconds:
            raise expired_credentials()
        if now < begins - self._rules.leeway_seconds:
            raise invalid_credentials()
        return expires

    def _caller(self, claims: Mapping[str, object]) -> Caller:
        tenant = claims.get(self._rules.tenant_claim)
        subject = claims["sub"]
        if not isinstance(tenant, str) or not TENANT_PATTERN.fullmatch(tenant):
            raise invalid_credentials()
        if not isinstance(subject, str) or not 0 < len(subject) <= _LONGEST_SUBJECT or not subject.isprintable():
            raise invalid_credentials()
        return Caller(tenant, subject, _roles(claims.get(self._rules.roles_claim)))


def _seconds(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e12:
        return None
    return float(value)


def _roles(claim: object) -> frozenset[Role]:
    names: Iterable[object] = claim.split() if isinstance(claim, str) else cast("list[object]", claim) if isinstance(claim, list) else ()
    known = {role.value: role for role in Role}
    return frozenset(known[name] for name in names if isinstance(name, str) and name in known)
