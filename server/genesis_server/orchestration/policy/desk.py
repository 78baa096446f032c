"""What an operator does with rulebooks: read, check, try, take into use, go back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from genesis_server.model.caller import Caller
from genesis_server.orchestration.policy.active import ActiveRulebook, RulebookSource
from genesis_server.orchestration.policy.preview import Preview, Previewer
from genesis_server.orchestration.policy.versions import Pointer, RulebookChange, RulebookVersions
from genesis_server.resilience.errors import FieldViolation, ResourceError, RoutingError
from genesis_server.routing.rules.lint import LintFinding, lint
from genesis_server.routing.rules.loading import load_rulebook
from genesis_server.routing.rules.rulebook import Rulebook
from genesis_server.storage.base import VersionConflictError
from genesis_server.text.toml_file import DataFileError, Mistake

_TRIES = 5
"""How often an activation begins again when another one came first."""


@dataclass(frozen=True, slots=True)
class RulebookView:
    """A rulebook as it is shown."""

    rulebook: Rulebook
    source: RulebookSource
    in_use: bool
    change: RulebookChange | None
    """The last change that took it into use; None when it never was but as the file's."""


@dataclass(frozen=True, slots=True)
class Linted:
    """What a check found."""

    rulebook: Rulebook | None
    """None when there are mistakes."""
    mistakes: tuple[Mistake, ...] = ()
    findings: tuple[LintFinding, ...] = ()
    """Rules that are shadowed, unreachable, in conflict or too large to check; they do not stand in the way."""


@dataclass(frozen=True, slots=True)
class Activated:
    """A rulebook was taken into use."""

    change: RulebookChange
    findings: tuple[LintFinding, ...]


@dataclass(frozen=True, slots=True)
class ChangePage:
    """Changes of the rulebook in use, newest first."""

    changes: tuple[RulebookChange, ...]
    following: int
    """The `before` of the next page; 0 at the end."""


class PolicyDesk:
    """The operations behind PolicyService."""

    def __init__(self, *, active: ActiveRulebook, versions: RulebookVersions, previewer: Previewer, now: Callable[[], float]) -> None:
        """Take the parts; `now` gives seconds since the epoch."""
        self._active = active
        self._versions = versions
        self._previewer = previewer
        self._now = now

    async def get(self, version: str = "") -> RulebookView:
        """A rulebook that is or was in use; without a version the one in use. Raises ResourceError RULEBOOK_NOT_FOUND."""
        active = self._active
        in_use = active.rulebook
        if version in {"", in_use.version}:
            change = active.change if active.change is not None and active.change.to_version == in_use.version else None
            return RulebookView(in_use, active.source, in_use=True, change=change)
        rulebook, source, change = await self._earlier(version)
        return RulebookView(rulebook, source, in_use=False, change=change)

    async def lint(self, text: str) -> Linted:
        """Check a text; what is wrong with it is the answer, not an error."""
        return await asyncio.to_thread(check_text, text)

    async def preview(self, tenant: str, *, text: str = "", version: str = "", plan_id: str = "", before: str = "", limit: int) -> Preview:
        """Recorded routings of a tenant under another rulebook, given by its text or its version; pages go on at `before`.

        Raises RoutingError INVALID_RULEBOOK and ResourceError RULEBOOK_NOT_FOUND.
        """
        rulebook = await self._wanted(text, version)
        return await self._previewer.preview(tenant, rulebook, plan_id=plan_id, before=before, limit=limit)

    async def activate(self, actor: Caller, *, text: str = "", version: str = "", expected_version: str = "", cause: str) -> Activated:
        """Take a rulebook into use on every process, given by its text or by the version of one that was in use before.

        The version of the server's file goes back to following the file. `expected_version` is what the caller believes to be in use.
        The change and its entry are on disk when this returns. Raises RoutingError INVALID_RULEBOOK, ResourceError RULEBOOK_NOT_FOUND
        and VERSION_MISMATCH.
        """
        rulebook = await self._wanted(text, version)
        findings = await asyncio.to_thread(lint, rulebook)
        for _ in range(_TRIES):
            # Who expects nothing takes the place of whatever came first; who expects a version is told on the next try.
            with suppress(VersionConflictError):
                change = await self._change(rulebook, actor, expected_version, cause)
                await self._active.refresh()
                return Activated(change, findings)
        raise ResourceError("VERSION_MISMATCH", "other changes of the rulebook came first each time; read the one in use, and decide again")

    async def _change(self, rulebook: Rulebook, actor: Caller, expected_version: str, cause: str) -> RulebookChange:
        """Write the change from what is in use now. Raises VersionConflictError when another one came first meanwhile."""
        # One read of the pointer says both what is in use and which change is the next.
        pointer = await self._active.refresh()
        in_use = self._active.rulebook
        if expected_version not in {"", in_use.version}:
            raise _mismatch(expected_version, in_use.version)
        earlier = rulebook.version != in_use.version and await self._versions.stored(rulebook.version) is not None
        change = RulebookChange(
            sequence=pointer.change.sequence + 1 if pointer is not None else 1,
            time=self._now(),
            actor=f"{actor.tenant}/{actor.subject}",
            from_version=in_use.version,
            to_version=rulebook.version,
            cause=cause,
            roll_back=earlier,
        )
        follows_file = rulebook.version == self._active.file.rulebook.version
        await self._versions.put(Pointer(follows_file, change), text=rulebook.text, replaced=in_use.text)
        return change

    async def history(self, *, before: int = 0, limit: int) -> ChangePage:
        """The entries of changes, newest first, with a smaller number than `before` (0: all)."""
        found: Sequence[RulebookChange] = await self._versions.changes(before=before, limit=limit)
        more = len(found) == limit and found[-1].sequence > 1
        return ChangePage(tuple(found), found[-1].sequence if more else 0)

    async def _wanted(self, text: str, version: str) -> Rulebook:
        if version:
            in_use = self._active.rulebook
            return in_use if version == in_use.version else (await self._earlier(version))[0]
        linted = await asyncio.to_thread(_loaded, text)
        if linted.rulebook is None:
            raise _invalid(linted.mistakes)
        return linted.rulebook

    async def _earlier(self, version: str) -> tuple[Rulebook, RulebookSource, RulebookChange | None]:
        """A rulebook that is not in use, by its version: the file's, or one that was in use."""
        stored = await self._versions.stored(version)
        if version == self._active.file.rulebook.version:
            return self._active.file.rulebook, self._active.file_source, stored.change if stored is not None else None
        if stored is None:
            raise ResourceError(
                "RULEBOOK_NOT_FOUND",
                f"no rulebook of version {version!r} was ever in use here; ListRulebookChanges tells which were",
                facts={"version": version},
            )
        loaded = await asyncio.to_thread(_loaded, stored.text)
        if loaded.rulebook is None:
            raise _invalid(loaded.mistakes)
        source = RulebookSource.ACTIVATED if stored.change is not None else RulebookSource.FILE
        return loaded.rulebook, source, stored.change


def _loaded(text: str) -> Linted:
    try:
        return Linted(load_rulebook(text))
    except DataFileError as error:
        return Linted(None, error.mistakes)


def check_text(text: str) -> Linted:
    """Every mistake of a rulebook's text, or the rulebook with every rule that cannot do what somebody wrote it for."""
    loaded = _loaded(text)
    return loaded if loaded.rulebook is None else Linted(loaded.rulebook, findings=lint(loaded.rulebook))


def _invalid(mistakes: Sequence[Mistake]) -> RoutingError:
    count = len(mistakes)
    more = f" (and {count - 1} more)" if count > 1 else ""
    return RoutingError(
        "INVALID_RULEBOOK",
        f"the rulebook has mistakes: {mistakes[0]}{more}; LintRulebook tells them all",
        facts={"mistakes": str(count)},
        violations=[FieldViolation("text", str(mistake)) for mistake in mistakes],
    )


def _mismatch(expected: str, actual: str) -> ResourceError:
    return ResourceError(
        "VERSION_MISMATCH",
        f"the rulebook in use is {actual}, not {expected}; read it, and decide again",
        facts={"expected": expected, "actual": actual},
    )
