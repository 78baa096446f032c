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
        (2, "'two words' is not one word"),
        (3, "concept odd must be a list of texts"),
        (8, "colour is not known"),
        (9, "no concept of this name: <nothing>"),
        (11, "without an upper bound"),
        (12, "missing )"),
        (13, "matches the empty text"),
        (14, "needs must be a list of texts"),
        (19, "family first stands twice"),
        (19, "family first has no meaning"),
        (19, "has neither phrases nor patterns"),
        (23, "not 'Bad Name'"),
        (25, "extra is not known here"),
    ]:
        assert any(text.startswith(f"rules.toml:{line}: ") and what in text for text in told), (line, what, told)
    assert any("patterns must be a list of" in text for text in told)


@pytest.mark.parametrize("source", ["", "concepts = 1\nfamilies = []", "families = 3"])
def test_a_file_without_families_is_refused(source: str) -> None:
    with pytest.raises(ValueError, match="at least one"):
        parse_rules(source, "rules.toml")


def test_a_file_that_is_no_toml_says_where() -> None:
    with pytest.raises(ValueError, match=r"rules\.toml: .*end of document"):
        parse_rules("[concepts]\nx = ", "rules.toml")
