"""From credentials to callers, by each way and in their order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from issuer import EC, NOW, OTHER_EC, SECRET, jwk, jwks, pem, token

from genesis_server.model.caller import Caller, Role
from genesis_server.resilience.errors import GenesisError, NetworkError, SecurityError
from genesis_server.security.authentication import ANONYMOUS, AuthenticationOptions, Authenticator
from genesis_server.security.certificates import parse_identities

ANN = Caller("acme", "ann", frozenset({Role.CLIENT}))
IDENTITIES = parse_identities('[[identities]]\nname = "web"\ntenant = "ops"\nroles = ["viewer"]\n', "map.toml")
WEB = Caller("ops", "web", frozenset({Role.VIEWER}))
KEYS: dict[str, Any] = {"keys": "https://issuer/keys", "audience": "genesis", "algorithms": ("ES256",)}


class World:
    """Clocks and an endpoint."""

    def __init__(self, document: bytes | Exception = b"") -> None:
        self.document: bytes | Exception = document or jwks(jwk(EC, "k1"))
        self.time = 0.0
        self.fetches = 0

    def fetch(self, place: str, timeout: float) -> bytes:
        del place, timeout
        self.fetches += 1
        if isinstance(self.document, Exception):
            raise self.document
        return self.document

    def authenticator(self, **options: Any) -> Authenticator:
        made = AuthenticationOptions(**options)
        return Authenticator(made, wall_clock=lambda: NOW + self.time, clock=lambda: self.time, fetch=self.fetch)


async def reason(made: Authenticator, header: str | None, names: tuple[str, ...] = ()) -> str:
    with pytest.raises(GenesisError) as caught:
        await made.authenticate(header, names)
    return caught.value.reason


async def test_a_bearer_token_is_a_caller() -> None:
    made = World().authenticator(**KEYS)
    for header in (f"Bearer {token()}", f"bearer   {token()} "):
        assert await made.authenticate(header) == ANN


@pytest.mark.parametrize("header", ["", "Basic abc", "Bearer", "Bearer ", "Bearer a b", token()])
async def test_another_kind_of_header_is_invalid(header: str) -> None:
    assert await reason(World().authenticator(**KEYS), header) == "CREDENTIALS_INVALID"


async def test_no_credentials_are_missing_and_the_message_says_what_to_send() -> None:
    with pytest.raises(SecurityError, match="bearer token") as caught:
        await World().authenticator(**KEYS).authenticate(None)
    assert caught.value.reason == "CREDENTIALS_MISSING"
    with pytest.raises(SecurityError, match="client certificate"):
        await World().authenticator(certificates=IDENTITIES).authenticate(None)


async def test_a_certificate_is_a_caller_and_a_token_goes_before_it() -> None:
    made = World().authenticator(**KEYS, certificates=IDENTITIES)
    assert await made.authenticate(None, ["web"]) == WEB
    assert await made.authenticate(f"Bearer {token()}", ["web"]) == ANN
    assert await reason(made, "Bearer x", ("web",)) == "CREDENTIALS_INVALID"
    assert await reason(made, None, ("stranger",)) == "CREDENTIALS_INVALID"


async def test_a_certificate_without_a_mapping_is_no_identity() -> None:
    assert await reason(World().authenticator(**KEYS), None, ("web",)) == "CREDENTIALS_MISSING"


async def test_anonymous_callers_are_let_in_only_where_that_is_set() -> None:
    made = World().authenticator(anonymous=True)
    assert await made.authenticate(None) == ANONYMOUS
    assert await made.authenticate("Bearer whatever") == ANONYMOUS
    assert (ANONYMOUS.tenant, ANONYMOUS.anonymous) == ("default", True)
    assert ANONYMOUS.roles == {Role.VIEWER, Role.CLIENT, Role.ADMIN, Role.AGENT}


async def test_bad_credentials_do_not_fall_back_to_anonymous() -> None:
    made = World().authenticator(**KEYS, anonymous=True)
    assert await made.authenticate(None) == ANONYMOUS
    assert await reason(made, f"Bearer {token(OTHER_EC)}") == "CREDENTIALS_INVALID"


async def test_keys_are_fetched_once_and_again_when_they_were_rotated() -> None:
    world = World()
    made = world.authenticator(**KEYS)
    assert world.fetches == 0
    for _ in range(5):
        await made.authenticate(f"Bearer {token()}")
    assert world.fetches == 1
    world.document = jwks(jwk(OTHER_EC, "k2"))
    assert await reason(made, f"Bearer {token(OTHER_EC, kid='k2')}") == "CREDENTIALS_INVALID"
    world.time = 10
    assert await made.authenticate(f"Bearer {token(OTHER_EC, kid='k2')}") == ANN
    assert await reason(made, f"Bearer {token()}") == "CREDENTIALS_INVALID"
    assert world.fetches == 2


async def test_while_the_endpoint_is_down_known_keys_go_on_and_unknown_ones_are_refused() -> None:
    world = World()
    made = world.authenticator(**KEYS)
    await made.authenticate(f"Bearer {token()}")
    world.document, world.time = OSError(), 1_000
    assert await made.authenticate(f"Bearer {token(exp=NOW + 9_999)}") == ANN
    await made.close()
    assert await reason(made, f"Bearer {token(OTHER_EC, kid='k2', exp=NOW + 9_999)}") == "CREDENTIALS_INVALID"


async def test_before_the_first_fetch_succeeds_callers_are_told_to_come_again() -> None:
    world = World(OSError())
    made = world.authenticator(**KEYS)
    with pytest.raises(NetworkError) as caught:
        await made.authenticate(f"Bearer {token()}")
    assert caught.value.retry_after_seconds == 10.0
    world.document, world.time = jwks(jwk(EC, "k1")), 10
    assert await made.authenticate(f"Bearer {token()}") == ANN


async def test_a_secret_and_published_keys_serve_side_by_side() -> None:
    made = World().authenticator(**{**KEYS, "algorithms": ("ES256", "HS256")}, secret=SECRET)
    assert await made.authenticate(f"Bearer {token(SECRET, 'HS256', kid=None)}") == ANN
    assert await made.authenticate(f"Bearer {token()}") == ANN
    await made.close()


async def test_a_secret_alone_needs_no_endpoint() -> None:
    made = World().authenticator(secret=SECRET, algorithms=("HS256",))
    assert await made.authenticate(f"Bearer {token(SECRET, 'HS256')}") == ANN
    assert await reason(made, f"Bearer {token(EC)}") == "CREDENTIALS_INVALID"
    await made.close()


async def test_a_key_file_is_read_at_start(tmp_path: Path) -> None:
    path = tmp_path / "keys.pem"
    path.write_bytes(pem(EC))
    options = AuthenticationOptions(keys=str(path), audience="genesis", algorithms=("ES256",))
    made = Authenticator(options, wall_clock=lambda: NOW, clock=lambda: 0.0)
    assert await made.authenticate(f"Bearer {token()}") == ANN
    path.write_text("nonsense")
    with pytest.raises(ValueError, match="neither PEM"):
        Authenticator(options, wall_clock=lambda: NOW, clock=lambda: 0.0)
    path.unlink()
    with pytest.raises(ValueError, match="cannot be read: No such file"):
        Authenticator(options, wall_clock=lambda: NOW, clock=lambda: 0.0)


def test_all_mistakes_in_the_options_are_told_at_once() -> None:
    with pytest.raises(ValueError, match="no algorithm") as caught:
        World().authenticator(keys="http://issuer", secret="short", algorithms=("none", "HS256"), leeway_seconds=999)
    assert len(str(caught.value).split("\n")) == 6
    with pytest.raises(ValueError, match="nobody could call"):
        World().authenticator()


def test_the_secret_does_not_show() -> None:
    assert SECRET not in repr(AuthenticationOptions(secret=SECRET))
