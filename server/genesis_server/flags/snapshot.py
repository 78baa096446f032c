"""What every flag is at one moment: immutable, worked out once, read without a lock."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from genesis_server.flags.definition import FlagDefinition, built_in_flags, did_you_mean
from genesis_server.flags.overrides import PLANNER_VARIABLE, Overrides
from genesis_server.model.flags import FlagReason
from genesis_server.resilience.errors import ResourceError

BUILT_IN = "built-in default"
ORCHESTRATION = "orchestration_enabled"
CORE_GROUP = "phase_1_core_enabled"


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a flag is, and why."""

    key: str
    value: bool
    variant: str
    """Name of the variant that has the value."""
    reason: FlagReason
    source: str
    """Which layer decided, in words."""
    description: str
    """What the flag switches."""


class FlagSnapshot:
    """Every flag, evaluated.

    A flag is on when its own definition, or the variable that overrides it, says so **and** its group is on. The id is
    derived from what the flags are defined as, so the same file and environment give the same id everywhere.
    """

    def __init__(
        self,
        defined: Mapping[str, FlagDefinition] | None = None,
        *,
        overrides: Overrides | None = None,
        file_name: str = "",
        stale: bool = False,
    ) -> None:
        """Evaluate `defined` (flags of the file called `file_name`) over the built-in flags; `stale`: the file is broken or gone by now."""
        self._defined = dict(defined or {})
        self._overrides = overrides or Overrides()
        self._file_name = file_name
        self._stale = stale
        built_in = built_in_flags()
        own = {key: self._own(flag) for key, flag in built_in.items()}
        self._evaluations = {key: self._grouped(own, flag) for key, flag in sorted(built_in.items())}
        self.keys: tuple[str, ...] = tuple(self._evaluations)
        self.snapshot_id: str = self._id()

    def evaluate(self, key: str) -> Evaluation:
        """What the flag is. Raises ResourceError FLAG_NOT_FOUND."""
        found = self._evaluations.get(key)
        if found is None:
            message = f"there is no flag {key[:128]!r}{did_you_mean(key, self.keys)}"
            raise ResourceError("FLAG_NOT_FOUND", message, facts={"flag": key[:128]})
        return found

    def enabled(self, key: str) -> bool:
        """Whether the flag is on, its group included. Raises ResourceError FLAG_NOT_FOUND."""
        return self.evaluate(key).value

    @property
    def planner_off_reason(self) -> str:
        """Why plans are made at the minimal level for everyone; empty when they are not."""
        if not self.enabled(ORCHESTRATION):
            return f"the flag {ORCHESTRATION} is off"
        return f"{PLANNER_VARIABLE} is off" if self._overrides.planner_off else ""

    def as_stale(self) -> FlagSnapshot:
        """The same flags, telling that the file they are from is broken or gone."""
        return FlagSnapshot(self._defined, overrides=self._overrides, file_name=self._file_name, stale=True)

    def _own(self, built_in: FlagDefinition) -> Evaluation:
        """The flag by itself: environment over file over built-in."""
        flag = self._defined.get(built_in.key, built_in)
        from_file = built_in.key in self._defined
        source = self._file_name if from_file else BUILT_IN
        override = self._overrides.flags.get(built_in.key)
        default = built_in.default_variant or ""
        value, variant, reason = built_in.variants[default], default, FlagReason.STATIC
        if override is not None:
            value, variant, reason = override.value, flag.variant_of(override.value), FlagReason.ENVIRONMENT
            source = f"environment variable {override.variable}"
        elif not flag.active:
            reason = FlagReason.DISABLED
            source = f"{BUILT_IN}: {source} disables the definition"
        elif flag.default_variant is None:
            source = f"{BUILT_IN}: {source} names no default variant"
        else:
            value, variant = flag.variants[flag.default_variant], flag.default_variant
        if self._stale and from_file and override is None:
            reason = FlagReason.STALE
            source += ", last good version"
        if built_in.key == CORE_GROUP and self._overrides.planner_off:
            source += f"; planner off by {PLANNER_VARIABLE}"
        return Evaluation(built_in.key, value, variant, reason, source, built_in.description)

    def _grouped(self, own: Mapping[str, Evaluation], built_in: FlagDefinition) -> Evaluation:
        """The flag with its group: a group that is off takes its members down."""
        mine = own[built_in.key]
        if not built_in.group or own[built_in.group].value:
            return mine
        variant = self._defined.get(built_in.key, built_in).variant_of(value=False)
        source = f"group {built_in.group} is off by {own[built_in.group].source}"
        return Evaluation(mine.key, value=False, variant=variant, reason=FlagReason.GROUP, source=source, description=mine.description)

    def _id(self) -> str:
        flags = {**built_in_flags(), **self._defined}
        content: list[object] = [
            {key: [flag.active, dict(flag.variants), flag.default_variant] for key, flag in flags.items()},
            {key: override.value for key, override in self._overrides.flags.items()},
            self._overrides.planner_off,
        ]
        return "flags-" + hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
