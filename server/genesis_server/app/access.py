"""Who may call, from the settings: authentication, authorization, TLS."""

from __future__ import annotations

import time

from genesis_server.app.errors import StartError
from genesis_server.rpc.tls import ServerTls
from genesis_server.security.agent_key_source import AgentKeySource
from genesis_server.security.agent_signatures import SignatureVerifier
from genesis_server.security.authentication import AuthenticationOptions, Authenticator
from genesis_server.security.certificates import CertificateIdentity, parse_identities
from genesis_server.security.tls import TlsFiles
from genesis_server.settings import Settings


def agent_keys(settings: Settings) -> AgentKeySource:
    """The keys agents sign with. Raises StartError with every mistake."""
    text = settings.agent_keys
    try:
        return AgentKeySource(settings.agent_keys_file, "" if text is None else text.get_secret_value(), clock=time.time)
    except ValueError as error:
        raise StartError(*str(error).splitlines()) from error


def authenticator(settings: Settings, signatures: SignatureVerifier | None = None) -> Authenticator:
    """What turns credentials into callers, signatures of agents among them. Raises StartError with every mistake."""
    keys, secret = settings.auth_jwt_keys_file, settings.auth_jwt_secret
    options = AuthenticationOptions(
        anonymous=settings.anonymous_allowed,
        keys=settings.auth_jwt_jwks_url if keys is None else str(keys),
        secret="" if secret is None else secret.get_secret_value(),
        issuer=settings.auth_jwt_issuer,
        audience=settings.auth_jwt_audience,
        algorithms=tuple(algorithm.value for algorithm in settings.jwt_algorithms),
        leeway_seconds=settings.auth_jwt_leeway_seconds,
        tenant_claim=settings.auth_jwt_tenant_claim,
        roles_claim=settings.auth_jwt_roles_claim,
        certificates=_identities(settings),
    )
    try:
        return Authenticator(options, wall_clock=time.time, clock=time.monotonic, signatures=signatures)
    except ValueError as error:
        raise StartError(*str(error).splitlines()) from error


def _identities(settings: Settings) -> tuple[CertificateIdentity, ...]:
    path = settings.auth_mtls_file
    if path is None:
        return ()
    try:
        return parse_identities(path.read_text("utf-8"), path.name)
    except ValueError as error:
        raise StartError(*str(error).splitlines()) from error


def listener_tls(settings: Settings) -> ServerTls | None:
    """TLS of the listener; None for plaintext. Raises StartError with what is wrong with the files."""
    if settings.tls_certificate is None or settings.tls_key is None:
        return None
    try:
        return ServerTls(TlsFiles(settings.tls_certificate, settings.tls_key, settings.tls_client_ca, now=time.time))
    except ValueError as error:
        raise StartError(*str(error).splitlines()) from error
