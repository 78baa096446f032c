"""A call sees each flag once."""

from __future__ import annotations

import json
from collections.abc import Mapping

from genesis_server.flags.bound import BoundFlags, bind_flags, current_flags
from genesis_server.flags.contexts import context_of, own_key
from genesis_server.flags.layers import Layer
from genesis_server.flags.reading import read_flag
from genesis_server.flags.snapshot import Evaluation, FlagSnapshot
from genesis_server.model.caller import Caller, Role
from genesis_server.model.flags import FlagContext, FlagLayer

CALLER = Caller("acme", "ann", frozenset({Role.CLIENT}))


def drawn(*keys: str) -> FlagSnapshot:
    flag = {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "on"}
    text = json.dumps({**flag, "targeting": {"if": [{"==": [{"var": "tenant"}, "acme"]}, "off", "on"]}})
    return FlagSnapshot([Layer(FlagLayer.FILE, "own.json", {key: read_flag(text, key=key) for key in keys})])


def test_a_flag_is_asked_and_told_once() -> None:
    told: list[tuple[Evaluation, str]] = []
    flags = BoundFlags(FlagSnapshot(), "who", FlagContext("who").data, lambda evaluation, key: told.append((evaluation, key)))
    assert flags.enabled("otel_enabled")
    assert flags.enabled("otel_enabled")
    assert [(evaluation.key, key) for evaluation, key in told] == [("otel_enabled", "who")]


def test_rules_are_asked_for_the_caller() -> None:
    snapshot = drawn("orchestration_enabled")
    own, other = (
        BoundFlags(snapshot, own_key(caller), context_of(caller, environment="production", now=1.0).data, lambda *_: None)
        for caller in (CALLER, Caller("other", "ann", frozenset()))
    )
    assert own.planner_off_reason == "the flag orchestration_enabled is off"
    assert not other.planner_off_reason
    assert own.snapshot_id == snapshot.snapshot_id


def test_what_rules_read_is_made_once_and_only_for_a_rule() -> None:
    made: list[int] = []

    def data() -> Mapping[str, object]:
        made.append(1)
        return context_of(CALLER, environment="production", now=1.0).data()

    flags = BoundFlags(drawn("phase_1_core_enabled", "orchestration_enabled"), "who", data, lambda *_: None)
    assert flags.enabled("phase_3_hardening_enabled")
    assert not made
    assert not flags.enabled("orchestration_enabled")
    assert not flags.enabled("phase_1_core_enabled")
    assert len(made) == 1


def test_the_flags_of_a_call_are_seen_by_what_runs_inside_it() -> None:
    flags = BoundFlags(FlagSnapshot(), "", FlagContext().data, lambda *_: None)
    bind_flags(flags)
    assert current_flags() is flags


def test_who_is_drawn_is_the_key_given_else_the_run_else_the_caller() -> None:
    made = {"environment": "staging", "now": 5.0}
    assert context_of(CALLER, **made, run_id="run-1", targeting_key="me").targeting_key == "me"
    assert context_of(CALLER, **made, run_id="run-1").targeting_key == "run-1"
    assert context_of(CALLER, **made).targeting_key == "acme/ann"


def test_nobody_can_claim_to_be_of_another_tenant() -> None:
    found = context_of(CALLER, environment="staging", now=5.0, attributes={"tenant": "other", "plan": "gold"})
    assert found.attributes == {"tenant": "acme", "caller": "ann", "environment": "staging", "plan": "gold"}
    assert found.data() == {**found.attributes, "targetingKey": "acme/ann", "$flagd": {"timestamp": 5}}
