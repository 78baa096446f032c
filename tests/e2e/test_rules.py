"""The rulebook of a running server: read, checked, tried on what was decided, taken into use everywhere, taken back, over the wire."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import grpc
import pytest

import genesis
from genesis.admin.v1 import policy_service_pb2 as policy
from genesis.admin.v1 import policy_service_pb2_grpc
from genesis.v1 import orchestrator_service_pb2, orchestrator_service_pb2_grpc, plan_pb2
from servers import Server, running
from tokens import SETTINGS, token

GOAL = "Run the tests"
NO_SMALL_MODELS = """
[[rules]]
id = "no-small-models-for-tests"
priority = 2000
effect = "deny"
when = 'task.capability == "qa.test_run"'
who = 'agent.model == "small-1"'
explanation = "Small models may not run tests."

[end]
"""


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose rulebook these tests change; each of them leaves the shipped one in use."""
    with running(tmp_path_factory.mktemp("desk")) as started:
        yield started


@pytest.fixture
def client(desk: Server) -> Iterator[genesis.Client]:
    """A client of it."""
    with genesis.connect(desk.address) as connected:
        shipped = connected.get_rulebook().version
        yield connected
        if connected.get_rulebook().version != shipped:
            connected.activate_rulebook("end of the test", version=shipped)


def stricter(client: genesis.Client) -> str:
    """The rulebook in use with one rule more."""
    return client.get_rulebook().text.replace("\n[end]", NO_SMALL_MODELS)


def model(client: genesis.Client) -> str:
    """The model that gets to run the tests now."""
    return client.orchestrate(GOAL).routes[-1].assignment.target.model_id


def refused(call: Callable[[], object]) -> genesis.GenesisError:
    """How a call is refused."""
    with pytest.raises(genesis.GenesisError) as caught:
        call()
    return caught.value


def test_what_a_change_would_do_is_seen_before_it_is_made_made_by_one_call_and_taken_back_by_another(client: genesis.Client) -> None:
    shipped = client.get_rulebook()
    assert (shipped.source, shipped.in_use) == (policy.RULEBOOK_SOURCE_SHIPPED, True)
    assert shipped.rule_count >= 30
    before = client.orchestrate(GOAL)
    assert before.routes[-1].assignment.target.model_id == "small-1"

    [page] = client.preview_rulebook(text=stricter(client), plan_id=before.plan.id)
    assert (page.decision_count, page.changed_count, list(page.skipped_decision_ids)) == (1, 1, [])
    [change] = page.changes
    assert change.decision_id == before.provenance.decision_id
    assert (change.before.model_id, change.after.model_id) == ("small-1", "medium-1")
    assert list(change.rule_ids) == ["no-small-models-for-tests"]
    assert "Small models may not run tests." in change.text
    assert client.get_rulebook().version == shipped.version
    assert model(client) == "small-1"

    entry = client.activate_rulebook("tests are hard", text=stricter(client), expected_version=shipped.version).change
    assert (entry.from_version, entry.to_version, entry.cause, entry.roll_back) == (shipped.version, page.version, "tests are hard", False)
    assert entry.actor.endswith("anonymous")
    assert entry.time.seconds
    after = client.orchestrate(GOAL, explanation="full")
    assert after.routes[-1].assignment.target.model_id == "medium-1"
    assert after.provenance.rulebook_version == page.version
    assert "no-small-models-for-tests" in [rule.rule_id for rule in after.routes[-1].explanation.fired_rules]
    assert after.provenance.decision_id in [one.id for one in client.list_decisions(rule_id="no-small-models-for-tests")]
    in_use = client.get_rulebook()
    assert (in_use.source, in_use.change) == (policy.RULEBOOK_SOURCE_ACTIVATED, entry)

    back = client.activate_rulebook("too dear", version=shipped.version).change
    assert (back.sequence, back.from_version, back.to_version, back.roll_back) == (entry.sequence + 1, page.version, shipped.version, True)
    assert model(client) == "small-1"
    assert client.get_rulebook(page.version).in_use is False
    assert list(client.rulebook_changes(page_size=1))[:2] == [back, entry]
    # What was decided under the other rulebook is still made again under it.
    assert client.get_decision(after.provenance.decision_id, replay=True).replay.same


def test_a_preview_goes_on_page_by_page(client: genesis.Client) -> None:
    plan_id = client.orchestrate(GOAL).plan.id
    for seed in range(4):
        client.route(plan_id, seed=seed)
    pages = list(client.preview_rulebook(text=stricter(client), plan_id=plan_id, page_size=2))
    assert [page.decision_count for page in pages] == [2, 2, 1]
    assert len({change.decision_id for page in pages for change in page.changes}) == 5


def test_a_check_tells_mistakes_and_rules_that_do_nothing_with_their_lines(client: genesis.Client) -> None:
    text = stricter(client)
    good = client.lint_rulebook(text)
    assert (good.valid, list(good.findings)) == (True, [])
    wrong = client.lint_rulebook(text.replace('effect = "deny"', 'effect = "dney"', 1).replace("[end]", ""))
    assert not wrong.valid
    assert wrong.version == ""
    assert [text.splitlines()[finding.line - 1] for finding in wrong.findings[:1]] == ['effect = "deny"']
    assert wrong.findings[-1].message.endswith("[end] is missing")
    never = text.replace("when = 'task.capability == \"qa.test_run\"'", "when = 'task.difficulty > 0.9 and task.difficulty < 0.1'")
    found = client.lint_rulebook(never)
    assert found.valid
    assert [(finding.kind, list(finding.rule_ids)) for finding in found.findings] == [
        (policy.RULEBOOK_FINDING_KIND_UNREACHABLE, ["no-small-models-for-tests"])
    ]


def test_what_cannot_be_activated_is_told_and_nothing_changes(client: genesis.Client) -> None:
    before, changes = client.get_rulebook(), list(client.rulebook_changes())
    broken = refused(lambda: client.activate_rulebook("why not", text="rules = 3"))
    assert broken.reason == "INVALID_RULEBOOK"
    assert broken.field_violations
    assert refused(lambda: list(client.preview_rulebook(text="rules = 3"))).reason == "INVALID_RULEBOOK"
    assert refused(lambda: client.activate_rulebook("why not", version="rulebook_0")).reason == "RULEBOOK_NOT_FOUND"
    assert refused(lambda: client.get_rulebook("rulebook_0")).reason == "RULEBOOK_NOT_FOUND"
    stale = refused(lambda: client.activate_rulebook("why not", text=stricter(client), expected_version="rulebook_0"))
    assert (stale.reason, stale.metadata["actual"]) == ("VERSION_MISMATCH", before.version)
    assert refused(lambda: client.activate_rulebook("", text=stricter(client))).reason == "INVALID_FIELD"
    assert client.get_rulebook() == before
    assert list(client.rulebook_changes()) == changes


def test_a_repeated_activation_makes_one_entry(client: genesis.Client) -> None:
    shipped, text = client.get_rulebook().version, stricter(client)
    first = client.activate_rulebook("once", text=text, request_id="activate-once")
    assert client.activate_rulebook("once", text=text, request_id="activate-once") == first
    assert [change.cause for change in client.rulebook_changes()].count("once") == 1
    client.activate_rulebook("back", version=shipped)


def test_a_change_reaches_every_worker_and_outlives_them(tmp_path: Path) -> None:
    """Also the roll-back: who, when, from, to and why stand in the history of the next server."""
    with running(tmp_path, settings={"GENESIS_WORKERS": "2"}) as server, ExitStack() as stack:
        channels: list[grpc.Channel] = []
        for number in range(10):
            options = [("grpc.use_local_subchannel_pool", 1), ("tests.nr", number)]
            channel = stack.enter_context(grpc.insecure_channel(server.address, options=options))
            grpc.channel_ready_future(channel).result(timeout=10)
            channels.append(channel)
        desks = [policy_service_pb2_grpc.PolicyServiceStub(channel) for channel in channels]
        planners = [orchestrator_service_pb2_grpc.OrchestratorServiceStub(channel) for channel in channels]

        def everywhere(version: str, chosen: str) -> None:
            """All connections see the version, soon, and decide by it."""
            end = time.monotonic() + 5
            while {one.GetRulebook(policy.GetRulebookRequest()).version for one in desks} != {version}:
                assert time.monotonic() < end, "a worker did not follow"
                time.sleep(0.05)
            plan = plan_pb2.Plan(tasks=[plan_pb2.Task(id="a", goal=GOAL, capability="qa.test_run")])
            request = orchestrator_service_pb2.RouteRequest(plan=plan)
            assert {one.Route(request).routes[0].assignment.target.model_id for one in planners} == {chosen}

        first = desks[0].GetRulebook(policy.GetRulebookRequest())
        everywhere(first.version, "small-1")
        text = first.text.replace("\n[end]", NO_SMALL_MODELS)
        second = desks[1].ActivateRulebook(policy.ActivateRulebookRequest(text=text, cause="stricter")).change.to_version
        everywhere(second, "medium-1")
        desks[2].ActivateRulebook(policy.ActivateRulebookRequest(version=first.version, cause="too strict"))
        everywhere(first.version, "small-1")
        history = list(desks[3].ListRulebookChanges(policy.ListRulebookChangesRequest()).changes)
        assert [(one.sequence, one.to_version, one.cause, one.roll_back) for one in history] == [
            (2, first.version, "too strict", True),
            (1, second, "stricter", False),
        ]
    with running(tmp_path) as server, genesis.connect(server.address) as client:
        assert list(client.rulebook_changes()) == history
        assert client.get_rulebook().version == first.version
        assert client.get_rulebook(second).text == text
        client.activate_rulebook("after all", version=second)
    with running(tmp_path) as server, genesis.connect(server.address) as client:
        assert client.get_rulebook().version == second
        assert model(client) == "medium-1"


def test_only_an_admin_has_to_do_with_rulebooks(tmp_path: Path) -> None:
    with running(tmp_path, settings=SETTINGS) as server:
        for role in ("viewer", "client"):
            with genesis.connect(server.address, token=token(role)) as client:
                calls: list[Callable[[], object]] = [
                    lambda client=client: client.get_rulebook(),
                    lambda client=client: client.lint_rulebook("[end]"),
                    lambda client=client: list(client.preview_rulebook(text="[end]")),
                    lambda client=client: client.activate_rulebook("mine", text="[end]"),
                    lambda client=client: list(client.rulebook_changes()),
                ]
                for call in calls:
                    error = refused(call)
                    assert isinstance(error, genesis.PermissionDenied)
                    assert error.metadata["required_role"] == "admin"
        with genesis.connect(server.address, token=token("admin", subject="root")) as admin:
            assert list(admin.rulebook_changes()) == []
            assert admin.activate_rulebook("no rules", text="[end]").change.actor == "acme/root"


def test_the_servers_file_is_followed_until_another_rulebook_is_activated(tmp_path: Path) -> None:
    file = tmp_path / "rulebook.toml"
    file.write_text("[end]\n")
    settings = {"GENESIS_RULEBOOK_FILE": str(file), "GENESIS_RELOAD_SECONDS": "0.1"}
    with running(tmp_path, settings=settings) as server, genesis.connect(server.address) as client:
        empty = client.get_rulebook()
        assert (empty.source, empty.rule_count) == (policy.RULEBOOK_SOURCE_FILE, 0)
        file.write_text(NO_SMALL_MODELS)

        def soon(reached: Callable[[], bool]) -> None:
            end = time.monotonic() + 10
            while not reached():
                assert time.monotonic() < end
                time.sleep(0.05)

        soon(lambda: client.get_rulebook().version != empty.version)
        assert model(client) == "medium-1"
        good = client.get_rulebook().version
        file.write_text("rules = 3\n")
        soon(lambda: any(part.name == "rulebook" and part.message for part in client.health().components))
        assert client.get_rulebook().version == good
        assert model(client) == "medium-1"
