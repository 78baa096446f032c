"""Signed calls: how an agent proves with a shared secret that a request is its own, and new."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field

_SCHEME = "Genesis-HMAC-SHA256"
_NONCE_BYTES = 18


def agent_signature(secret: str, *, method: str, tenant: str, agent: str, key: str, time: int, nonce: str, body: bytes) -> str:
    """The signature of one request, in lower-case hexadecimal: HMAC-SHA256 over a text of eight lines.

    The lines are the name of the scheme, everything else that is given here, and the SHA-256 of the body in hexadecimal, in UTF-8 and
    with one line feed between them. It is here to be read and to be checked against by clients in other languages;
    `connect(agent_key=…)` signs by itself.

    Args:
        secret: The secret of the key.
        method: Full name of the method, for example `/genesis.v1.AgentService/Register`.
        tenant: The agent's tenant.
        agent: The agent's id.
        key: Id of the key.
        time: Seconds since 1970 (UTC); the server takes those within a minute of its own.
        nonce: At least 16 random bytes in URL-safe base64, good for one request.
        body: The request's bytes on the wire; none for a stream of requests.
    """
    text = "\n".join(("genesis-hmac-sha256", method, tenant, agent, key, str(time), nonce, hashlib.sha256(body).hexdigest()))
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def _nonce() -> str:
    return secrets.token_urlsafe(_NONCE_BYTES)


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs the calls of one agent with one key."""

    tenant: str
    agent: str
    key: str
    """Id of the key."""
    secret: str = field(repr=False)
    now: Callable[[], float] = time.time
    """Seconds since the epoch."""
    nonce: Callable[[], str] = _nonce

    def __post_init__(self) -> None:
        for name, value in (("tenant", self.tenant), ("agent", self.agent), ("key id", self.key)):
            if not value or not value.isascii() or not value.isprintable() or set(value) & set(' ,="'):
                raise ValueError(f"the {name} of a signed call is {value!r}: give a word without blanks, commas, quotes and equals signs")

    @classmethod
    def of(cls, agent_key: str, *, agent: str, tenant: str) -> Signer:
        """The signer with a key given as `key-id:secret`.

        Raises:
            ValueError: when the key is not of that form, or a name cannot stand in a header.
        """
        key, found, secret = agent_key.partition(":")
        if not found or not key or not secret:
            raise ValueError("agent_key is not of the form 'key-id:secret'")
        return cls(tenant=tenant, agent=agent, key=key, secret=secret)

    def header(self, method: str, body: bytes) -> str:
        """The `authorization` of a request: a fresh one each time, for the server takes each once."""
        now, nonce = int(self.now()), self.nonce()
        signature = agent_signature(
            self.secret, method=method, tenant=self.tenant, agent=self.agent, key=self.key, time=now, nonce=nonce, body=body
        )
        return f"{_SCHEME} tenant={self.tenant},agent={self.agent},key={self.key},time={now},nonce={nonce},signature={signature}"
