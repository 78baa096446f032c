"""The bounds of the agents file are those of the contract."""

from typing import Any

import protovalidate
import pytest
from google.protobuf import json_format
from pydantic import ValidationError

from genesis.v1 import catalogue_pb2
from genesis_server.agents.schema import MAX_DURATION_SECONDS, CatalogueEntry

SKILL = {"id": "s"}
ARTEFACT = {"name": "a"}
AGENT: dict[str, Any] = {"id": "a", "skills": [SKILL]}
TOOL: dict[str, Any] = {"name": "t"}


def _agent(**keys: Any) -> dict[str, Any]:
    return {"agents": [AGENT | keys]}


def _skill(**keys: Any) -> dict[str, Any]:
    return _agent(skills=[SKILL | keys])


def _tool(**keys: Any) -> dict[str, Any]:
    return {"tools": [TOOL | keys]}


CASES: list[tuple[dict[str, Any], bool]] = [
    ({"agents": [AGENT | {"id": f"a{n}"} for n in range(2_000)]}, True),
    ({"agents": [AGENT | {"id": f"a{n}"} for n in range(2_001)]}, False),
    ({"tools": [{"name": f"t{n}"} for n in range(5_000)]}, True),
    ({"tools": [{"name": f"t{n}"} for n in range(5_001)]}, False),
    (_agent(id="a" * 128), True),
    (_agent(id="a" * 129), False),
    (_agent(id="a b"), False),
    (_agent(id="a\n"), False),
    (_agent(id="_a"), False),
    (_agent(id="Z9._:/-"), True),
    (_agent(skills=[]), False),
    (_agent(skills=[{"id": f"s{n}"} for n in range(200)]), True),
    (_agent(skills=[{"id": f"s{n}"} for n in range(201)]), False),
    (_agent(models=[{"id": f"m{n}"} for n in range(50)]), True),
    (_agent(models=[{"id": f"m{n}"} for n in range(51)]), False),
    (_agent(max_concurrent_tasks=100_000), True),
    (_agent(max_concurrent_tasks=100_001), False),
    (_agent(models=[{"id": ""}]), False),
    (_agent(models=[{"id": "m" * 201}]), False),
    (_agent(models=[{"id": "m", "success_prior": 1.0}]), True),
    (_agent(models=[{"id": "m", "success_prior": 1.01}]), False),
    (_agent(models=[{"id": "m", "success_prior": -0.01}]), False),
    (_skill(id=""), False),
    (_skill(id="s" * 128), True),
    (_skill(id="s" * 129), False),
    (_skill(tags=["t"] * 100), True),
    (_skill(tags=["t"] * 101), False),
    (_skill(tags=["t" * 201]), False),
    (_skill(examples=["e"] * 200), True),
    (_skill(examples=["e"] * 201), False),
    (_skill(examples=["é" * 2_000]), True),
    (_skill(examples=["é" * 2_001]), False),
    (_skill(inputs=[ARTEFACT] * 100), True),
    (_skill(inputs=[ARTEFACT] * 101), False),
    (_skill(outputs=[{"name": ""}]), False),
    (_skill(outputs=[{"name": "a" * 201}]), False),
    (_skill(outputs=[{"name": "a", "type": "t" * 201}]), False),
    (_skill(expected_duration=f"{MAX_DURATION_SECONDS}s"), True),
    (_skill(expected_duration=f"{MAX_DURATION_SECONDS}.5s"), False),
    (_skill(expected_duration="-1s"), False),
    (_tool(name=""), False),
    (_tool(name="t" * 200), True),
    (_tool(name="t" * 201), False),
    (_tool(description="d" * 8_000), True),
    (_tool(description="d" * 8_001), False),
    (_tool(examples=["e"] * 201), False),
    (_tool(inputs=[ARTEFACT] * 101), False),
    (_tool(outputs=[ARTEFACT] * 101), False),
    *[(_agent(**{key: "x" * size}), True) for key, size in (("name", 200), ("description", 4_000), ("version", 64), ("region", 64))],
    *[(_agent(**{key: "x" * size}), False) for key, size in (("name", 201), ("description", 4_001), ("version", 65), ("region", 65))],
    *[(_skill(**{key: "x" * size}), size % 2 == 0) for key in ("name",) for size in (200, 201)],
    *[(_skill(**{key: "x" * size}), size % 2 == 0) for key in ("description",) for size in (4_000, 4_001)],
]  # fmt: skip


@pytest.mark.parametrize(("entry", "allowed"), CASES)
def test_file_and_contract_draw_the_same_line(entry: dict[str, Any], allowed: bool) -> None:
    """What the file may say a request may say, and the other way round."""
    message = json_format.ParseDict(entry, catalogue_pb2.Catalogue())
    assert (not protovalidate.collect_violations(message)) == allowed
    try:
        CatalogueEntry.model_validate(entry, strict=True)
        taken = True
    except ValidationError:
        taken = False
    assert taken == allowed


@pytest.mark.parametrize(
    ("text", "units", "nanos", "currency", "allowed"),
    [
        ("9000000000000000 USD", 9_000_000_000_000_000, 0, "USD", True),
        ("9000000000000001 USD", 9_000_000_000_000_001, 0, "USD", False),
        ("-1 USD", -1, 0, "USD", False),
        ("1 usd", 1, 0, "usd", False),
        ("1", 1, 0, "", True),
        ("0.999999999 CHF", 0, 999_999_999, "CHF", True),
    ],
)
def test_amounts_have_the_same_bounds(text: str, units: int, nanos: int, currency: str, allowed: bool) -> None:
    """A price in the file is a price in a request."""
    tool = catalogue_pb2.Tool(name="t")
    tool.cost_per_call.units, tool.cost_per_call.nanos, tool.cost_per_call.currency_code = units, nanos, currency
    assert (not protovalidate.collect_violations(tool)) == allowed
    try:
        (entry,) = CatalogueEntry.model_validate({"tools": [{"name": "t", "cost_per_call": text}]}, strict=True).tools
    except ValidationError:
        assert not allowed
    else:
        assert allowed
        assert entry.build().cost_per_call.nanos == units * 1_000_000_000 + nanos
