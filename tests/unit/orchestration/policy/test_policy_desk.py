"""What an operator does with rulebooks."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from decision_cases import ANN, NO_POET, NO_WRITER, NOON, Office, book, book_text, materials, opened, rule, writing

from genesis_server.model.caller import Caller, Role
from genesis_server.orchestration.policy import active as active_module
from genesis_server.orchestration.policy.active import ActiveRulebook, RulebookSource
from genesis_server.orchestration.policy.desk import PolicyDesk
from genesis_server.orchestration.policy.file import RulebookFile
from genesis_server.orchestration.policy.preview import Previewer, edited_rules
from genesis_server.orchestration.policy.versions import POINTER, Pointer, RulebookVersions
from genesis_server.resilience.errors import GenesisError, ResourceError, RoutingError
from genesis_server.routing.rules.lint import LintKind
from genesis_server.storage.base import Key, Put, Store, VersionConflictError

ROOT = Caller("ops", "root", frozenset({Role.ADMIN}))
FILE, FIRST, SECOND = book_text(NO_POET), book_text(NO_WRITER), book_text(NO_POET, NO_WRITER)
VERSIONS = {text: book(*rules).version for text, rules in ((FILE, [NO_POET]), (FIRST, [NO_WRITER]), (SECOND, [NO_POET, NO_WRITER]))}


class Server:
    """One process over the store."""

    def __init__(self, store: Store, path: Path) -> None:
        self.office = Office(store)
        self.file = RulebookFile(path, clock=lambda: NOON)
        self.versions = RulebookVersions(store)
        self.active = ActiveRulebook(self.file, self.versions, clock=lambda: NOON)
        previewer = Previewer(self.office.decisions, self.office.replayer)
        self.desk = PolicyDesk(active=self.active, versions=self.versions, previewer=previewer, now=lambda: NOON)

    @property
    def version(self) -> str:
        return self.active.rulebook.version


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "rules.toml"
    found.write_text(FILE, encoding="utf-8")
    return found


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with opened(tmp_path) as found:
        yield found


@pytest.fixture
def server(store: Store, path: Path) -> Server:
    return Server(store, path)


async def settled(server: Server, version: str) -> None:
    """Wait until a process decides by a version."""
    async with asyncio.timeout(10):
        while server.version != version:  # noqa: ASYNC110  (it is another process, as far as this one knows)
            await asyncio.sleep(0.01)


async def test_the_file_is_in_use_until_a_rulebook_is_activated(server: Server) -> None:
    view = await server.desk.get()
    assert (view.rulebook.text, view.source, view.in_use, view.change) == (FILE, RulebookSource.FILE, True, None)
    done = await server.desk.activate(ROOT, text=FIRST, expected_version=VERSIONS[FILE], cause="the writer is on holiday")
    assert server.version == VERSIONS[FIRST]
    change = done.change
    assert (change.sequence, change.time, change.actor, change.cause) == (1, NOON, "ops/root", "the writer is on holiday")
    assert (change.from_version, change.to_version, change.roll_back) == (VERSIONS[FILE], VERSIONS[FIRST], False)
    view = await server.desk.get()
    assert (view.rulebook.text, view.source, view.change) == (FIRST, RulebookSource.ACTIVATED, change)
    older = await server.desk.get(VERSIONS[FILE])
    assert (older.rulebook.text, older.in_use, older.source) == (FILE, False, RulebookSource.FILE)


async def test_going_back_is_activating_an_earlier_version(server: Server) -> None:
    for text in (FIRST, SECOND):
        await server.desk.activate(ROOT, text=text, cause="try")
    back = await server.desk.activate(ROOT, version=VERSIONS[FIRST], cause="it was better")
    assert back.change.roll_back
    assert server.active.source is RulebookSource.ACTIVATED
    page = await server.desk.history(limit=2)
    assert [change.sequence for change in page.changes] == [3, 2]
    rest = await server.desk.history(before=page.following, limit=2)
    assert [(change.sequence, change.roll_back) for change in rest.changes] == [(1, False)]
    assert rest.following == 0


async def test_the_version_of_the_file_goes_back_to_following_the_file(server: Server, path: Path) -> None:
    await server.desk.activate(ROOT, text=FIRST, cause="try")
    path.write_text(SECOND, encoding="utf-8")
    server.file.poll()
    server.file.poll()
    assert server.version == VERSIONS[FIRST]
    assert not (await server.desk.activate(ROOT, version=VERSIONS[SECOND], cause="the file")).change.roll_back
    assert server.active.source is RulebookSource.FILE
    path.write_text(FIRST, encoding="utf-8")
    server.file.poll()
    server.file.poll()
    assert server.version == VERSIONS[FIRST]
    assert server.active.source is RulebookSource.FILE


async def test_a_file_that_was_replaced_can_be_gone_back_to(server: Server, path: Path) -> None:
    """What was in use as a file is kept when something else is taken into use."""
    await server.desk.activate(ROOT, text=FIRST, cause="try")
    path.write_text(SECOND, encoding="utf-8")
    server.file.poll()
    server.file.poll()
    back = await server.desk.activate(ROOT, version=VERSIONS[FILE], cause="as it was")
    assert back.change.roll_back
    assert (server.version, server.active.source) == (VERSIONS[FILE], RulebookSource.ACTIVATED)


async def test_a_file_that_only_decisions_remember_can_be_gone_back_to(server: Server, path: Path) -> None:
    await server.office.routed(on=materials(rulebook=server.file.rulebook))
    path.write_text(SECOND, encoding="utf-8")
    server.file.poll()
    server.file.poll()
    back = await server.desk.activate(ROOT, version=VERSIONS[FILE], cause="as it was")
    assert back.change.roll_back
    assert server.version == VERSIONS[FILE]


async def test_only_who_knows_what_is_in_use_changes_it(server: Server, store: Store, path: Path) -> None:
    other = Server(store, path)
    await other.desk.activate(ROOT, text=FIRST, cause="quicker")
    with pytest.raises(ResourceError) as caught:
        await server.desk.activate(ROOT, text=SECOND, expected_version=VERSIONS[FILE], cause="slower")
    assert (caught.value.reason, caught.value.facts) == ("VERSION_MISMATCH", {"expected": VERSIONS[FILE], "actual": VERSIONS[FIRST]})
    assert server.version == VERSIONS[FIRST]


async def test_changes_at_once_each_begin_where_the_one_before_ended(server: Server, store: Store, path: Path) -> None:
    """Nobody named a version, so that all are made, one after the other; pointer and entry are one transaction."""
    servers = [server, Server(store, path), server]
    texts = (FIRST, SECOND, book_text())
    await asyncio.gather(*[each.desk.activate(ROOT, text=text, cause="race") for each, text in zip(servers, texts, strict=True)])
    history = (await server.desk.history(limit=10)).changes
    assert [change.sequence for change in history] == [3, 2, 1]
    assert [change.from_version for change in history] == [*[change.to_version for change in history[1:]], VERSIONS[FILE]]
    await server.active.refresh()
    assert server.version == history[0].to_version


async def test_a_change_made_just_before_is_not_overwritten_by_who_expects_the_version_before_it(
    server: Server, store: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However the two interleave: here the other one writes after this one has read what is in use."""
    other, put = Server(store, path), server.versions.put

    async def late(pointer: Pointer, *, text: str, replaced: str) -> None:
        monkeypatch.setattr(server.versions, "put", put)
        await other.desk.activate(ROOT, text=FIRST, cause="first")
        await put(pointer, text=text, replaced=replaced)

    monkeypatch.setattr(server.versions, "put", late)
    with pytest.raises(ResourceError) as caught:
        await server.desk.activate(ROOT, text=SECOND, expected_version=VERSIONS[FILE], cause="second")
    assert (caught.value.reason, caught.value.facts["actual"]) == ("VERSION_MISMATCH", VERSIONS[FIRST])
    assert [change.cause for change in (await server.desk.history(limit=10)).changes] == ["first"]


async def test_who_is_overtaken_again_and_again_is_told(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    async def overtaken(pointer: Pointer, *, text: str, replaced: str) -> None:
        raise VersionConflictError(POINTER, 0, 1)

    monkeypatch.setattr(server.versions, "put", overtaken)
    with pytest.raises(ResourceError, match="came first each time"):
        await server.desk.activate(ROOT, text=SECOND, cause="second")


async def test_a_change_that_cannot_be_written_is_none(server: Server, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(puts: Sequence[Put]) -> Sequence[int]:
        raise ResourceError("STORAGE_FULL", "full")

    with monkeypatch.context() as patch:
        patch.setattr(store, "put_all", fail)
        with pytest.raises(ResourceError):
            await server.desk.activate(ROOT, text=FIRST, cause="try")
    assert server.version == VERSIONS[FILE]
    assert (await server.desk.history(limit=5)).changes == ()


async def test_mistakes_stand_in_the_way_and_are_all_told(server: Server) -> None:
    broken = book_text(rule("a", "deny", when="task.hue == 1"), rule("b", "praise"))
    linted = await server.desk.lint(broken)
    assert linted.rulebook is None
    assert len(linted.mistakes) >= 2
    for call in (server.desk.activate(ROOT, text=broken, cause="x"), server.desk.preview("acme", text=broken, limit=5)):
        with pytest.raises(RoutingError) as caught:
            await call
        assert caught.value.reason == "INVALID_RULEBOOK"
        assert len(caught.value.violations) == len(linted.mistakes)


async def test_rules_without_effect_are_told_and_do_not_stand_in_the_way(server: Server) -> None:
    odd = book_text(rule("never", "deny", when='task.kind == "primitive" and task.kind == "compound"'))
    linted = await server.desk.lint(odd)
    assert linted.rulebook is not None
    assert [finding.kind for finding in linted.findings] == [LintKind.UNREACHABLE]
    assert (await server.desk.activate(ROOT, text=odd, cause="odd")).findings == linted.findings


async def test_a_version_nobody_used_is_not_found(server: Server) -> None:
    for call in (server.desk.get("rulebook_0"), server.desk.activate(ROOT, version="rulebook_0", cause="x")):
        with pytest.raises(ResourceError) as caught:
            await call
        assert caught.value.reason == "RULEBOOK_NOT_FOUND"


async def test_a_preview_tells_which_recorded_routings_would_change_and_why(server: Server) -> None:
    office, on = server.office, materials(rulebook=server.file.rulebook)
    contract = await office.routed(writing("write a contract", "write a poem", plan_id="plan_1"), on=on, now=NOON)
    await office.routed(writing("write a poem"), on=materials(rulebook=book(NO_WRITER)), now=NOON + 1)
    found = await server.desk.preview("acme", text=FIRST, limit=10)
    assert (found.version, found.decision_count, found.changed_count, found.skipped, found.following) == (VERSIONS[FIRST], 2, 1, (), "")
    first = found.changes[0]
    assert (first.decision_id, first.plan_id, first.task_id) == (contract, "plan_1", "t0")
    assert first.before is not None
    assert first.before.id == "writer"
    assert first.after is not None
    assert first.after.id == "poet"
    assert first.rule_ids == ("no-writer", "no-poet")
    assert "poet with small instead of writer with" in first.text
    assert "the rule no-writer fires now (no-writer speaks.)" in first.text
    assert "no-poet does not fire any more" in first.text
    assert (await server.desk.preview("acme", text=FIRST, plan_id="plan_2", limit=10)).decision_count == 0
    assert (await server.desk.preview("acme", version=VERSIONS[FILE], limit=10)).changed_count == 1
    assert server.version == VERSIONS[FILE]


async def test_a_preview_goes_on_page_by_page(server: Server) -> None:
    for number in range(3):
        await server.office.routed(on=materials(rulebook=server.file.rulebook), now=NOON + number)
    first = await server.desk.preview("acme", text=FIRST, limit=2)
    second = await server.desk.preview("acme", text=FIRST, before=first.following, limit=2)
    assert (first.decision_count, second.decision_count, second.following) == (2, 1, "")


async def test_decisions_whose_snapshots_are_gone_are_skipped_and_told(server: Server, store: Store) -> None:
    name = await server.office.routed(on=materials(rulebook=server.file.rulebook))
    await store.delete(Key("_server", "snapshot", f"rulebook/{VERSIONS[FILE]}"))
    found = await server.desk.preview("acme", text=FIRST, limit=10)
    assert (found.decision_count, found.skipped) == (0, (name,))


async def test_a_storage_that_fails_during_a_preview_is_told(server: Server, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    await server.office.routed(on=materials(rulebook=server.file.rulebook))
    read = store.get

    async def fail(key: Key) -> object:
        if key.kind == "snapshot":
            raise ResourceError("STORAGE_UNAVAILABLE", "down")
        return await read(key)

    monkeypatch.setattr(store, "get", fail)
    with pytest.raises(ResourceError) as caught:
        await server.desk.preview("acme", text=FIRST, limit=10)
    assert caught.value.reason == "STORAGE_UNAVAILABLE"


def test_a_rule_that_only_moved_in_its_file_is_no_edited_rule() -> None:
    moved = book(NO_WRITER, NO_POET)
    assert edited_rules(book(NO_POET, NO_WRITER), moved) == frozenset()
    changed = book(NO_POET.replace("100", "200"))
    assert edited_rules(book(NO_POET, NO_WRITER), changed) == {"no-poet", "no-writer"}


async def test_every_process_follows_a_change(server: Server, path: Path, tmp_path: Path) -> None:
    async with opened(tmp_path) as elsewhere:
        other = Server(elsewhere, path)
        following = asyncio.create_task(other.active.follow())
        await server.desk.activate(ROOT, text=FIRST, cause="try")
        await settled(other, VERSIONS[FIRST])
        await server.desk.activate(ROOT, version=VERSIONS[FILE], cause="back")
        await settled(other, VERSIONS[FILE])
        following.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await following


async def test_a_server_starts_with_the_rulebook_that_was_activated(server: Server, store: Store, path: Path) -> None:
    await server.desk.activate(ROOT, text=FIRST, cause="try")
    fresh = Server(store, path)
    await fresh.active.start()
    assert fresh.version == VERSIONS[FIRST]
    assert fresh.active.problems == ()


@pytest.mark.parametrize("error", [ResourceError("STORAGE_UNAVAILABLE", "down"), RuntimeError("a fault")])
async def test_without_the_storage_the_last_known_rulebook_holds_and_later_changes_are_seen(
    server: Server, store: Store, path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(active_module, "RETRY_SECONDS", 0.01)
    await server.desk.activate(ROOT, text=FIRST, cause="try")
    fresh = Server(store, path)

    async def fail(key: Key) -> object:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(store, "get", fail)
        if isinstance(error, GenesisError):
            await fresh.active.start()
            assert fresh.version == VERSIONS[FILE]
            assert "STORAGE_UNAVAILABLE" in fresh.active.problems[0]
        following = asyncio.create_task(fresh.active.follow())
        await asyncio.sleep(0.03)
        assert not following.done()
    await settled(fresh, VERSIONS[FIRST])
    assert fresh.active.problems == ()
    following.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await following


async def test_a_storage_that_hangs_does_not_hold_up_the_start(server: Server, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(key: Key) -> object:
        await asyncio.Event().wait()

    monkeypatch.setattr(active_module, "START_SECONDS", 0.0)
    monkeypatch.setattr(store, "get", hang)
    await server.active.start()
    assert server.version == VERSIONS[FILE]
    assert "TIMEOUT" in server.active.problems[0]


@pytest.mark.parametrize("text", [None, "[[rules]]\nid = 'of another age'\n"])
async def test_an_activated_rulebook_that_is_lost_or_not_understood_leaves_the_last_good_one(
    server: Server, store: Store, path: Path, text: str | None
) -> None:
    """And another one can be activated."""
    await server.desk.activate(ROOT, text=FIRST, cause="try")
    key = Key("_server", "rulebook", VERSIONS[FIRST])
    await store.delete(key)
    if text is not None:
        await server.versions.put(
            replace(await pointer(server), change=replace((await pointer(server)).change, sequence=2)), text=text, replaced=FILE
        )
    fresh = Server(store, path)
    await fresh.active.start()
    assert fresh.version == VERSIONS[FILE]
    assert len(fresh.active.problems) == 1
    assert fresh.active.since == NOON
    await fresh.desk.activate(ROOT, text=SECOND, cause="mend")
    assert fresh.version == VERSIONS[SECOND]
    assert fresh.active.problems == ()


async def pointer(server: Server) -> Pointer:
    found = await server.versions.pointer()
    assert found is not None
    return found


async def test_problems_of_the_file_matter_while_it_is_in_use(server: Server, path: Path) -> None:
    path.write_text("nonsense", encoding="utf-8")
    server.file.poll()
    server.file.poll()
    assert "rules.toml:1" in server.active.problems[0]
    await server.desk.activate(ROOT, text=FIRST, cause="try")
    assert server.active.problems == ()


async def test_the_pointer_is_one_document(server: Server, store: Store) -> None:
    """Its version counts the changes, which numbers the entries."""
    for text in (FIRST, SECOND, FIRST):
        await server.desk.activate(ROOT, text=text, cause="try")
    document = await store.get(POINTER)
    assert document is not None
    assert document.version == 3
    assert ANN.tenant != POINTER.tenant
