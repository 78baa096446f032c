"""Secrets do not reach logs and errors, and everything else does."""

from __future__ import annotations

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis_server.security.redaction import REDACTED, parse_secrets, redact, shipped_secrets

JWT = jwt.encode({"sub": "ann"}, "x" * 32, algorithm="HS256")
PEM = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIB\nabc=\n-----END EC PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("authorization: Bearer abc123def456", "abc123def456"),
        ("Authorization: Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
        (f"token {JWT} was refused", JWT),
        (f"x{{{JWT}}}", JWT),
        ("redis://:hunter2@cache:6379/0", "hunter2"),
        ("postgres://ann:p%40ss!@db/x", "p%40ss!"),
        ('{"password": "a b\'c", "user": "ann"}', "a b'c"),
        ("{'api_key': 'zzz zz'}", "zzz zz"),
        (r"{\"secret\":\"x y\"}", "x y"),
        ("GENESIS_AUTH_JWT_SECRET=hunter2 started", "hunter2"),
        ("https://x.example/?access_token=abcd&x=1", "abcd"),
        ("client-secret: s3cr3t;", "s3cr3t"),
        ("key sk-proj-abcdefghijklmnop1234", "sk-proj-abcdefghijklmnop1234"),
        ("ghp_0123456789abcdefghijABCDEFGHIJ012345", "ghp_0123456789abcdefghijABCDEFGHIJ012345"),
        ("AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE"),
        ("xoxb-123456789012-abcdefghijkl", "xoxb-123456789012-abcdefghijkl"),
        ("AIzaSyA-1234567890abcdefghijklmnopqrstu", "AIzaSyA-1234567890abcdefghijklmnopqrstu"),
        (PEM, "MHcCAQEEIB"),
        (PEM.split("-----END", maxsplit=1)[0], "abc="),
    ],
)
def test_a_secret_is_taken_out(text: str, secret: str) -> None:
    assert secret in text
    assert secret not in redact(text)
    assert REDACTED in redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "a basic understanding of the token economy; bearer of bad news",
        "llm_tokens=500 token: 5 fencing_token=17",
        "plan plan_01 of ann@example.org took 0.5 s, correlation id 4bf92f3577b34da6a3ce929d0e0e4736",
        "https://example.org:8443/path?x=1@2",
        "monkey: banana",
        "",
    ],
)
def test_everything_else_stays(text: str) -> None:
    assert redact(text) == text


def test_the_text_around_a_secret_stays() -> None:
    assert redact("connect redis://:hunter2@cache:6379/0 failed") == "connect redis://:<redacted>@cache:6379/0 failed"
    assert redact('{"password": "x", "user": "ann"}') == '{"password": "<redacted>", "user": "ann"}'


PIECES = [
    "password",
    "=",
    ":",
    '"',
    "'",
    " ",
    "Bearer ",
    "://",
    "@",
    "a:b",
    "<redacted>",
    "sk-",
    "x" * 20,
    "eyJabcd.",
    "secret",
    "\\",
    "\n",
    "&",
    "9",
    "]",
]


@given(st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=3)), max_size=25).map("".join))
def test_redacting_twice_changes_nothing(text: str) -> None:
    once = redact(text)
    assert redact(once) == once


def test_every_pattern_has_a_name() -> None:
    assert len({secret.name for secret in shipped_secrets()}) == len(shipped_secrets())


def test_every_mistake_in_the_patterns_is_told_with_its_line() -> None:
    source = "\n".join(
        f'[[secrets]]\nname = "{name}"\n{rest}'
        for name, rest in {
            "one": "needs = ['a']\npattern = '(?P<secret>a*)'",
            "two": "needs = ['a']\npattern = 'abc'",
            "three": "needs = ['a']",
            "four": "needs = ['a']\npattern = '(?P<secret>a'",
        }.items()
    )
    with pytest.raises(ValueError, match="upper bound") as caught:
        parse_secrets(source, "r.toml")
    told = str(caught.value).split("\n")
    assert [line.split(": ")[0] for line in told] == ["r.toml:4", "r.toml:8", "r.toml:9", "r.toml:15"]


@pytest.mark.parametrize(
    ("source", "told"), [("", "is missing"), ("secrets = []", "at least 1"), ("secrets = [1]", "secrets"), ("[", "r.toml:1")]
)
def test_a_file_without_patterns_is_refused(source: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        parse_secrets(source, "r.toml")
