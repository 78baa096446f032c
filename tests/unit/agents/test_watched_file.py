"""When a changing file is read."""

from hypothesis import given
from hypothesis import strategies as st

from genesis_server.agents.watched_file import RACY_SECONDS, FileStamp, Watched

OLD, NEW = FileStamp(1_000_000_000, 10, 1), FileStamp(2_000_000_000, 10, 1)
LATER = 100.0


def test_a_change_is_read_when_it_has_lasted_for_two_looks() -> None:
    """An editor gets the time to finish writing."""
    state = Watched().done(OLD, LATER)
    state, read = state.look(NEW)
    assert not read
    state, read = state.look(NEW)
    assert read
    _, read = state.done(NEW, LATER).look(NEW)
    assert not read


def test_a_file_that_came_back_is_looked_at_anew() -> None:
    """A file that was deleted and restored is read again, even with its old stamp."""
    state = Watched().done(OLD, LATER).missing()
    state, read = state.look(OLD)
    assert not read
    _, read = state.look(OLD)
    assert read


def test_a_file_written_just_now_is_read_once_more() -> None:
    """A second write within the clock's grain is not missed."""
    just_now = OLD.mtime_ns / 1e9 + RACY_SECONDS / 2
    state, read = Watched().done(OLD, just_now).look(OLD)
    assert read
    _, read = state.done(OLD, just_now + RACY_SECONDS).look(OLD)
    assert not read


@given(st.lists(st.sampled_from([OLD, NEW, FileStamp(3, 3, 3), None]), max_size=30))
def test_nothing_is_read_that_was_not_there_the_look_before(stamps: list[FileStamp | None]) -> None:
    """Whatever happens to the file, a read content stood still between two looks."""
    state, before = Watched(), None
    for stamp in stamps:
        if stamp is None:
            state = state.missing()
        else:
            state, read = state.look(stamp)
            if read:
                assert stamp == before
                state = state.done(stamp, LATER)
        before = stamp
