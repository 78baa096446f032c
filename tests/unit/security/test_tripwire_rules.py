"""A rule file is read as a whole or refused with every mistake."""

from __future__ import annotations

import pytest

from genesis_server.security.tripwire_rules import parse_rules, shipped_rules

FAMILIES = [
    "instruction_override",
    "role_impersonation",
    "prompt_extraction",
    "jailbreak_persona",
    "delimiter_forgery",
    "shell_command",
    "code_execution",
    "data_exfiltration",
    "encoded_payload",
    "claimed_authority",
    "embedded_message",
]

BROKEN = r"""[concepts]
stop = ["ignore", "two words"]
odd = "text"

[[families]]
name = "first"
meaning = "m"
colour = "red"
phrases = ["<stop> <nothing>", "ok"]
patterns = [
  { needs = ["a"], pattern = 'a*' },
  { needs = ["("], pattern = '(' },
  { needs = ["x"], pattern = 'x{0,3}' },
  { needs = "x", pattern = 'xy' },
  'plain',
]

[[families]]
name = "first"
phrases = []

[[families]]
name = "Bad Name"

[extra]
"""


def test_the_eleven_families_ship() -> None:
    rules = shipped_rules()
    assert [family.name for family in rules.families] == FAMILIES
    assert all(family.meaning and (family.phrases or family.patterns) for family in rules.families)


def test_every_mistake_is_told_with_its_line() -> None:
    with pytest.raises(ValueError, match=r"rules\.toml") as caught:
        parse_rules(BROKEN, "rules.toml")
    told = str(caught.value).split("\n")
    for line, what in [
        (2, "concepts.stop[1]: must be one word, not 'two words'"),
        (3, "concepts.odd: Input should be a valid list"),
        (8, "families[0].colour: unknown key"),
        (9, "no concept of this name: <nothing>"),
        (11, "without an upper bound"),
        (12, "no regular expression: missing )"),
        (13, "matches the empty text"),
        (14, "needs: Input should be a valid list"),
        (15, "families[0].patterns[4]"),
        (18, "families[1].meaning: is missing"),
        (19, "'first' stands twice"),
        (23, "must be of small letters and underscores, not 'Bad Name'"),
        (25, "extra: unknown key"),
    ]:
        assert any(text.startswith(f"rules.toml:{line}: ") and what in text for text in told), (line, what, told)


def test_a_family_that_finds_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="has neither phrases nor patterns"):
        parse_rules('[[families]]\nname = "a"\nmeaning = "m"\n', "rules.toml")


@pytest.mark.parametrize("source", ["", "concepts = 1\nfamilies = []", "families = 3", "families = [1]"])
def test_a_file_without_families_is_refused(source: str) -> None:
    with pytest.raises(ValueError, match="families"):
        parse_rules(source, "rules.toml")


def test_a_file_that_is_no_toml_says_where() -> None:
    with pytest.raises(ValueError, match=r"rules\.toml:2: no valid TOML"):
        parse_rules("[concepts]\nx = ", "rules.toml")
