"""What stays the same object is encoded once, and the document is always that of its parts."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from genesis_server.storage.pieces import NO_PIECES, encoded


@dataclass(frozen=True)
class _Part:
    text: str


def _encode(name: str, part: _Part) -> bytes:
    return f"{name}={part.text}".encode()


def test_only_what_is_new_is_encoded_again() -> None:
    asked: list[str] = []

    def encode(name: str, part: _Part) -> bytes:
        asked.append(name)
        return _encode(name, part)

    old = {"a": _Part("1"), "b": _Part("2")}
    _, pieces = encoded(old.items(), encode, NO_PIECES)
    found, _ = encoded({"b": old["b"], "a": _Part("3")}.items(), encode, pieces)
    assert asked == ["a", "b", "a"]
    assert found == [b"b=2", b"a=3"]


def test_a_part_that_went_and_came_back_is_not_remembered_from_long_ago() -> None:
    part = _Part("1")
    _, pieces = encoded([("a", part)], _encode, NO_PIECES)
    _, pieces = encoded([], _encode, pieces)
    assert pieces == {}


@given(st.lists(st.dictionaries(st.sampled_from("abcd"), st.sampled_from([_Part("1"), _Part("2"), _Part("3")])), max_size=6))
def test_whatever_was_written_before_the_document_is_that_of_its_parts(versions: list[dict[str, _Part]]) -> None:
    pieces = NO_PIECES
    for version in versions:
        found, pieces = encoded(version.items(), _encode, pieces)
        assert found == encoded(version.items(), _encode, NO_PIECES)[0]
