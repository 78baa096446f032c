"""Signed calls: what is signed right is the agent, and everything else is nobody."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from agent_calls import NONCE, NOW, REGISTER, authorization, key
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from genesis_server.model.caller import Caller, Role
from genesis_server.resilience.errors import ResourceError, SecurityError
from genesis_server.security.agent_keys import AGENT_PATTERN, KEY_PATTERN, AgentKey, AgentKeys
from genesis_server.security.agent_signatures import SignatureError, SignatureVerifier, is_signature, parse_signature, sign
from genesis_server.security.authentication import AuthenticationOptions, Authenticator
from genesis_server.security.nonces import KIND, Nonces
from genesis_server.security.tokens import TENANT_PATTERN
from genesis_server.storage.base import Key, Store
from genesis_server.storage.opening import open_store

DOCUMENT = Path(__file__).parents[3] / "docs" / "agents.md"
BUILDER = Caller("acme", "builder", frozenset({Role.AGENT}))
BODY = b"\x0a\x03abc"


@pytest.fixture
async def store() -> AsyncIterator[Store]:
    opened = open_store("sqlite://:memory:", clock=lambda: NOW)
    yield opened
    await opened.close()


class Unused:
    """Nonces that were never used before."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str]] = []

    async def use(self, tenant: str, agent: str, nonce: str, *, until: float) -> bool:
        del until
        self.asked.append((tenant, agent, nonce))
        return True


def verifier(*keys: AgentKey, nonces: Any = None, now: float = NOW) -> SignatureVerifier:
    known = AgentKeys(keys or (key(),))
    return SignatureVerifier(lambda: known, nonces or Unused(), now=lambda: now)


async def refused(made: SignatureVerifier, header: str, body: bytes | None = BODY, method: str = REGISTER) -> SignatureError:
    with pytest.raises(SignatureError) as caught:
        await made.verify(header, method=method, body=body)
    return caught.value


async def test_a_signed_call_is_its_agents() -> None:
    assert await verifier().verify(authorization(key(), BODY), method=REGISTER, body=BODY) == BUILDER


async def test_the_bytes_are_signed_whole_also_when_they_are_many() -> None:
    body = b"x" * 1_000_000
    assert await verifier().verify(authorization(key(), body), method=REGISTER, body=body) == BUILDER
    assert (await refused(verifier(), authorization(key(), body), body[:-1] + b"y")).reason == "CREDENTIALS_INVALID"


async def test_old_and_new_key_are_good_while_they_are_rotated() -> None:
    old, new = key(id="old", not_after=NOW + 10), key(id="new", not_before=NOW - 10)
    assert await verifier(old, new).verify(authorization(old, BODY), method=REGISTER, body=BODY) == BUILDER
    assert await verifier(old, new).verify(authorization(new, BODY), method=REGISTER, body=BODY) == BUILDER
    late = await refused(verifier(old, new, now=NOW + 11), authorization(old, BODY))
    assert (late.reason, "not valid any more" in late.message) == ("CREDENTIALS_EXPIRED", True)
    early = await refused(verifier(old, new, now=NOW - 11), authorization(new, BODY))
    assert (early.reason, "not valid yet" in early.message) == ("CREDENTIALS_INVALID", True)
    assert (await refused(verifier(new), authorization(old, BODY))).reason == "CREDENTIALS_INVALID"


@given(offset=st.floats(-200, 200))
@example(offset=60.0)
@example(offset=-60.0)
@example(offset=60.001)
@example(offset=-60.001)
async def test_a_signature_is_good_for_a_minute_either_way(offset: float) -> None:
    made, header = verifier(now=NOW + offset), authorization(key(), BODY)
    if abs(offset) <= 60:
        assert await made.verify(header, method=REGISTER, body=BODY) == BUILDER
    else:
        error = await refused(made, header)
        assert (error.reason, error.tenant, error.agent) == ("CREDENTIALS_EXPIRED", "acme", "builder")


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
async def test_any_changed_byte_of_anything_signed_is_refused(data: st.DataObject) -> None:
    """Metadata, body or method: one byte is enough."""
    header, body, method = authorization(key(), BODY).encode(), BODY, REGISTER.encode()
    part = data.draw(st.sampled_from(["header", "body", "method"]))
    source = {"header": header, "body": body, "method": method}[part]
    place, value = data.draw(st.integers(0, len(source) - 1)), data.draw(st.integers(0, 127))
    changed = source[:place] + bytes([value]) + source[place + 1 :]
    if changed == source:
        return
    nonces = Unused()
    parts = {"header": header, "body": body, "method": method, part: changed}
    error = await refused(verifier(nonces=nonces), parts["header"].decode(), parts["body"], parts["method"].decode())
    assert error.reason == "CREDENTIALS_INVALID"
    assert nonces.asked == []


@given(data=st.data())
async def test_any_lost_or_added_byte_is_refused(data: st.DataObject) -> None:
    header, body = authorization(key(), BODY), BODY
    place, added = data.draw(st.integers(0, len(header))), data.draw(st.sampled_from(["", " ", "\n", "=", "0", "a", ","]))
    changed = header[:place] + (added or "") + header[place if added else place + 1 :]
    # Padding of a nonce is part of it, and signed.
    if changed != header:
        assert (await refused(verifier(), changed, body)).reason == "CREDENTIALS_INVALID"
    grown = body[: place % 5] + b"\0" + body[place % 5 :]
    assert (await refused(verifier(), header, grown)).reason == "CREDENTIALS_INVALID"


@given(
    tenant=st.from_regex(TENANT_PATTERN, fullmatch=True),
    agent=st.from_regex(AGENT_PATTERN, fullmatch=True),
    name=st.from_regex(KEY_PATTERN, fullmatch=True),
)
async def test_whatever_the_names_a_signed_call_is_its_agents_and_no_others(tenant: str, agent: str, name: str) -> None:
    signing, other = key(agent, name, tenant=tenant), key("other", name, tenant=tenant)
    header = authorization(signing, BODY)
    assert await verifier(signing, other).verify(header, method=REGISTER, body=BODY) == Caller(tenant, agent, frozenset({Role.AGENT}))
    if agent != "other":
        forged = authorization(AgentKey(tenant=tenant, agent=agent, id=name, secret=other.secret), BODY)
        assert (await refused(verifier(signing, other), forged)).reason == "CREDENTIALS_INVALID"


async def test_who_has_no_key_learns_nothing() -> None:
    """An unknown tenant, agent or key and a bad signature are one answer; only the record tells them apart."""
    stranger, newer = key("stranger"), key(id="k9")
    forged = key(secret="x" * 40)
    found = [await refused(verifier(), authorization(one, BODY)) for one in (stranger, newer, key(tenant="other"), forged)]
    found.append(await refused(verifier(now=NOW + 999), authorization(forged, BODY)))
    assert {(error.reason, error.message, tuple(error.facts)) for error in found} == {(found[0].reason, found[0].message, ())}
    assert [(error.tenant, error.agent) for error in found] == [
        (None, "stranger"),
        (None, "builder"),
        (None, "builder"),
        ("acme", "builder"),
        ("acme", "builder"),
    ]


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("Genesis-HMAC-SHA256 ", "genesis-hmac-sha256 "),
        lambda text: text.replace("SHA256 ", "SHA256  "),
        lambda text: text.replace(",agent=", ", agent="),
        lambda text: text.replace("time=1", "time=01"),
        lambda text: text.replace("time=1", "time=+1"),
        lambda text: text.replace(NONCE, NONCE[:-1]),
        lambda text: text.replace(NONCE, NONCE * 6),
        lambda text: text[:-64] + text[-64:].upper(),
        lambda text: text + ",tenant=other",
        lambda text: text + "\n",
        lambda text: text.replace("tenant=acme,agent=builder", "agent=builder,tenant=acme"),
        lambda text: text.partition(" ")[0],
        lambda text: text.partition(" ")[0] + " ",
    ],
)
async def test_another_form_is_refused(change: Any) -> None:
    changed = change(authorization(key(), BODY))
    assert is_signature(changed)
    assert parse_signature(changed) is None
    assert (await refused(verifier(), changed)).reason == "CREDENTIALS_INVALID"


async def test_bytes_that_are_not_known_are_refused() -> None:
    assert (await refused(verifier(), authorization(key()), None)).reason == "CREDENTIALS_INVALID"


async def test_a_call_that_comes_again_is_refused(store: Store) -> None:
    made, header = verifier(key(), key("tester"), nonces=Nonces(store)), authorization(key(), BODY)
    assert await made.verify(header, method=REGISTER, body=BODY) == BUILDER
    error = await refused(made, header)
    assert (error.reason, error.tenant, error.agent) == ("CREDENTIALS_REPLAYED", "acme", "builder")
    # The same nonce with another time is a replay too; another agent's nonces are its own.
    assert (await refused(made, authorization(key(), BODY, time=NOW + 1))).reason == "CREDENTIALS_REPLAYED"
    assert (await made.verify(authorization(key("tester"), BODY), method=REGISTER, body=BODY)).subject == "tester"


async def test_a_nonce_is_kept_until_no_server_would_take_its_signature(tmp_path: Path) -> None:
    now = NOW
    store = open_store(f"sqlite://{tmp_path}/store.db", clock=lambda: now)
    known = AgentKeys([key()])
    made = SignatureVerifier(lambda: known, Nonces(store), now=lambda: now)
    header = authorization(key(), BODY, time=NOW + 60)
    await made.verify(header, method=REGISTER, body=BODY)
    assert (await refused(made, header)).reason == "CREDENTIALS_REPLAYED"
    now = NOW + 120
    assert (await refused(made, header)).reason == "CREDENTIALS_REPLAYED"
    now = NOW + 121
    assert (await refused(made, header)).reason == "CREDENTIALS_EXPIRED"
    assert len(await store.list("acme", KIND)) == 1
    now = NOW + 181
    assert await store.list("acme", KIND) == []
    await store.close()


async def test_of_many_copies_at_two_processes_one_gets_in(tmp_path: Path) -> None:
    stores = [open_store(f"sqlite://{tmp_path}/store.db", clock=lambda: NOW) for _ in range(2)]
    made = [verifier(nonces=Nonces(store)) for store in stores]
    for number in range(5):
        header = authorization(key(), BODY, nonce=f"{number:022}")
        tries = [made[copy % 2].verify(header, method=REGISTER, body=BODY) for copy in range(10)]
        answers = await asyncio.gather(*tries, return_exceptions=True)
        assert answers.count(BUILDER) == 1
        assert {error.reason for error in answers if isinstance(error, SignatureError)} == {"CREDENTIALS_REPLAYED"}
    for store in stores:
        await store.close()


_OTHER_PROCESS = """
import asyncio, sys, time
from genesis_server.security.nonces import Nonces
from genesis_server.storage.opening import open_store

async def main():
    store = open_store(sys.argv[1], clock=time.time)
    print([await Nonces(store).use("acme", "builder", nonce, until=time.time() + 99) for nonce in ("used", "new")])
    await store.close()

asyncio.run(main())
"""


async def test_a_nonce_used_at_one_process_is_used_at_all(tmp_path: Path) -> None:
    url = f"sqlite://{tmp_path}/store.db"
    store = open_store(url, clock=time.time)
    assert await Nonces(store).use("acme", "builder", "used", until=time.time() + 99)
    command = [sys.executable, "-c", _OTHER_PROCESS, url]
    told = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=60, check=True)
    assert told.stdout.strip() == "[False, True]"
    assert not await Nonces(store).use("acme", "builder", "new", until=time.time() + 99)
    await store.close()


async def test_while_the_store_does_not_answer_nobody_gets_in() -> None:
    class Broken:
        async def put(self, place: Key, *_: Any, **__: Any) -> int:
            raise ResourceError("STORAGE_UNAVAILABLE", f"no {place.kind}")

    broken: Any = Broken()
    with pytest.raises(ResourceError) as caught:
        await verifier(nonces=Nonces(broken)).verify(authorization(key(), BODY), method=REGISTER, body=BODY)
    assert caught.value.reason == "STORAGE_UNAVAILABLE"


async def test_a_bad_signature_uses_no_nonce(store: Store) -> None:
    made = verifier(nonces=Nonces(store))
    await refused(made, authorization(key(secret="x" * 40), BODY))
    await refused(verifier(nonces=Nonces(store), now=NOW + 61), authorization(key(), BODY))
    assert await store.list("acme", KIND) == []
    assert await made.verify(authorization(key(), BODY), method=REGISTER, body=BODY) == BUILDER


async def test_a_signature_is_looked_at_before_anything_else_and_never_becomes_anonymous() -> None:
    def authenticator(signatures: SignatureVerifier | None) -> Authenticator:
        return Authenticator(AuthenticationOptions(anonymous=True), wall_clock=lambda: NOW, clock=lambda: 0.0, signatures=signatures)

    signed, forged = authorization(key(), BODY), authorization(key(secret="x" * 40), BODY)
    assert await authenticator(verifier()).authenticate(signed, method=REGISTER, body=BODY) == BUILDER
    assert (await authenticator(verifier()).authenticate(None, method=REGISTER, body=BODY)).anonymous
    for made, header in ((authenticator(verifier()), forged), (authenticator(None), signed)):
        with pytest.raises(SecurityError) as caught:
            await made.authenticate(header, method=REGISTER, body=BODY)
        assert caught.value.reason == "CREDENTIALS_INVALID"


def test_the_example_of_the_documentation_is_what_the_server_checks() -> None:
    text = DOCUMENT.read_text("utf-8").partition("<!-- signing example")[2]
    parts = dict(re.findall(r"^\| ([a-z0-9 ]+) \| `([^`]+)` \|$", text, re.MULTILINE)[:10])
    named = {name: parts[name] for name in ("method", "tenant", "agent", "key", "time", "nonce")}
    assert sign(parts["secret"].encode(), body_sha256=parts["body sha256"], **named) == parts["signature"]
    header = authorization(
        key(parts["agent"], parts["key"], tenant=parts["tenant"], secret=parts["secret"]),
        bytes.fromhex(parts["body"]),
        method=parts["method"],
        time=float(parts["time"]),
        nonce=parts["nonce"],
    )
    assert f"\n{header}\n" in text
