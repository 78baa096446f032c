"""One set of variants for a whole run: the flags and the context of the first call that named it.

A pin names a stored snapshot and keeps the first context, so that whatever flag is asked for later, and by whatever process, is answered
as it would have been then. Environment variables and emergency flags are those of now.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import cast

from genesis_server.flags.definition import FlagDefinition, FlagMistakesError
from genesis_server.flags.layers import Layer
from genesis_server.flags.reading import read_flag
from genesis_server.flags.snapshot import FlagSnapshot
from genesis_server.flags.written import WrittenFlag
from genesis_server.model.flags import FlagContext, FlagLayer, JsonValue
from genesis_server.resilience.errors import ResourceError, invalid_field
from genesis_server.storage.base import ABSENT, SERVER, Documents, Key, Put, VersionConflictError

PIN_KIND = "flag_pin"
SNAPSHOT_KIND = "flag_snapshot"
KEPT_SECONDS = 30 * 86_400.0
"""How long a pin holds."""
PIN = "the flags as the run began with them"
MAX_PIN_BYTES = 64 * 1024
"""Of the context a run keeps."""
_CACHED = 32
"""Snapshots of runs that are kept ready."""


class Pins:
    """The pins of runs, in the store that all processes share. Belongs to one event loop."""

    def __init__(
        self, documents: Documents, *, live: Callable[[], FlagSnapshot], may_write: Callable[[], bool], now: Callable[[], float]
    ) -> None:
        """Pin what `live` gives; while `may_write` says no, runs that have no pin yet get none. `now`: seconds since the epoch."""
        self._documents = documents
        self._live = live
        self._may_write = may_write
        self._now = now
        self._ready: OrderedDict[tuple[str, str], FlagSnapshot] = OrderedDict()
        """By name of the stored snapshot and id of the live one."""
        self._stored: tuple[FlagSnapshot, str, float] | None = None
        """The live snapshot that was stored last, its name, and when it was."""

    async def snapshot_for(self, tenant: str, run_id: str, context: FlagContext) -> tuple[FlagSnapshot, FlagContext]:
        """The flags and the context of a run; `context` and the flags of now become them when it has none.

        Raises ValidationError INVALID_FIELD for a context that is too large to be kept, ResourceError FLAG_NOT_FOUND when the run's flags
        are gone from the store or not understood, and what the storage raises.
        """
        key = Key(tenant, PIN_KIND, run_id)
        found = await self._documents.get(key)
        if found is not None:
            pin = cast("dict[str, JsonValue]", json.loads(found.value))
            kept = FlagContext(
                cast("str", pin["targeting_key"]), cast("dict[str, JsonValue]", pin["attributes"]), cast("float", pin["time"])
            )
            return await self._pinned(cast("str", pin["snapshot"])), kept
        live = self._live()
        if self._may_write():
            try:
                await self._pin(key, live, context)
            except VersionConflictError:  # another call of the run was first
                return await self.snapshot_for(tenant, run_id, context)
            except ResourceError:
                if self._may_write():  # else an emergency flag came in between
                    raise
        return live, context

    async def _pin(self, key: Key, live: FlagSnapshot, context: FlagContext) -> None:
        now, puts = self._now(), list[Put]()
        stored = self._stored
        if stored is None or stored[0] is not live or stored[2] < now - KEPT_SECONDS:
            content = await asyncio.to_thread(_encode, live)
            stored = (live, f"flags-{hashlib.sha256(content).hexdigest()[:16]}", now)
            # Twice as long as the pins that name it until it is written again.
            puts.append(Put(Key(SERVER, SNAPSHOT_KIND, stored[1]), content, expires=now + 2 * KEPT_SECONDS))
        pin = {
            "snapshot": stored[1],
            "targeting_key": context.targeting_key,
            "attributes": dict(context.attributes),
            "time": context.time,
        }
        value = json.dumps(pin).encode()
        if len(value) > MAX_PIN_BYTES:
            told = f"take {len(value)} bytes as JSON; those of a run are kept with it and may take {MAX_PIN_BYTES}"
            raise invalid_field("context.attributes", told)
        await self._documents.put_all([*puts, Put(key, value, ABSENT, now + KEPT_SECONDS)])
        self._stored = stored

    async def _pinned(self, name: str) -> FlagSnapshot:
        live = self._live()
        ready = self._ready.get((name, live.snapshot_id))
        if ready is None:
            found = await self._documents.get(Key(SERVER, SNAPSHOT_KIND, name))
            if found is None:
                raise _lost(name, "are gone from the store")
            try:
                layer = await asyncio.to_thread(_decode, found.value, live)
            except FlagMistakesError:
                raise _lost(name, "are in words that this release does not understand") from None
            ready = self._ready[name, live.snapshot_id] = FlagSnapshot([layer], overrides=live.overrides, emergency=live.emergency)
            while len(self._ready) > _CACHED:
                self._ready.popitem(last=False)
        else:
            self._ready.move_to_end((name, live.snapshot_id))
        return ready


def _encode(snapshot: FlagSnapshot) -> bytes:
    """The definitions that hold."""
    flags: dict[str, object] = {}
    for key, layer in snapshot.where.items():
        flag = layer.definitions[key]
        flags[key] = {"definition": flag.whole(), "version": layer.version_of(key), "digest": flag.digest}
    return json.dumps(flags, sort_keys=True, separators=(",", ":")).encode()


def _decode(content: bytes, live: FlagSnapshot) -> Layer:
    """The stored definitions; those that are the same now are taken as they are, which most of ten thousand are."""
    definitions: dict[str, FlagDefinition] = {}
    versions: dict[str, WrittenFlag] = {}
    for key, flag in cast("Mapping[str, Mapping[str, JsonValue]]", json.loads(content)).items():
        same = live.definition(key)
        if same is None or same.digest != flag["digest"]:
            same = read_flag(json.dumps(flag["definition"]), key=key)
        definitions[key] = same
        if flag["version"]:
            versions[key] = WrittenFlag(key, cast("int", flag["version"]), "", "", 0.0)
    return Layer(FlagLayer.PIN, PIN, definitions, versions)


def _lost(name: str, why: str) -> ResourceError:
    message = f"the flags this run began with {why}; begin another run, under another id"
    return ResourceError("FLAG_NOT_FOUND", message, facts={"flag": name})
