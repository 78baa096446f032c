"""FlagAdminService hands every request to the desk, and every answer of the desk to the caller."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import pytest

from genesis.admin.v1 import flag_admin_service_pb2 as admin
from genesis.v1 import flags_pb2
from genesis_server.flags.audit import AuditEntry, AuditHead, chain
from genesis_server.flags.desk import AuditPage, FlagAction, FlagChange, FlagEdit, FlagPage, FlagView, LayerDefinition
from genesis_server.flags.emergency import EmergencyState
from genesis_server.flags.preview import Difference, Preview
from genesis_server.flags.snapshot import Evaluation
from genesis_server.flags.written import AuditDraft, WrittenFlag
from genesis_server.model.caller import Caller, Role
from genesis_server.model.flags import FlagContext, FlagLayer, FlagReason
from genesis_server.resilience.errors import ResourceError, ValidationError
from genesis_server.rpc.context import set_caller
from genesis_server.rpc.flags import FlagAdminServicer
from genesis_server.rpc.paging import PageTokens
from genesis_server.telemetry.context import begin_call, set_call

ANY: Any = None
NOW = 1_800_000_000.5
ANN = Caller("acme", "ann", frozenset({Role.ADMIN}))
ON = '{"state":"ENABLED"}'


class FakeDesk:
    """Remembers what it was asked, and answers from a few flags and entries."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.keys = [f"k{number}" for number in range(5)]
        self.entries: list[AuditEntry] = []
        before = "0" * 64
        for number in range(1, 6):
            draft = AuditDraft(NOW, "acme/ann", "put", f"k{number}", "because", number, "", ON, "c1")
            self.entries.append(chain(before, draft, number))
            before = self.entries[-1].hash
        self.emergency_flags = (EmergencyState("maintenance_mode", True, "moving", "acme/bob", NOW), EmergencyState("read_only_mode"))

    def get(self, key: str) -> FlagView:
        if key not in self.keys:
            raise ResourceError("FLAG_NOT_FOUND", "no such flag")
        return FlagView(
            key=key,
            text=ON,
            layer=FlagLayer.WRITTEN,
            hidden=(LayerDefinition(FlagLayer.BUILT_IN, "{}"),),
            last_write=WrittenFlag(key, 3, ON, "acme/ann", NOW),
            mistakes=("line 1",),
            built_in=True,
            description="Says yes.",
        )

    def list(self, *, after: str = "", limit: int) -> FlagPage:
        found = [key for key in self.keys if key > after]
        page = found[:limit]
        return FlagPage(tuple(self.get(key) for key in page), page[-1] if len(found) > limit else "")

    async def change(self, *arguments: Any, **more: Any) -> FlagChange:
        self.asked.append((*arguments, more))
        return FlagChange(arguments[1], 4, "{}", ON, 9, NOW)

    async def preview(self, key: str, edit: FlagEdit, contexts: Sequence[FlagContext] = ()) -> Preview:
        self.asked.append((key, edit, tuple(contexts)))
        after = Evaluation(key, True, "on", FlagReason.STATIC, FlagLayer.WRITTEN, "written")
        return Preview("", ON, "+x\n", (Difference(1, None, after),), 0.25)

    async def set_emergency(self, *arguments: Any, **more: Any) -> EmergencyState:
        self.asked.append(("set", *arguments, more))
        return self.emergency_flags[0]

    async def clear_emergency(self, *arguments: Any, **more: Any) -> EmergencyState:
        self.asked.append(("clear", *arguments, more))
        return self.emergency_flags[1]

    async def audit(self, *, after: int = 0, limit: int, oldest_first: bool = False, key: str = "") -> AuditPage:
        ordered = self.entries if oldest_first else self.entries[::-1]
        found = [entry for entry in ordered if not after or ((entry.sequence > after) == oldest_first and entry.sequence != after)]
        found = [entry for entry in found if not key or entry.draft.key == key]
        following = found[limit - 1].sequence if len(found) > limit else 0
        head = AuditHead(self.entries[-1].sequence, self.entries[-1].hash) if self.entries else AuditHead()
        return AuditPage(tuple(found[:limit]), following, head)


@pytest.fixture
async def desk() -> FakeDesk:
    """Async, so that caller and call are those of the test alone."""
    set_caller(ANN)
    set_call(begin_call("m", {"x-correlation-id": "c1"}))
    return FakeDesk()


@pytest.fixture
def service(desk: FakeDesk) -> FlagAdminServicer:
    return FlagAdminServicer(desk=cast("Any", desk), tokens=PageTokens(b"k"), environment="staging", now=lambda: NOW)


async def test_a_flag_is_shown_with_its_layers_and_its_last_write(service: FlagAdminServicer) -> None:
    """What it hides, what is wrong with the newest definition, who wrote it and when."""
    flag = (await service.GetFlag(admin.GetFlagRequest(key="k1"), ANY)).flag
    assert (flag.key, flag.definition_json, flag.layer) == ("k1", ON, flags_pb2.FLAG_LAYER_WRITTEN)
    assert (flag.version, flag.written, flag.actor, flag.update_time.ToMicroseconds()) == (3, True, "acme/ann", 1_800_000_000_500_000)
    assert [(hidden.layer, hidden.definition_json) for hidden in flag.hidden] == [(flags_pb2.FLAG_LAYER_BUILT_IN, "{}")]
    assert (list(flag.mistakes), flag.built_in, flag.description) == (["line 1"], True, "Says yes.")
    with pytest.raises(ResourceError):
        await service.GetFlag(admin.GetFlagRequest(key="gone"), ANY)


async def test_a_flag_that_was_never_written_has_no_time(
    service: FlagAdminServicer, desk: FakeDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = FlagView("k1", "{}", FlagLayer.BUILT_IN, (), None, (), True, "")
    monkeypatch.setattr(desk, "get", lambda _: view)
    flag = (await service.GetFlag(admin.GetFlagRequest(key="k1"), ANY)).flag
    assert (flag.version, flag.written, flag.HasField("update_time"), flag.actor) == (0, False, False, "")


async def test_flags_are_listed_page_by_page_with_the_emergency_flags(service: FlagAdminServicer) -> None:
    """Every flag once; a token of another listing is refused."""
    request, found = admin.ListFlagsRequest(page_size=2), list[str]()
    while True:
        page = await service.ListFlags(request, ANY)
        found += [flag.key for flag in page.flags]
        assert [(flag.key, flag.set, flag.HasField("time")) for flag in page.emergency_flags] == [
            ("maintenance_mode", True, True),
            ("read_only_mode", False, False),
        ]
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert found == ["k0", "k1", "k2", "k3", "k4"]
    with pytest.raises(ValidationError, match="not a token of this listing"):
        await service.ListAuditEntries(admin.ListAuditEntriesRequest(page_token=request.page_token), ANY)


async def test_every_verb_reaches_the_desk_with_who_why_and_which_version(service: FlagAdminServicer, desk: FakeDesk) -> None:
    """A version of 0 is not the same as none."""
    answers: list[Any] = [
        await service.PutFlag(admin.PutFlagRequest(key="a", definition_json=ON, cause="x", expected_version=0), ANY),
        await service.DeleteFlag(admin.DeleteFlagRequest(key="a", cause="x", expected_version=2), ANY),
        await service.SetFlagWeight(admin.SetFlagWeightRequest(key="a", percent=12.5, cause="x"), ANY),
        await service.EnableFlag(admin.EnableFlagRequest(key="a", cause="x"), ANY),
        await service.DisableFlag(admin.DisableFlagRequest(key="a", cause="x"), ANY),
    ]
    edits = [
        FlagEdit(FlagAction.PUT, text=ON),
        FlagEdit(FlagAction.DELETE),
        FlagEdit(FlagAction.SET_WEIGHT, percent=12.5),
        FlagEdit(FlagAction.ENABLE),
        FlagEdit(FlagAction.DISABLE),
    ]
    versions = [0, 2, None, None, None]
    assert desk.asked == [
        (ANN, "a", edit, {"expected_version": version, "cause": "x", "correlation_id": "c1"})
        for edit, version in zip(edits, versions, strict=True)
    ]
    for answer in answers:
        change = answer.change
        assert (change.key, change.version, change.before_json, change.after_json, change.audit_sequence) == ("a", 4, "{}", ON, 9)
        assert change.time.ToMicroseconds() == 1_800_000_000_500_000


@pytest.mark.parametrize(
    ("change", "edit"),
    [
        ({"definition_json": ON}, FlagEdit(FlagAction.PUT, text=ON)),
        ({"percent": 0}, FlagEdit(FlagAction.SET_WEIGHT, percent=0.0)),
        ({"enabled": True}, FlagEdit(FlagAction.ENABLE)),
        ({"enabled": False}, FlagEdit(FlagAction.DISABLE)),
        ({"deleted": True}, FlagEdit(FlagAction.DELETE)),
    ],
)
async def test_a_preview_tries_the_change_it_names(
    service: FlagAdminServicer, desk: FakeDesk, change: dict[str, Any], edit: FlagEdit
) -> None:
    """Who would get something else comes with both values."""
    answer = await service.PreviewFlag(admin.PreviewFlagRequest(key="a", **change), ANY)
    assert desk.asked == [("a", edit, ())]
    assert (answer.before_json, answer.after_json, answer.diff, answer.moved_share) == ("", ON, "+x\n", 0.25)
    (one,) = answer.differences
    assert (one.context_index, one.before_variant, one.HasField("before"), one.after_variant) == (1, "", False, "on")
    assert one.after.bool_value


async def test_a_preview_is_for_whom_the_operator_names(service: FlagAdminServicer, desk: FakeDesk) -> None:
    """Also for another tenant; what is left out is the operator's own."""
    contexts = [flags_pb2.FlagContext(), flags_pb2.FlagContext(targeting_key="bob")]
    contexts[1].attributes.update({"tenant": "other", "plan": "pro"})
    await service.PreviewFlag(admin.PreviewFlagRequest(key="a", enabled=True, contexts=contexts), ANY)
    own, other = desk.asked[0][2]
    assert own == FlagContext("acme/ann", {"tenant": "acme", "caller": "ann", "environment": "staging"}, NOW)
    assert other == FlagContext("bob", {"tenant": "other", "caller": "ann", "environment": "staging", "plan": "pro"}, NOW)
    contexts[1].attributes.update({"plan": float("inf")})
    with pytest.raises(ValidationError) as caught:
        await service.PreviewFlag(admin.PreviewFlagRequest(key="a", enabled=True, contexts=contexts), ANY)
    assert [violation.field for violation in caught.value.violations] == ["contexts[1].attributes.plan"]


async def test_emergency_flags_are_set_and_cleared_with_who_and_why(service: FlagAdminServicer, desk: FakeDesk) -> None:
    flag = (await service.SetEmergencyFlag(admin.SetEmergencyFlagRequest(key="maintenance_mode", cause="x"), ANY)).flag
    assert (flag.key, flag.set, flag.cause, flag.actor, flag.time.seconds) == (
        "maintenance_mode",
        True,
        "moving",
        "acme/bob",
        1_800_000_000,
    )
    assert not (await service.ClearEmergencyFlag(admin.ClearEmergencyFlagRequest(key="read_only_mode", cause="y"), ANY)).flag.set
    assert desk.asked == [
        ("set", ANN, "maintenance_mode", {"cause": "x", "correlation_id": "c1"}),
        ("clear", ANN, "read_only_mode", {"cause": "y", "correlation_id": "c1"}),
    ]


@pytest.mark.parametrize(("oldest_first", "order"), [(True, [1, 2, 3, 4, 5]), (False, [5, 4, 3, 2, 1])])
async def test_the_audit_log_comes_in_pages_with_its_head(
    service: FlagAdminServicer, desk: FakeDesk, *, oldest_first: bool, order: list[int]
) -> None:
    """Every entry once, as it was hashed, either way round."""
    request, found = admin.ListAuditEntriesRequest(page_size=2, oldest_first=oldest_first), list[admin.AuditEntry]()
    while True:
        page = await service.ListAuditEntries(request, ANY)
        found += page.entries
        assert (page.head_sequence, page.head_hash) == (5, desk.entries[-1].hash)
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert [entry.sequence for entry in found] == order
    first = next(entry for entry in found if entry.sequence == 1)
    stored = desk.entries[0]
    assert (first.hash, first.previous_hash, first.content) == (stored.hash, stored.previous_hash, stored.content)
    assert (first.actor, first.action, first.key, first.cause, first.version) == ("acme/ann", "put", "k1", "because", 1)
    assert (first.before_json, first.after_json, first.correlation_id, first.time.seconds) == ("", ON, "c1", 1_800_000_000)
    other_order = admin.ListAuditEntriesRequest(page_token=request.page_token, oldest_first=not oldest_first)
    with pytest.raises(ValidationError, match="not a token of this listing"):
        await service.ListAuditEntries(other_order, ANY)


async def test_an_empty_log_has_no_head(service: FlagAdminServicer, desk: FakeDesk) -> None:
    """And the entries of one flag are listed alone."""
    only = await service.ListAuditEntries(admin.ListAuditEntriesRequest(key="k2"), ANY)
    assert [entry.key for entry in only.entries] == ["k2"]
    desk.entries.clear()
    page = await service.ListAuditEntries(admin.ListAuditEntriesRequest(), ANY)
    assert (len(page.entries), page.head_sequence, page.head_hash) == (0, 0, "")


def test_outside_of_a_call_there_is_no_correlation_id(desk: FakeDesk) -> None:
    """Nothing breaks where nobody measures."""

    async def ask() -> None:
        service = FlagAdminServicer(desk=cast("Any", desk), tokens=PageTokens(b"k"), environment="staging", now=lambda: NOW)
        set_caller(ANN)
        set_call(cast("Any", None))
        await service.EnableFlag(admin.EnableFlagRequest(key="a", cause="x"), ANY)

    asyncio.run(ask())
    assert desk.asked[0][3]["correlation_id"] == ""
