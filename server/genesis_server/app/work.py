"""What carries plans out, put together: workers, breakers, and the dispatcher between them and the plans."""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from genesis_server.agents.agent_breakers import AgentBreakers
from genesis_server.agents.index import CatalogueIndex
from genesis_server.agents.roster import Roster
from genesis_server.app.flags import FlagsInUse
from genesis_server.orchestration.dispatching.dispatcher import Dispatcher
from genesis_server.orchestration.dispatching.tools import Limits, Tools
from genesis_server.orchestration.updating import Updater
from genesis_server.routing.policy import default_policy
from genesis_server.settings import Settings
from genesis_server.storage.base import Documents
from genesis_server.telemetry.metrics import Metrics

_ID_BYTES = 18
"""Enough that nobody guesses the id of a session or a lease."""


@dataclass(frozen=True, slots=True)
class Agents:
    """Who works: the workers that are alive, and the breakers in front of their agents."""

    roster: Roster
    breakers: AgentBreakers

    async def follow(self) -> NoReturn:
        """Follow both until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.roster.follow(), name="genesis-roster")
            group.create_task(self.breakers.follow(), name="genesis-agent-breakers")
        raise AssertionError("followers never end by themselves")


def agents_over(
    documents: Documents,
    *,
    declared: Callable[[], CatalogueIndex],
    settings: Settings,
    metrics: Metrics,
    flags: FlagsInUse,
) -> Agents:
    """The workers and breakers of a store."""
    roster = Roster(
        documents,
        declared=declared,
        lease_seconds=settings.worker_lease_seconds,
        clock=flags.lease_clock,
        now=time.time,
        new_id=lambda: f"ses_{secrets.token_urlsafe(_ID_BYTES)}",
        may_write=flags.may_write,
    )
    breakers = AgentBreakers(
        documents, clock=time.monotonic, now=time.time, observe=metrics.breakers.agent_changed, enabled=flags.handles_errors
    )
    roster.on_tenant(breakers.know)
    return Agents(roster, breakers)


def dispatcher_over(
    updater: Updater,
    agents: Agents,
    *,
    settings: Settings,
    metrics: Metrics,
    flags: FlagsInUse,
) -> Dispatcher:
    """The dispatcher of the updater's plans."""
    return Dispatcher(
        Tools(
            updater=updater,
            runs=updater.runs,
            roster=agents.roster,
            breakers=agents.breakers,
            policy=default_policy(),
            observer=metrics.work,
            limits=Limits(
                acknowledge_seconds=settings.acknowledge_seconds,
                reroute_seconds=settings.reroute_seconds,
                task_timeout_seconds=settings.task_timeout_seconds,
                max_artefact_bytes=int(settings.max_artefact_bytes),
            ),
            clock=flags.lease_clock,
            now=time.time,
            draw=random.random,
            new_lease_id=lambda: f"lse_{secrets.token_urlsafe(_ID_BYTES)}",
            tries_again=flags.handles_errors,
            batches=flags.batches,
        )
    )
