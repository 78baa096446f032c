"""What decides: the orchestrator, what carries plans on, and who can say how the server is."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from genesis_server.app.ground import Ground
from genesis_server.app.language_model import language_model_probe
from genesis_server.app.probes import (
    agent_breakers_health,
    agent_keys_probe,
    agents_probe,
    flags_probe,
    methods_probe,
    modes_probe,
    rulebook_probe,
    storage_probe,
)
from genesis_server.app.updates import updater_over
from genesis_server.app.work import dispatcher_over
from genesis_server.orchestration.dispatching.dispatcher import Dispatcher
from genesis_server.orchestration.drafting import Drafter
from genesis_server.orchestration.health import HealthCheck
from genesis_server.orchestration.ids import plan_id
from genesis_server.orchestration.orchestrator import Call, Orchestrator, Policy
from genesis_server.orchestration.plan_store import PlanStore
from genesis_server.orchestration.snapshots import Snapshots
from genesis_server.orchestration.updating import Updater
from genesis_server.routing.policy import default_policy as default_routing_policy
from genesis_server.security.tripwire import Tripwire
from genesis_server.security.tripwire_rules import shipped_rules
from genesis_server.telemetry.observing import Observing
from genesis_server.validation.policy import default_policy as default_validation_policy


@dataclass(frozen=True, slots=True)
class Domain:
    """The parts that know of plans and of no call."""

    orchestrator: Orchestrator
    updater: Updater
    dispatcher: Dispatcher
    health: HealthCheck


def make_domain(ground: Ground) -> Domain:
    """The parts over their ground."""
    settings, agents, model = ground.settings, ground.agents, ground.model

    in_use = ground.flags.in_use

    def snapshots(call: Call) -> Snapshots:
        """The snapshots in use for a call: the agents that joined its tenant are among them."""
        tenant = call.caller.tenant
        return replace(
            ground.declared(),
            flags=call.flags or in_use.of_caller(call.caller),
            stores=in_use.may_write(),
            agents=agents.roster.index(tenant),
            load=dispatcher.load(tenant),
            unhealthy=agents.breakers.unhealthy(tenant),
        )

    scan = Tripwire(shipped_rules()).scan
    observer = Observing(ground.metrics, ground.tracing)
    orchestrator = Orchestrator(
        snapshots=snapshots,
        store=PlanStore(ground.store),
        scan=scan,
        drafter=Drafter(
            scan=scan, model=model.gateway, entries=settings.llm_catalogue_entries, default_seconds=settings.default_deadline_seconds
        ),
        recorder=ground.decisions.recorder,
        policy=Policy(
            version=f"{default_routing_policy().version}+{default_validation_policy().version}",
            tripwire_blocks=settings.tripwire_mode == "block",
            max_validate_tasks=settings.max_validate_tasks,
        ),
        observer=observer,
        clock=time.perf_counter,
        now=time.time,
        new_plan_id=plan_id,
    )
    updater = updater_over(orchestrator, snapshots, observer.phase)
    dispatcher = dispatcher_over(
        updater,
        agents,
        settings=settings,
        metrics=ground.metrics,
        flags=in_use,
    )
    return Domain(orchestrator, updater, dispatcher, _health(ground))


def _health(ground: Ground) -> HealthCheck:
    return HealthCheck(
        probes=[
            storage_probe(ground.plain_store, ground.store_breaker, clock=time.monotonic, now=time.time),
            agents_probe(ground.registry),
            agent_keys_probe(ground.keys),
            methods_probe(ground.methods),
            flags_probe(ground.flags.problems, ground.flags.breaker, clock=time.monotonic, now=time.time),
            modes_probe(lambda: ground.flags.in_use.modes),
            rulebook_probe(ground.decisions.rulebook),
            language_model_probe(ground.model.breaker, clock=time.monotonic, now=time.time),
            ground.tracing.health,
        ],
        snapshots=ground.declared,
        of_tenant=agent_breakers_health(ground.agents.breakers),
        clock=time.monotonic,
        model_available=lambda: ground.model.available,
    )
