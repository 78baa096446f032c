"""Texts are hashed as CBOR encodes them."""

from __future__ import annotations

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis_server.flags.rules.errors import RuleError
from genesis_server.flags.rules.hashing import cbor, cbor_text, hash_bytes, pair_start
from genesis_server.flags.rules.work import MAX_DEPTH


@pytest.mark.parametrize("size", [0, 1, 23, 24, 255, 256, 65535, 65536])
def test_a_text_of_any_length_is_encoded_as_the_library_does(size: int) -> None:
    assert cbor_text("x" * size) == cbor2.dumps("x" * size)


@given(st.text(max_size=100), st.text(max_size=100))
def test_a_key_and_a_subject_are_encoded_as_a_list_of_two(key: str, who: str) -> None:
    assert pair_start(key) + cbor_text(who) == cbor2.dumps([key, who])


def test_the_vector_of_the_specification() -> None:
    encoded = pair_start("flag") + cbor_text("user-1")
    assert encoded.hex() == "8264666c616766757365722d31"
    assert hash_bytes(encoded) == 1204790219
    assert hash_bytes(b"flaguser-1") == 3034658845


@given(st.integers(-(2**63), 2**64 - 1))
def test_a_whole_number_is_one_whatever_its_type(number: int) -> None:
    assert cbor([float(number)]) == cbor([int(float(number))] if -(2**63) <= float(number) <= 2**64 - 1 else [float(number)])


def test_maps_are_sorted_and_floats_as_short_as_they_can_be() -> None:
    assert cbor({"aa": 1, "b": 1.5}) == bytes.fromhex("a26162f93e00626161" + "01")


def test_what_is_nested_too_deep_is_an_error() -> None:
    deep: object = 1
    for _ in range(MAX_DEPTH + 1):
        deep = [deep]
    with pytest.raises(RuleError, match="nested"):
        cbor(deep)


def test_half_a_character_has_no_form() -> None:
    for value in ("\ud800", ["\ud800"], {"\ud800": 1}):
        with pytest.raises(UnicodeEncodeError):
            cbor(value)
