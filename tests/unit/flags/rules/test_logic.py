"""Rules decide, asking no more than they need."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from genesis_server.flags.rules.errors import RuleError

Say = Callable[..., object]
WRONG = {"/": [1, {"var": "zero"}]}
"""Goes wrong when it is reached."""
A, B = {"var": "a"}, {"var": "b"}


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"if": []}, None),
        ({"if": ["x"]}, "x"),
        ({"if": [A, "yes"]}, "yes"),
        ({"if": [B, "yes"]}, None),
        ({"if": [B, "yes", "no"]}, "no"),
        ({"if": [B, WRONG, A, "second", WRONG]}, "second"),
        ({"if": [B, 1, B, 2, B, 3]}, None),
        ({"if": [B, 1, B, 2, "last"]}, "last"),
        ({"if": [B, 1, True, "always", A, WRONG]}, "always"),
        ({"if": [False, WRONG, A, "a", WRONG]}, "a"),
        ({"?:": [A, "yes", "no"]}, "yes"),
        ({"and": []}, None),
        ({"and": [A]}, 1),
        ({"and": [A, "x"]}, "x"),
        ({"and": [A, B, WRONG]}, 0),
        ({"and": ["x", A]}, 1),
        ({"and": [A, "", WRONG]}, ""),
        ({"and": [True, "x"]}, "x"),
        ({"or": []}, None),
        ({"or": [B, A, WRONG]}, 1),
        ({"or": [B, ""]}, ""),
        ({"or": [0, B]}, 0),
        ({"or": [B, "x", WRONG]}, "x"),
        ({"or": [B, False]}, False),
        ({"!": [A]}, False),
        ({"!": []}, True),
        ({"!": [[]]}, True),
        ({"!!": ["0"]}, True),
        ({"!!": [B, A]}, False),
    ],
)
def test_what_is_decided(say: Say, rule: object, said: object) -> None:
    assert say(rule, a=1, b=0, zero=0) == said


def test_what_is_reached_and_wrong_is_an_error(say: Say) -> None:
    for rule in ({"if": [A, WRONG]}, {"and": [A, WRONG]}, {"or": [B, WRONG]}, {"!": [WRONG]}):
        with pytest.raises(RuleError):
            say(rule, a=1, b=0, zero=0)
