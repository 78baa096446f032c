"""The order of the layers."""

from __future__ import annotations

import dataclasses
from typing import Any, cast

from edge_server import serving

from genesis_server.rpc.chain import AROUND_PROBES, AROUND_UNKNOWN, ORDER, Layers
from genesis_server.rpc.interceptors.layer import Layer


async def test_the_layers_stand_in_the_order_of_the_house() -> None:
    async with serving() as edge:
        names = [name for name, _ in edge.server._chain]
        kinds = [type(layer).__name__ for _, layer in edge.server._chain]
    assert names == [
        "correlation",
        "metrics",
        "errors",
        "tracing",
        "limits",
        "security",
        "authentication",
        "authorization",
        "flags",
        "constraints",
        "idempotency",
    ]
    expected = [f"{name.capitalize()}Interceptor" for name in names]
    expected[6] = expected[7] = "Passing"
    assert kinds == expected


def test_every_layer_has_a_place() -> None:
    assert sorted(field.name for field in dataclasses.fields(Layers)) == sorted(ORDER)
    markers = {name: object() for name in ORDER}
    chain = Layers(**cast("Any", markers)).chain()
    assert chain == [(name, cast("Layer", markers[name])) for name in ORDER]
    assert {*AROUND_PROBES, *AROUND_UNKNOWN} <= {*ORDER}
