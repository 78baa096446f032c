"""Wrong and monstrous input for flags: refused with a reason and a field, and nobody else has to wait for it."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import ListValue, Struct, Value

from errors import Failure, failure
from flag_asker import NO_LIMIT, asking, boolean, text, until
from genesis.admin.v1 import flag_admin_service_pb2 as admin
from genesis.admin.v1 import flag_admin_service_pb2_grpc
from genesis.v1 import errors_pb2, flags_pb2, orchestrator_service_pb2_grpc
from genesis.v1 import orchestrator_service_pb2 as pb
from servers import Server, running

ENABLED = '{"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"on"'
Answer = Callable[[Message], Any]


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server for those who go too far; nothing of it may go wrong in its own words."""
    with running(tmp_path_factory.mktemp("limits"), settings=NO_LIMIT) as server:
        yield server
        log = server.log.read_text()
        assert "Traceback" not in log
        assert '"level":"ERROR"' not in log


@pytest.fixture(scope="module")
def ask(busy: Server) -> Iterator[Answer]:
    """Sends a request to the method that takes it."""
    with busy.channel() as channel:
        stubs = (
            flag_admin_service_pb2_grpc.FlagAdminServiceStub(channel),
            orchestrator_service_pb2_grpc.OrchestratorServiceStub(channel),
        )

        def call(request: Message) -> Any:
            name = type(request).__name__.removesuffix("Request")
            method = next(getattr(stub, name) for stub in stubs if hasattr(stub, name))
            return method(request, timeout=20)

        yield call


def put(key: str, definition: Any) -> admin.PutFlagRequest:
    given = definition if isinstance(definition, str) else json.dumps(definition)
    return admin.PutFlagRequest(key=key, definition_json=given, cause="test")


def rule(targeting: str) -> str:
    """A definition with a rule, as it is typed."""
    return f'{ENABLED},"targeting":{targeting}}}'


def variant(value: str) -> str:
    """A definition with one variant, as it is typed."""
    return f'{{"state":"ENABLED","variants":{{"on":{value}}},"defaultVariant":"on"}}'


def attributes(**values: Value) -> flags_pb2.FlagContext:
    return flags_pb2.FlagContext(attributes=Struct(fields=values))


def numbers(count: int) -> Value:
    return Value(list_value=ListValue(values=[Value(number_value=1)] * count))


def refused(ask: Answer, request: Message) -> Failure:
    with pytest.raises(grpc.RpcError) as caught:
        ask(request)
    return failure(caught.value)


DEFINITIONS = {
    "one character too long": "{" + " " * 100_000,
    "nested deep": "[" * 2_000 + "]" * 2_000,
    "nested deeper than a stack": "[" * 50_000 + "]" * 50_000,
    "a rule nested deep": rule('{"!":' * 2_000 + "1" + "}" * 2_000),
    "a rule nested a bit deep": rule('{"!":' * 101 + "1" + "}" * 101),
    "a variant nested deep": variant('{"a":' * 21 + "1" + "}" * 21),
    "too large for a number": variant("1e400"),
    "not a number": variant("NaN"),
    "minus infinity in a rule": rule('{"==":[-Infinity,1]}'),
    "a whole number no other language has": variant("9" * 5_000),
    "the same in a rule": rule('{"==":[1,' + "9" * 5_000 + "]}"),
    "a member twice": ENABLED + ',"state":"DISABLED"}',
    "half a character": variant('"\\ud800"'),
    "half a character in a rule": rule('{"in":["\\udc00",{"var":"x"}]}'),
    "variants of two types": '{"state":"ENABLED","variants":{"on":true,"off":1}}',
    "no variants": '{"state":"ENABLED","variants":{}}',
    "null": "null",
    "nothing": "",
    "not JSON": "{'state': 1}",
    "too many operators": rule('{"or":[' + '{"!":1},' * 2_000 + "true]}"),
    "an operator there is not": rule('{"fractoinal":[]}'),
    "two operators in one place": rule('{"!":[1],"!!":[1]}'),
}


@pytest.mark.parametrize("name", DEFINITIONS)
def test_a_definition_that_cannot_be_is_refused_with_its_place(name: str, ask: Answer) -> None:
    """Written or tried: the same code, reason and field."""
    definition = DEFINITIONS[name]
    for request in (put("wrong", definition), admin.PreviewFlagRequest(key="wrong", definition_json=definition)):
        found = refused(ask, request)
        assert found.code is grpc.StatusCode.INVALID_ARGUMENT
        assert found.reason in {"INVALID_FLAG", "INVALID_FIELD"}
        assert set(found.fields) == {"definition_json"}
        assert len(found.message) < 1_000


REASON = "test"
TRIED: list[tuple[Message, str, str]] = [
    *((put(key, boolean()), "INVALID_FIELD", "key") for key in ("", "a b", "ä", "a\0b", "a\nb", "\u202e", "x" * 129)),
    (put("otel_enabled", text("x")), "INVALID_FLAG", "definition_json"),
    (put("read_only_mode", boolean()), "INVALID_FLAG", "definition_json"),
    (put("phase_4_deployment", boolean()), "INVALID_FLAG", "definition_json"),
    (admin.PutFlagRequest(key="a", definition_json=json.dumps(boolean())), "INVALID_FIELD", "cause"),
    (admin.PutFlagRequest(key="a", definition_json=json.dumps(boolean()), cause="x" * 1001), "INVALID_FIELD", "cause"),
    *(
        (admin.SetFlagWeightRequest(key="otel_enabled", percent=percent, cause=REASON), "INVALID_FIELD", "percent")
        for percent in (1e-9, 0.0005, 99.9999, 100.0005, -1, 1e308, math.nan, math.inf)
    ),
    (admin.SetFlagWeightRequest(key="read_only_mode", percent=1, cause=REASON), "FLAG_VERB_MISMATCH", ""),
    (admin.SetFlagWeightRequest(key="there_is_not", percent=1, cause=REASON), "FLAG_NOT_FOUND", ""),
    (admin.EnableFlagRequest(key="there_is_not", cause=REASON), "FLAG_NOT_FOUND", ""),
    (admin.EnableFlagRequest(key="otel_enabled", cause="  "), "INVALID_FIELD", "cause"),
    (admin.EnableFlagRequest(key="otel_enabled", cause=REASON, expected_version=2**64 - 1), "VERSION_MISMATCH", ""),
    (admin.DisableFlagRequest(key="a\0b", cause=REASON), "FLAG_NOT_FOUND", ""),
    (admin.DeleteFlagRequest(key="otel_enabled", cause=REASON), "FLAG_NOT_FOUND", ""),
    (admin.GetFlagRequest(key="\u202e"), "FLAG_NOT_FOUND", ""),
    (admin.GetFlagRequest(key=""), "INVALID_FIELD", "key"),
    (admin.SetEmergencyFlagRequest(key="otel_enabled", cause=REASON), "FLAG_NOT_FOUND", ""),
    (admin.SetEmergencyFlagRequest(key="read_only_mode"), "INVALID_FIELD", "cause"),
    (admin.ClearEmergencyFlagRequest(key="a\0b", cause=REASON), "FLAG_NOT_FOUND", ""),
    (admin.PreviewFlagRequest(key="otel_enabled"), "INVALID_FIELD", "change"),
    (admin.PreviewFlagRequest(key="otel_enabled", deleted=False), "INVALID_FIELD", "deleted"),
    (admin.PreviewFlagRequest(key="otel_enabled", enabled=True, contexts=[flags_pb2.FlagContext()] * 1001), "INVALID_FIELD", "contexts"),
    (
        admin.PreviewFlagRequest(key="otel_enabled", enabled=True, contexts=[attributes(x=Value(number_value=math.inf))]),
        "INVALID_FIELD",
        "contexts[0].attributes.x",
    ),
    (admin.ListFlagsRequest(page_size=-1), "INVALID_FIELD", "page_size"),
    (admin.ListFlagsRequest(page_token="x" * 900), "INVALID_PAGE_TOKEN", "page_token"),
    (admin.ListAuditEntriesRequest(page_token="x"), "INVALID_PAGE_TOKEN", "page_token"),
    (pb.FlagRequest(keys=["a\0b"]), "FLAG_NOT_FOUND", ""),
    (pb.FlagRequest(keys=[""]), "INVALID_FIELD", "keys[0]"),
    (pb.FlagRequest(keys=["otel_enabled"] * 201), "INVALID_FIELD", "keys"),
    (pb.FlagRequest(keys=["otel_enabled"] * 21, explain=True), "INVALID_FIELD", "keys"),
    (pb.FlagRequest(run_id="x" * 129), "INVALID_FIELD", "run_id"),
    (pb.FlagRequest(context=flags_pb2.FlagContext(targeting_key="x" * 1001)), "INVALID_FIELD", "context.targeting_key"),
    (pb.FlagRequest(keys=["needs_x"], context=attributes(x=Value())), "INVALID_FIELD", "context.attributes.x"),
    (pb.FlagRequest(keys=["needs_x"], context=attributes(x=Value(number_value=math.nan))), "INVALID_FIELD", "context.attributes.x"),
    (pb.FlagRequest(context=attributes(x=numbers(95_000))), "INVALID_FIELD", "context.attributes"),
    (pb.FlagRequest(context=attributes(x=Value(string_value="x" * 5_000_000))), "MESSAGE_TOO_LARGE", ""),
]


def test_every_method_refuses_what_it_cannot_take_with_a_reason_and_the_field(ask: Answer) -> None:
    """Never UNKNOWN, INTERNAL or a wait."""
    ask(put("needs_x", boolean(targeting={"==": [{"var": "x"}, 1]})))
    told = [(request, refused(ask, request), reason, field) for request, reason, field in TRIED]
    wrong = [
        f"{type(request).__name__} {str(request)[:100]!r}: {found.code.name} {found.reason} {found.fields}"
        for request, found, reason, field in told
        if found.reason != reason or list(found.fields)[:1] != ([field] if field else []) or not found.message
    ]
    assert not wrong, "\n".join(wrong)
    assert all(f"ERROR_REASON_{found.reason}" in errors_pb2.ErrorReason.keys() for _, found, _, _ in told)  # noqa: SIM118


def test_tokens_of_other_listings_are_no_tokens_of_this_one(ask: Answer) -> None:
    for key in ("token_a", "token_b", "token_c"):
        ask(put(key, boolean()))
    flags = ask(admin.ListFlagsRequest(page_size=1)).next_page_token
    entries = ask(admin.ListAuditEntriesRequest(page_size=1)).next_page_token
    assert flags
    assert entries
    for request in (
        admin.ListAuditEntriesRequest(page_token=flags),
        admin.ListFlagsRequest(page_token=entries),
        admin.ListAuditEntriesRequest(page_token=entries, oldest_first=True),
        admin.ListAuditEntriesRequest(page_token=entries, key="token_a"),
    ):
        assert refused(ask, request).reason == "INVALID_PAGE_TOKEN"


@pytest.mark.parametrize("who", ["ü", "\0", "🦊", "\u202e", "a\nb", "x" * 1000, "%00", "../.."])
def test_whoever_has_a_name_is_drawn_by_it(who: str, ask: Answer) -> None:
    """Also as a run, whose answer stays the same."""
    ask(put("drawn", boolean(targeting={"fractional": [["on", 50], ["off", 50]]})))
    context = flags_pb2.FlagContext(targeting_key=who)
    [first] = ask(pb.FlagRequest(keys=["drawn"], context=context, explain=True)).flags
    assert json.loads(first.explanation.buckets[0].bucketed_by) == ["drawn", who] if len(who) < 100 else True
    assert first.value.bool_value is ask(pb.FlagRequest(keys=["drawn"], context=context)).flags[0].value.bool_value
    if len(who) <= 128:
        runs = [ask(pb.FlagRequest(keys=["drawn"], run_id=who)).flags[0].value.bool_value for _ in range(2)]
        assert runs == [first.value.bool_value] * 2


MANY = list(range(300))
SUM = {"+": [{"var": "current"}, {"var": "accumulator"}]}
EXPENSIVE: dict[str, Any] = {
    "products": {"reduce": [{"map": [MANY, {"reduce": [MANY, SUM, 0]}]}, SUM, 0]},
    "of_the_context": {"if": [{"some": [{"var": "list"}, {"some": [MANY, {"==": [{"var": ""}, "z"]}]}]}, "on", "off"]},
    "substr_of_a_billion": {"if": [{"==": [{"substr": ["abc", 0, 1e9]}, "x"]}, "on", "off"]},
    "texts_of_texts": {"reduce": [MANY, {"cat": [{"var": "accumulator"}, {"var": "accumulator"}]}, "ab"]},
    "lists_of_lists": {"if": [{"some": [{"merge": [{"var": "list"}] * 100}, {"==": [1, 2]}]}, "on", "off"]},
    "everything": {"if": [{"==": [{"var": ""}, "z"]}, "on", "off"]},
}


def test_rules_and_contexts_that_cost_the_most_keep_nobody_waiting(busy: Server, ask: Answer) -> None:
    """Explanations, contexts of 1 MB, and previews for a thousand contexts are looked at beside what others ask."""
    for key, targeting in EXPENSIVE.items():
        ask(put(key, boolean(targeting=targeting)))
    ask(put("calm", boolean()))
    large = attributes(list=numbers(75_000))
    small = flags_pb2.FlagContext(targeting_key="u", attributes=Struct(fields={"list": numbers(5)}))
    requests: dict[str, Message] = {
        "1 MB nobody reads": pb.FlagRequest(keys=["calm"], context=large),
        "1 MB": pb.FlagRequest(keys=list(EXPENSIVE), context=large),
        "1 MB, explained": pb.FlagRequest(keys=list(EXPENSIVE), context=large, explain=True),
        "20 explanations": pb.FlagRequest(keys=["products"] * 20, explain=True),
        "200 flags": pb.FlagRequest(keys=["of_the_context"] * 200, context=small),
        "a preview": admin.PreviewFlagRequest(key="of_the_context", enabled=True, contexts=[small] * 1000),
        "another": admin.PreviewFlagRequest(key="products", enabled=True, contexts=[small] * 1000),
    }
    waited: dict[str, float] = {}
    with asking(busy, "otel_enabled", pause=0.002) as asker:
        until(lambda: len(asker.seconds) > 20, 10)
        for name, request in requests.items():
            asker.seconds.clear()
            answer = ask(request)
            assert all(flag.key for flag in getattr(answer, "flags", []))
            waited[name] = max(asker.seconds, default=0.0)
    print("others waited at most", {name: f"{seconds * 1000:.0f} ms" for name, seconds in waited.items()})
    assert not asker.faults
    assert max(waited.values()) < 0.3, waited


def test_what_a_rule_may_not_cost_is_an_error_of_the_flag_and_not_of_the_call(ask: Answer) -> None:
    """The caller's own default holds, and the answer says why."""
    for key in ("products", "of_the_context", "texts_of_texts"):
        ask(put(key, boolean(targeting=EXPENSIVE[key])))
        [flag] = ask(pb.FlagRequest(keys=[key], context=attributes(list=numbers(1_000)))).flags
        assert flag.reason == pb.FLAG_REASON_ERROR
        assert not flag.HasField("value")
        assert "more than 100000" in flag.error


def test_a_context_may_be_nested_as_deep_as_a_message_may(ask: Answer) -> None:
    """Deeper ones are no message at all."""
    ask(put("deep", boolean(targeting={"if": [{"var": "x" + ".a" * 30}, "on", "off"]})))
    value = Value(number_value=1)
    for _ in range(30):
        value = Value(struct_value=Struct(fields={"a": value}))
    [flag] = ask(pb.FlagRequest(keys=["deep"], context=attributes(x=value), explain=True)).flags
    assert flag.value.bool_value


@pytest.mark.parametrize("depth", [40, 1_000, 20_000])
def test_a_context_that_is_nested_too_deep_is_refused(depth: int, busy: Server) -> None:
    """It is built by hand, since no library of protobuf builds it."""
    inner = b"\x11\0\0\0\0\0\0\xf0\x3f"
    for _ in range(depth):
        entry = b"\x0a\x01a\x12" + _length(inner) + inner
        struct = b"\x0a" + _length(entry) + entry
        inner = b"\x2a" + _length(struct) + struct
    entry = b"\x0a\x01x\x12" + _length(inner) + inner
    struct = b"\x0a" + _length(entry) + entry
    context = b"\x12" + _length(struct) + struct
    request = b"\x12" + _length(context) + context
    with busy.channel() as channel, pytest.raises(grpc.RpcError) as caught:
        channel.unary_unary("/genesis.v1.OrchestratorService/Flag")(request, timeout=20)
    found = failure(caught.value)
    assert (found.code, found.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "MALFORMED_MESSAGE")


def _length(content: bytes) -> bytes:
    """The length of a field, as protobuf writes it."""
    number, found = len(content), bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    return bytes([*found, number])


def test_the_longest_definition_there_may_be_is_written_and_read(ask: Answer) -> None:
    """A page of them fits into an answer."""
    filler = text("x" * 99_900)
    for number in range(60):
        ask(put(f"long_{number:02d}", filler))
    seen: list[str] = []
    token = ""
    while True:
        page = ask(admin.ListFlagsRequest(page_size=200, page_token=token))
        seen += [flag.key for flag in page.flags]
        token = page.next_page_token
        if not token:
            break
    assert seen == sorted(set(seen))
    assert sum(key.startswith("long_") for key in seen) == 60
    entries = ask(admin.ListAuditEntriesRequest(page_size=200, key="long_00")).entries
    assert len(entries) == 1
    for number in range(60):
        ask(admin.DeleteFlagRequest(key=f"long_{number:02d}", cause="test"))
