"""Signed calls for tests."""

from __future__ import annotations

import hashlib
from typing import Any

from genesis_server.security.agent_keys import AgentKey
from genesis_server.security.agent_signatures import SCHEME, sign

NOW = 1_795_000_000.0
REGISTER = "/genesis.v1.AgentService/Register"
NONCE = "AAECAwQFBgcICQoLDA0ODw"


def key(agent: str = "builder", id: str = "k1", *, tenant: str = "acme", secret: str = "", **times: Any) -> AgentKey:  # noqa: A002
    """A key with a secret of its own."""
    return AgentKey(tenant=tenant, agent=agent, id=id, secret=(secret or f"{tenant}/{agent}:{id} ".ljust(40, "s")).encode(), **times)


def authorization(with_key: AgentKey, body: bytes = b"", *, method: str = REGISTER, time: float = NOW, nonce: str = NONCE) -> str:
    """The metadata of a call that is signed right."""
    named = {"tenant": with_key.tenant, "agent": with_key.agent, "key": with_key.id, "time": str(int(time)), "nonce": nonce}
    signature = sign(with_key.secret, method=method, body_sha256=hashlib.sha256(body).hexdigest(), **named)
    return f"{SCHEME} " + ",".join(f"{name}={value}" for name, value in {**named, "signature": signature}.items())
