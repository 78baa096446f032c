"""Who calls: an agent's signature, a bearer token, a client certificate, or, where that is allowed, anybody.

A signature is looked at first, whatever else is configured: who signs means it. A token is looked at before a certificate, because it
says more: behind a proxy every call has the proxy's certificate. Anonymous callers are let in by a setting that is on only for
loopback listeners without other authentication. They have every role in the tenant "default": whoever reaches the loopback interface
owns the machine's session anyway, and a first run needs no set-up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from genesis_server.model.caller import Caller, Role
from genesis_server.resilience.errors import SecurityError
from genesis_server.security.agent_signatures import SignatureVerifier, is_signature
from genesis_server.security.certificates import CertificateIdentity, caller_of
from genesis_server.security.jwks import Fetch, PublishedKeys, check_place, fetch, is_file
from genesis_server.security.signing_keys import ASYMMETRIC_ALGORITHMS, KNOWN_ALGORITHMS, KeySet, shared_secret
from genesis_server.security.tokens import JwtVerifier, TokenRules, UnknownKeyError, invalid_credentials

ANONYMOUS = Caller("default", "anonymous", frozenset(Role), anonymous=True)
_GREATEST_LEEWAY_SECONDS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthenticationOptions:
    """How callers are authenticated; several ways may stand side by side."""

    anonymous: bool = False
    """Let callers without credentials in, with every role in the tenant "default"."""
    keys: str = ""
    """Where the token issuer's public keys are: a file (PEM or JSON web key set) or the https address of a key set. Renewed by age."""
    secret: str = field(default="", repr=False)
    """Secret of tokens signed with HMAC, at least 32 bytes; needs HS256 in `algorithms`."""
    algorithms: tuple[str, ...] = ()
    """Signature algorithms that are accepted."""
    issuer: str = ""
    """`iss` of tokens; empty takes any."""
    audience: str = ""
    """`aud` of tokens; required with public keys, so that a token for another service does not open this one."""
    leeway_seconds: float = 30.0
    """How far the issuer's clock may be apart, 0 to 300."""
    tenant_claim: str = "tenant"
    """Name of the claim with the tenant. A token without it is refused."""
    roles_claim: str = "roles"
    """Name of the claim with the roles: a list, or a text with spaces. A token without roles may call nothing but health."""
    certificates: tuple[CertificateIdentity, ...] = ()
    """Which client certificates are whom; needs a client CA on the listener."""

    @property
    def takes_tokens(self) -> bool:
        """Whether any key for tokens is given."""
        return bool(self.keys or self.secret)

    def mistakes(self) -> list[str]:
        """Everything that is wrong, each with what to do; empty when all is well."""
        found = [
            f"{name} is no algorithm of tokens; known are {', '.join(sorted(KNOWN_ALGORITHMS))}"
            for name in self.algorithms
            if name not in KNOWN_ALGORITHMS
        ]
        if not (self.takes_tokens or self.certificates or self.anonymous):
            found.append("nobody could call: give token keys, a secret or certificate identities, or let anonymous callers in")
        if self.keys and not self.audience:
            found.append("audience must be set with public keys, else tokens meant for other services are accepted")
        if self.keys and not ASYMMETRIC_ALGORITHMS.intersection(self.algorithms):
            found.append("public keys are given, and no allowed algorithm uses one; allow RS256, ES256 or EdDSA")
        if not 0 <= self.leeway_seconds <= _GREATEST_LEEWAY_SECONDS:
            found.append(f"leeway_seconds must be from 0 to {_GREATEST_LEEWAY_SECONDS}")
        if wrong := check_place(self.keys):
            found.append(wrong)
        if self.secret:
            try:
                shared_secret(self.secret, self.algorithms)
            except ValueError as error:
                found.append(str(error))
        return found


class Authenticator:
    """Turns credentials into callers; belongs to one event loop."""

    def __init__(
        self,
        options: AuthenticationOptions,
        *,
        wall_clock: Callable[[], float],
        clock: Callable[[], float],
        fetch: Fetch = fetch,
        signatures: SignatureVerifier | None = None,
    ) -> None:
        """`wall_clock`: seconds since 1970, for `exp`; `clock`: seconds that never go back, for key renewals; `signatures`: of agents.

        Raises ValueError with every mistake in the options, one a line; also when keys in a file cannot be read. Keys at an
        address are fetched when the first token comes, so that the server starts without their issuer.
        """
        if wrong := options.mistakes():
            raise ValueError("\n".join(wrong))
        self._options = options
        self._wall_clock = wall_clock
        self._signatures = signatures
        self._secret = shared_secret(options.secret, options.algorithms) if options.secret else KeySet()
        self._published = PublishedKeys(options.keys, clock, fetch) if options.keys else None
        if self._published is not None and is_file(options.keys):
            try:
                self._published.load_file()
            except OSError as error:
                raise ValueError(f"the file of token keys cannot be read: {error.strerror or type(error).__name__}") from error
        self._seen = KeySet()
        self._all = self._secret
        rules = TokenRules(
            issuer=options.issuer,
            audience=options.audience,
            algorithms=frozenset(options.algorithms),
            leeway_seconds=options.leeway_seconds,
            tenant_claim=options.tenant_claim,
            roles_claim=options.roles_claim,
        )
        self._verifier = JwtVerifier(rules, self._keys)

    @property
    def takes_certificates(self) -> bool:
        """Whether the names in a client's certificate can tell who calls."""
        return bool(self._options.certificates)

    async def authenticate(
        self, authorization: str | None, certificate_names: Sequence[str] = (), *, method: str = "", body: bytes | None = None
    ) -> Caller:
        """Who calls, from the value of the `authorization` metadata and the names in the client's verified certificate.

        `method` and `body`, the request's bytes, are what signatures cover. Credentials that are sent must be good, even where
        anonymous callers are let in. Raises SecurityError CREDENTIALS_MISSING, CREDENTIALS_INVALID, CREDENTIALS_EXPIRED or
        CREDENTIALS_REPLAYED, NetworkError when the keys of tokens could never be fetched, and what the store of the nonces raises.
        """
        options = self._options
        if authorization is not None and is_signature(authorization):
            if self._signatures is None:
                raise invalid_credentials()
            return await self._signatures.verify(authorization, method=method, body=body)
        if authorization is not None and options.takes_tokens:
            return await self._from_token(authorization)
        if certificate_names and options.certificates:
            return caller_of(certificate_names, options.certificates)
        if options.anonymous:
            return ANONYMOUS
        wanted = "a bearer token in the authorization metadata" if options.takes_tokens else "a client certificate"
        raise SecurityError("CREDENTIALS_MISSING", f"the call has no credentials; send {wanted}")

    async def close(self) -> None:
        """Wait for what runs in the background."""
        if self._published is not None:
            await self._published.close()

    async def _from_token(self, authorization: str) -> Caller:
        scheme, _, token = authorization.strip().partition(" ")
        if scheme.lower() != "bearer":
            raise invalid_credentials()
        token = token.strip()
        if self._published is not None:
            self._published.renew_if_old()
        try:
            return self._verifier.verify(token, self._wall_clock())
        except UnknownKeyError:
            if self._published is None:
                raise
            await self._published.renew_if_due()
            return self._verifier.verify(token, self._wall_clock())

    def _keys(self) -> KeySet:
        """Secret and published keys; the same object as long as they are the same."""
        if self._published is not None and self._published.current is not self._seen:
            self._seen = self._published.current
            self._all = self._secret | self._seen
        return self._all
