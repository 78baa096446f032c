"""The keys that tokens may be signed with, and which algorithms each may be used with.

The algorithm stands in the token's header, which the sender writes. So a key is bound to the algorithms of its own kind: a public
RSA key is never taken for an HMAC secret, and "none" is no algorithm (RFC 8725, section 3.1).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, cast

ASYMMETRIC_ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"})
SECRET_ALGORITHMS = frozenset({"HS256", "HS384", "HS512"})
KNOWN_ALGORITHMS = ASYMMETRIC_ALGORITHMS | SECRET_ALGORITHMS
# RFC 7518, section 3.2: a secret is at least as long as the hash. Section 3.3: RSA keys have at least 2048 bits.
_SHORTEST_SECRET_BYTES = {"HS256": 32, "HS384": 48, "HS512": 64}
_SMALLEST_RSA_BITS = 2048
_PEM = re.compile(rb"(-----BEGIN ([A-Z ]{1,40})-----[^-]{1,20000}-----END [A-Z ]{1,40}-----)")
_PRIVATE_PARTS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth"})
_MOST_CANDIDATES = 8
_CURVES = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key that verifies signatures."""

    key_id: str
    """What a token's header calls it (`kid`); empty for a key without a name, which may serve any token."""
    material: Any = field(repr=False)
    """The key as the JWT library takes it: a public key object, or bytes."""
    algorithms: frozenset[str]


@dataclass(frozen=True, slots=True)
class KeySet:
    """Keys to verify tokens with."""

    keys: tuple[SigningKey, ...] = ()

    def candidates(self, key_id: str, algorithm: str) -> tuple[SigningKey, ...]:
        """The keys that may have signed a token with this header, in the order to try them.

        A named key serves the tokens that name it, and those that name none; a key without a name serves any.
        """
        named = [key for key in self.keys if key.key_id and (key.key_id == key_id or not key_id)]
        unnamed = [key for key in self.keys if not key.key_id]
        return tuple(key for key in [*named, *unnamed] if algorithm in key.algorithms)[:_MOST_CANDIDATES]

    def knows(self, key_id: str, algorithm: str) -> bool:
        """Whether no other key set could have the key for a token with this header: its key is here, or an unnamed one that fits."""
        return any(algorithm in key.algorithms and key.key_id in {key_id, ""} for key in self.keys)

    def __or__(self, other: KeySet) -> KeySet:
        """Both sets."""
        return KeySet(self.keys + other.keys)


def shared_secret(secret: str, algorithms: Iterable[str]) -> KeySet:
    """An HMAC secret for those of `algorithms` that use one. Raises ValueError when it is too short for them."""
    usable = SECRET_ALGORITHMS.intersection(algorithms)
    if not usable:
        raise ValueError("a shared secret is given, and no allowed algorithm uses one; allow HS256, or give a public key instead")
    size, needed = len(secret.encode()), max(_SHORTEST_SECRET_BYTES[name] for name in usable)
    if size < needed:
        raise ValueError(f"the shared secret has {size} bytes; one for {', '.join(sorted(usable))} needs at least {needed}")
    return KeySet((SigningKey("", secret.encode(), usable),))


def parse_keys(document: bytes) -> KeySet:
    """Public keys from a JSON web key set (RFC 7517) or from PEM blocks: public keys or certificates. Raises ValueError."""
    return _parse_jwks(document) if document.lstrip()[:1] == b"{" else _parse_pem(document)


def _parse_pem(document: bytes) -> KeySet:
    from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: PLC0415
    from cryptography.x509 import load_pem_x509_certificate  # noqa: PLC0415

    if b"PRIVATE KEY-----" in document:
        raise ValueError("there is a private key among the token keys; only the issuer of tokens needs that, give its public key")
    blocks = _PEM.findall(document)
    if not blocks:
        raise ValueError("the token keys are neither PEM (-----BEGIN PUBLIC KEY-----) nor a JSON web key set")
    keys: list[SigningKey] = []
    for number, (block, kind) in enumerate(blocks, 1):
        try:
            key = load_pem_x509_certificate(block).public_key() if kind == b"CERTIFICATE" else load_pem_public_key(block)
        except Exception as error:
            raise ValueError(f"block {number} of the token keys is no PEM public key and no PEM certificate") from error
        keys.append(_with_algorithms("", key))
    return KeySet(tuple(keys))


def _parse_jwks(document: bytes) -> KeySet:
    """Keys for encryption, shared secrets and kinds unknown here are left out, as the standard asks."""
    import jwt  # noqa: PLC0415

    try:
        value: object = json.loads(document)
    except (ValueError, RecursionError) as error:
        raise ValueError("the key set is no JSON") from error
    entries = cast("dict[str, object]", value).get("keys") if isinstance(value, dict) else None
    keys: list[SigningKey] = []
    for entry in cast("list[object]", entries) if isinstance(entries, list) else []:
        fields = cast("dict[str, Any]", entry) if isinstance(entry, dict) else {}
        if fields.get("kty") not in {"RSA", "EC", "OKP"} or fields.get("use", "sig") != "sig":
            continue
        public = {name: part for name, part in fields.items() if name not in _PRIVATE_PARTS and name != "alg"}
        try:
            key = _with_algorithms(str(fields.get("kid", "")), jwt.PyJWK(public).key)
        except (jwt.PyJWTError, ValueError, TypeError):
            continue
        declared = fields.get("alg")
        if algorithms := key.algorithms & {declared} if declared else key.algorithms:
            keys.append(replace(key, algorithms=algorithms))
    if not keys:
        raise ValueError("the key set holds no public signing key of a known kind (RSA from 2048 bits, EC, Ed25519)")
    return KeySet(tuple(keys))


def _with_algorithms(key_id: str, key: Any) -> SigningKey:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PublicKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey  # noqa: PLC0415

    if isinstance(key, RSAPublicKey):
        if key.key_size < _SMALLEST_RSA_BITS:
            raise ValueError(f"token key {key_id!r} has {key.key_size} bits; an RSA key needs at least {_SMALLEST_RSA_BITS}")
        return SigningKey(key_id, key, frozenset(name for name in ASYMMETRIC_ALGORITHMS if name[:2] in {"RS", "PS"}))
    if isinstance(key, EllipticCurvePublicKey) and key.curve.name in _CURVES:
        return SigningKey(key_id, key, frozenset({_CURVES[key.curve.name]}))
    if isinstance(key, Ed25519PublicKey | Ed448PublicKey):
        return SigningKey(key_id, key, frozenset({"EdDSA"}))
    raise ValueError(f"token key {key_id!r} is of a kind tokens are not signed with; known are RSA, P-256, P-384, P-521 and Ed25519")
