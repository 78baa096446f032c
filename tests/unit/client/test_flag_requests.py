"""What the client says about flags: whom they are asked for, what is to change, and why."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from fake_server import FakeServer
from google.protobuf import json_format

import genesis
from genesis import _flag_requests as flags
from genesis.admin.v1 import flag_admin_service_pb2 as admin
from genesis.v1 import flags_pb2
from genesis.v1 import orchestrator_service_pb2 as pb2

ON = {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "on"}


@pytest.fixture
def client(fake: FakeServer) -> Iterator[genesis.Client]:
    with genesis.connect(fake.address) as connected:
        yield connected


def as_dict(message: Any) -> dict[str, Any]:
    return json_format.MessageToDict(message, preserving_proto_field_name=True)


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        ({}, {}),
        ({"targeting_key": "ann"}, {"context": {"targeting_key": "ann", "attributes": {}}}),
        ({"attributes": {"plan": "pro", "n": 2}}, {"context": {"attributes": {"plan": "pro", "n": 2.0}}}),
        ({"run_id": "r", "explain": True}, {"run_id": "r", "explain": True}),
    ],
)
def test_flags_are_asked_for_whom_the_arguments_name(asked: dict[str, Any], sent: dict[str, Any]) -> None:
    """Without any of them, for the caller itself."""
    assert as_dict(flags.flag(["a", "b"], **asked)) == {"keys": ["a", "b"], **sent}


def test_an_attribute_that_json_does_not_have_is_a_value_error() -> None:
    """Before anything is sent."""
    with pytest.raises(ValueError, match="JSON"):
        flags.flag([], attributes={"x": float("nan")})
    with pytest.raises(ValueError, match="JSON"):
        flags.put_flag("a", {"variants": {1, 2}}, "because")
    with pytest.raises(TypeError, match="colour"):
        flags.flag([], colour="blue")  # type: ignore[call-arg]


def test_every_change_says_why_for_which_version_and_is_safe_to_repeat() -> None:
    """A version of 0 is not the same as none."""
    made = [
        flags.put_flag("a", ON, "because"),
        flags.delete_flag("a", "because"),
        flags.set_flag_weight("a", 12.5, "because"),
        flags.enable_flag("a", "because"),
        flags.disable_flag("a", "because"),
    ]
    for request in made:
        assert (request.key, request.cause, request.HasField("expected_version")) == ("a", "because", False)
        assert len(request.request_id) == 36
    assert flags.set_flag_weight("a", 12.5, "because").percent == 12.5
    given = flags.delete_flag("a", "because", expected_version=0, request_id="mine")
    assert (given.HasField("expected_version"), given.expected_version, given.request_id) == (True, 0, "mine")
    for request in (flags.set_emergency_flag("m", "because"), flags.clear_emergency_flag("m", "because")):
        assert (request.key, request.cause, len(request.request_id)) == ("m", "because", 36)


def test_a_definition_is_a_dict_or_its_text() -> None:
    """A text goes as it is: what is wrong with it, the server tells by line."""
    assert json.loads(flags.put_flag("a", ON, "x").definition_json) == ON
    assert flags.put_flag("a", "{nonsense", "x").definition_json == "{nonsense"
    assert json.loads(flags.preview_flag("a", definition=ON).definition_json) == ON


@pytest.mark.parametrize(
    ("change", "field", "value"),
    [
        ({"definition": "{}"}, "definition_json", "{}"),
        ({"percent": 0}, "percent", 0.0),
        ({"enabled": False}, "enabled", False),
        ({"deleted": True}, "deleted", True),
    ],
)
def test_a_preview_names_its_change(change: dict[str, Any], field: str, value: object) -> None:
    """Also a share of 0 and an off, which are not the same as nothing."""
    request = flags.preview_flag("a", **change)
    assert (request.WhichOneof("change"), getattr(request, field)) == (field, value)


@pytest.mark.parametrize("wrong", [{}, {"deleted": False}, {"percent": 1, "enabled": True}, {"definition": ON, "deleted": True}])
def test_a_preview_of_nothing_or_of_two_changes_is_a_type_error(wrong: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="definition, percent, enabled, deleted"):
        flags.preview_flag("a", **wrong)


def test_contexts_are_messages_or_attributes_as_openfeature_has_them() -> None:
    """`targetingKey` is who, everything else an attribute."""
    message = flags_pb2.FlagContext(targeting_key="bob")
    request = flags.preview_flag("a", enabled=True, contexts=[{"targetingKey": "ann", "plan": "pro"}, message, {}])
    assert [as_dict(one) for one in request.contexts] == [
        {"targeting_key": "ann", "attributes": {"plan": "pro"}},
        {"targeting_key": "bob"},
        {"attributes": {}},
    ]
    with pytest.raises(ValueError, match="targetingKey is 3"):
        flags.preview_flag("a", enabled=True, contexts=[{"targetingKey": 3}])


def _answers(fake: FakeServer) -> None:
    change = admin.FlagChange(key="a", version=3)
    emergency = admin.EmergencyFlag(key="read_only_mode", set=True)
    fake.on("Flag", pb2.FlagResponse(snapshot_id="s"))
    fake.on("GetFlag", admin.GetFlagResponse(flag=admin.Flag(key="a", version=2)))
    fake.on(
        "ListFlags",
        admin.ListFlagsResponse(flags=[admin.Flag(key="a")], next_page_token="t", emergency_flags=[emergency]),
        admin.ListFlagsResponse(flags=[admin.Flag(key="b")], emergency_flags=[emergency]),
    )
    fake.on("PutFlag", admin.PutFlagResponse(change=change))
    fake.on("DeleteFlag", admin.DeleteFlagResponse(change=change))
    fake.on("SetFlagWeight", admin.SetFlagWeightResponse(change=change))
    fake.on("EnableFlag", admin.EnableFlagResponse(change=change))
    fake.on("DisableFlag", admin.DisableFlagResponse(change=change))
    fake.on("PreviewFlag", admin.PreviewFlagResponse(diff="-a\n+b\n"))
    fake.on("SetEmergencyFlag", admin.SetEmergencyFlagResponse(flag=emergency))
    fake.on("ClearEmergencyFlag", admin.ClearEmergencyFlagResponse(flag=emergency))
    entry = admin.AuditEntry
    fake.on(
        "ListAuditEntries",
        admin.ListAuditEntriesResponse(entries=[entry(sequence=2)], next_page_token="t"),
        admin.ListAuditEntriesResponse(entries=[entry(sequence=1)]),
    )


METHODS = [
    "Flag", "GetFlag", "ListFlags", "ListFlags", "ListFlags", "PutFlag", "DeleteFlag", "SetFlagWeight", "EnableFlag", "DisableFlag",
    "PreviewFlag", "SetEmergencyFlag", "ClearEmergencyFlag", "ListAuditEntries", "ListAuditEntries",
]  # fmt: skip


def test_calls_go_to_their_methods_and_give_their_answers(fake: FakeServer, client: genesis.Client) -> None:
    """One for each method; lists fetch page after page."""
    _answers(fake)
    assert client.flag("a", targeting_key="ann").snapshot_id == "s"
    assert client.get_flag("a").flag.version == 2
    assert [flag.key for flag in client.list_flags()] == ["a", "b"]
    assert [flag.set for flag in client.emergency_flags()] == [True]
    assert client.put_flag("a", ON, "because", expected_version=2).change.version == 3
    assert client.delete_flag("a", "because").change.version == 3
    assert client.set_flag_weight("a", 5, "because").change.version == 3
    assert client.enable_flag("a", "because").change.version == 3
    assert client.disable_flag("a", "because").change.version == 3
    assert client.preview_flag("a", percent=5).diff == "-a\n+b\n"
    assert client.set_emergency_flag("read_only_mode", "because").flag.set
    assert client.clear_emergency_flag("read_only_mode", "because").flag.set
    assert [one.sequence for one in client.audit_entries(key="a", oldest_first=True, page_size=1)] == [2, 1]
    assert [name for name, _ in fake.requests] == METHODS
    first, second = fake.asked("ListAuditEntries")
    assert (first.key, first.oldest_first, first.page_size, second.page_token) == ("a", True, 1, "t")


async def test_the_asynchronous_client_does_the_same(fake: FakeServer) -> None:
    """Awaited."""
    _answers(fake)
    async with genesis.aio.connect(fake.address) as client:
        assert (await client.flag("a", run_id="r")).snapshot_id == "s"
        assert (await client.get_flag("a")).flag.version == 2
        assert [flag.key async for flag in client.list_flags()] == ["a", "b"]
        assert [flag.set for flag in await client.emergency_flags()] == [True]
        assert (await client.put_flag("a", ON, "because")).change.version == 3
        assert (await client.delete_flag("a", "because")).change.version == 3
        assert (await client.set_flag_weight("a", 5, "because")).change.version == 3
        assert (await client.enable_flag("a", "because")).change.version == 3
        assert (await client.disable_flag("a", "because")).change.version == 3
        assert (await client.preview_flag("a", deleted=True)).diff == "-a\n+b\n"
        assert (await client.set_emergency_flag("read_only_mode", "because")).flag.set
        assert (await client.clear_emergency_flag("read_only_mode", "because")).flag.set
        assert [one.sequence async for one in client.audit_entries()] == [2, 1]
    assert [name for name, _ in fake.requests] == METHODS
