"""Keys are read from what issuers publish, each bound to the algorithms of its own kind."""

from __future__ import annotations

from contextlib import suppress

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from hypothesis import given
from hypothesis import strategies as st
from issuer import EC, ED, OTHER_EC, RSA, SECRET, jwk, jwks, pem, private_pem

from genesis_server.security.signing_keys import KeySet, parse_keys, shared_secret


def test_each_kind_of_key_serves_its_own_algorithms_only() -> None:
    keys = parse_keys(jwks(jwk(RSA, "r"), jwk(EC, "e"), jwk(ED, "d"))).keys
    assert {key.key_id: key.algorithms for key in keys} == {
        "r": {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"},
        "e": {"ES256"},
        "d": {"EdDSA"},
    }
    assert {key.algorithms for key in parse_keys(pem(EC) + pem(ED)).keys} == {frozenset({"ES256"}), frozenset({"EdDSA"})}


def test_a_declared_algorithm_narrows_a_key() -> None:
    [key] = parse_keys(jwks(jwk(RSA, "r", alg="PS256"), jwk(EC, "e", alg="HS256"))).keys
    assert (key.key_id, key.algorithms) == ("r", {"PS256"})


def test_certificates_serve_as_keys(ca) -> None:
    certificate, _ = ca.issue("issuer")
    [key] = parse_keys(certificate.read_bytes()).keys
    assert (key.key_id, key.algorithms) == ("", {"ES256"})


def test_what_a_server_cannot_use_in_a_key_set_is_passed_over() -> None:
    small = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - that is the point
    odd = ec.generate_private_key(ec.SECP256K1())
    entries = [{"kty": "oct", "k": "AAAA", "kid": "s"}, jwk(EC, "enc", use="enc"), jwk(small, "small"), jwk(odd, "odd"), {"kty": "RSA"}, {}]
    assert [key.key_id for key in parse_keys(jwks(*entries, jwk(EC, "good", use="sig"))).keys] == ["good"]
    with pytest.raises(ValueError, match="no public signing key"):
        parse_keys(jwks(*entries))


@pytest.mark.parametrize(
    ("document", "told"),
    [
        (b"", "neither PEM"),
        (b"hello", "neither PEM"),
        (b"{", "no JSON"),
        (b'{"keys": 3}', "no public signing key"),
        (b'{"keys":' + b"[" * 100_000, "no JSON"),
        (private_pem(EC), "private key"),
        (b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "block 1"),
        (pem(dsa.generate_private_key(2048)), "of a kind tokens are not signed with"),
        (pem(rsa.generate_private_key(public_exponent=65537, key_size=1024)), "at least 2048"),  # noqa: S505 - that is the point
    ],
)
def test_a_document_without_usable_keys_is_refused_with_the_reason(document: bytes, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        parse_keys(document)


def test_a_secret_is_long_enough_for_its_algorithms() -> None:
    [key] = shared_secret(SECRET, ["HS256", "RS256"]).keys
    assert key.algorithms == {"HS256"}
    with pytest.raises(ValueError, match="needs at least 64"):
        shared_secret(SECRET, ["HS512"])
    with pytest.raises(ValueError, match="no allowed algorithm"):
        shared_secret(SECRET, ["RS256"])


def test_named_keys_serve_their_tokens_and_unnamed_keys_any() -> None:
    named, other, unnamed = parse_keys(jwks(jwk(EC, "a"))), parse_keys(jwks(jwk(OTHER_EC, "b"))), parse_keys(pem(EC))
    both = named | other
    assert both.candidates("a", "ES256") == named.keys
    assert both.candidates("", "ES256") == both.keys
    assert both.candidates("c", "ES256") == ()
    assert both.candidates("a", "RS256") == ()
    assert (both | unnamed).candidates("c", "ES256") == unnamed.keys
    assert (both.knows("a", "ES256"), both.knows("c", "ES256"), unnamed.knows("c", "ES256"), unnamed.knows("c", "RS256")) == (
        True,
        False,
        True,
        False,
    )


@given(st.binary(max_size=80))
def test_any_bytes_are_keys_or_a_value_error(document: bytes) -> None:
    with suppress(ValueError):
        assert isinstance(parse_keys(document), KeySet)


def test_a_secret_is_not_in_the_text_of_a_key() -> None:
    """A key set that ends up in a message gives nothing away."""
    assert "s3cret" not in repr(shared_secret("s3cret" * 8, ["HS256"]))
