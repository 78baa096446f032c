"""What can be set. The text below a field is its description; its unit is part of its name."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, ByteSize, Field, SecretStr, StringConstraints
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

ENVIRONMENT_PREFIX = "GENESIS_"
STORE_FILE = "genesis.sqlite3"
MASK = "********"


class Environment(StrEnum):
    """Where the server runs."""

    DEVELOPMENT = "development"
    STAGING = "staging"
    PRODUCTION = "production"


class TripwireMode(StrEnum):
    """What happens to a text that looks like an injection."""

    ANNOTATE = "annotate"
    BLOCK = "block"


class LogLevel(StrEnum):
    """The least severe record that is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """How records are written; auto is text on a terminal and JSON elsewhere."""

    AUTO = "auto"
    JSON = "json"
    TEXT = "text"


class JwtAlgorithm(StrEnum):
    """Signature algorithms a bearer token may use; those with HS take the shared secret, the others public keys."""

    HS256 = "HS256"
    HS384 = "HS384"
    HS512 = "HS512"
    RS256 = "RS256"
    RS384 = "RS384"
    RS512 = "RS512"
    ES256 = "ES256"
    ES384 = "ES384"
    EDDSA = "EdDSA"


def state_folder(environ: Mapping[str, str]) -> Path:
    """Where data is kept unless data_dir says otherwise."""
    base = environ.get("XDG_STATE_HOME") or Path(environ.get("HOME") or "~").expanduser() / ".local" / "state"
    return Path(base) / "genesis"


def split_address(address: str) -> tuple[str, int]:
    """Host and port of `host:port` or `[ipv6]:port`. Raises ValueError."""
    host, colon, port = address.rpartition(":")
    bare = host.removeprefix("[").removesuffix("]")
    if not colon or not bare or (":" in bare and bare == host):
        raise ValueError("must be host:port, for example 127.0.0.1:50051 or [::1]:50051")
    if not (port.isascii() and port.isdecimal() and int(port) <= 65_535):
        raise ValueError(f"the port must be a number from 0 (any free one) to 65535, not {port!r}")
    return bare, int(port)


def is_loopback(address: str) -> bool:
    """Whether only this machine can reach the address."""
    host, _ = split_address(address)
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def masked(text: str) -> str:
    """The text without the credentials in a URL."""
    return re.sub(r"//[^/@]*@", f"//{MASK}@", text)


def _address(value: str) -> str:
    split_address(value)
    return value


def _words(value: object) -> object:
    return [word.strip() for word in value.split(",") if word.strip()] if isinstance(value, str) else value


def _bytes(value: object) -> object:
    if isinstance(value, float):
        raise ValueError("must be a whole number of bytes, or a text such as 4MiB")  # noqa: TRY004  (pydantic collects ValueError only)
    return value


def _url(value: str) -> str:
    if value and not (value.startswith(("http://", "https://")) and value.partition("://")[2] and value.isprintable() and " " not in value):
        raise ValueError("must begin with https:// or http:// and hold no spaces")
    return value


def _store(value: str) -> str:
    if value and not (value.startswith("sqlite://") and value.removeprefix("sqlite://").strip("/")):
        raise ValueError("must be sqlite:///path/of/the/file or sqlite://:memory:")
    return value


def _redis_url(value: SecretStr) -> SecretStr:
    found = _REDIS_URL.fullmatch(value.get_secret_value())
    if found is None or int(found["port"] or 0) > 65_535:
        raise ValueError(
            "must be redis://:password@host:6379/0, rediss:// for TLS, or unix:///path/of/the/socket; a password percent-encoded"
        )
    return value


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


_REDIS_URL = re.compile(
    r"(rediss?://([^@/\s]*@)?([^@/?#:\s\[\]]+|\[[0-9A-Fa-f:.]+\])(:(?P<port>\d{1,5}))?(/\d*)?|unix://([^@/\s]*@)?/[^@?#\s]+)(\?[^#\s]*)?",
    re.ASCII,
)
Address = Annotated[str, AfterValidator(_address)]
OptionalAddress = Annotated[str, AfterValidator(lambda value: _address(value) if value else value)]
Bytes = Annotated[ByteSize, BeforeValidator(_bytes), Field(ge=1024, le=2_147_483_647)]
Seconds = Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)]
Url = Annotated[str, AfterValidator(_url)]
RedisUrl = Annotated[SecretStr, AfterValidator(_redis_url)]
RedisPrefix = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:/-]{1,128}$")]
Name = Annotated[str, StringConstraints(min_length=1, max_length=128)]


class Fields(BaseSettings):
    """The settings by name; loading.py fills them."""

    model_config = SettingsConfigDict(env_prefix=ENVIRONMENT_PREFIX, extra="forbid", frozen=True, use_attribute_docstrings=True)

    env: Annotated[Environment, BeforeValidator(_lower)] = Environment.DEVELOPMENT
    """Where the server runs. In production the tripwire blocks unless tripwire_mode says otherwise."""

    listen: Address = "127.0.0.1:50051"
    """Where gRPC is served, host:port; port 0 takes any free one."""
    http_listen: Address = "127.0.0.1:8000"
    """Where /health, /livez, /readyz and /metrics are served; worker n listens n ports higher."""
    health_listen: OptionalAddress = ""
    """A second gRPC port without TLS that answers grpc.health.v1 only, for probes; empty: none."""
    workers: Annotated[int, Field(ge=1, le=64)] = 1
    """Processes that share the gRPC port."""
    reflection: bool = False
    """Serve gRPC reflection (role admin), so that grpcurl and buf curl find the contract."""
    channelz: bool = False
    """Serve channelz (role admin), to look into connections."""

    data_dir: Path = Field(default_factory=lambda: state_folder(os.environ))
    """Folder of the embedded store; unset: genesis in $XDG_STATE_HOME or ~/.local/state."""
    store: Annotated[str, AfterValidator(_store)] = ""
    """URL of the store, sqlite:///path or sqlite://:memory:; empty: genesis.sqlite3 in data_dir."""
    storage_test_mode: bool = False
    """Refuse to start with a data_dir outside the system's temporary directory, so that a test cannot write over real data."""
    agents_file: Path | None = None
    """Agents to register, TOML; unset: the fifteen that ship."""
    methods_dir: Path | None = None
    """Folder of planning methods, TOML; unset: those that ship."""
    flags_file: Path | None = None
    """Feature flags in flagd's format, JSON; unset: all at their built-in defaults."""
    flags_redis_url: RedisUrl | None = None
    """Redis that keeps the flags written through FlagAdminService, for example redis://:password@host:6379/0; unset: the store does."""
    flags_redis_prefix: RedisPrefix = "genesis:flags"
    """What the names in flags_redis_url begin with; servers with the same prefix share their flags."""
    rulebook_file: Path | None = None
    """Rules of the router, TOML, in use unless others were activated through PolicyService; unset: those that ship."""
    reload_seconds: Annotated[float, Field(ge=0.05, le=3_600, allow_inf_nan=False)] = 0.5
    """How often the agents, methods, flags and rulebook files are looked at for changes."""

    tls_certificate: Path | None = None
    """Certificate chain of the server, PEM."""
    tls_key: Path | None = None
    """Private key of tls_certificate, PEM."""
    tls_client_ca: Path | None = None
    """Authorities that sign client certificates, PEM; when set, every client must show one."""

    auth_anonymous: bool | None = None
    """Let callers without credentials in. Unset: exactly when listen is loopback and no other authentication is set up."""
    auth_jwt_keys_file: Path | None = None
    """Public keys of bearer tokens: PEM, or a JSON Web Key Set."""
    auth_jwt_jwks_url: Url = ""
    """Where the JSON Web Key Set of bearer tokens is fetched."""
    auth_jwt_secret: SecretStr | None = None
    """Shared secret of bearer tokens signed with HS256, HS384 or HS512, at least 32 bytes."""
    auth_jwt_algorithms: Annotated[tuple[JwtAlgorithm, ...], NoDecode, BeforeValidator(_words)] = ()
    """Signatures that are accepted, in a variable separated by commas. Unset: HS256 with a secret; RS256, ES256, EdDSA with keys."""
    auth_jwt_issuer: str = ""
    """Who must have issued a token (claim iss); must be set with keys or a secret."""
    auth_jwt_audience: str = ""
    """Whom a token must be meant for (claim aud); must be set with keys or a secret."""
    auth_jwt_tenant_claim: Name = "tenant"
    """Claim that holds the caller's tenant."""
    auth_jwt_roles_claim: Name = "roles"
    """Claim that holds the caller's roles: viewer, client, admin, agent."""
    auth_jwt_leeway_seconds: Annotated[float, Field(ge=0, le=300, allow_inf_nan=False)] = 30
    """How far the clocks of issuer and server may differ."""
    auth_mtls_file: Path | None = None
    """Who the holders of client certificates are: names → tenant and roles, TOML."""

    agent_keys_file: Path | None = None
    """Keys agents sign their calls with (HMAC-SHA256), TOML; read again when it changes."""
    agent_keys: SecretStr | None = None
    """The same keys in one text, for small set-ups: tenant/agent:key-id=secret, several with commas between them."""

    llm_url: Url = ""
    """Base URL of an OpenAI-compatible API whose model drafts plans, for example https://api.openai.com/v1; empty: plans need no model."""
    llm_model: Annotated[str, StringConstraints(max_length=256)] = ""
    """Name of the model at llm_url; must be set with it."""
    llm_api_key: SecretStr | None = None
    """Key that llm_url asks for, sent to it as a bearer token."""
    llm_timeout_seconds: Annotated[float, Field(gt=0, le=3_600, allow_inf_nan=False)] = 20
    """Longest time the model may take for a draft, retries included; a caller's deadline shortens it."""
    llm_max_output_tokens: Annotated[int, Field(ge=64, le=1_000_000)] = 4_096
    """Most tokens the model may write for one draft."""
    llm_catalogue_entries: Annotated[int, Field(ge=0, le=1_000)] = 60
    """Most catalogue entries the model is told of: those that share most words with the goal."""
    llm_input_price: Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)] | None = None
    """Price of a million input tokens in USD; unset: the published price for llm_url and llm_model, where there is one."""
    llm_output_price: Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)] | None = None
    """Price of a million output tokens in USD; must be set with llm_input_price."""

    max_concurrent_calls: Annotated[int, Field(ge=1, le=100_000)] = 256
    """Unary calls at once in one process; more are refused with RESOURCE_EXHAUSTED."""
    rate_per_second: Annotated[float, Field(gt=0, le=1_000_000, allow_inf_nan=False)] = 200
    """Calls a second for each caller in one process, on average."""
    rate_burst: Annotated[int, Field(ge=1, le=1_000_000)] = 400
    """Calls a caller may make at once after a pause."""
    default_deadline_seconds: Annotated[float, Field(gt=0, le=3_600, allow_inf_nan=False)] = 30
    """Time a unary call without a deadline of its own may take."""
    max_message_bytes: Bytes = ByteSize(4 * 1024 * 1024)
    """Largest request; a number of bytes, or a text such as 4MiB."""
    max_validate_message_bytes: Bytes = ByteSize(64 * 1024 * 1024)
    """Largest request of Validate."""
    max_validate_tasks: Annotated[int, Field(ge=1, le=10_000_000)] = 200_000
    """Most tasks in a plan that Validate takes."""
    large_plan_bytes: Bytes = ByteSize(256 * 1024)
    """Plans from this size on, or of more than 500 tasks and edges, are validated in a process of their own, so that others do not wait."""
    tripwire_mode: Annotated[TripwireMode, BeforeValidator(_lower)] = TripwireMode.ANNOTATE
    """What happens to a text that looks like an injection: annotate (the answer tells) or block (the call is refused)."""
    idempotency_hours: Annotated[float, Field(gt=0, le=8_760, allow_inf_nan=False)] = 24
    """How long the first answer to a request_id is kept."""
    decision_retention_days: Annotated[float, Field(ge=0, le=3_650, allow_inf_nan=False)] = 30
    """How long decisions and what they were made from are kept, to be read and made again; 0: none is recorded."""

    worker_lease_seconds: Annotated[float, Field(ge=0.5, le=86_400, allow_inf_nan=False)] = 30
    """How long a worker may be silent before its tasks go to others; it says three times as often that it is alive."""
    acknowledge_seconds: Annotated[float, Field(ge=0.1, le=3_600, allow_inf_nan=False)] = 10
    """How long a worker may take to acknowledge a task before it is taken back."""
    reroute_seconds: Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)] = 10
    """How long a ready task waits for an agent that is not live before another one gets it."""
    task_timeout_seconds: Annotated[float, Field(gt=0, le=3_162_240_000, allow_inf_nan=False)] = 600
    """Longest time of one attempt at a task that says none itself."""
    max_artefact_bytes: Annotated[ByteSize, BeforeValidator(_bytes), Field(ge=1024, le=65_536)] = ByteSize(64 * 1024)
    """Largest values of one task's outputs together, as JSON, at most 64 KiB; larger ones are told by reference."""
    max_work_streams: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    """Streams of workers at once in one process; more are refused with RESOURCE_EXHAUSTED."""

    log_level: Annotated[LogLevel, BeforeValidator(_lower)] = LogLevel.INFO
    """The least severe record that is logged: debug, info, warning or error."""
    log_format: Annotated[LogFormat, BeforeValidator(_lower)] = LogFormat.AUTO
    """How records are written: json, text, or auto (text on a terminal, JSON elsewhere)."""
    otlp_endpoint: Url = ""
    """Where spans are exported over OTLP/gRPC, for example http://127.0.0.1:4317; empty: nowhere."""
    trace_sample_ratio: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 0.01
    """Share of calls that are traced when the caller does not say; from 0 to 1."""

    lame_duck_seconds: Seconds = 5
    """Time between NOT_SERVING and the end of accepting calls, for load balancers to notice."""
    stop_grace_seconds: Seconds = 20
    """Time that calls in progress have to end after that."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003  (the signature is the base class's)
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take only what loading.py has found: it knows where each value is from."""
        return (init_settings,)

    @property
    def store_url(self) -> str:
        """URL of the store, where it is not named also."""
        return self.store or f"sqlite://{self.data_dir / STORE_FILE}"

    @property
    def jwt_configured(self) -> bool:
        """Whether bearer tokens are accepted."""
        return bool(self.auth_jwt_keys_file or self.auth_jwt_jwks_url or self.auth_jwt_secret)

    @property
    def jwt_algorithms(self) -> tuple[JwtAlgorithm, ...]:
        """Signature algorithms that are accepted."""
        if self.auth_jwt_algorithms:
            return self.auth_jwt_algorithms
        shared = (JwtAlgorithm.HS256,) if self.auth_jwt_secret else ()
        public = (JwtAlgorithm.RS256, JwtAlgorithm.ES256, JwtAlgorithm.EDDSA) if self.auth_jwt_keys_file or self.auth_jwt_jwks_url else ()
        return shared + public

    @property
    def anonymous_allowed(self) -> bool:
        """Whether callers without credentials are let in."""
        if self.auth_anonymous is not None:
            return self.auth_anonymous
        return is_loopback(self.listen) and not self.jwt_configured and not self.auth_mtls_file


SECRET_FIELDS: tuple[str, ...] = tuple(name for name, field in Fields.model_fields.items() if "SecretStr" in str(field.annotation))
"""Names of the settings that are never shown."""
PATH_FIELDS: tuple[str, ...] = tuple(name for name, field in Fields.model_fields.items() if "Path" in str(field.annotation))
"""Names of the settings that are paths."""
