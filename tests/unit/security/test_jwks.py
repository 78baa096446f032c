"""Published keys are fetched when needed, renewed by age, and survive their issuer's absence."""

from __future__ import annotations

import asyncio
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from issuer import EC, OTHER_EC, jwk, jwks, pem

from genesis_server.resilience.errors import NetworkError
from genesis_server.security.jwks import PublishedKeys, check_place, fetch, is_file

OLD, NEW = jwks(jwk(EC, "old")), jwks(jwk(OTHER_EC, "new"))


class Issuer:
    """Stands for an endpoint."""

    def __init__(self, document: bytes | Exception = OLD) -> None:
        self.document = document
        self.fetches = 0
        self.gate: threading.Event | None = None

    def __call__(self, place: str, timeout: float) -> bytes:
        del place, timeout
        self.fetches += 1
        if self.gate is not None:
            assert self.gate.wait(10)
        if isinstance(self.document, Exception):
            raise self.document
        return self.document


class Clock:
    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time


def ids(keys: PublishedKeys) -> list[str]:
    return [key.key_id for key in keys.current.keys]


async def test_the_first_need_fetches_and_many_callers_share_one_fetch() -> None:
    issuer = Issuer()
    keys = PublishedKeys("https://issuer/keys", Clock(), issuer)
    await asyncio.gather(*(keys.renew_if_due() for _ in range(20)))
    assert (ids(keys), issuer.fetches) == (["old"], 1)


async def test_unknown_keys_do_not_make_the_server_hammer_the_issuer() -> None:
    issuer, clock = Issuer(), Clock()
    keys = PublishedKeys("https://issuer/keys", clock, issuer)
    for _ in range(50):
        await keys.renew_if_due()
    assert issuer.fetches == 1
    issuer.document = NEW
    clock.time += 10
    await keys.renew_if_due()
    assert (ids(keys), issuer.fetches) == (["new"], 2)


async def test_an_old_set_is_renewed_in_the_background_while_it_serves() -> None:
    issuer, clock = Issuer(), Clock()
    keys = PublishedKeys("https://issuer/keys", clock, issuer)
    await keys.renew_if_due()
    issuer.document = NEW
    clock.time += 299
    keys.renew_if_old()
    await keys.close()
    assert ids(keys) == ["old"]
    clock.time += 1
    keys.renew_if_old()
    keys.renew_if_old()
    assert ids(keys) == ["old"]
    await keys.close()
    assert (ids(keys), issuer.fetches) == (["new"], 2)


async def test_the_last_good_set_serves_while_the_issuer_is_down(caplog: pytest.LogCaptureFixture) -> None:
    issuer, clock = Issuer(), Clock()
    keys = PublishedKeys("https://issuer/keys", clock, issuer)
    await keys.renew_if_due()
    before = keys.current
    for wrong in (OSError("no route to 10.0.0.1"), b"<html>", jwks(), TimeoutError()):
        issuer.document = wrong
        clock.time += 400
        keys.renew_if_old()
        await keys.close()
        await keys.renew_if_due()
    assert keys.current is before
    assert "last good ones go on serving" in caplog.text
    assert "10.0.0.1" not in caplog.text


async def test_without_any_set_the_caller_is_told_to_come_again() -> None:
    issuer, clock = Issuer(OSError()), Clock()
    keys = PublishedKeys("https://issuer/keys", clock, issuer)
    for _ in range(3):
        with pytest.raises(NetworkError) as caught:
            await keys.renew_if_due()
    assert (caught.value.reason, caught.value.retry_after_seconds, issuer.fetches) == ("DEPENDENCY_CIRCUIT_OPEN", 10.0, 1)
    issuer.document = OLD
    clock.time += 10
    await keys.renew_if_due()
    assert ids(keys) == ["old"]


async def test_a_fetch_that_hangs_is_given_up() -> None:
    issuer = Issuer()
    issuer.gate = threading.Event()
    keys = PublishedKeys("https://issuer/keys", Clock(), issuer, timeout_seconds=0.01)
    try:
        with pytest.raises(NetworkError):
            await keys.renew_if_due()
    finally:
        issuer.gate.set()


async def test_a_caller_that_goes_away_does_not_end_the_fetch_of_others() -> None:
    issuer = Issuer()
    issuer.gate = threading.Event()
    keys = PublishedKeys("https://issuer/keys", Clock(), issuer)
    first, second = asyncio.create_task(keys.renew_if_due()), asyncio.create_task(keys.renew_if_due())
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    issuer.gate.set()
    await second
    assert first.cancelled()
    assert (ids(keys), issuer.fetches) == (["old"], 1)


async def test_the_same_keys_again_are_the_same_set() -> None:
    issuer, clock = Issuer(), Clock()
    keys = PublishedKeys("https://issuer/keys", clock, issuer)
    await keys.renew_if_due()
    before = keys.current
    clock.time += 400
    keys.renew_if_old()
    await keys.close()
    assert (keys.current is before, issuer.fetches) == (True, 2)


async def test_a_file_is_read_at_start_and_again_when_old(tmp_path: Path) -> None:
    path, clock = tmp_path / "keys.pem", Clock()
    path.write_bytes(pem(EC))
    keys = PublishedKeys(str(path), clock)
    keys.load_file()
    before = keys.current
    path.write_bytes(pem(OTHER_EC))
    keys.renew_if_old()
    assert keys.current is before
    clock.time += 300
    keys.renew_if_old()
    await keys.close()
    assert keys.current is not before


@pytest.mark.parametrize("place", ["", "keys.json", "/etc/keys.pem", "https://issuer/keys", "http://127.0.0.1:1/k", "http://localhost/k"])
def test_files_and_safe_addresses_are_taken(place: str) -> None:
    assert check_place(place) == ""


@pytest.mark.parametrize("place", ["http://issuer/keys", "ftp://issuer/keys", "https:///keys", "file:///etc/passwd"])
def test_other_addresses_are_refused(place: str) -> None:
    assert "https address" in check_place(place)
    assert not is_file(place)


@pytest.fixture
def endpoint() -> Iterator[str]:
    """A real endpoint on loopback."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/away":
                self.send_response(302)
                self.send_header("Location", "/keys")
                self.end_headers()
                return
            if self.path == "/odd":
                self.wfile.write(b"what?\r\n\r\n")
                return
            self.send_response(200 if self.path != "/missing" else 404)
            self.end_headers()
            self.wfile.write(b" " * (1 << 20) + b"x" if self.path == "/huge" else OLD)

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_real_endpoint_is_fetched(endpoint: str) -> None:
    assert fetch(f"{endpoint}/keys", 5) == OLD
    assert fetch(f"{endpoint}/away", 5) == OLD


@pytest.mark.parametrize("path", ["/missing", "/odd"])
def test_an_endpoint_that_answers_nonsense_is_an_os_error(endpoint: str, path: str) -> None:
    with pytest.raises(OSError, match=r"404|no proper answer"):
        fetch(endpoint + path, 5)


def test_a_huge_answer_is_refused(endpoint: str) -> None:
    with pytest.raises(ValueError, match="larger than 1 MiB"):
        fetch(f"{endpoint}/huge", 5)
