"""A run sees one set of variants from its first call to its last."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from genesis_server.flags.emergency import EmergencyState
from genesis_server.flags.layers import Layer
from genesis_server.flags.live import LiveFlags
from genesis_server.flags.overrides import Overrides
from genesis_server.flags.pins import MAX_PIN_BYTES, PIN_KIND, SNAPSHOT_KIND, Pins
from genesis_server.flags.reading import read_flag
from genesis_server.flags.written import WrittenFlag
from genesis_server.model.flags import FlagContext, FlagLayer
from genesis_server.resilience.errors import ResourceError, ValidationError
from genesis_server.storage.base import SERVER, Key, Store
from genesis_server.storage.opening import open_store

NOW = 1_800_000_000.0
FIRST = FlagContext("run-1", {"country": "ch"}, NOW)
LATER = FlagContext("run-1", {"country": "de"}, NOW + 60)
RULE = {"if": [{"==": [{"var": "country"}, "ch"]}, "on", "off"]}


def layer(default: str, version: int = 1, **more: object) -> Layer:
    text = json.dumps({"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": default, **more})
    written = WrittenFlag("theirs", version, text, "default/ann", NOW)
    return Layer(FlagLayer.WRITTEN, "written", {"theirs": read_flag(text, key="theirs")}, {"theirs": written})


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    made = open_store(f"sqlite://{tmp_path / 'genesis.sqlite3'}", clock=lambda: NOW)
    yield made
    await made.close()


@pytest.fixture
def live() -> LiveFlags:
    made = LiveFlags(overrides=Overrides())
    made.take(layer("on"))
    return made


def pins_of(store: Store, live: LiveFlags, *, may_write: Callable[[], bool] = lambda: True) -> Pins:
    return Pins(store, live=lambda: live.snapshot, may_write=may_write, now=lambda: NOW)


async def value(pins: Pins, run: str = "run-1", context: FlagContext = FIRST, tenant: str = "acme") -> object:
    snapshot, kept = await pins.snapshot_for(tenant, run, context)
    return snapshot.evaluate("theirs", kept).value


async def test_a_change_in_the_midst_of_a_run_is_not_seen_by_it_but_by_others(store: Store, live: LiveFlags) -> None:
    pins = pins_of(store, live)
    assert await value(pins) is True
    live.take(layer("off", version=2))
    assert await value(pins) is True
    assert await value(pins_of(store, live)) is True, "another process knows the pin as well"
    assert await value(pins, run="run-2") is False
    assert await value(pins, tenant="other") is False, "runs of tenants are apart"


async def test_a_pinned_evaluation_says_so_with_its_version(store: Store, live: LiveFlags) -> None:
    pins = pins_of(store, live)
    await value(pins)
    live.take(layer("off", version=2))
    snapshot, kept = await pins.snapshot_for("acme", "run-1", LATER)
    found = snapshot.evaluate("theirs", kept)
    assert (found.layer, found.version) == (FlagLayer.PIN, 1)


async def test_the_first_context_holds_for_the_run(store: Store, live: LiveFlags) -> None:
    live.take(layer("off", targeting=RULE))
    pins = pins_of(store, live)
    assert await value(pins) is True
    assert await value(pins, context=LATER) is True


async def test_emergency_flags_pierce_a_pin(store: Store, live: LiveFlags) -> None:
    pins = pins_of(store, live)
    await value(pins)
    live.take_emergency({"read_only_mode": EmergencyState("read_only_mode", True, "why", "default/ann", NOW)})
    snapshot, _ = await pins.snapshot_for("acme", "run-1", FIRST)
    assert snapshot.modes.read_only


async def test_two_first_calls_at_once_get_the_same_flags(store: Store, live: LiveFlags) -> None:
    other = LiveFlags(overrides=Overrides())
    other.take(layer("off", version=2))
    found = await asyncio.gather(value(pins_of(store, live)), value(pins_of(store, other)))
    assert len(set(found)) == 1


async def test_while_nothing_is_written_a_run_without_a_pin_gets_none(store: Store, live: LiveFlags) -> None:
    pins = pins_of(store, live, may_write=lambda: False)
    assert await value(pins) is True
    assert await store.get(Key("acme", PIN_KIND, "run-1")) is None
    live.take(layer("off", version=2))
    assert await value(pins) is False


async def test_a_snapshot_is_stored_once_for_many_runs(store: Store, live: LiveFlags) -> None:
    pins = pins_of(store, live)
    for number in range(5):
        await value(pins, run=f"run-{number}")
    stored = await store.list(SERVER, SNAPSHOT_KIND)
    assert [document.version for document in stored] == [1]


async def test_a_run_whose_flags_are_gone_is_told_so(store: Store, live: LiveFlags) -> None:
    await value(pins_of(store, live))
    for document in await store.list(SERVER, SNAPSHOT_KIND):
        await store.delete(document.key)
    with pytest.raises(ResourceError, match="begin another run") as caught:
        await value(pins_of(store, live))
    assert caught.value.reason == "FLAG_NOT_FOUND"


async def test_what_did_not_change_since_the_run_began_is_not_read_again(store: Store, live: LiveFlags) -> None:
    await value(pins_of(store, live))
    before = live.snapshot.definition("theirs")
    live.take_emergency({"read_only_mode": EmergencyState("read_only_mode", True, "why", "default/ann", NOW)})
    snapshot, _ = await pins_of(store, live).snapshot_for("acme", "run-1", LATER)
    assert snapshot.definition("theirs") is before


async def test_a_run_whose_flags_only_a_newer_release_understands_is_told_so(store: Store, live: LiveFlags) -> None:
    await value(pins_of(store, live))
    (kept,) = await store.list(SERVER, SNAPSHOT_KIND)
    await store.put(kept.key, kept.value.replace(b'"defaultVariant":"on"', b'"newKey":"on"'))
    live.take(layer("off", version=2))
    with pytest.raises(ResourceError, match="does not understand; begin another run"):
        await value(pins_of(store, live))


async def test_a_context_that_is_too_large_to_be_kept_is_refused_and_nothing_is_pinned(store: Store, live: LiveFlags) -> None:
    large = FlagContext("run-1", {"text": "x" * MAX_PIN_BYTES}, NOW)
    with pytest.raises(ValidationError) as caught:
        await pins_of(store, live).snapshot_for("acme", "run-1", large)
    assert caught.value.facts == {"field": "context.attributes"}
    assert await store.get(Key("acme", PIN_KIND, "run-1")) is None


async def test_an_emergency_that_comes_while_a_run_is_pinned_leaves_it_without_a_pin(store: Store, live: LiveFlags) -> None:
    class Closing:
        """The store refuses writes from now on."""

        def __getattr__(self, name: str) -> object:
            return getattr(store, name)

        async def put_all(self, puts: object) -> None:
            allowed.clear()
            raise ResourceError("MAINTENANCE_MODE", "no")

    allowed = [True]
    pins = Pins(Closing(), live=lambda: live.snapshot, may_write=lambda: bool(allowed), now=lambda: NOW)  # type: ignore[arg-type]
    assert await value(pins) is True
