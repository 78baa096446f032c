"""Settings that do not go together, and those that go together but are unwise."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from genesis_server.settings.fields import PATH_FIELDS, Fields, is_loopback, split_address

MIN_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class Conflict:
    """Settings that do not go together."""

    names: tuple[str, ...]
    """The settings, the one to change first."""
    message: str


def conflicts(settings: Fields) -> Iterator[Conflict]:
    """Everything that keeps a server with these settings from starting, or would leave it open."""
    yield from _files(settings)
    yield from _tls(settings)
    yield from _tokens(settings)
    yield from _access(settings)
    yield from _ports(settings)
    yield from _language_model(settings)
    if settings.max_validate_message_bytes < settings.max_message_bytes:
        yield Conflict(("max_validate_message_bytes", "max_message_bytes"), "must not be less than max_message_bytes")


def hints(settings: Fields) -> Iterator[str]:
    """What works and is unwise, in sentences."""
    for name in ("tls_key", "auth_jwt_keys_file", "auth_mtls_file", "agent_keys_file"):
        path: Path | None = getattr(settings, name)
        if path is not None and path.stat().st_mode & 0o022:
            yield f"{name} can be changed by other users of this machine; take the right away (chmod go-w)"
    for name in ("tls_key", "agent_keys_file"):
        secret: Path | None = getattr(settings, name)
        if secret is not None and secret.stat().st_mode & 0o004:
            yield f"{name} can be read by every user of this machine; take the right away (chmod o-r)"
    if not is_loopback(settings.listen) and settings.tls_certificate is None:
        yield "listen is reachable from other machines without TLS; set tls_certificate and tls_key, unless a proxy in front does TLS"
    if settings.llm_url.startswith("http://") and not _loopback_url(settings.llm_url):
        yield "llm_url begins with http://, so everybody on the way can read goals and the key; take https://"
    flags_url = settings.flags_redis_url.get_secret_value() if settings.flags_redis_url is not None else ""
    if flags_url.startswith("redis://") and not _loopback_url(flags_url):
        yield "flags_redis_url begins with redis://, so everybody on the way can read the password and change flags; take rediss://"


def _files(settings: Fields) -> Iterator[Conflict]:
    for name in PATH_FIELDS:
        path: Path | None = getattr(settings, name)
        if path is None or name == "data_dir":
            continue
        folder = name.endswith("_dir")
        try:
            mode = path.stat().st_mode
        except FileNotFoundError:
            yield Conflict((name,), f"there is no {'folder' if folder else 'file'} {path}")
        except (OSError, ValueError) as error:
            yield Conflict((name,), f"{str(path)[:60]!r} cannot be looked at: {getattr(error, 'strerror', None) or error}")
        else:
            if stat.S_ISDIR(mode) != folder:
                yield Conflict((name,), f"{path} is {'no' if folder else 'a'} folder")


def _tls(settings: Fields) -> Iterator[Conflict]:
    if settings.tls_key is not None and settings.tls_certificate is None:
        yield Conflict(("tls_key", "tls_certificate"), "is of no use without tls_certificate; set that too")
    if settings.tls_certificate is not None and settings.tls_key is None:
        yield Conflict(("tls_certificate", "tls_key"), "is of no use without its private key; set tls_key too")
    if settings.tls_client_ca is not None and settings.tls_certificate is None:
        yield Conflict(("tls_client_ca", "tls_certificate"), "needs TLS; set tls_certificate and tls_key too")
    if settings.auth_mtls_file is not None and settings.tls_client_ca is None:
        yield Conflict(("auth_mtls_file", "tls_client_ca"), "needs client certificates; set tls_client_ca too")


def _tokens(settings: Fields) -> Iterator[Conflict]:
    secret = settings.auth_jwt_secret
    public = [name for name in ("auth_jwt_keys_file", "auth_jwt_jwks_url") if getattr(settings, name)]
    if len(public) == 2:
        yield Conflict(("auth_jwt_jwks_url", "auth_jwt_keys_file"), "and auth_jwt_keys_file both say where public keys are; keep one")
    if secret is not None and len(secret.get_secret_value().encode()) < MIN_SECRET_BYTES:
        yield Conflict(("auth_jwt_secret",), f"is shorter than {MIN_SECRET_BYTES} bytes, so it can be guessed; take a longer random one")
    url = settings.auth_jwt_jwks_url
    if url.startswith("http://") and not _loopback_url(url):
        yield Conflict(("auth_jwt_jwks_url",), "must begin with https://, else anyone on the way can put keys of their own in")
    keys = [*public, *(["auth_jwt_secret"] if secret is not None else [])]
    if keys and not settings.auth_jwt_audience:
        yield Conflict(("auth_jwt_audience", *keys), f"must be set with {keys[0]}, else tokens meant for other services are accepted")
    if keys and not settings.auth_jwt_issuer:
        yield Conflict(("auth_jwt_issuer", *keys), f"must be set with {keys[0]}, else a key of one issuer speaks for another")
    shared_key = [algorithm for algorithm in settings.auth_jwt_algorithms if algorithm.startswith("HS")]
    if shared_key and secret is None:
        yield Conflict(("auth_jwt_algorithms", "auth_jwt_secret"), f"has {shared_key[0]}, which needs auth_jwt_secret")
    public_key = [algorithm for algorithm in settings.auth_jwt_algorithms if not algorithm.startswith("HS")]
    if public_key and not public:
        yield Conflict(
            ("auth_jwt_algorithms", "auth_jwt_keys_file", "auth_jwt_jwks_url"),
            f"has {public_key[0]}, which needs auth_jwt_keys_file or auth_jwt_jwks_url",
        )
    if settings.auth_jwt_issuer and not settings.jwt_configured:
        yield Conflict(("auth_jwt_issuer",), "is of no use without auth_jwt_keys_file, auth_jwt_jwks_url or auth_jwt_secret")


def _access(settings: Fields) -> Iterator[Conflict]:
    ways = "auth_jwt_keys_file, auth_jwt_jwks_url, auth_jwt_secret or auth_mtls_file"
    names = ("listen", "auth_anonymous", "auth_jwt_keys_file", "auth_jwt_jwks_url", "auth_jwt_secret", "auth_mtls_file")
    authenticated = settings.jwt_configured or settings.auth_mtls_file is not None
    if not is_loopback(settings.listen):
        reachable = f"{settings.listen} is reachable from other machines"
        if settings.auth_anonymous:
            yield Conflict(("auth_anonymous", "listen"), f"must be false: {reachable}, and anyone there could call; set one of {ways}")
        elif not authenticated:
            yield Conflict(names, f"{reachable}, and callers could not be told apart; set one of {ways}, or listen on 127.0.0.1")
    elif not authenticated and not settings.anonymous_allowed:
        yield Conflict(names[1:], f"is false, so nobody could call; set one of {ways}, or let anonymous callers in")


def _ports(settings: Fields) -> Iterator[Conflict]:
    taken: dict[str, str] = {}
    for name in ("listen", "http_listen", "health_listen"):
        address: str = getattr(settings, name)
        if address and split_address(address)[1]:
            if address in taken:
                yield Conflict((name, taken[address]), f"is the same address as {taken[address]}; take another port")
            taken[address] = name
    if settings.workers == 1:
        return
    if split_address(settings.listen)[1] == 0:
        yield Conflict(("listen", "workers"), "must name a port when workers is more than 1: they share it")
    if split_address(settings.http_listen)[1] + settings.workers - 1 > 65_535:
        yield Conflict(("http_listen", "workers"), "leaves no ports for all workers: worker n takes the port n higher")
    if settings.store_url.endswith(":memory:"):
        yield Conflict(("store", "workers"), "is of one process alone; use a file when workers is more than 1")


def _language_model(settings: Fields) -> Iterator[Conflict]:
    if settings.llm_url and not settings.llm_model:
        yield Conflict(("llm_model", "llm_url"), "must be set with llm_url, which serves more than one")
    if not settings.llm_url:
        for name in ("llm_model", "llm_api_key"):
            if getattr(settings, name):
                yield Conflict((name, "llm_url"), "is of no use without llm_url; set that too")
    if (settings.llm_input_price is None) is not (settings.llm_output_price is None):
        yield Conflict(("llm_output_price", "llm_input_price"), "and llm_input_price go together; set both or none")


def _loopback_url(url: str) -> bool:
    place = url.partition("://")[2].partition("/")[0].partition("?")[0].rpartition("@")[2]
    return is_loopback(place if place.rpartition(":")[2].isdecimal() else f"{place}:80")
