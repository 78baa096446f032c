"""Sources hand in what they have, readers take what is in use."""

from __future__ import annotations

import json

from genesis_server.flags.emergency import EmergencyState
from genesis_server.flags.layers import Layer
from genesis_server.flags.live import LiveFlags
from genesis_server.flags.overrides import Overrides
from genesis_server.flags.reading import read_flag
from genesis_server.flags.snapshot import FlagSnapshot
from genesis_server.model.flags import FlagLayer


def layer(kind: FlagLayer, default: str) -> Layer:
    text = json.dumps({"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": default})
    return Layer(kind, kind.name, {"otel_enabled": read_flag(text, key="otel_enabled")})


def test_a_layer_replaces_the_one_of_its_kind_and_higher_ones_win_in_whatever_order_they_come() -> None:
    live = LiveFlags(overrides=Overrides())
    live.take(layer(FlagLayer.WRITTEN, "on"))
    live.take(layer(FlagLayer.FILE, "off"))
    assert live.snapshot.enabled("otel_enabled")
    live.take(layer(FlagLayer.WRITTEN, "off"))
    assert not live.snapshot.enabled("otel_enabled")
    assert [layer.kind for layer in live.snapshot.layers] == [FlagLayer.BUILT_IN, FlagLayer.FILE, FlagLayer.WRITTEN]


def test_who_took_a_snapshot_keeps_it_unchanged() -> None:
    live = LiveFlags(overrides=Overrides())
    taken = live.snapshot
    live.take(layer(FlagLayer.FILE, "off"))
    assert taken.enabled("otel_enabled")
    assert not live.snapshot.enabled("otel_enabled")


def test_everybody_is_told_of_a_snapshot_and_not_of_emergency_flags_that_stay_as_they_are() -> None:
    told: list[FlagSnapshot] = []
    live = LiveFlags(overrides=Overrides(), changed=told.append)
    state = EmergencyState("read_only_mode", True, "why", "default/ann", 1.0)
    live.take_emergency({"read_only_mode": state})
    live.take_emergency({"read_only_mode": state})
    assert told == [live.snapshot]
    assert live.snapshot.modes.read_only
    live.take_emergency({})
    assert not live.snapshot.modes.read_only
