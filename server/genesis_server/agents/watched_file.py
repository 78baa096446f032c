"""When a file that changes under our hands may be read: a pure state machine, the eyes are elsewhere.

A change is read when it has been the same for two looks, so that a writer gets the time to finish. A file that changed within
the clock's grain of the read is read once more, because a second write in the same tick would not show (git calls it "racy").
"""

from __future__ import annotations

from dataclasses import dataclass, replace

RACY_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class FileStamp:
    """What tells without reading that a file is another one."""

    mtime_ns: int
    size: int
    inode: int


@dataclass(frozen=True, slots=True)
class Watched:
    """What has been seen of a file so far."""

    read: FileStamp | None = None
    """The stamp of the content read last; None when it must be read again."""
    seen: FileStamp | None = None
    """The stamp at the last look; None when the file was not there."""

    def look(self, stamp: FileStamp) -> tuple[Watched, bool]:
        """The state after a look, and whether the file is to be read now."""
        steady = stamp == self.seen
        return replace(self, seen=stamp), steady and stamp != self.read

    def missing(self) -> Watched:
        """The state after a look that found no file."""
        return Watched()

    def done(self, stamp: FileStamp, now: float) -> Watched:
        """The state after the content of `stamp` was read at `now` (seconds since the epoch)."""
        racy = now - stamp.mtime_ns / 1e9 < RACY_SECONDS
        return Watched(read=None if racy else stamp, seen=stamp)
