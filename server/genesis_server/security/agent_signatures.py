"""Signed calls of agents: HMAC-SHA256 (RFC 2104) over method, key, time, nonce and the request's bytes; docs/agents.md has the format.

The signature is checked before anything else is said, so that who has no key learns nothing: an unknown agent, an unknown key and a
bad signature are one answer.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from genesis_server.model.caller import Caller, Role
from genesis_server.resilience.errors import SecurityError
from genesis_server.security.agent_keys import AGENT_PATTERN, KEY_PATTERN, AgentKey, AgentKeys
from genesis_server.security.nonces import Nonces
from genesis_server.security.tokens import TENANT_PATTERN

SCHEME = "Genesis-HMAC-SHA256"
WINDOW_SECONDS = 60
"""How far the time of a signature may be from the server's, either way."""

_FIRST_LINE = SCHEME.lower()
_HEADER = re.compile(
    rf"{SCHEME} tenant=(?P<tenant>{TENANT_PATTERN.pattern}),agent=(?P<agent>{AGENT_PATTERN.pattern}),key=(?P<key>{KEY_PATTERN.pattern}),"
    r"time=(?P<time>0|[1-9][0-9]{0,11}),nonce=(?P<nonce>[A-Za-z0-9_-]{22,128}={0,2}),signature=(?P<signature>[0-9a-f]{64})"
)
# Serves where there is no key, so that the answer takes as long.
_NO_SECRET = secrets.token_bytes(32)
_LARGE_BODY_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Signature:
    """What the credentials of a signed call say."""

    tenant: str
    agent: str
    key: str
    """The key's id."""
    time: str
    """Whole seconds since the epoch, as they were sent."""
    nonce: str
    """Base64url of at least 16 bytes."""
    signature: str
    """64 lower-case hexadecimal digits."""


class SignatureError(SecurityError):
    """A signed call is refused: CREDENTIALS_INVALID, CREDENTIALS_EXPIRED or CREDENTIALS_REPLAYED."""

    tenant: str | None = None
    """Tenant of the key the call names; None: there is no such key."""
    agent: str = ""
    """Agent the call names."""


def is_signature(authorization: str) -> bool:
    """Whether the value of the `authorization` metadata is of this scheme, well-formed or not."""
    return authorization[: len(SCHEME)].lower() == _FIRST_LINE


def lasting_part(authorization: str) -> str:
    """What is the same in every call signed with a key; other credentials whole."""
    return authorization.partition(",time=")[0] if is_signature(authorization) else authorization


def parse_signature(authorization: str) -> Signature | None:
    """The credentials; None when they are not exactly of the form."""
    found = _HEADER.fullmatch(authorization)
    return None if found is None else Signature(**found.groupdict())


def sign(secret: bytes, *, method: str, tenant: str, agent: str, key: str, time: str, nonce: str, body_sha256: str) -> str:
    """The signature in lower-case hexadecimal digits.

    Args:
        secret: the key's secret, UTF-8.
        method: full name, for example `/genesis.v1.AgentService/Register`.
        tenant: of the key.
        agent: whose key it is.
        key: the key's id.
        time: whole seconds since the epoch, as they are sent.
        nonce: as it is sent.
        body_sha256: SHA-256 of the request's bytes, lower-case hexadecimal; of no bytes where the request is a stream.
    """
    text = f"{_FIRST_LINE}\n{method}\n{tenant}\n{agent}\n{key}\n{time}\n{nonce}\n{body_sha256}"
    return hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()


class SignatureVerifier:
    """Turns signed calls into callers."""

    def __init__(self, keys: Callable[[], AgentKeys], nonces: Nonces, *, now: Callable[[], float]) -> None:
        """`keys` gives the current keys; `now` is the wall clock, in seconds since the epoch."""
        self._keys = keys
        self._nonces = nonces
        self._now = now

    async def verify(self, authorization: str, *, method: str, body: bytes | None) -> Caller:
        """The agent that signed a call of `method` with a request of these bytes; None: they are not known, which is refused.

        Raises SignatureError, and what the store of the nonces raises.
        """
        claim = parse_signature(authorization)
        if claim is None or body is None:
            raise _refused("CREDENTIALS_INVALID", _INVALID)
        key = self._keys().find(claim.tenant, claim.agent, claim.key)
        expected = sign(
            _NO_SECRET if key is None else key.secret,
            method=method,
            tenant=claim.tenant,
            agent=claim.agent,
            key=claim.key,
            time=claim.time,
            nonce=claim.nonce,
            body_sha256=await _digest(body),
        )
        good = hmac.compare_digest(expected, claim.signature)
        if key is None or not good:
            raise _refused("CREDENTIALS_INVALID", _INVALID, claim, key)
        self._check_times(claim, key)
        # The last moment at which any server would take the time of the signature is one window after it; another one is for their clocks.
        until = int(claim.time) + 2.0 * WINDOW_SECONDS
        if not await self._nonces.use(claim.tenant, claim.agent, claim.nonce, until=until):
            raise _refused(
                "CREDENTIALS_REPLAYED", "this signed request came before; sign each request anew, with a fresh nonce", claim, key
            )
        return Caller(claim.tenant, claim.agent, frozenset({Role.AGENT}))

    def _check_times(self, claim: Signature, key: AgentKey) -> None:
        now = self._now()
        if key.not_before is not None and now < key.not_before:
            raise _refused("CREDENTIALS_INVALID", f"key {key.id!r} is not valid yet; sign with another one until then", claim, key)
        if key.not_after is not None and now > key.not_after:
            raise _refused("CREDENTIALS_EXPIRED", f"key {key.id!r} is not valid any more; sign with a newer one", claim, key)
        if abs(now - int(claim.time)) > WINDOW_SECONDS:
            message = f"the signature's time is more than {WINDOW_SECONDS} s from the server's; set the clock, and sign each request anew"
            raise _refused("CREDENTIALS_EXPIRED", message, claim, key)


_INVALID = "the signature is not valid for this server; check tenant, agent, key, secret and the text that is signed (docs/agents.md)"


def _refused(reason: str, message: str, claim: Signature | None = None, key: AgentKey | None = None) -> SignatureError:
    error = SignatureError(reason, message)
    if claim is not None:
        error.agent = claim.agent
    if key is not None:
        error.tenant = key.tenant
    return error


async def _digest(body: bytes) -> str:
    """Of large bodies in a thread: the loop serves others meanwhile."""
    if len(body) > _LARGE_BODY_BYTES:
        return await asyncio.to_thread(_hexdigest, body)
    return _hexdigest(body)


def _hexdigest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
