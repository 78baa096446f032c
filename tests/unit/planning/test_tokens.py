"""A goal as tokens and sentences."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis_server.planning.lexicon import lexicon
from genesis_server.planning.tokens import Kind, sentences, without_quotes


def _sentences(text: str) -> list[str]:
    found = sentences(text, lexicon())
    return [text[one.tokens[0].start : one.tokens[-1].end] for one in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Fix it. Then ship it!", ["Fix it", "Then ship it"]),
        ("Meet at 7 a.m. and leave", ["Meet at 7 a.m. and leave"]),
        ("Open report.v2.txt e.g. with vim", ["Open report.v2.txt e.g. with vim"]),
        ("Pay 3.50 to bob@example.com, see https://example.com/a.b?c=d", ["Pay 3.50 to bob@example.com, see https://example.com/a.b?c=d"]),
        ("write tests; run them", ["write tests", "run them"]),
        ("1. Draft 2. Review 3. Send", ["Draft", "Review", "Send"]),
        ("Step 1: draft. Step 2: send.", ["draft", "send"]),
        ("(1) draft (2) send", ["draft", "send"]),
        ("Version 2. is out", ["Version 2", "is out"]),
        ("- milk\n- eggs", ["milk", "eggs"]),
        ("a) draft\nb) send", ["draft", "send"]),
        ("Do this:\n* draft\n* send", ["Do this", "draft", "send"]),
        ("a long line that\nis wrapped softly", ["a long line that\nis wrapped softly"]),
        ("fix the bug\nrun the tests", ["fix the bug", "run the tests"]),
        ("fix the bug,\nrun the tests", ["fix the bug,\nrun the tests"]),
        ("one\n\ntwo", ["one", "two"]),
        ("Send Bob a note: buy milk", ["Send Bob a note: buy milk"]),
        ("Tasks for today: fix it", ["Tasks for today", "fix it"]),
        ("...!?", []),
    ],
)
def test_sentences_end_where_a_reader_would_end_them(text: str, expected: list[str]) -> None:
    assert _sentences(text) == expected


def test_quotes_and_brackets_are_one_token() -> None:
    tokens = sentences("Post \"fix it and run\" (after lunch, then rest) on 'the wall' today", lexicon())[0].tokens
    assert [token.text for token in tokens if token.kind is Kind.QUOTE] == ['"fix it and run"', "(…)", "'the wall'"]


def test_an_apostrophe_opens_no_quote() -> None:
    texts = sentences("Don't touch Bob's car and Ann's bike", lexicon())[0].texts
    assert texts == ["don't", "touch", "bob's", "car", "and", "ann's", "bike"]


def test_brackets_around_everything_hide_nothing() -> None:
    assert sentences("(fix the bug and run the tests)", lexicon())[0].texts[:3] == ["fix", "the", "bug"]
    assert sentences("fix (the bug", lexicon())[0].texts == ["fix", "the", "bug"]


def test_a_question_and_a_heading_are_remembered() -> None:
    found = sentences("Things to do:\nIs it on?", lexicon())
    assert [(one.header, one.question) for one in found] == [(True, False), (False, True)]


def test_what_is_quoted_is_blanked_and_nothing_moves() -> None:
    text = "Name it 'the plan' and say \"fix\""
    blanked = without_quotes(text)
    assert blanked == "Name it            and say      "
    assert len(blanked) == len(text)


@given(st.text(max_size=300))
def test_tokens_stand_in_order_inside_the_text(text: str) -> None:
    end = 0
    for sentence in sentences(text, lexicon()):
        assert sentence.tokens
        for token in sentence.tokens:
            assert end <= token.start < token.end <= len(text)
            end = token.end
