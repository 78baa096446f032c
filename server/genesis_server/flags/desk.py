"""What an operator does with flags: read, try, change, set in an emergency, look up who did what."""

from __future__ import annotations

import asyncio
import json
from bisect import bisect_right
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from threading import Event

from genesis_server.flags.audit import AuditEntry, AuditHead
from genesis_server.flags.audit_log import AuditLog
from genesis_server.flags.definition import FlagDefinition, FlagMistakesError, built_in_flags
from genesis_server.flags.emergency import EMERGENCY_FLAGS, EmergencyFlags, EmergencyState
from genesis_server.flags.layers import Layer
from genesis_server.flags.live import LiveFlags
from genesis_server.flags.near_keys import flag_not_found
from genesis_server.flags.preview import Preview, preview
from genesis_server.flags.reading import read_flag
from genesis_server.flags.snapshot import FlagSnapshot
from genesis_server.flags.verbs import disabled, enabled, with_weight
from genesis_server.flags.written import AuditDraft, FlagVersionConflictError, WrittenFlag, WrittenFlags
from genesis_server.model.caller import Caller
from genesis_server.model.flags import FlagContext, FlagLayer
from genesis_server.resilience.errors import FieldViolation, ResourceError, ValidationError, invalid_field
from genesis_server.security.redaction import redact

_TRIES = 5
"""How often a change that expects no version begins again when another one came first."""
_MOST_CHARACTERS = 1_000_000
"""Of definitions in one page: a message of gRPC holds 4 MB unless a client says otherwise."""


class FlagAction(StrEnum):
    """What a change does to the definition of a flag; the words of the audit log."""

    PUT = "put"
    DELETE = "delete"
    SET_WEIGHT = "set_weight"
    ENABLE = "enable"
    DISABLE = "disable"


@dataclass(frozen=True, slots=True)
class FlagEdit:
    """A change of a flag's definition, to make or to try."""

    action: FlagAction
    text: str = ""
    """For PUT: the flag's object of flagd's format as JSON."""
    percent: float = 0.0
    """For SET_WEIGHT: how many per cent of the subjects get the first variant, from 0 to 100."""


@dataclass(frozen=True, slots=True)
class FlagChange:
    """A change that was made."""

    key: str
    version: int
    """Of the written definition now."""
    before: str
    """The definition that was written before, JSON; empty when there was none."""
    after: str
    """The one written now, JSON; empty when it was taken away."""
    audit_sequence: int
    """Number of the entry in the audit log."""
    time: float
    """Seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class LayerDefinition:
    """A definition of a flag in one layer."""

    layer: FlagLayer
    text: str
    """JSON."""


@dataclass(frozen=True, slots=True)
class FlagView:
    """A flag as it is shown."""

    key: str
    text: str
    """The definition that holds, JSON; empty when the flag was only ever written wrong."""
    layer: FlagLayer
    """The layer it is from; UNSPECIFIED when there is none."""
    hidden: tuple[LayerDefinition, ...]
    """Definitions it hides, highest layer first."""
    last_write: WrittenFlag | None
    """The last write, which may have taken the definition away; None when it was never written."""
    mistakes: tuple[str, ...]
    """In the newest definitions, which is why the last good ones hold; empty when all is well."""
    built_in: bool
    """Whether Genesis itself asks for it."""
    description: str

    @property
    def version(self) -> int:
        """Version of the written definition, deletions included; 0 when it was never written."""
        return 0 if self.last_write is None else self.last_write.version

    @property
    def written(self) -> bool:
        """Whether it is written now."""
        return self.last_write is not None and self.last_write.text != ""


@dataclass(frozen=True, slots=True)
class FlagPage:
    """Flags, by key."""

    flags: tuple[FlagView, ...]
    following: str
    """The `after` of the next page; empty at the end."""


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Entries of the audit log."""

    entries: tuple[AuditEntry, ...]
    following: int
    """The `after` of the next page; 0 at the end."""
    head: AuditHead
    """The newest entry of the log, read before the entries."""


_SWITCHES = {FlagAction.ENABLE: enabled, FlagAction.DISABLE: disabled}
_NOTHING_WRITTEN = Layer(FlagLayer.WRITTEN, "written definition", {})


class FlagDesk:
    """The operations behind FlagAdminService."""

    def __init__(
        self,
        *,
        written: WrittenFlags,
        live: LiveFlags,
        audit: AuditLog,
        emergency: EmergencyFlags,
        now: Callable[[], float],
    ) -> None:
        """Take the parts; `now` gives seconds since the epoch."""
        self._written = written
        self._live = live
        self._audit = audit
        self._emergency = emergency
        self._now = now

    def get(self, key: str) -> FlagView:
        """A flag in every layer, as this process knows it. Raises ResourceError FLAG_NOT_FOUND."""
        found = _view(key, _highest_first(self._live.snapshot))
        if found is None:
            raise flag_not_found(key, self._live.snapshot.keys)
        return found

    def list(self, *, after: str = "", limit: int) -> FlagPage:
        """At most `limit` flags whose keys come after `after`, by key, as this process knows them; fewer when their texts are long."""
        snapshot = self._live.snapshot
        layers = _highest_first(snapshot)
        wrong = {key for layer in layers for key in layer.mistakes if snapshot.definition(key) is None}
        keys = sorted({*snapshot.keys, *wrong}) if wrong else snapshot.keys
        begin = bisect_right(keys, after)
        views: list[FlagView] = []
        characters = 0
        for key in keys[begin : begin + limit]:
            view = _view(key, layers)
            if view is not None:
                characters += len(view.text) + sum(len(hidden.text) for hidden in view.hidden)
                if views and characters > _MOST_CHARACTERS:
                    break
                views.append(view)
        more = begin + len(views) < len(keys)
        return FlagPage(tuple(views), views[-1].key if views and more else "")

    async def change(
        self,
        actor: Caller,
        key: str,
        edit: FlagEdit,
        *,
        expected_version: int | None = None,
        cause: str,
        correlation_id: str = "",
    ) -> FlagChange:
        """Change the written definition of a flag.

        `expected_version` is the version the caller has read, 0 for a flag that was never written; None: whatever it is. It is on disk
        with its entry in the audit log, and in use in this process, when this returns. Raises ValidationError INVALID_FIELD (no cause),
        INVALID_FLAG (PUT) and FLAG_VERB_MISMATCH (the verbs), ResourceError FLAG_NOT_FOUND (all but PUT), VERSION_MISMATCH and what the
        source of the written flags raises.
        """
        cause = _recorded(cause)
        for _ in range(_TRIES):
            before = await self._written.get(key)
            version = 0 if before is None else before.version
            if expected_version not in {None, version}:
                raise _mismatch(key, expected_version, version)
            flag = WrittenFlag(key, version + 1, _text_after(key, edit, before, self._live.snapshot), _name(actor), self._now())
            draft = AuditDraft(
                time=flag.time,
                actor=flag.actor,
                action=edit.action,
                key=key,
                cause=cause,
                version=flag.version,
                before="" if before is None else before.text,
                after=flag.text,
                correlation_id=correlation_id,
            )
            # Who expects nothing takes the place of whatever came first; who expects a version is told on the next try.
            with suppress(FlagVersionConflictError):
                sequence = await self._written.write(flag, draft)
                return FlagChange(key, flag.version, draft.before, draft.after, sequence, flag.time)
        message = f"other changes of the flag {key!r} came first each time; read it, and decide again"
        raise ResourceError("VERSION_MISMATCH", message, facts={"flag": key})

    async def preview(self, key: str, edit: FlagEdit, contexts: Sequence[FlagContext] = ()) -> Preview:
        """What a change would do to what this process knows; nothing is written.

        Raises ValidationError INVALID_FLAG (PUT) and FLAG_VERB_MISMATCH (the verbs), ResourceError FLAG_NOT_FOUND (all but PUT).
        """
        over = Event()
        try:
            return await asyncio.to_thread(_previewed, key, edit, contexts, self._live.snapshot, now=self._now(), over=over.is_set)
        finally:
            over.set()

    @property
    def emergency_flags(self) -> tuple[EmergencyState, ...]:
        """Every emergency flag, as this process knows it."""
        return tuple(self._emergency.states.values())

    async def set_emergency(self, actor: Caller, key: str, *, cause: str, correlation_id: str = "") -> EmergencyState:
        """Set an emergency flag; on disk with its entry in the audit log, and in use in this process, when this returns.

        One that is set gets the new cause. Raises ResourceError FLAG_NOT_FOUND and what the storage raises, ValidationError INVALID_FIELD.
        """
        cause = _recorded(cause)
        return await self._emergency.set(key, actor=_name(actor), cause=cause, correlation_id=correlation_id)

    async def clear_emergency(self, actor: Caller, key: str, *, cause: str, correlation_id: str = "") -> EmergencyState:
        """Clear an emergency flag, as `set_emergency` sets it; one that is not set stays as it is."""
        cause = _recorded(cause)
        return await self._emergency.clear(key, actor=_name(actor), cause=cause, correlation_id=correlation_id)

    async def audit(self, *, after: int = 0, limit: int, oldest_first: bool = False, key: str = "") -> AuditPage:
        """At most `limit` entries beyond the one numbered `after` (0: from the beginning), newest first unless `oldest_first`.

        `key`: only entries of this flag. There are fewer when their contents are long.
        """
        head = await self._audit.head()
        found = await self._audit.page(after=after, limit=limit + 1, oldest_first=oldest_first, key=key)
        entries: list[AuditEntry] = []
        size = 0
        for entry in found[:limit]:
            size += len(entry.content)
            if entries and size > _MOST_CHARACTERS:
                break
            entries.append(entry)
        return AuditPage(tuple(entries), entries[-1].sequence if len(entries) < len(found) else 0, head)


def _text_after(key: str, edit: FlagEdit, before: WrittenFlag | None, snapshot: FlagSnapshot) -> str:
    """The written definition after a change; `before`: what is written now, `snapshot`: the layers below."""
    if edit.action is FlagAction.PUT:
        return _read(key, edit.text).text
    if edit.action is FlagAction.DELETE:
        if before is None or not before.text:
            message = f"no definition of the flag {key[:128]!r} is written, so that there is none to take away"
            raise ResourceError("FLAG_NOT_FOUND", message, facts={"flag": key[:128]})
        return ""
    if key in EMERGENCY_FLAGS:
        raise _verb_mismatch(key, edit.action, "is an emergency flag; SetEmergencyFlag and ClearEmergencyFlag switch it")
    definition = _holding(key, edit.action, before, snapshot)
    changed = with_weight(definition, edit.percent) if edit.action is FlagAction.SET_WEIGHT else _SWITCHES[edit.action](definition)
    return _read(key, json.dumps(changed)).text


def _holding(key: str, action: FlagAction, before: WrittenFlag | None, snapshot: FlagSnapshot) -> FlagDefinition:
    """The definition that holds while `before` is written."""
    if before is not None and before.text:
        try:
            return read_flag(before.text, key=key)
        except FlagMistakesError as error:
            why = f"is written with mistakes ({error.mistakes[0]}); write the whole definition with PutFlag"
            raise _verb_mismatch(key, action, why) from None
    below = (layer for layer in _highest_first(snapshot) if layer.kind is not FlagLayer.WRITTEN and key in layer.definitions)
    layer = next(below, None)
    if layer is None:
        raise flag_not_found(key, snapshot.keys)
    return layer.definitions[key]


def _previewed(
    key: str, edit: FlagEdit, contexts: Sequence[FlagContext], snapshot: FlagSnapshot, *, now: float, over: Callable[[], bool]
) -> Preview:
    layers = {layer.kind: layer for layer in snapshot.layers}
    written = layers.get(FlagLayer.WRITTEN, _NOTHING_WRITTEN)
    text = _text_after(key, edit, written.versions.get(key), snapshot)
    definitions = {other: definition for other, definition in written.definitions.items() if other != key}
    if text:
        definitions[key] = read_flag(text, key=key)
    mistakes = {other: found for other, found in written.mistakes.items() if other != key}
    layers[FlagLayer.WRITTEN] = replace(written, definitions=definitions, mistakes=mistakes)
    candidate = [layers[kind] for kind in sorted(layers)]
    after = FlagSnapshot(candidate, overrides=snapshot.overrides, emergency=snapshot.emergency)
    return preview(key, snapshot, after, contexts, now=now, over=over)


def _highest_first(snapshot: FlagSnapshot) -> Sequence[Layer]:
    return sorted(snapshot.layers, key=lambda layer: layer.kind, reverse=True)


def _view(key: str, layers: Sequence[Layer]) -> FlagView | None:
    """A flag in the layers, which are highest first; None when none of them knows it."""
    found = [(layer.kind, layer.definitions[key]) for layer in layers if key in layer.definitions]
    mistakes = tuple(mistake for layer in layers for mistake in layer.mistakes.get(key, ()))
    if not found and not mistakes:
        return None
    built_in = built_in_flags().get(key)
    told = [definition for _, definition in found] if built_in is None else [*(definition for _, definition in found), built_in]
    return FlagView(
        key=key,
        text=found[0][1].text if found else "",
        layer=found[0][0] if found else FlagLayer.UNSPECIFIED,
        hidden=tuple(LayerDefinition(kind, definition.text) for kind, definition in found[1:]),
        last_write=next((layer.versions[key] for layer in layers if key in layer.versions), None),
        mistakes=mistakes,
        built_in=built_in is not None,
        description=next((definition.description for definition in told if definition.description), ""),
    )


def _read(key: str, text: str) -> FlagDefinition:
    if key in EMERGENCY_FLAGS:
        raise _invalid(
            key, [f"{key} is an emergency flag, which has no other definition; SetEmergencyFlag and ClearEmergencyFlag switch it"]
        )
    try:
        return read_flag(text, key=key)
    except FlagMistakesError as error:
        raise _invalid(key, error.mistakes) from None


def _invalid(key: str, mistakes: Sequence[str]) -> ValidationError:
    count = len(mistakes)
    more = f" (and {count - 1} more)" if count > 1 else ""
    return ValidationError(
        "INVALID_FLAG",
        f"the definition has mistakes: {mistakes[0]}{more}",
        facts={"flag": key, "mistakes": str(count)},
        violations=[FieldViolation("definition_json", mistake) for mistake in mistakes],
    )


def _verb_mismatch(key: str, action: FlagAction, why: str) -> ValidationError:
    return ValidationError("FLAG_VERB_MISMATCH", f"the flag {key!r} {why}", facts={"flag": key, "verb": action})


def _mismatch(key: str, expected: int | None, actual: int) -> ResourceError:
    return ResourceError(
        "VERSION_MISMATCH",
        f"the flag {key!r} has version {actual}, not {expected}; read it, and decide again",
        facts={"flag": key, "expected": str(expected), "actual": str(actual)},
    )


def _recorded(cause: str) -> str:
    """Why, as it is kept for ever and shown to others: without secrets."""
    if not cause.strip():
        raise invalid_field("cause", "must say why, for the record", "string.min_len")
    return redact(cause)


def _name(actor: Caller) -> str:
    return f"{actor.tenant}/{actor.subject}"
