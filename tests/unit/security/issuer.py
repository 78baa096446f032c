"""A token issuer for tests: keys, key sets and tokens."""

from __future__ import annotations

import json
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

NOW = 1_700_000_000.0
SECRET = "a shared secret of at least 32 bytes"

RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())
OTHER_EC = ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()


def claims(**changes: Any) -> dict[str, Any]:
    """Claims of a good token; a change to None leaves one out."""
    good = {"iss": "https://issuer", "aud": "genesis", "sub": "ann", "tenant": "acme", "roles": ["client"], "exp": NOW + 600}
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def token(key: Any = EC, algorithm: str = "ES256", *, kid: str | None = "k1", headers: dict[str, Any] | None = None, **changes: Any) -> str:
    """A signed token."""
    named = {} if kid is None else {"kid": kid}
    return jwt.encode(claims(**changes), key, algorithm=algorithm, headers={**named, **(headers or {})})


def pem(key: Any) -> bytes:
    """The public key as PEM."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def private_pem(key: Any) -> bytes:
    """The private key as PEM."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def jwk(key: Any, kid: str = "k1", **more: Any) -> dict[str, Any]:
    """The public key as JSON web key."""
    kinds = {rsa.RSAPrivateKey: jwt.algorithms.RSAAlgorithm, ec.EllipticCurvePrivateKey: jwt.algorithms.ECAlgorithm}
    algorithm = next((value for kind, value in kinds.items() if isinstance(key, kind)), jwt.algorithms.OKPAlgorithm)
    return {**json.loads(algorithm.to_jwk(key.public_key())), "kid": kid, **more}


def jwks(*keys: dict[str, Any]) -> bytes:
    """A key set."""
    return json.dumps({"keys": keys}).encode()
