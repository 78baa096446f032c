"""Bearer tokens for a server that wants them."""

from __future__ import annotations

import datetime as dt

import jwt

SECRET = "a secret of more than thirty-two bytes, for tests only"
SETTINGS = {"GENESIS_AUTH_JWT_SECRET": SECRET, "GENESIS_AUTH_JWT_AUDIENCE": "genesis", "GENESIS_AUTH_JWT_ISSUER": "tests"}


def token(role: str, *, tenant: str = "acme", subject: str = "ann") -> str:
    """A token of somebody with one role."""
    end = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=5)
    return jwt.encode({"sub": subject, "tenant": tenant, "roles": role, "aud": "genesis", "iss": "tests", "exp": end}, SECRET, "HS256")
