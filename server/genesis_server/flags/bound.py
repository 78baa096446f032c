"""The flags as one call sees them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar

from genesis_server.flags.snapshot import Evaluation, FlagSnapshot


class BoundFlags:
    """A snapshot that is asked for one subject. Each flag is asked once, so that a call never sees a flag change."""

    __slots__ = ("_data", "_found", "_make_data", "_observe", "_snapshot", "_targeting_key")

    def __init__(
        self,
        snapshot: FlagSnapshot,
        targeting_key: str,
        data: Callable[[], Mapping[str, object]],
        observe: Callable[[Evaluation, str], None],
    ) -> None:
        """Ask `snapshot`.

        Args:
            snapshot: the flags.
            targeting_key: whom for.
            data: gives what rules read of the subject; asked once, by the first rule, and most calls meet none.
            observe: told of each evaluation and the targeting key, once a flag.
        """
        self._snapshot = snapshot
        self._targeting_key = targeting_key
        self._make_data = data
        self._data: Mapping[str, object] | None = None
        self._observe = observe
        self._found: dict[str, Evaluation] = {}

    @property
    def snapshot_id(self) -> str:
        """Id of the snapshot."""
        return self._snapshot.snapshot_id

    def evaluate(self, key: str) -> Evaluation:
        """What the flag is for the subject. Raises ResourceError FLAG_NOT_FOUND."""
        found = self._found.get(key)
        if found is None:
            found = self._found[key] = self._snapshot.evaluate_on(key, self._data_of_subject)
            self._observe(found, self._targeting_key)
        return found

    def enabled(self, key: str) -> bool:
        """Whether the flag is on for the subject. Raises ResourceError FLAG_NOT_FOUND."""
        return self.evaluate(key).value is True

    def _data_of_subject(self) -> Mapping[str, object]:
        if self._data is None:
            self._data = self._make_data()
        return self._data

    @property
    def planner_off_reason(self) -> str:
        """Why plans are made at the minimal level for the subject; empty when they are not."""
        return self._snapshot.planner_off_reason_of(self.enabled)


_CURRENT: ContextVar[BoundFlags | None] = ContextVar("genesis_flags", default=None)


def current_flags() -> BoundFlags | None:
    """The flags of the call under way; None where there is no call."""
    return _CURRENT.get()


def bind_flags(flags: BoundFlags) -> None:
    """Let the rest of this call see these flags."""
    _CURRENT.set(flags)
