"""Settings: from variables, a file and defaults; every mistake at once, each with where it is."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genesis_server.settings import Settings, SettingsError, settings_as_toml
from genesis_server.settings.fields import Fields, JwtAlgorithm, TripwireMode, is_loopback, split_address

SECRET = "0123456789abcdef0123456789abcdef"
TOKENS = {"GENESIS_AUTH_JWT_SECRET": SECRET, "GENESIS_AUTH_JWT_AUDIENCE": "genesis", "GENESIS_AUTH_JWT_ISSUER": "id.example"}
HOME = {"HOME": "/home/somebody"}


def load(environ: dict[str, str] | None = None, path: Path | None = None) -> Settings:
    return Settings.load(path, HOME | (environ or {}))


def mistakes(environ: dict[str, str] | None = None, path: Path | None = None) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(environ, path)
    assert str(caught.value) == "\n".join(map(str, caught.value.mistakes))
    return [str(mistake) for mistake in caught.value.mistakes]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "genesis.toml"


@pytest.fixture
def pem(tmp_path: Path) -> Path:
    target = tmp_path / "some.pem"
    target.write_text("x")
    target.chmod(0o600)
    return target


def test_nothing_set_gives_a_server_for_this_machine_alone() -> None:
    found = load()
    assert (found.listen, found.http_listen, found.workers) == ("127.0.0.1:50051", "127.0.0.1:8000", 1)
    assert found.anonymous_allowed
    assert not found.jwt_configured
    assert found.store_url == "sqlite:///home/somebody/.local/state/genesis/genesis.sqlite3"
    assert found.max_message_bytes == 4 * 1024 * 1024
    assert found.origin_of("listen") == "default"
    assert found.hints() == ()


def test_data_lie_where_the_desktop_says_state_lies() -> None:
    assert load({"XDG_STATE_HOME": "/state"}).data_dir == Path("/state/genesis")


def test_variables_beat_the_file_and_the_file_beats_the_defaults(file: Path) -> None:
    file.write_text('# mine\nworkers = 2\nlisten = "127.0.0.1:1"\n')
    found = load({"GENESIS_LISTEN": "127.0.0.1:2", "GENESIS_CONFIG": str(file)})
    assert (found.workers, found.listen, found.log_level) == (2, "127.0.0.1:2", "info")
    assert found.origin_of("workers") == f"{file}:2 workers"
    assert found.origin_of("listen") == "GENESIS_LISTEN"
    assert found.origin_of("log_level") == "default"


def test_a_named_file_beats_the_variable_that_names_one(file: Path, tmp_path: Path) -> None:
    file.write_text("workers = 3\n")
    assert load({"GENESIS_CONFIG": str(tmp_path / "none.toml")}, file).workers == 3


def test_an_empty_variable_counts_as_not_set() -> None:
    assert load({"GENESIS_WORKERS": "", "GENESIS_CONFIG": ""}).workers == 1


def test_values_are_read_as_people_write_them() -> None:
    found = load(
        {
            "GENESIS_MAX_MESSAGE_BYTES": "8MiB",
            "GENESIS_REFLECTION": "yes",
            "GENESIS_LOG_LEVEL": "DEBUG",
            **TOKENS,
            "GENESIS_AUTH_JWT_ALGORITHMS": "HS256, HS512",
        }
    )
    assert found.max_message_bytes == 8 * 1024 * 1024
    assert found.reflection
    assert found.log_level == "debug"
    assert found.jwt_algorithms == (JwtAlgorithm.HS256, JwtAlgorithm.HS512)


def test_paths_in_a_file_start_at_its_folder(file: Path, tmp_path: Path, pem: Path) -> None:
    file.write_text(f'agents_file = "{pem.name}"\ndata_dir = "data"\nmethods_dir = "{tmp_path}"\n')
    found = load(path=file)
    assert (found.agents_file, found.data_dir, found.methods_dir) == (pem, tmp_path / "data", tmp_path)


def test_production_blocks_injections_unless_told_otherwise() -> None:
    assert load().tripwire_mode is TripwireMode.ANNOTATE
    found = load({"GENESIS_ENV": "Production"})
    assert found.tripwire_mode is TripwireMode.BLOCK
    assert found.origin_of("tripwire_mode") == "default of production"
    assert load({"GENESIS_ENV": "production", "GENESIS_TRIPWIRE_MODE": "annotate"}).tripwire_mode is TripwireMode.ANNOTATE


def test_every_mistake_is_told_at_once_with_its_variable_or_line(file: Path) -> None:
    file.write_text('workers = 0\n\nlistn = "x"\n[limits]\nrate = 3\n')
    found = mistakes(
        {"GENESIS_RATE_PER_SECOND": "many", "GENESIS_TLS_KEY": "/no/such.key", "GENESIS_LISTENN": "x", "GENESIS_STORE": "redis://x"}, file
    )
    assert found == [
        f"{file}:3 listn: there is no such setting; did you mean listen?",
        f"{file}:4 limits: there is no such setting; `genesis config print` lists them all",
        "GENESIS_LISTENN: there is no such setting; did you mean GENESIS_LISTEN?",
        f"{file}:1 workers: input should be greater than or equal to 1; it is '0'",
        "GENESIS_STORE: must be sqlite:///path/of/the/file or sqlite://:memory:; it is 'redis://x'",
        "GENESIS_RATE_PER_SECOND: input should be a valid number, unable to parse string as a number; it is 'many'",
        "GENESIS_TLS_KEY: there is no file /no/such.key",
        "GENESIS_TLS_KEY: is of no use without tls_certificate; set that too",
    ]


def test_variables_of_others_are_left_alone() -> None:
    load(
        {
            "GENESIS_FLAG_OTEL_ENABLED": "off",
            "GENESIS_SERVER": "x",
            "GENESIS_TOKEN": "x",
            "GENESIS_DATA": "x",
            "GENESIS_SERVICE_HOST": "10.0.0.1",
            "GENESIS_SERVICE_PORT_GRPC": "50051",
            "GENESIS_PORT_50051_TCP_ADDR": "10.0.0.1",
            "GENESIS_PORT": "tcp://10.0.0.1:50051",
        }
    )


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        (
            {"LISTEN": "0.0.0.0:50051"},
            "GENESIS_LISTEN: 0.0.0.0:50051 is reachable from other machines, and callers could not be told apart",
        ),
        (
            {"LISTEN": "genesis.example:1", "AUTH_ANONYMOUS": "on"},
            "GENESIS_AUTH_ANONYMOUS: must be false: genesis.example:1 is reachable from other machines",
        ),
        ({"AUTH_ANONYMOUS": "false"}, "GENESIS_AUTH_ANONYMOUS: is false, so nobody could call"),
        ({"LLM_URL": "https://api.example/v1"}, "GENESIS_LLM_URL: llm_model must be set with llm_url"),
        ({"LLM_MODEL": "m"}, "GENESIS_LLM_MODEL: is of no use without llm_url"),
        ({"LLM_API_KEY": "k"}, "GENESIS_LLM_API_KEY: is of no use without llm_url"),
        ({"LLM_OUTPUT_PRICE": "1"}, "GENESIS_LLM_OUTPUT_PRICE: and llm_input_price go together"),
        ({"LLM_TIMEOUT_SECONDS": "0"}, "GENESIS_LLM_TIMEOUT_SECONDS: input should be greater than 0"),
        ({"LLM_URL": "ftp://x"}, "GENESIS_LLM_URL: must begin with https:// or http://"),
        ({"AUTH_JWT_SECRET": "short"}, "GENESIS_AUTH_JWT_SECRET: is shorter than 32 bytes"),
        ({"AUTH_JWT_JWKS_URL": "http://id.example/keys"}, "GENESIS_AUTH_JWT_JWKS_URL: must begin with https://"),
        (
            {"AUTH_JWT_JWKS_URL": "https://id.example/keys"},
            "GENESIS_AUTH_JWT_JWKS_URL: auth_jwt_audience must be set with auth_jwt_jwks_url, else tokens meant for other services",
        ),
        ({"AUTH_JWT_ALGORITHMS": "HS256"}, "GENESIS_AUTH_JWT_ALGORITHMS: has HS256, which needs auth_jwt_secret"),
        (
            {"AUTH_JWT_ALGORITHMS": "ES256", "AUTH_JWT_SECRET": SECRET},
            "GENESIS_AUTH_JWT_ALGORITHMS: has ES256, which needs auth_jwt_keys_file or auth_jwt_jwks_url",
        ),
        ({"AUTH_JWT_ALGORITHMS": "none"}, "GENESIS_AUTH_JWT_ALGORITHMS: input should be 'HS256'"),
        ({"AGENT_KEYS_FILE": "/no/such"}, "GENESIS_AGENT_KEYS_FILE: there is no file /no/such"),
        ({"AUTH_JWT_ISSUER": "me"}, "GENESIS_AUTH_JWT_ISSUER: is of no use without"),
        ({"TLS_CLIENT_CA": "{pem}"}, "GENESIS_TLS_CLIENT_CA: needs TLS"),
        ({"TLS_CERTIFICATE": "{pem}"}, "GENESIS_TLS_CERTIFICATE: is of no use without its private key"),
        ({"AUTH_MTLS_FILE": "{pem}"}, "GENESIS_AUTH_MTLS_FILE: needs client certificates"),
        ({"AUTH_JWT_KEYS_FILE": "{pem}", "AUTH_JWT_JWKS_URL": "https://x"}, "GENESIS_AUTH_JWT_JWKS_URL: and auth_jwt_keys_file both say"),
        ({"HTTP_LISTEN": "127.0.0.1:50051"}, "GENESIS_HTTP_LISTEN: is the same address as listen"),
        ({"WORKERS": "2", "LISTEN": "127.0.0.1:0"}, "GENESIS_LISTEN: must name a port when workers is more than 1"),
        ({"WORKERS": "9", "HTTP_LISTEN": "127.0.0.1:65530"}, "GENESIS_HTTP_LISTEN: leaves no ports for all workers"),
        ({"WORKERS": "2", "STORE": "sqlite://:memory:"}, "GENESIS_STORE: is of one process alone"),
        ({"WORKERS": "2", "LISTEN": "127.0.0.1:0", "HTTP_LISTEN": "127.0.0.1:0"}, "GENESIS_LISTEN: must name a port"),
        ({"MAX_VALIDATE_MESSAGE_BYTES": "1MiB"}, "GENESIS_MAX_VALIDATE_MESSAGE_BYTES: must not be less than max_message_bytes"),
        ({"MAX_MESSAGE_BYTES": "100MiB"}, "GENESIS_MAX_MESSAGE_BYTES: max_validate_message_bytes must not be less than max_message_bytes"),
        ({"MAX_ARTEFACT_BYTES": "1MiB"}, "GENESIS_MAX_ARTEFACT_BYTES: input should be less than or equal to 65536"),
        ({"MAX_MESSAGE_BYTES": "3"}, "GENESIS_MAX_MESSAGE_BYTES: input should be greater than or equal to 1024"),
        ({"AGENTS_FILE": "{folder}"}, "GENESIS_AGENTS_FILE: {folder} is a folder"),
        ({"METHODS_DIR": "{pem}"}, "GENESIS_METHODS_DIR: {pem} is no folder"),
        ({"METHODS_DIR": "/no/such"}, "GENESIS_METHODS_DIR: there is no folder /no/such"),
        ({"LISTEN": "50051"}, "GENESIS_LISTEN: must be host:port, for example"),
        ({"LISTEN": "::1:50051"}, "GENESIS_LISTEN: must be host:port, for example"),
        ({"LISTEN": "localhost:70000"}, "GENESIS_LISTEN: the port must be a number from 0"),
        ({"OTLP_ENDPOINT": "localhost:4317"}, "GENESIS_OTLP_ENDPOINT: must begin with https:// or http://"),
        ({"LISTEN": ":50051"}, "GENESIS_LISTEN: must be host:port, for example"),
        ({"TRACE_SAMPLE_RATIO": "nan"}, "GENESIS_TRACE_SAMPLE_RATIO: input should be a finite number"),
    ],
)
def test_a_wrong_setting_is_refused_in_a_sentence(environ: dict[str, str], says: str, pem: Path, tmp_path: Path) -> None:
    places = {"{pem}": str(pem), "{folder}": str(tmp_path)}

    def fill(text: str) -> str:
        for mark, place in places.items():
            text = text.replace(mark, place)
        return text

    found = mistakes({f"GENESIS_{name}": fill(text) for name, text in environ.items()})
    assert any(mistake.startswith(fill(says)) for mistake in found), found


def test_a_setting_that_is_wrong_by_itself_is_not_blamed_twice() -> None:
    assert len(mistakes({"GENESIS_LISTEN": "nowhere", "GENESIS_WORKERS": "2"})) == 1


def test_a_secret_stands_in_no_message_and_no_print() -> None:
    model = {"GENESIS_LLM_URL": "https://me:word@api.example/v1", "GENESIS_LLM_MODEL": "m", "GENESIS_LLM_API_KEY": "sk-hunter3"}
    found = load({**TOKENS, **model, "GENESIS_OTLP_ENDPOINT": "http://me:word@collector:4317"})
    printed = settings_as_toml(found)
    assert SECRET not in printed + repr(found)
    assert "sk-hunter3" not in printed + repr(found)
    assert 'llm_api_key = "********"  # GENESIS_LLM_API_KEY' in printed
    assert 'llm_url = "https://********@api.example/v1"' in printed
    assert 'auth_jwt_secret = "********"  # GENESIS_AUTH_JWT_SECRET' in printed
    assert 'otlp_endpoint = "http://********@collector:4317"' in printed
    assert not any("hunter2" in mistake for mistake in mistakes({"GENESIS_AUTH_JWT_SECRET": "hunter2"}))
    assert not any("hunter3" in mistake for mistake in mistakes({"GENESIS_LLM_API_KEY": "sk-hunter3"}))


def test_a_model_that_is_reached_without_encryption_is_hinted_at_unless_it_is_on_this_machine() -> None:
    def hints(url: str) -> tuple[str, ...]:
        return load({"GENESIS_LLM_URL": url, "GENESIS_LLM_MODEL": "m"}).hints()

    assert "llm_url" in hints("http://models.example/v1")[0]
    assert hints("http://127.0.0.1:8080/v1") == hints("https://models.example/v1") == ()


def test_bearer_tokens_or_client_certificates_open_the_server_to_other_machines(pem: Path) -> None:
    by_secret = load({"GENESIS_LISTEN": "0.0.0.0:50051", **TOKENS})
    assert not by_secret.anonymous_allowed
    assert by_secret.jwt_algorithms == (JwtAlgorithm.HS256,)
    assert "without TLS" in by_secret.hints()[0]
    names = ("TLS_CERTIFICATE", "TLS_KEY", "TLS_CLIENT_CA", "AUTH_MTLS_FILE")
    by_certificate = load({"GENESIS_LISTEN": "0.0.0.0:50051"} | {f"GENESIS_{name}": str(pem) for name in names})
    assert not by_certificate.anonymous_allowed
    assert by_certificate.hints() == ()


def test_public_keys_bring_their_own_algorithms(pem: Path) -> None:
    found = load({"GENESIS_AUTH_JWT_KEYS_FILE": str(pem), "GENESIS_AUTH_JWT_AUDIENCE": "genesis", "GENESIS_AUTH_JWT_ISSUER": "id.example"})
    assert found.jwt_algorithms == (JwtAlgorithm.RS256, JwtAlgorithm.ES256, JwtAlgorithm.EDDSA)
    assert load(
        {"GENESIS_AUTH_JWT_JWKS_URL": "http://localhost/keys", "GENESIS_AUTH_JWT_AUDIENCE": "x", "GENESIS_AUTH_JWT_ISSUER": "y"}
    ).jwt_configured


def test_a_private_key_that_everybody_can_read_or_change_is_pointed_out(pem: Path) -> None:
    pem.chmod(0o666)
    found = load({"GENESIS_TLS_CERTIFICATE": str(pem), "GENESIS_TLS_KEY": str(pem)}).hints()
    assert any("tls_key can be changed by other users" in hint for hint in found)
    assert any("tls_key can be read by every user" in hint for hint in found)


def test_a_file_of_agent_keys_that_others_can_read_or_change_is_pointed_out_and_the_text_is_never_shown(pem: Path) -> None:
    pem.chmod(0o646)
    key = f"acme/builder:k1={SECRET}"
    found = load({"GENESIS_AGENT_KEYS_FILE": str(pem), "GENESIS_AGENT_KEYS": key})
    assert any("agent_keys_file can be changed by other users" in hint for hint in found.hints())
    assert any("agent_keys_file can be read by every user" in hint for hint in found.hints())
    assert SECRET not in settings_as_toml(found) + repr(found)
    assert found.anonymous_allowed
    pem.chmod(0o600)
    assert load({"GENESIS_AGENT_KEYS_FILE": str(pem)}).hints() == ()


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"workers = ", ":1: is no TOML"),
        (b'a = "\nb', ":1: is no TOML"),
        (b"\n\nworkers = 1\nworkers = 2\n", ":4: is no TOML: Cannot overwrite a value"),
        (b"\nworkers = '\xff'", ":2: is not UTF-8"),
        (b"workers = " + b"[" * 100_000, ": is nested too deep"),
        (b"#" * 1_048_577, ": is larger than 1048576 bytes"),
        (b"workers = 1\0", ":1: is no TOML"),
        (b"max_message_bytes = 4096.5", ":1 max_message_bytes: must be a whole number of bytes, or a text such as 4MiB; it is '4096.5'"),
    ],
)
def test_what_is_no_settings_file_is_refused_with_its_line(file: Path, data: bytes, says: str) -> None:
    file.write_bytes(data)
    assert mistakes(path=file)[0].startswith(f"{file}{says}")


def test_a_file_that_is_not_there_or_a_folder_is_refused(tmp_path: Path) -> None:
    assert mistakes(path=tmp_path / "no.toml") == [f"{tmp_path / 'no.toml'}: cannot be read: No such file or directory"]
    assert mistakes({"GENESIS_CONFIG": str(tmp_path)}) == [f"{tmp_path}: cannot be read: Is a directory"]


def test_a_file_cut_at_any_byte_is_read_or_refused_in_words(file: Path) -> None:
    whole = f"""# My server
listen = "127.0.0.1:50052"
workers = 2
reflection = true
data_dir = "data"
auth_jwt_secret = "{SECRET}"
auth_jwt_algorithms = ["HS256", "HS512"]
max_message_bytes = "8 MiB"
trace_sample_ratio = 0.5
"""
    read = 0
    for length in range(len(whole)):
        file.write_text(whole[:length])
        try:
            read += load(path=file).log_level == "info"
        except SettingsError as error:
            assert all(mistake.source.startswith(str(file)) for mistake in error.mistakes), error  # noqa: PT017
    assert 0 < read < len(whole) - 100


def test_the_print_is_a_settings_file_with_origins(file: Path) -> None:
    file.write_text('log_format = "json"\nauth_jwt_algorithms = ["HS256"]\nmax_validate_tasks = 5\n')
    found = load({"GENESIS_TRACE_SAMPLE_RATIO": "0.25", **TOKENS}, file)
    printed = settings_as_toml(found)
    assert 'log_format = "json"  # ' + f"{file}:1 log_format" in printed
    assert "trace_sample_ratio = 0.25  # GENESIS_TRACE_SAMPLE_RATIO" in printed
    again = tomllib.loads(printed)
    assert again["auth_jwt_algorithms"] == ["HS256"]
    file.write_text(printed.replace("*" * 8, SECRET))
    assert load(path=file).model_dump() == found.model_dump()


def test_every_setting_has_a_description_of_its_own() -> None:
    described = [field.description for field in Fields.model_fields.values()]
    assert all(text and text.endswith(".") for text in described)
    assert len(set(described)) == len(described)


@pytest.mark.parametrize(
    ("address", "loopback"),
    [("127.0.0.1:1", True), ("127.9.9.9:1", True), ("[::1]:1", True), ("localhost:1", True), ("0.0.0.0:1", False), ("[::]:1", False)],
)
def test_loopback_is_what_only_this_machine_reaches(address: str, *, loopback: bool) -> None:
    assert is_loopback(address) is loopback


@given(st.integers(0, 65_535), st.sampled_from(["127.0.0.1", "a.b", "::1"]))
def test_addresses_fall_apart_into_host_and_port(port: int, host: str) -> None:
    written = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    assert split_address(written) == (host, port)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(data=st.binary(max_size=80) | st.text(max_size=80).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_as_a_file_are_read_or_refused(file: Path, data: bytes) -> None:
    file.write_bytes(data)
    try:
        load(path=file)
    except SettingsError as error:
        assert error.mistakes  # noqa: PT017


@given(st.sampled_from(sorted(Fields.model_fields)), st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=30))
def test_any_text_in_a_variable_is_read_or_refused(name: str, text: str) -> None:
    variable = f"GENESIS_{name.upper()}"
    try:
        load({variable: text})
    except SettingsError as error:
        assert all(mistake.source == variable for mistake in error.mistakes), error  # noqa: PT017


def test_a_path_that_cannot_be_looked_at_is_a_mistake_like_others() -> None:
    """Nothing but SettingsError comes out."""
    with pytest.raises(SettingsError, match="cannot be looked at"):
        Settings.load(None, {"GENESIS_FLAGS_FILE": "a" * 5000})


def test_credentials_in_a_wrong_address_are_not_told() -> None:
    """The mistake may end up in a log."""
    with pytest.raises(SettingsError) as caught:
        Settings.load(None, {"GENESIS_OTLP_ENDPOINT": "grpc://user:hunter2@collector"})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "redis://127.0.0.1:6379/0",
        "redis://[::1]:6379",
        "rediss://user:p%40ss@redis.example/2?ssl_ca_certs=ca.pem",
        "redis://:pass@redis.example",
        "unix:///run/redis.sock?db=1",
        "unix://user:pass@/run/redis.sock",
    ],
)
def test_the_redis_of_the_flags_is_named_by_a_url_that_is_never_shown(url: str) -> None:
    found = load({"GENESIS_FLAGS_REDIS_URL": url})
    assert found.flags_redis_url is not None
    assert found.flags_redis_url.get_secret_value() == url
    assert url not in settings_as_toml(found) + repr(found)


@pytest.mark.parametrize(
    "url",
    [
        "6379",
        "redis://",
        "redis:///0",
        "redis://h:port/0",
        "redis://h:65536",
        "redis://h/one",
        "redis://a b/",
        "http://h:1/",
        "unix://",
        "redis://u:p/w@h",
    ],
)
def test_a_url_that_names_no_redis_is_refused_without_being_shown(url: str) -> None:
    found = mistakes({"GENESIS_FLAGS_REDIS_URL": url})
    assert found == [
        "GENESIS_FLAGS_REDIS_URL: must be redis://:password@host:6379/0, rediss:// for TLS, or unix:///path/of/the/socket; "
        "a password percent-encoded"
    ]


def test_a_redis_elsewhere_without_tls_is_hinted_at() -> None:
    def hints(url: str) -> tuple[str, ...]:
        return load({"GENESIS_FLAGS_REDIS_URL": url}).hints()

    assert "take rediss://" in hints("redis://:secret@redis.example:6379/0?db=1")[0]
    assert "secret" not in hints("redis://:secret@redis.example:6379/0")[0]
    assert hints("redis://:secret@127.0.0.1:6379/0") == hints("rediss://redis.example") == hints("unix:///run/redis.sock") == ()


@pytest.mark.parametrize("prefix", ["a b", "{a}", "a" * 129])
def test_a_prefix_that_would_tear_the_names_in_redis_apart_is_refused(prefix: str) -> None:
    assert len(mistakes({"GENESIS_FLAGS_REDIS_PREFIX": prefix})) == 1
    assert load({"GENESIS_FLAGS_REDIS_PREFIX": "acme:flags-2"}).flags_redis_prefix == "acme:flags-2"
