"""What an operator does with flags."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from audit_proof import broken_at
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genesis_server.flags import desk as desk_module
from genesis_server.flags.audit_log import AuditLog
from genesis_server.flags.definition import built_in_flags
from genesis_server.flags.desk import FlagAction, FlagChange, FlagDesk, FlagEdit, LayerDefinition
from genesis_server.flags.emergency import SHUTDOWN, EmergencyFlags
from genesis_server.flags.layers import Layer
from genesis_server.flags.live import LiveFlags
from genesis_server.flags.overrides import Overrides
from genesis_server.flags.reading import read_flag
from genesis_server.flags.sources.stored import StoredFlags
from genesis_server.flags.written import AuditDraft, WrittenFlag
from genesis_server.model.caller import Caller, Role
from genesis_server.model.flags import FlagContext, FlagLayer
from genesis_server.resilience.errors import GenesisError, ResourceError, ValidationError
from genesis_server.storage.sqlite.store import SqliteStore

NOON = 43_200.0
ANN = Caller("ops", "ann", frozenset({Role.ADMIN}))
DELETE, ENABLE, DISABLE = (FlagEdit(action) for action in (FlagAction.DELETE, FlagAction.ENABLE, FlagAction.DISABLE))


def text(default: str = "on", **more: object) -> str:
    variants = {"on": True, "off": False}
    return json.dumps({"state": "ENABLED", "variants": variants, "defaultVariant": default, **more}, separators=(",", ":"))


def put(default: str = "on", **more: object) -> FlagEdit:
    return FlagEdit(FlagAction.PUT, text(default, **more))


class Server:
    """One process over the store."""

    def __init__(self, store: SqliteStore) -> None:
        self.time = NOON
        self.live, self.audit = LiveFlags(overrides=Overrides()), AuditLog(store)
        self.written = StoredFlags(store, self.audit, take=self.live.take, now=lambda: self.time)
        self.emergency = EmergencyFlags(store, self.audit, take=self.live.take_emergency, now=lambda: self.time)
        self.desk = FlagDesk(written=self.written, live=self.live, audit=self.audit, emergency=self.emergency, now=lambda: self.time)

    def use_file(self, **flags: str) -> None:
        """Take definitions as those of the flag file; none for a text that is wrong."""
        mistakes = {key: (f"flags.json:1: {key} is wrong",) for key, found in flags.items() if not found}
        definitions = {key: read_flag(found, key=key) for key, found in flags.items() if found}
        self.live.take(Layer(FlagLayer.FILE, "flags.json", definitions, mistakes=mistakes))

    async def change(self, key: str, edit: FlagEdit, *, expected: int | None = None) -> FlagChange:
        return await self.desk.change(ANN, key, edit, expected_version=expected, cause="why not", correlation_id="call-1")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "store.db", clock=time.time)
    yield opened
    await opened.close()


@pytest.fixture
def server(store: SqliteStore) -> Server:
    return Server(store)


async def refused(reason: str, server: Server, key: str, edit: FlagEdit, *, expected: int | None = None) -> GenesisError:
    """The refusal of a change, which leaves no trace."""
    before = await server.audit.head()
    with pytest.raises(GenesisError) as caught:
        await server.change(key, edit, expected=expected)
    assert caught.value.reason == reason
    assert await server.audit.head() == before
    return caught.value


async def test_a_definition_that_was_put_holds_and_tells_who_and_when(server: Server) -> None:
    change = await server.change("otel_enabled", put("off"))
    assert change == FlagChange("otel_enabled", 1, "", text("off"), 1, NOON)
    assert not server.live.snapshot.enabled("otel_enabled")
    view = server.desk.get("otel_enabled")
    assert (view.text, view.layer, view.version, view.written, view.built_in) == (text("off"), FlagLayer.WRITTEN, 1, True, True)
    assert view.last_write == WrittenFlag("otel_enabled", 1, text("off"), "ops/ann", NOON)
    assert [hidden.layer for hidden in view.hidden] == [FlagLayer.BUILT_IN]
    assert view.description.startswith("Spans are exported")


async def test_every_change_is_on_record(server: Server) -> None:
    await server.change("dark_mode", put("off"))
    server.time += 60
    await server.change("dark_mode", ENABLE)
    await server.change("dark_mode", DELETE)
    page = await server.desk.audit(limit=10)
    drafts = [entry.draft for entry in page.entries]
    assert [(draft.action, draft.version, draft.before, draft.after) for draft in drafts] == [
        ("delete", 3, text("on"), ""),
        ("enable", 2, text("off"), text("on")),
        ("put", 1, "", text("off")),
    ]
    assert {(draft.actor, draft.cause, draft.key, draft.correlation_id) for draft in drafts} == {
        ("ops/ann", "why not", "dark_mode", "call-1")
    }
    assert [draft.time for draft in drafts] == [NOON + 60, NOON + 60, NOON]
    assert broken_at(reversed(page.entries), page.head) == 0


async def test_a_flag_is_shown_in_every_layer(server: Server) -> None:
    server.use_file(otel_enabled=text("off"), dark_mode=text("on", metadata={"description": "black"}))
    await server.change("otel_enabled", put("on"))
    view = server.desk.get("otel_enabled")
    built_in = built_in_flags()["otel_enabled"].text
    assert view.hidden == (LayerDefinition(FlagLayer.FILE, text("off")), LayerDefinition(FlagLayer.BUILT_IN, built_in))
    view = server.desk.get("dark_mode")
    assert (view.layer, view.hidden, view.version, view.written, view.built_in) == (FlagLayer.FILE, (), 0, False, False)
    assert (view.description, view.last_write) == ("black", None)


async def test_a_deletion_lets_the_definition_below_hold_again(server: Server) -> None:
    await server.change("otel_enabled", put("off"))
    change = await server.change("otel_enabled", DELETE)
    assert (change.version, change.before, change.after) == (2, text("off"), "")
    view = server.desk.get("otel_enabled")
    assert (view.layer, view.version, view.written) == (FlagLayer.BUILT_IN, 2, False)
    assert server.live.snapshot.enabled("otel_enabled")


async def test_a_flag_that_has_no_definition_left_is_gone_and_its_versions_go_on(server: Server) -> None:
    await server.change("dark_mode", put())
    await server.change("dark_mode", DELETE)
    with pytest.raises(ResourceError) as caught:
        server.desk.get("dark_mode")
    assert caught.value.reason == "FLAG_NOT_FOUND"
    assert "dark_mode" not in {view.key for view in server.desk.list(limit=100).flags}
    await refused("FLAG_NOT_FOUND", server, "dark_mode", DELETE)
    error = await refused("VERSION_MISMATCH", server, "dark_mode", put(), expected=0)
    assert error.facts == {"flag": "dark_mode", "expected": "0", "actual": "2"}
    assert (await server.change("dark_mode", put(), expected=2)).version == 3


async def test_who_expects_another_version_is_told(server: Server, store: SqliteStore) -> None:
    """Also when the other one was written by another process a moment ago."""
    await Server(store).change("dark_mode", put())
    for edit in (put(), DELETE, ENABLE):
        error = await refused("VERSION_MISMATCH", server, "dark_mode", edit, expected=4)
        assert error.facts == {"flag": "dark_mode", "expected": "4", "actual": "1"}
    assert (await server.change("dark_mode", put(), expected=1)).version == 2
    assert (await server.change("otel_enabled", put(), expected=0)).version == 1


async def test_changes_at_once_are_all_made_when_nobody_expects_a_version(server: Server, store: SqliteStore) -> None:
    """One after the other, each on what the one before has left."""
    servers = [server, Server(store)]
    await asyncio.gather(*[servers[number % 2].change("dark_mode", put("on" if number % 3 else "off")) for number in range(4)])
    page = await server.desk.audit(limit=10, oldest_first=True)
    drafts = [entry.draft for entry in page.entries]
    assert [draft.version for draft in drafts] == [1, 2, 3, 4]
    assert [draft.before for draft in drafts] == ["", *(draft.after for draft in drafts[:-1])]


async def test_of_changes_at_once_that_expect_a_version_one_is_made(server: Server, store: SqliteStore) -> None:
    servers = [server, Server(store), server]
    found = await asyncio.gather(*[one.change("dark_mode", put(), expected=0) for one in servers], return_exceptions=True)
    assert [one.version for one in found if isinstance(one, FlagChange)] == [1]
    assert [one.reason for one in found if isinstance(one, GenesisError)] == ["VERSION_MISMATCH"] * 2
    assert (await server.audit.head()).sequence == 1


class Taken(StoredFlags):
    """Somebody else is always first."""

    async def write(self, flag: WrittenFlag, audit: AuditDraft) -> int:
        await super().write(replace(flag, actor="ops/eve"), audit)
        return await super().write(flag, audit)


async def test_who_never_gets_a_turn_is_told(server: Server, store: SqliteStore) -> None:
    written = Taken(store, server.audit, take=server.live.take, now=lambda: NOON)
    desk = FlagDesk(written=written, live=server.live, audit=server.audit, emergency=server.emergency, now=lambda: NOON)
    with pytest.raises(ResourceError, match="other changes of the flag 'dark_mode' came first each time") as caught:
        await desk.change(ANN, "dark_mode", put(), cause="try")
    assert (caught.value.reason, caught.value.facts) == ("VERSION_MISMATCH", {"flag": "dark_mode"})


async def test_every_mistake_of_a_definition_is_told_with_line_and_path(server: Server) -> None:
    wrong = '{"state": "ENABLED",\n"variants": {"on": true},\n"defaultVariant": "off",\n"colour": 1}'
    error = await refused("INVALID_FLAG", server, "dark_mode", FlagEdit(FlagAction.PUT, wrong))
    assert error.facts == {"flag": "dark_mode", "mistakes": "2"}
    assert [violation.field for violation in error.violations] == ["definition_json"] * 2
    told = [violation.description for violation in error.violations]
    assert any(":3:" in one and "$.defaultVariant" in one for one in told)
    assert any(":4:" in one and "$.colour" in one for one in told)
    assert "(and 1 more)" in error.message
    error = await refused("INVALID_FLAG", server, "dark_mode", FlagEdit(FlagAction.PUT, "{"))
    assert error.facts["mistakes"] == "1"


async def test_the_flags_of_genesis_stay_switches(server: Server) -> None:
    edit = FlagEdit(FlagAction.PUT, json.dumps({"state": "ENABLED", "variants": {"a": "x"}, "defaultVariant": "a"}))
    await refused("INVALID_FLAG", server, "otel_enabled", edit)
    assert (await server.change("model_name", edit)).version == 1


async def test_an_emergency_flag_is_not_written_like_others(server: Server) -> None:
    """What holds in an emergency does not depend on where definitions come from."""
    error = await refused("INVALID_FLAG", server, SHUTDOWN, put())
    assert "SetEmergencyFlag" in error.message
    error = await refused("FLAG_VERB_MISMATCH", server, SHUTDOWN, ENABLE)
    assert error.facts == {"flag": SHUTDOWN, "verb": "enable"}
    await refused("FLAG_NOT_FOUND", server, SHUTDOWN, DELETE)


async def test_a_secret_in_a_cause_is_not_kept_for_ever(server: Server) -> None:
    cause = "moving to redis://ops:hunter2hunter2@db.example:6379/0"
    await server.desk.change(ANN, "dark_mode", put(), cause=cause)
    state = await server.desk.set_emergency(ANN, SHUTDOWN, cause=cause)
    told = [state.cause, *(entry.draft.cause for entry in (await server.desk.audit(limit=2)).entries)]
    assert len(told) == 3
    for text in told:
        assert "moving to redis://" in text
        assert "hunter2" not in text


@pytest.mark.parametrize("cause", ["", "  \n"])
async def test_nothing_is_changed_without_a_cause(server: Server, cause: str) -> None:
    for going in (
        server.desk.change(ANN, "dark_mode", put(), cause=cause),
        server.desk.set_emergency(ANN, SHUTDOWN, cause=cause),
        server.desk.clear_emergency(ANN, SHUTDOWN, cause=cause),
    ):
        with pytest.raises(ValidationError) as caught:
            await going
        assert (caught.value.reason, caught.value.violations[0].field) == ("INVALID_FIELD", "cause")
    assert (await server.audit.head()).sequence == 0


async def test_verbs_change_the_definition_that_holds(server: Server) -> None:
    """The written one, else that of the file, else the one that ships."""
    await server.change("otel_enabled", DISABLE)
    view = server.desk.get("otel_enabled")
    assert (view.layer, json.loads(view.text)["defaultVariant"]) == (FlagLayer.WRITTEN, "off")
    assert view.description.startswith("Spans are exported")
    server.use_file(dark_mode=text("off", metadata={"owner": "file"}))
    await server.change("dark_mode", ENABLE)
    assert json.loads(server.desk.get("dark_mode").text) == json.loads(text("on", metadata={"owner": "file"}))
    await server.change("dark_mode", put("off", metadata={"owner": "written"}))
    await server.change("dark_mode", ENABLE)
    assert json.loads(server.desk.get("dark_mode").text)["metadata"] == {"owner": "written"}


async def test_a_share_is_given_to_the_first_variant(server: Server) -> None:
    await server.change("dark_mode", put("off"))
    change = await server.change("dark_mode", FlagEdit(FlagAction.SET_WEIGHT, percent=25.0))
    assert change.version == 2
    snapshot = server.live.snapshot
    inside = sum(snapshot.enabled("dark_mode", FlagContext(f"subject-{number}")) for number in range(4000))
    assert 900 < inside < 1100
    (entry,) = (await server.desk.audit(limit=1)).entries
    assert entry.draft.action == "set_weight"


async def test_a_verb_that_does_not_fit_is_refused(server: Server) -> None:
    edit = FlagEdit(FlagAction.PUT, json.dumps({"state": "ENABLED", "variants": {"a": "x"}, "defaultVariant": "a"}))
    await server.change("model_name", edit)
    error = await refused("FLAG_VERB_MISMATCH", server, "model_name", ENABLE)
    assert error.facts == {"flag": "model_name", "verb": "enable"}
    error = await refused("FLAG_NOT_FOUND", server, "otel_enable", ENABLE)
    assert "did you mean otel_enabled?" in error.message
    error = await refused("FLAG_NOT_FOUND", server, "quite_another", FlagEdit(FlagAction.SET_WEIGHT, percent=1.0))
    assert "Flag without keys tells which there are" in error.message


async def test_a_verb_on_what_this_release_does_not_understand_is_refused(server: Server) -> None:
    """The whole definition can be written over it."""
    flag = WrittenFlag("dark_mode", 1, '{"state": "PAUSED"}', "ops/ann", NOON)
    await server.written.write(flag, AuditDraft(NOON, "ops/ann", "put", "dark_mode", "newer release"))
    error = await refused("FLAG_VERB_MISMATCH", server, "dark_mode", ENABLE)
    assert "PutFlag" in error.message
    view = server.desk.get("dark_mode")
    assert (view.text, view.layer, view.version) == ("", FlagLayer.UNSPECIFIED, 1)
    assert view.mistakes
    assert (await server.change("dark_mode", put())).version == 2
    assert server.desk.get("dark_mode").mistakes == ()


async def test_flags_are_listed_by_key_page_by_page(server: Server) -> None:
    server.use_file(zebra=text(), aardvark=text(), broken="")
    await server.change("mole", put())
    keys, after = list[str](), ""
    while True:
        page = server.desk.list(after=after, limit=4)
        keys += [view.key for view in page.flags]
        assert len(page.flags) <= 4
        after = page.following
        if not after:
            break
    assert keys == sorted({*server.live.snapshot.keys, "broken"})
    assert {"zebra", "aardvark", "mole", "otel_enabled"} <= set(keys)
    assert server.desk.get("broken").mistakes == ("flags.json:1: broken is wrong",)
    assert server.desk.list(after="zebra", limit=4).flags == ()


async def test_a_page_is_never_larger_than_a_message(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Long definitions make pages with fewer flags, and entries; none is left out."""
    monkeypatch.setattr(desk_module, "_MOST_CHARACTERS", 5_000)
    for number in range(6):
        await server.change(f"zz{number}", put(metadata={"description": "." * 2000}))
    after, sizes = "y", list[int]()
    while after:
        page = server.desk.list(after=after, limit=50)
        sizes.append(len(page.flags))
        after = page.following
    assert sizes == [2, 2, 2]
    seen, number = list[int](), 0
    while True:
        entries = await server.desk.audit(after=number, limit=50, oldest_first=True)
        seen += [entry.sequence for entry in entries.entries]
        assert len(entries.entries) == 2
        number = entries.following
        if not number:
            break
    assert seen == [1, 2, 3, 4, 5, 6]


async def test_the_audit_log_is_read_page_by_page(server: Server) -> None:
    for number in range(5):
        await server.change(f"flag.{number % 2}", put())
    page = await server.desk.audit(limit=3)
    assert ([entry.sequence for entry in page.entries], page.following, page.head.sequence) == ([5, 4, 3], 3, 5)
    page = await server.desk.audit(after=3, limit=3)
    assert ([entry.sequence for entry in page.entries], page.following) == ([2, 1], 0)
    page = await server.desk.audit(limit=2, oldest_first=True, key="flag.0")
    assert ([entry.sequence for entry in page.entries], page.following) == ([1, 3], 3)
    page = await server.desk.audit(after=3, limit=2, oldest_first=True, key="flag.0")
    assert ([entry.sequence for entry in page.entries], page.following) == ([5], 0)


async def test_a_preview_tells_who_would_get_something_else_and_changes_nothing(server: Server) -> None:
    await server.change("dark_mode", put("off"))
    rule = {"if": [{"==": [{"var": "tenant"}, "acme"]}, "on", "off"]}
    contexts = [FlagContext("a", {"tenant": "acme"}), FlagContext("b", {"tenant": "globex"})]
    found = await server.desk.preview("dark_mode", put("off", targeting=rule), contexts)
    assert (found.before, found.after) == (text("off"), text("off", targeting=rule))
    assert [difference.index for difference in found.differences] == [0]
    assert '+      "on"' in found.diff.replace("          ", "      ")
    assert server.desk.get("dark_mode").version == 1
    assert (await server.audit.head()).sequence == 1


async def test_a_preview_of_each_verb_is_what_the_verb_then_does(server: Server) -> None:
    server.use_file(dark_mode=text("off"))
    for edit in (put("on"), DISABLE, ENABLE, FlagEdit(FlagAction.SET_WEIGHT, percent=50.0), DELETE):
        found = await server.desk.preview("dark_mode", edit)
        before = server.desk.get("dark_mode").text
        await server.change("dark_mode", edit)
        assert (found.before, found.after) == (before, server.desk.get("dark_mode").text)
    assert found.after == text("off")


async def test_a_preview_counts_who_would_move(server: Server) -> None:
    found = await server.desk.preview("otel_enabled", FlagEdit(FlagAction.SET_WEIGHT, percent=25.0))
    assert found.moved_share == pytest.approx(0.75, abs=0.02)


async def test_a_preview_refuses_what_the_change_would(server: Server) -> None:
    for key, edit, reason in (
        ("dark_mode", FlagEdit(FlagAction.PUT, "{}"), "INVALID_FLAG"),
        ("dark_mode", DELETE, "FLAG_NOT_FOUND"),
        ("dark_mode", ENABLE, "FLAG_NOT_FOUND"),
        (SHUTDOWN, DISABLE, "FLAG_VERB_MISMATCH"),
    ):
        with pytest.raises(GenesisError) as caught:
            await server.desk.preview(key, edit)
        assert caught.value.reason == reason


async def test_an_emergency_flag_is_set_and_cleared_by_whoever_calls(server: Server) -> None:
    state = await server.desk.set_emergency(ANN, SHUTDOWN, cause="fire", correlation_id="call-2")
    assert (state.set, state.actor, state.time) == (True, "ops/ann", NOON)
    assert server.live.snapshot.modes.shutdown
    assert [state.key for state in server.desk.emergency_flags if state.set] == [SHUTDOWN]
    assert (await server.desk.clear_emergency(ANN, SHUTDOWN, cause="out")).cause == "out"
    assert not server.live.snapshot.modes.shutdown
    drafts = [entry.draft for entry in (await server.desk.audit(limit=10, key=SHUTDOWN)).entries]
    assert [(draft.action, draft.correlation_id) for draft in drafts] == [("clear_emergency", ""), ("set_emergency", "call-2")]


edits = st.lists(
    st.tuples(
        st.sampled_from(["a", "b"]), st.sampled_from([put("on"), put("off"), DELETE, ENABLE, DISABLE]), st.none() | st.integers(0, 4)
    ),
    max_size=12,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edits)
async def test_whatever_is_done_versions_entries_and_definitions_agree(
    tmp_path_factory: pytest.TempPathFactory, done: list[tuple[str, FlagEdit, int | None]]
) -> None:
    """Each version has one entry, which begins where the one before ended; what is refused leaves neither."""
    store = SqliteStore(tmp_path_factory.mktemp("flags") / "store.db", clock=time.time)
    server = Server(store)
    versions = {"a": 0, "b": 0}
    for key, edit, expected in done:
        reasons: list[str] = []
        try:
            change = await server.change(key, edit, expected=expected)
        except GenesisError as error:
            reasons.append(error.reason)
        else:
            versions[key] += 1
            assert change.version == versions[key]
            assert expected in {None, change.version - 1}
        unexpected = expected not in {None, versions[key]}
        assert reasons in ([], ["VERSION_MISMATCH"] if unexpected else ["FLAG_NOT_FOUND"])
    page = await server.desk.audit(limit=100, oldest_first=True)
    assert broken_at(page.entries, page.head) == 0
    for key, version in versions.items():
        drafts = [entry.draft for entry in page.entries if entry.draft.key == key]
        assert [draft.version for draft in drafts] == list(range(1, version + 1))
        assert [draft.before for draft in drafts] == ["", *(draft.after for draft in drafts)][: len(drafts)]
        definition = server.live.snapshot.definition(key)
        assert (definition.text if definition else "") == (drafts[-1].after if drafts else "")
    await store.close()
