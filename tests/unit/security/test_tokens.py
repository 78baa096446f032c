"""A token opens the server only when everything about it is right."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from issuer import EC, ED, NOW, OTHER_EC, RSA, SECRET, claims, jwk, jwks, pem, token

from genesis_server.model.caller import Caller, Role
from genesis_server.resilience.errors import SecurityError
from genesis_server.security.signing_keys import KeySet, parse_keys, shared_secret
from genesis_server.security.tokens import JwtVerifier, TokenRules, UnknownKeyError

KEYS = parse_keys(jwks(jwk(EC, "k1"), jwk(RSA, "rsa"), jwk(ED, "ed"))) | shared_secret(SECRET, ["HS256"])
ALL = frozenset({"ES256", "RS256", "EdDSA", "HS256"})
ANN = Caller("acme", "ann", frozenset({Role.CLIENT}))


def verifier(keys: KeySet = KEYS, *, cache_size: int = 100, **rules: Any) -> JwtVerifier:
    given_rules: dict[str, Any] = {"issuer": "https://issuer", "audience": "genesis", "algorithms": ALL, **rules}
    return JwtVerifier(TokenRules(**given_rules), lambda: keys, cache_size=cache_size)


def reason(sent: str, made: JwtVerifier | None = None, now: float = NOW) -> str:
    with pytest.raises(SecurityError) as caught:
        (made or verifier()).verify(sent, now)
    return caught.value.reason


def unsigned(header: dict[str, Any], **changes: Any) -> str:
    parts = [json.dumps(header).encode(), json.dumps(claims(**changes)).encode()]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


@pytest.mark.parametrize(
    "sent",
    [
        token(EC),
        token(RSA, "RS256", kid="rsa"),
        token(ED, "EdDSA", kid="ed"),
        token(SECRET, "HS256", kid=None),
        token(EC, kid=None),
        token(EC, aud=["other", "genesis"]),
        token(EC, roles="client other"),
        token(EC, nbf=NOW + 20, iat=NOW + 999),
        token(EC, exp=NOW - 20),
    ],
)
def test_a_good_token_says_who_calls(sent: str) -> None:
    assert verifier().verify(sent, NOW) == ANN


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://other"},
        {"iss": None},
        {"aud": "other"},
        {"aud": None},
        {"sub": None},
        {"sub": ""},
        {"sub": "x" * 201},
        {"sub": "a\nb"},
        {"exp": None},
        {"exp": "soon"},
        {"exp": True},
        {"exp": 1e300},
        {"nbf": NOW + 31},
        {"nbf": "x"},
        {"tenant": None},
        {"tenant": ""},
        {"tenant": 3},
        {"tenant": "a/b"},
        {"tenant": "x" * 64},
    ],
)
def test_a_token_with_wrong_claims_is_refused_without_saying_which(changes: dict[str, Any]) -> None:
    with pytest.raises(SecurityError) as caught:
        verifier().verify(token(**changes), NOW)
    assert (caught.value.reason, caught.value.facts) == ("CREDENTIALS_INVALID", {})
    assert caught.value.message == "the credentials are not valid for this server; get new ones from your token issuer"


@pytest.mark.parametrize("sent", ["", "x", "a.b.c", "x" * 20_000, "é.é.é", unsigned({}) + ".", unsigned({"alg": ["ES256"]}) + ".AAAA"])
def test_what_is_no_token_is_refused(sent: str) -> None:
    assert reason(sent) == "CREDENTIALS_INVALID"


def test_a_forged_token_is_refused() -> None:
    assert reason(token(OTHER_EC)) == "CREDENTIALS_INVALID"
    head, body, signature = token().split(".")
    altered = base64.urlsafe_b64encode(json.dumps(claims(tenant="other")).encode()).rstrip(b"=").decode()
    assert body != altered
    assert reason(f"{head}.{altered}.{signature}") == "CREDENTIALS_INVALID"


@pytest.mark.parametrize("name", ["none", "None", "NONE", "nOnE", ""])
def test_an_unsigned_token_is_refused_in_any_spelling(name: str) -> None:
    for kid in ({}, {"kid": "k1"}):
        assert reason(unsigned({"alg": name, **kid}) + ".") == "CREDENTIALS_INVALID"


def test_a_public_key_is_never_taken_for_a_secret() -> None:
    """The classic confusion: a token signed with HMAC, the published RSA key as its secret."""
    head = unsigned({"alg": "HS256", "kid": "rsa"})
    signature = hmac.new(pem(RSA), head.encode(), hashlib.sha256).digest()
    sent = f"{head}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"
    published = parse_keys(jwks(jwk(RSA, "rsa")))
    assert reason(sent, verifier(published)) == "CREDENTIALS_INVALID"
    assert reason(sent, verifier(published | shared_secret(SECRET, ["HS256"]))) == "CREDENTIALS_INVALID"
    assert reason(sent, verifier(parse_keys(pem(RSA)))) == "CREDENTIALS_INVALID"


def test_an_algorithm_that_is_not_allowed_is_refused_though_its_key_is_known() -> None:
    strict = verifier(algorithms=frozenset({"ES256"}))
    assert reason(token(RSA, "RS256", kid="rsa"), strict) == "CREDENTIALS_INVALID"
    assert reason(token(SECRET, "HS256"), strict) == "CREDENTIALS_INVALID"


def test_a_critical_header_nobody_knows_is_refused() -> None:
    assert reason(token(headers={"crit": ["x"], "x": 1})) == "CREDENTIALS_INVALID"


def test_an_unknown_key_is_told_apart_for_the_server_and_not_for_the_client() -> None:
    published = verifier(parse_keys(jwks(jwk(EC, "k1"))))
    with pytest.raises(UnknownKeyError) as caught:
        published.verify(token(OTHER_EC, kid="k2"), NOW)
    with pytest.raises(SecurityError) as forged:
        published.verify(token(OTHER_EC, kid="k1"), NOW)
    assert (caught.value.reason, caught.value.message) == (forged.value.reason, forged.value.message)


def test_an_expired_token_is_told_so_after_the_leeway() -> None:
    assert verifier().verify(token(exp=NOW), NOW + 29) == ANN
    assert reason(token(exp=NOW), now=NOW + 30) == "CREDENTIALS_EXPIRED"
    assert reason(token(OTHER_EC, exp=NOW - 999)) == "CREDENTIALS_INVALID"


def test_without_an_issuer_or_audience_in_the_settings_any_will_do() -> None:
    assert verifier(issuer="").verify(token(iss=None), NOW) == ANN
    assert verifier(audience="").verify(token(aud="other"), NOW) == ANN


def test_tenant_and_roles_come_from_the_claims_that_are_set() -> None:
    made = verifier(tenant_claim="org", roles_claim="scope")
    assert made.verify(token(org="globex", scope="viewer openid admin"), NOW) == Caller(
        "globex", "ann", frozenset({Role.VIEWER, Role.ADMIN})
    )


@given(st.one_of(st.none(), st.integers(), st.text(), st.lists(st.one_of(st.text(), st.integers(), st.sampled_from(list(Role))))))
def test_roles_are_only_ever_those_that_were_named(claim: object) -> None:
    caller = verifier().verify(token(SECRET, "HS256", roles=claim), NOW)
    named = claim.split() if isinstance(claim, str) else claim if isinstance(claim, list) else []
    assert caller.roles == {role for role in Role if role.value in named}


class Counting:
    """Counts how often keys are tried, which a remembered token needs none of."""

    def __init__(self, keys: KeySet) -> None:
        self.keys, self.asked = keys, 0
        outer = self

        class Watched(KeySet):
            def candidates(self, key_id: str, algorithm: str) -> tuple[Any, ...]:
                outer.asked += 1
                return super().candidates(key_id, algorithm)

        self.watched: KeySet = Watched(keys.keys)


def test_a_token_is_verified_once_and_remembered_until_it_expires() -> None:
    counting = Counting(KEYS)
    made = verifier(counting.watched)
    sent = token(exp=NOW + 100)
    for later in (0, 50, 129):
        assert made.verify(sent, NOW + later) == ANN
    assert counting.asked == 1
    assert reason(sent, made, NOW + 130) == "CREDENTIALS_EXPIRED"
    assert reason(sent, made, NOW + 131) == "CREDENTIALS_EXPIRED"


def test_rotated_keys_end_what_the_old_ones_vouched_for() -> None:
    current = [parse_keys(jwks(jwk(EC, "k1")))]
    made = JwtVerifier(TokenRules(issuer="", audience="", algorithms=ALL), lambda: current[0])
    assert made.verify(token(), NOW) == ANN
    current[0] = parse_keys(jwks(jwk(OTHER_EC, "k2")))
    assert reason(token(), made) == "CREDENTIALS_INVALID"
    assert made.verify(token(OTHER_EC, kid="k2"), NOW) == ANN


def test_the_memory_is_bounded_and_forgets_the_longest_unused() -> None:
    counting = Counting(KEYS)
    made = verifier(counting.watched, cache_size=2)
    first, second, third = (token(jti=str(number)) for number in range(3))
    for sent in (first, second, first, third, first):
        made.verify(sent, NOW)
    assert counting.asked == 3
    made.verify(second, NOW)
    assert counting.asked == 4


def test_a_refused_token_is_not_remembered_as_good() -> None:
    made = verifier()
    sent = token(nbf=NOW + 100)
    assert reason(sent, made) == "CREDENTIALS_INVALID"
    assert made.verify(sent, NOW + 100) == ANN
