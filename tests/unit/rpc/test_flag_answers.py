"""What `Flag` answers: typed values, why, for whom, and within a run."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from hypothesis import given, settings
from hypothesis import strategies as st

from genesis.v1 import flags_pb2
from genesis.v1 import orchestrator_service_pb2 as pb
from genesis_server.flags.emergency import EmergencyState
from genesis_server.flags.layers import Layer
from genesis_server.flags.live import LiveFlags
from genesis_server.flags.overrides import Overrides
from genesis_server.flags.pins import Pins
from genesis_server.flags.reading import read_flag
from genesis_server.flags.snapshot import Evaluation
from genesis_server.flags.strategies import percentage
from genesis_server.flags.written import WrittenFlag
from genesis_server.model.caller import Caller, Role
from genesis_server.model.flags import FlagLayer
from genesis_server.resilience.errors import ResourceError, ValidationError
from genesis_server.resilience.remembering import remember
from genesis_server.rpc import flag_answers
from genesis_server.rpc.context import set_caller
from genesis_server.rpc.convert.flags import MAX_CONTEXT_BYTES
from genesis_server.rpc.deserialisation import SizeBounds, safe_deserialiser
from genesis_server.rpc.flag_answers import FlagAnswers
from genesis_server.rpc.methods import FLAG
from genesis_server.storage.opening import open_store

NOW = 1_800_000_000.0
BY_PLAN = {"if": [{"in": [{"var": "plan"}, ["beta", "staff"]]}, "on", {"fractional": [["on", 25], ["off", 75]]}]}

READ = safe_deserialiser(FLAG, pb.FlagRequest.FromString, SizeBounds())
"""Requests come from their bytes, as in the server."""


def switch(rule: object = None, default: str | None = "off", **more: object) -> dict[str, Any]:
    return {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": default, "targeting": rule or {}, **more}


def valued(value: object, **more: object) -> dict[str, Any]:
    return {"state": "ENABLED", "variants": {"one": value}, "defaultVariant": "one", **more}


FLAGS: dict[str, dict[str, Any]] = {
    "by_plan": switch(BY_PLAN, metadata={"owner": "ann", "weight": 3}),
    "clock": switch({"if": [{">": [{"var": "$flagd.timestamp"}, 1_900_000_000]}, "on", "off"]}),
    "disabled": switch(state="DISABLED"),
    "list": valued([1, {"a": None}]),
    "model": valued("small-1"),
    "mood": switch({"var": "mood"}),
    "number": valued(2**53 - 1),
    "plain": switch(default="on", metadata={"description": "Says yes."}),
    "whoever": switch({"if": [{"==": [{"var": "caller"}, "ann"]}, "on", "off"]}),
}


class World:
    """Answers over live flags, and what they told of evaluations."""

    def __init__(self, pins: Any = None) -> None:
        self.live = LiveFlags(overrides=Overrides())
        self.told: list[tuple[str, str]] = []
        self.write(FLAGS)
        self.answers = FlagAnswers(
            flags=lambda: self.live.snapshot, pins=pins, environment="staging", now=lambda: NOW, observe=self.observe
        )

    def write(self, flags: Mapping[str, Mapping[str, Any]], version: int = 7) -> None:
        definitions = {key: read_flag(json.dumps(flag), key=key) for key, flag in flags.items()}
        versions = {key: WrittenFlag(key, version, "", "acme/ann", NOW) for key in flags}
        self.live.take(Layer(FlagLayer.WRITTEN, "written", definitions, versions))

    def observe(self, evaluation: Evaluation, targeting_key: str) -> None:
        self.told.append((evaluation.key, targeting_key))

    async def ask(self, *keys: str, **request: Any) -> pb.FlagResponse:
        answer = await self.answers.flags(READ(pb.FlagRequest(keys=keys, **request).SerializeToString()))
        return pb.FlagResponse.FromString(answer) if isinstance(answer, bytes) else answer

    async def one(self, key: str, **request: Any) -> pb.FlagEvaluation:
        (flag,) = (await self.ask(key, **request)).flags
        return flag


def context(who: str = "", **attributes: Any) -> flags_pb2.FlagContext:
    made = flags_pb2.FlagContext(targeting_key=who)
    made.attributes.update(attributes)
    return made


@pytest.fixture(autouse=True)
def ann() -> None:
    set_caller(Caller("acme", "ann", frozenset({Role.VIEWER})))


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
async def pinned(tmp_path: Path) -> AsyncIterator[World]:
    """A world with a store for pins."""
    store = open_store(f"sqlite://{tmp_path / 'genesis.sqlite3'}", clock=lambda: NOW)
    world = World()
    world.answers = FlagAnswers(
        flags=lambda: world.live.snapshot,
        pins=Pins(store, live=lambda: world.live.snapshot, may_write=lambda: True, now=lambda: NOW),
        environment="staging",
        now=lambda: NOW,
        observe=world.observe,
    )
    yield world
    await store.close()


@pytest.mark.parametrize(
    ("key", "value", "kind"),
    [
        ("plain", True, pb.FLAG_TYPE_BOOLEAN),
        ("model", "small-1", pb.FLAG_TYPE_STRING),
        ("number", float(2**53 - 1), pb.FLAG_TYPE_NUMBER),
        ("list", [1.0, {"a": None}], pb.FLAG_TYPE_OBJECT),
    ],
)
async def test_a_value_has_the_type_it_was_written_with(world: World, key: str, value: object, kind: pb.FlagType) -> None:
    """Whole numbers are exact as far as floating point is."""
    flag = await world.one(key)
    assert json_format.MessageToDict(flag.value) == value
    assert (flag.type, flag.variant != "", flag.reason) == (kind, True, pb.FLAG_REASON_STATIC)


async def test_an_answer_says_why_by_which_layer_and_version(world: World) -> None:
    """With description and metadata."""
    flag = await world.one("plain")
    assert (flag.layer, flag.source, flag.version, flag.description) == (flags_pb2.FLAG_LAYER_WRITTEN, "written", 7, "Says yes.")
    drawn = await world.one("by_plan", context=context("bob", plan="beta"))
    assert (drawn.reason, drawn.variant, drawn.value.bool_value) == (pb.FLAG_REASON_TARGETING_MATCH, "on", True)
    assert json_format.MessageToDict(drawn.metadata) == {"owner": "ann", "weight": 3.0}


async def test_a_flag_that_has_no_value_leaves_the_callers_own_default(world: World) -> None:
    """Its type is told all the same."""
    flag = await world.one("disabled")
    assert (flag.HasField("value"), flag.variant, flag.reason, flag.type) == (False, "", pb.FLAG_REASON_DISABLED, pb.FLAG_TYPE_BOOLEAN)


async def test_a_rule_that_goes_wrong_says_how(world: World) -> None:
    """The value is absent."""
    flag = await world.one("mood", context=context(mood="angry"))
    assert (flag.HasField("value"), flag.reason) == (False, pb.FLAG_REASON_ERROR)
    assert "angry" in flag.error


async def test_without_a_context_flags_are_asked_for_the_caller(world: World) -> None:
    """Rules know tenant, caller and environment, and the caller is who is drawn."""
    assert (await world.one("whoever")).variant == "on"
    assert (await world.one("whoever", context=context("bob"))).variant == "on"
    set_caller(Caller("acme", "bob", frozenset({Role.VIEWER})))
    assert (await world.one("whoever")).variant == "off"
    assert world.told == [("whoever", "acme/ann"), ("whoever", "bob"), ("whoever", "acme/bob")]


async def test_several_flags_come_in_the_order_asked_and_all_by_key(world: World) -> None:
    """Those that ship among them; each is told of once."""
    assert [flag.key for flag in (await world.ask("plain", "model", "plain")).flags] == ["plain", "model", "plain"]
    everything = [flag.key for flag in (await world.ask()).flags]
    assert everything == sorted(everything) == list(world.live.snapshot.keys)
    assert {"plain", "otel_enabled"} <= set(everything)
    assert len(world.told) == 3 + len(everything)


async def test_the_snapshot_in_use_is_told_and_a_change_is_seen_at_once(world: World) -> None:
    """Answers that are kept ready are not kept beyond their snapshot."""
    before = await world.ask("plain")
    assert before.snapshot_id == before.current_snapshot_id == world.live.snapshot.snapshot_id
    assert (await world.ask("plain")) == before
    world.write({**FLAGS, "plain": switch(default="off")}, version=8)
    after = await world.ask("plain")
    assert (after.flags[0].variant, after.flags[0].version) == ("off", 8)
    assert after.snapshot_id != before.snapshot_id
    world.live.take_emergency({"maintenance_mode": EmergencyState("maintenance_mode", True, "moving", "acme/ann", NOW)})
    emergency = await world.one("maintenance_mode")
    assert (emergency.value.bool_value, emergency.reason, emergency.layer) == (
        True,
        pb.FLAG_REASON_EMERGENCY,
        flags_pb2.FLAG_LAYER_EMERGENCY,
    )


async def test_a_flag_there_is_not_is_not_found(world: World) -> None:
    """Alone and among others."""
    for keys in (["plian"], ["plain", "plian"]):
        with pytest.raises(ResourceError, match="did you mean plain") as caught:
            await world.ask(*keys)
        assert caught.value.reason == "FLAG_NOT_FOUND"


@pytest.mark.parametrize(
    ("attributes", "field"),
    [
        ({"tenant": "other"}, "context.attributes.tenant"),
        ({"caller": "root"}, "context.attributes.caller"),
        ({"environment": "production"}, "context.attributes.environment"),
        ({"targetingKey": "bob"}, "context.attributes.targetingKey"),
        ({"plan": float("nan")}, "context.attributes.plan"),
        ({"big": "x" * MAX_CONTEXT_BYTES}, "context.attributes"),
    ],
)
async def test_an_attribute_that_cannot_be_given_is_an_invalid_field(world: World, attributes: dict[str, Any], field: str) -> None:
    """Nobody can claim to be another tenant; what is too large is refused before it is read."""
    with pytest.raises(ValidationError) as caught:
        await world.one("by_plan", context=context(**attributes))
    assert caught.value.reason == "INVALID_FIELD"
    assert [violation.field for violation in caught.value.violations] == [field]


async def test_attributes_that_no_asked_rule_reads_are_not_looked_at(world: World) -> None:
    """A number that JSON does not have does no harm where nobody asks for it."""
    flag = await world.one("clock", context=context("bob", huge=float("inf")))
    assert flag.variant == "off"


attributes = st.dictionaries(
    st.sampled_from(["plan", "mood", "country", "n"]),
    st.sampled_from(["beta", "staff", "pro", "on", "off"]) | st.integers(-5, 5) | st.none() | st.lists(st.booleans(), max_size=2),
)


@given(attributes=attributes, who=st.sampled_from(["", "ann", "bob"]), key=st.sampled_from(sorted(FLAGS)))
@settings(max_examples=200, deadline=None)
async def test_reading_less_of_a_context_changes_no_answer(attributes: dict[str, Any], who: str, key: str) -> None:
    """One flag asked for alone, and among all, for whom every attribute is read."""
    set_caller(Caller("acme", "ann", frozenset({Role.VIEWER})))
    world = World()
    alone = await world.one(key, context=context(who, **attributes))
    together = {flag.key: flag for flag in (await world.ask(context=context(who, **attributes))).flags}
    explained = await world.one(key, context=context(who, **attributes), explain=True)
    explained.ClearField("explanation")
    assert alone == together[key] == explained
    if not who and not attributes:
        assert await world.one(key) == alone


async def test_a_members_group_reads_attributes_of_its_own(world: World) -> None:
    """What its group's rule asks for is read as well."""
    rule = {"if": [{"==": [{"var": "country"}, "ch"]}, "off", "on"]}
    world.write({"phase_3_hardening_enabled": switch(rule, default="on")})
    assert (await world.one("otel_enabled", context=context("bob", country="de"))).value.bool_value
    off = await world.one("otel_enabled", context=context("bob", country="ch"))
    assert (off.value.bool_value, off.reason) == (False, pb.FLAG_REASON_GROUP)


async def test_an_explanation_has_the_way_the_draw_and_a_sentence(world: World) -> None:
    """How far the subject is from turning out otherwise."""
    told = (await world.one("by_plan", context=context("bob", plan="pro"), explain=True)).explanation
    assert told.layer == flags_pb2.FLAG_LAYER_WRITTEN
    assert [step.operation for step in told.steps] == ["var", "in", "fractional", "if"]
    (bucket,) = told.buckets
    assert (bucket.path, bucket.total_weight, bucket.generation) == ("/if/2/fractional", 100, "v3")
    assert bucket.lower <= bucket.bucket < bucket.upper
    assert told.text.startswith(f"the rule chose {bucket.variant}: the draw fell into the ")


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("plain", "there is no rule: the default, on, holds for everybody"),
        ("disabled", "written disables the definition"),
        ("whoever", "the rule chose on"),
        ("mood", "the rule chose no variant, so the default, off, holds"),
    ],
)
async def test_every_reason_is_told_in_a_sentence(world: World, key: str, words: str) -> None:
    assert (await world.one(key, explain=True)).explanation.text == words


async def test_a_rule_that_went_wrong_is_explained_up_to_there(world: World) -> None:
    told = (await world.one("mood", context=context(mood="angry"), explain=True)).explanation
    assert told.text.startswith("the rule went wrong: ")
    assert [step.result for step in told.steps] == ['"angry"']


async def test_at_most_twenty_flags_are_explained(world: World) -> None:
    """All of them, when there are no more."""
    world.write({f"f{number}": switch(percentage(5)["targeting"]) for number in range(25)})
    with pytest.raises(ValidationError, match="at most 20") as caught:
        await world.ask(explain=True)
    assert [violation.field for violation in caught.value.violations] == ["keys"]
    assert len((await world.ask(*[f"f{number}" for number in range(20)], explain=True)).flags) == 20


async def test_a_run_keeps_its_variants_and_tells_the_snapshot_in_use(pinned: World) -> None:
    """A flip does not split a run; other runs see it."""
    first = await pinned.ask("plain", run_id="r1")
    pinned.write({**FLAGS, "plain": switch(default="off")}, version=8)
    again = await pinned.ask("plain", run_id="r1")
    other = await pinned.ask("plain", run_id="r2")
    assert [answer.flags[0].variant for answer in (first, again, other)] == ["on", "on", "off"]
    assert again.flags[0].layer == flags_pb2.FLAG_LAYER_PIN
    assert again.snapshot_id != again.current_snapshot_id == other.snapshot_id


async def test_a_run_keeps_the_context_it_began_with(pinned: World) -> None:
    """Whole, since any flag may be asked for later; the run is who is drawn when nobody is named."""
    await pinned.ask("plain", run_id="r1", context=context(plan="beta", mood="off"))
    assert (await pinned.one("by_plan", run_id="r1")).variant == "on"
    assert (await pinned.one("mood", run_id="r1", context=context(mood="on"))).variant == "off"
    assert {who for _, who in pinned.told} == {"r1"}


@pytest.mark.parametrize("keys", [["plain"], ["by_plan", "plain"], []])
async def test_nothing_kept_ready_gives_the_same_answers(world: World, keys: list[str]) -> None:
    """`performance_optimizations_enabled` off: slower, not otherwise."""
    kept = [await world.ask(*keys) for _ in range(2)]
    remember(False)
    anew = [await world.ask(*keys), await world.ask(*keys)]
    assert kept == anew


async def test_what_goes_wrong_anew_each_time_is_not_kept(world: World) -> None:
    """Each answer tells its own mistake, and memory does not grow with them."""
    for mood in ("angry", "merry", "angry"):
        flag = await world.one("mood", context=context(mood=mood))
        assert mood in flag.error
    world.write({"mood": switch({"cat": ["nobody"]})})
    assert [("nobody" in (await world.one("mood")).error) for _ in range(2)] == [True, True]


async def test_a_flag_that_is_asked_again_is_answered_alike_and_told_each_time_until_the_flags_change(world: World) -> None:
    first = await world.ask("plain")
    assert first == await world.ask("plain")
    assert world.told == [("plain", "acme/ann")] * 2
    set_caller(Caller("acme", "bob", frozenset({Role.VIEWER})))
    assert first == await world.ask("plain")
    assert world.told[2:] == [("plain", "acme/bob")]
    assert (await world.one("plain", context=context("who"))).variant == "on"
    world.write({**FLAGS, "plain": switch(default="off")}, version=8)
    assert ((await world.one("plain")).variant, (await world.one("plain")).version) == ("off", 8)


async def test_nobody_keeps_out_what_others_ask(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests that differ in what nobody reads are bounded, and the next of another caller is known all the same."""
    monkeypatch.setattr(flag_answers, "_KEPT", 5)
    world.write(FLAGS, version=8)
    data = pb.FlagRequest(keys=["plain"]).SerializeToString()
    for number in range(20):
        await world.answers.flags(READ(data + bytes([0xF8, 0x07, number])))
    kept = world.answers._ready.for_everybody
    assert 0 < len(kept) <= 5
    await world.answers.flags(READ(data))
    assert kept.get(data) is not None


async def test_a_flag_with_a_rule_is_asked_for_each_caller(world: World) -> None:
    for name, variant in (("ann", "on"), ("bob", "off"), ("ann", "on")):
        set_caller(Caller("acme", name, frozenset({Role.VIEWER})))
        assert (await world.one("whoever")).variant == variant


async def test_without_what_others_left_the_answer_is_the_same(world: World) -> None:
    kept = [await world.ask(key) for key in FLAGS for _ in range(2)]
    remember(allowed=False)
    assert [await world.ask(key) for key in FLAGS for _ in range(2)] == kept
