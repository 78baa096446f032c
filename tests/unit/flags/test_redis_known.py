"""What is known of the flags in Redis: never less than before, unless somebody took a flag away."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from genesis_server.flags.sources.redis_known import Known
from genesis_server.flags.sources.redis_layout import encode_flag
from genesis_server.flags.written import WrittenFlag
from genesis_server.model.flags import FlagLayer

ON = '{"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"on"}'
OFF = ON.replace(':"on"}', ':"off"}')
BROKEN = '{"state":"MAYBE"}'


def written(key: str, version: int, text: str = ON) -> WrittenFlag:
    return WrittenFlag(key, version, text, "acme/ann", 100.0 + version)


def values(*flags: WrittenFlag) -> dict[str, bytes]:
    return {flag.key: encode_flag(flag) for flag in flags}


def defaults(known: Known) -> dict[str, str | None]:
    return {key: flag.default_variant for key, flag in known.layer(stale=False).definitions.items()}


def test_flags_are_known_as_they_lie_there() -> None:
    known = Known().with_all(values(written("a", 1), written("b", 2, OFF)))
    assert (defaults(known), known.mistakes) == ({"a": "on", "b": "off"}, ())
    layer = known.layer(stale=False)
    assert (layer.kind, layer.stale, layer.mistakes, layer.versions["b"]) == (FlagLayer.WRITTEN, False, {}, written("b", 2, OFF))


def test_only_what_changed_is_parsed_again() -> None:
    before = Known().with_all(values(written("a", 1), written("b", 1)))
    after = before.with_all(values(written("a", 1), written("b", 2, OFF)))
    assert after.layer(stale=False).definitions["a"] is before.layer(stale=False).definitions["a"]
    assert defaults(after) == {"a": "on", "b": "off"}
    assert [(flag.key, flag.version) for flag in after.newer_than(before)] == [("b", 2)]


def test_a_flag_that_was_taken_away_is_gone_and_keeps_its_version() -> None:
    known = Known().with_all(values(written("a", 1))).with_all(values(written("a", 2, "")))
    assert (defaults(known), known.version_of("a"), known.mistakes) == ({}, 2, ())


def test_a_wrong_flag_takes_no_other_along_and_its_last_good_one_holds() -> None:
    known = Known().with_all(values(written("a", 1), written("b", 1))).with_all(values(written("a", 2, BROKEN), written("b", 2, OFF)))
    assert defaults(known) == {"a": "on", "b": "off"}
    assert known.version_of("a") == 2
    assert len(known.layer(stale=False).mistakes["a"]) >= 1
    assert all(mistake.startswith("flag 'a': ") for mistake in known.mistakes)
    mended = known.with_all(values(written("a", 3, OFF), written("b", 2, OFF)))
    assert (defaults(mended), mended.mistakes) == ({"a": "off", "b": "off"}, ())


def test_a_value_nobody_understands_leaves_the_last_good_one_in_use() -> None:
    known = Known().with_all(values(written("a", 4))).with_all({"a": b"hello"})
    assert (defaults(known), known.version_of("a")) == ({"a": "on"}, 4)
    assert "not understood" in known.mistakes[0]


def test_a_flag_that_was_never_understood_is_told_and_forgotten_when_it_goes() -> None:
    known = Known().with_all({"a": b"hello"})
    assert (defaults(known), known.version_of("a"), len(known.mistakes)) == ({}, 0, 1)
    assert known.with_all({}).mistakes == ()


def test_a_flag_that_vanished_stays_in_use_and_is_told() -> None:
    known = Known().with_all(values(written("a", 1), written("b", 1))).with_all(values(written("b", 1)))
    assert defaults(known) == {"a": "on", "b": "on"}
    assert "write it again" in known.mistakes[0]
    assert not known.layer(stale=False).stale
    again = known.with_all(values(written("b", 1)))
    assert again.flags["a"] is known.flags["a"]
    assert known.with_all(values(written("a", 1), written("b", 1))).mistakes == ()


def test_flags_that_were_wiped_all_stay_in_use_as_stale() -> None:
    known = Known().with_all(values(written("a", 1), written("b", 1), written("c", 2, ""))).with_all({})
    assert defaults(known) == {"a": "on", "b": "on"}
    assert known.mistakes == (
        "Redis holds none of the 3 flags it had; the last good ones hold: restore it from a backup, or write them again",
    )
    assert known.layer(stale=False).stale


def test_a_backup_with_older_versions_is_told_and_not_used() -> None:
    known = Known().with_all(values(written("a", 7))).with_all(values(written("a", 3, OFF)))
    assert (defaults(known), known.version_of("a")) == ({"a": "on"}, 7)
    assert "version 3 in Redis after version 7" in known.mistakes[0]
    assert known.with_all(values(written("a", 8, OFF))).mistakes == ()


def test_news_that_are_older_than_what_is_known_change_nothing() -> None:
    known = Known().with_all(values(written("a", 7)))
    assert known.with_some(values(written("a", 6, OFF))) is known
    assert known.with_some(values(written("a", 7, OFF))) is known
    assert defaults(known.with_some(values(written("a", 8, OFF), written("b", 1)))) == {"a": "off", "b": "on"}


def test_what_is_kept_for_a_start_without_redis_is_what_was_in_use() -> None:
    known = Known().with_all(values(written("a", 1), written("b", 3, ""), written("c", 1)))
    known = known.with_all({**values(written("a", 2, BROKEN), written("b", 3, "")), "c": b"hello"})
    kept = Known.from_bytes(known.to_bytes())
    assert defaults(kept) == {"a": "on", "c": "on"}
    assert {key: kept.version_of(key) for key in kept.flags} == {"a": 1, "b": 3, "c": 1}
    assert not kept.is_wiped
    assert kept.with_all({}).is_wiped


KEYS = st.sampled_from("abc")
VALUES = st.dictionaries(
    KEYS, st.one_of(st.binary(max_size=8), st.builds(lambda version, text: encode_flag(written("x", version, text)), st.integers(1, 9),
                                                      st.sampled_from([ON, OFF, "", BROKEN])))
)  # fmt: skip


@given(st.lists(st.tuples(st.booleans(), VALUES), max_size=8))
def test_versions_never_go_back_and_definitions_go_only_when_taken_away(steps: list[tuple[bool, Mapping[str, bytes]]]) -> None:
    """Whatever comes from Redis."""
    known = Known()
    for everything, there in steps:
        after = known.with_all(there) if everything else known.with_some(there)
        for key, held in known.flags.items():
            assert after.version_of(key) >= held.version
            if held.definition is not None and (key not in after.flags or after.flags[key].definition is None):
                taken = after.written(key)
                assert taken is not None
                assert taken.text == ""
        assert set(after.layer(stale=False).mistakes) <= set(after.flags)
        known = after
