"""Disguises of letters come off, and hits still point at the text as it was sent."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis_server.security.lookalikes import lookalikes, parse_lookalikes
from genesis_server.security.normalise import normalise

TEXTS = st.text(st.characters(codec="utf-8"), max_size=60)


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("Ignore ALL", "ignore all"),
        ("Ｉｇｎｏｒｅ　ａｌｌ", "ignore all"),
        ("𝐈𝐠𝐧𝐨𝐫𝐞 𝓪𝓵𝓵", "ignore all"),
        ("іgnоrе аll", "ignore all"),
        ("ɪɢɴᴏʀᴇ ᴀʟʟ", "ignore all"),
        ("🅸🅶🅽🅾🆁🅴 ⓐⓛⓛ", "ignore all"),
        ("i\u200bg\u200dn\u2060o\u00adr\ufeffe", "ignore"),
        ("\u202eignore\u202c \u2066all\u2069", "ignore all"),
        ("ígnöré a\u0301l\u0336l", "ignore all"),
        ("a\tb\u00a0c\u2003d", "a b c d"),
        ("a\r\nb\u2028c", "a\n\nb\nc"),
        ("a\x00b\x1bc", "abc"),
        ("Straße ﬁx", "strasse fix"),
        ("한국어 日本語", "한국어 日本語"),
    ],
)
def test_a_disguised_text_reads_as_what_it_looks_like(sent: str, read: str) -> None:
    assert normalise(sent).text == read


def test_a_piece_of_the_result_is_found_in_the_text_as_sent() -> None:
    sent = "please ①\u200bgn\u0301ore Straße now"
    result = normalise(sent)
    start = result.text.index("strasse")
    span = result.span(start, start + len("strasse"))
    assert (span.text, sent[span.start : span.end]) == ("Straße", "Straße")


@given(TEXTS)
def test_normalising_twice_changes_nothing(text: str) -> None:
    once = normalise(text).text
    assert normalise(once).text == once


@given(TEXTS)
def test_every_letter_of_the_result_comes_from_a_place_of_the_text_in_order(text: str) -> None:
    result = normalise(text)
    origins = list(result.origins)
    assert len(origins) == len(result.text)
    assert origins == sorted(origins)
    assert all(0 <= origin < len(text) for origin in origins)
    for place in range(len(result.text)):
        span = result.span(place, place + 1)
        assert text[span.start : span.end] == span.text
        assert normalise(span.text).text.find(result.text[place]) >= 0


@given(TEXTS)
def test_nothing_invisible_is_left(text: str) -> None:
    assert not [c for c in normalise(text).text if unicodedata.category(c) in {"Cf", "Mn"}]


@given(st.text(st.characters(min_codepoint=0, max_codepoint=127), max_size=80))
def test_the_short_way_for_plain_text_agrees_with_the_long_one(text: str) -> None:
    plain, long = normalise(text), normalise(text + "é")
    assert plain.text + "e" == long.text
    assert [*plain.origins, len(text)] == list(long.origins)


def test_the_tables_hold_what_nfkc_leaves_alone() -> None:
    tables = lookalikes()
    assert tables.letters["о"] == "o"
    assert tables.signs["0"] == "o"
    assert tables.other_readings["1"] == "l"


def test_every_mistake_in_the_tables_is_told_with_its_line() -> None:
    source = '[letters]\na = "аα"\nB = "x"\nc = ""\n\n[signs]\no = "0"\nd = "0"\n[odd]\n'
    with pytest.raises(ValueError, match="is missing") as caught:
        parse_lookalikes(source, "look.toml")
    assert [line.split(": ")[:2] for line in str(caught.value).split("\n")] == [
        ["look.toml:1", "other_readings"],
        ["look.toml:3", "letters.B"],
        ["look.toml:4", "letters.c"],
        ["look.toml:8", "signs.d"],
        ["look.toml:9", "odd"],
    ]


def test_a_table_that_is_no_toml_says_where() -> None:
    with pytest.raises(ValueError, match=r"look\.toml:1: no valid TOML"):
        parse_lookalikes("[letters\n\n[x]", "look.toml")
