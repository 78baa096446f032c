"""How written flags lie in Redis: what is written is read back, what others write is told from it."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis_server.flags.sources.redis_layout import Mark, Names, News, decode_flag, decode_news, encode_flag
from genesis_server.flags.written import WrittenFlag

KEYS = st.text("abcdefghijklmnopqrstuvwxyzABC0123456789_./:-", min_size=1, max_size=20)
FLAGS = st.builds(
    WrittenFlag, KEYS, st.integers(1, 2**53 - 1), st.text(), st.text(max_size=20), st.floats(0, 1e12, allow_nan=False, allow_infinity=False)
)


def test_all_names_stand_on_one_node_of_a_cluster() -> None:
    names = Names("acme:flags")
    assert {names.written, names.revision, names.changes} == {
        "{acme:flags}:written",
        "{acme:flags}:revision",
        "{acme:flags}:changes",
    }


@given(FLAGS)
def test_a_flag_is_read_as_it_was_written(flag: WrittenFlag) -> None:
    assert decode_flag(flag.key, encode_flag(flag)) == flag


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"on",
        b"\xff\xfe",
        b"[]",
        b"{}",
        b'{"version": 1}',
        *(
            json.dumps({"version": version, "text": "", "actor": "a", "time": 1}).encode()
            for version in (0, -1, 1.5, "1", True, None, 2**53)
        ),
        b'{"version": 1, "text": 7, "actor": "a", "time": 1}',
    ],
)
def test_what_somebody_else_put_there_is_refused_in_words(value: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        decode_flag("dark_mode", value)


@given(st.binary())
def test_no_value_whatever_does_more_than_be_refused(value: bytes) -> None:
    with contextlib.suppress(ValueError):
        assert decode_flag("dark_mode", value).version > 0


@given(FLAGS, st.integers(1, 2**53), st.integers(1, 50_000))
def test_news_say_what_was_written_and_how_it_is_then(flag: WrittenFlag, revision: int, count: int) -> None:
    value = encode_flag(flag)
    message = f"{revision} {count} {flag.key}\n".encode() + value
    assert decode_news(message) == News(Mark(revision, count), flag.key, value)


@pytest.mark.parametrize("message", [b"", b"\n", b"hello", b"1 2\nx", b"one 2 key\nx", b"1 two key\nx", b"\xff 1 key\nx"])
def test_a_message_of_somebody_else_is_no_news(message: bytes) -> None:
    assert decode_news(message) is None
