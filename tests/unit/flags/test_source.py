"""The flag file may break at any moment; the server keeps the last good flags."""

from __future__ import annotations

import json
from itertools import count
from pathlib import Path

import pytest

from genesis_server.flags.definition import MAX_FILE_BYTES, FlagMistakesError
from genesis_server.flags.overrides import Override, Overrides
from genesis_server.flags.source import FlagSource
from genesis_server.model.flags import FlagReason


def flags(default: str) -> bytes:
    flag = {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": default}
    return json.dumps({"flags": {"otel_enabled": flag}}, indent=1).encode()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    target = tmp_path / "own.json"
    target.write_bytes(flags("off"))
    return target


def source(path: Path | None, overrides: Overrides | None = None) -> FlagSource:
    clock = count(100)
    return FlagSource(path=path, overrides=overrides or Overrides(), clock=lambda: float(next(clock)))


def reason(found: FlagSource) -> FlagReason:
    return found.snapshot.evaluate("otel_enabled").reason


def test_without_a_file_the_built_in_flags_hold() -> None:
    found = source(None, Overrides({"otel_enabled": Override(value=False, variable="V")}))
    assert not found.poll()
    assert found.status.good
    assert not found.snapshot.enabled("otel_enabled")


def test_a_change_is_seen_at_the_next_poll(path: Path) -> None:
    found = source(path)
    first = found.snapshot
    assert not found.poll()
    path.write_bytes(flags("on"))
    assert found.poll()
    assert found.snapshot.enabled("otel_enabled")
    assert found.snapshot.snapshot_id != first.snapshot_id
    assert not first.enabled("otel_enabled")


def test_a_change_of_the_same_size_and_time_is_seen(path: Path) -> None:
    import os

    path.write_bytes(flags("off"))
    found = source(path)
    stat = path.stat()
    path.write_bytes(flags("off").replace(b'"ENABLED"', b'"ENABLED"').replace(b'Variant": "off"', b'Variant":  "on"'))
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert path.stat().st_size == stat.st_size
    assert found.poll()
    assert found.snapshot.enabled("otel_enabled")


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda path: path.write_bytes(b"{"), "own.json:1: not JSON"),
        (lambda path: path.unlink(), "own.json: is not there"),
        (lambda path: (path.unlink(), path.mkdir()), "own.json: is no regular file"),
        (lambda path: path.write_bytes(b"\0" * 100), "own.json:1: not JSON"),
        (lambda path: path.write_bytes(b" " * (MAX_FILE_BYTES * 3)), "own.json: larger than"),
        (lambda path: path.write_bytes(b'{"flags": {"otel_enabled": {}}}'), "own.json:1: $.flags.otel_enabled.state"),
    ],
)
def test_a_damaged_file_keeps_the_last_good_flags_until_it_is_mended(path: Path, damage, says: str) -> None:
    found = source(path)
    before = found.snapshot.snapshot_id
    damage(path)
    assert found.poll()
    assert not found.status.good
    assert found.status.mistakes[0].startswith(says)
    assert found.status.since == 101
    assert found.snapshot.snapshot_id == before
    assert reason(found) is FlagReason.STALE
    assert not found.poll()
    if path.is_dir():
        path.rmdir()
    path.write_bytes(flags("on"))
    assert found.poll()
    assert found.status.good
    assert reason(found) is FlagReason.STATIC
    assert found.snapshot.enabled("otel_enabled")


def test_a_file_that_may_not_be_read_keeps_the_last_good_flags(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = source(path)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", refuse)
        assert found.poll()
    assert found.status.mistakes == ("own.json: cannot be read: Permission denied",)
    assert reason(found) is FlagReason.STALE
    assert found.poll()
    assert found.status.good


def test_a_file_cut_at_any_byte_while_running_never_changes_a_flag(path: Path) -> None:
    whole = flags("off")
    found = source(path)
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        assert found.poll()
        assert not found.snapshot.enabled("otel_enabled")
        assert reason(found) is FlagReason.STALE
    path.write_bytes(whole)
    assert found.poll()
    assert found.status.good


def test_a_file_with_any_bit_flipped_while_running_gives_whole_flags(path: Path) -> None:
    whole = flags("off")
    found = source(path)
    for bit in range(0, len(whole) * 8, 5):
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        found.poll()
        assert found.snapshot.evaluate("otel_enabled").value in {True, False}
        if not found.status.good:
            assert reason(found) is FlagReason.STALE


def test_a_file_broken_at_the_start_is_refused_with_its_mistakes(path: Path) -> None:
    path.write_bytes(b'{"flags": {"otel_enable": {}}}')
    with pytest.raises(FlagMistakesError, match=r"own\.json:1: .*did you mean otel_enabled"):
        source(path)
    path.unlink()
    with pytest.raises(FlagMistakesError, match="is not there"):
        source(path)
