"""What operators see of breakers and security events, through the RPCs and Health; each tenant its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from genesis.admin.v1 import policy_service_pb2 as policy
from genesis_server.agents.agent_breakers import AgentBreakers
from genesis_server.agents.index import CatalogueIndex
from genesis_server.app.probes import agent_breakers_health, health_json, storage_probe
from genesis_server.flags.snapshot import FlagSnapshot
from genesis_server.model.caller import Caller, Role
from genesis_server.model.catalogue import Catalogue
from genesis_server.model.health import HealthStatus
from genesis_server.orchestration.health import HealthCheck
from genesis_server.orchestration.snapshots import Snapshots
from genesis_server.planning.method_files import shipped_methods
from genesis_server.resilience.breakers import Breaker
from genesis_server.resilience.errors import ResourceError, ValidationError
from genesis_server.rpc.context import set_caller
from genesis_server.rpc.paging import PageTokens
from genesis_server.rpc.policy import PolicyServicer
from genesis_server.rpc.status_answers import StatusAnswers
from genesis_server.security.events import SecurityEvent
from genesis_server.storage.sqlite.store import SqliteStore

ANY: Any = None


class Events:
    def __init__(self, count: int) -> None:
        self.events = [
            SecurityEvent(f"ev{n:03d}", 10.0 + n, "LEASE_FOREIGN", "mallory", "not yours", {"task_id": "t"}, 2) for n in range(count)
        ]

    async def newest(self, tenant: str, *, before: str = "", limit: int = 100) -> Sequence[SecurityEvent]:
        assert tenant == "acme"
        return [event for event in reversed(self.events) if not before or event.id < before][:limit]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "store.db", clock=lambda: 1_050.0)
    yield opened
    await opened.close()


@pytest.fixture
def breakers(store: SqliteStore) -> AgentBreakers:
    return AgentBreakers(store, clock=lambda: 50.0, now=lambda: 1_050.0, observe=lambda *_: None)


def servicer(breakers: AgentBreakers, events: Events | None = None) -> PolicyServicer:
    return PolicyServicer(
        desk=cast("Any", SimpleNamespace()), tokens=PageTokens(b"k"), breakers=breakers, events=cast("Any", events or Events(0))
    )


def be(tenant: str) -> None:
    set_caller(Caller(tenant, "ann", frozenset({Role.ADMIN})))


def fail(breakers: AgentBreakers) -> None:
    breakers.tell("acme", "tester", None)
    for _ in range(5):
        breakers.tell("acme", "builder", "it said no")


async def test_breakers_are_listed_for_their_tenant(breakers: AgentBreakers) -> None:
    """Those that are not closed come first, with why, since when and until when."""
    fail(breakers)
    be("acme")
    opened, closed = (await servicer(breakers).ListBreakers(policy.ListBreakersRequest(), ANY)).breakers
    assert (opened.agent_id, opened.state, opened.failures, opened.reason) == ("builder", policy.BREAKER_STATE_OPEN, 5, "it said no")
    assert (opened.opened_time.seconds, opened.retry_time.seconds) == (1_050, 1_110)
    assert (closed.agent_id, closed.state, closed.HasField("opened_time")) == ("tester", policy.BREAKER_STATE_CLOSED, False)
    be("other")
    assert not (await servicer(breakers).ListBreakers(policy.ListBreakersRequest(), ANY)).breakers


async def test_breakers_are_listed_page_by_page(breakers: AgentBreakers) -> None:
    """Every breaker comes once, those that are not closed first, whatever the size of the pages."""
    fail(breakers)
    for number in range(5):
        breakers.tell("acme", f"a{number}", None)
    be("acme")
    found: list[str] = []
    request = policy.ListBreakersRequest(page_size=2)
    while True:
        page = await servicer(breakers).ListBreakers(request, ANY)
        found += [one.agent_id for one in page.breakers]
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert found == ["builder", "a0", "a1", "a2", "a3", "a4", "tester"]


async def test_a_process_without_the_agent_lists_and_resets_its_breaker(breakers: AgentBreakers, store: SqliteStore) -> None:
    """The operator's call may come to another process than the one that works with the agent."""
    fail(breakers)
    be("acme")
    await breakers.reset("acme", "builder", actor="bob", cause="try")
    elsewhere = AgentBreakers(store, clock=lambda: 50.0, now=lambda: 1_050.0, observe=lambda *_: None)
    (listed,) = (await servicer(elsewhere).ListBreakers(policy.ListBreakersRequest(), ANY)).breakers
    assert listed.agent_id == "builder"
    answer = await servicer(elsewhere).ResetBreaker(policy.ResetBreakerRequest(agent_id="builder", cause="again"), ANY)
    assert answer.breaker.state == policy.BREAKER_STATE_CLOSED


async def test_another_tenants_breaker_cannot_be_reset(breakers: AgentBreakers) -> None:
    fail(breakers)
    be("other")
    with pytest.raises(ResourceError, match="no breaker") as caught:
        await servicer(breakers).ResetBreaker(policy.ResetBreakerRequest(agent_id="builder", cause="x"), ANY)
    assert caught.value.reason == "BREAKER_NOT_FOUND"


async def test_security_events_come_in_pages(breakers: AgentBreakers) -> None:
    """Newest first, each once; a token of somebody else's listing is refused."""
    be("acme")
    serving, token, seen = servicer(breakers, Events(5)), "", []
    while True:
        page = await serving.ListSecurityEvents(policy.ListSecurityEventsRequest(page_size=2, page_token=token), ANY)
        seen += page.events
        token = page.next_page_token
        if not token:
            break
        last = token
    assert [event.id for event in seen] == ["ev004", "ev003", "ev002", "ev001", "ev000"]
    assert (seen[0].kind, seen[0].actor, seen[0].message, dict(seen[0].facts), seen[0].count, seen[0].time.seconds) == (
        "LEASE_FOREIGN",
        "mallory",
        "not yours",
        {"task_id": "t"},
        2,
        14,
    )
    be("other")
    with pytest.raises(ValidationError):
        await serving.ListSecurityEvents(policy.ListSecurityEventsRequest(page_token=last), ANY)


async def test_health_shows_a_tenant_its_agents_that_are_out(breakers: AgentBreakers) -> None:
    """Its own and only while they are out; another tenant and the probe of the orchestration platform see a healthy server."""
    snapshots = Snapshots(CatalogueIndex(Catalogue(snapshot_id="a1")), shipped_methods(), FlagSnapshot())
    check = HealthCheck(probes=[], snapshots=lambda: snapshots, clock=lambda: 0.0, of_tenant=agent_breakers_health(breakers))
    answers = StatusAnswers(health=check)
    fail(breakers)
    be("acme")
    answer = await answers.health()
    (component,) = answer.components
    assert (component.name, component.breaker_state, component.breaker_reason) == ("agent:builder", "open", "it said no")
    assert (component.opened_time.seconds, component.retry_time.seconds) == (1_050, 1_110)
    assert (component.status, answer.status) == (HealthStatus.DEGRADED, HealthStatus.DEGRADED)
    be("other")
    assert not (await answers.health()).components
    assert health_json(await check.report(), version="1")["components"] == []


async def test_health_says_why_and_since_when_a_breaker_is_open(store: SqliteStore) -> None:
    """The storage's breaker tells as much as those of agents, also over HTTP."""
    breaker = Breaker("storage", clock=lambda: 50.0, is_fault=lambda _: True, failures=1)
    breaker.tell(ResourceError("STORAGE_UNAVAILABLE", "gone"))
    snapshots = Snapshots(CatalogueIndex(Catalogue(snapshot_id="a1")), shipped_methods(), FlagSnapshot())
    probe = storage_probe(store, breaker, clock=lambda: 51.0, now=lambda: 1_051.0)
    check = HealthCheck(probes=[probe], snapshots=lambda: snapshots, clock=lambda: 0.0)
    body = health_json(await check.report(), version="1")
    assert body["components"] == [
        {
            "name": "storage",
            "status": "healthy",
            "breaker": "open",
            "breaker_reason": "STORAGE_UNAVAILABLE",
            "opened_at": "1970-01-01T00:17:30+00:00",
            "retry_at": "1970-01-01T00:18:30+00:00",
        }
    ]
