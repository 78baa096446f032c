"""What everything else stands on: the store, the files that are followed, who is known, where is counted and traced."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

import grpc

from genesis_server import __version__
from genesis_server.agents.registry import AgentRegistry
from genesis_server.app.access import agent_keys
from genesis_server.app.decisions import DecisionParts, decision_parts
from genesis_server.app.flags import FlagParts, FlagsInUse, flag_parts
from genesis_server.app.language_model import LanguageModel, language_model
from genesis_server.app.start_files import snapshots_at_start, store_url
from genesis_server.app.work import Agents, agents_over
from genesis_server.flags.sources.redis import is_fault as is_source_fault
from genesis_server.llm.failures import is_fault as is_model_fault
from genesis_server.orchestration.ids import security_event_id
from genesis_server.orchestration.snapshots import Snapshots
from genesis_server.planning.method_source import MethodSource
from genesis_server.resilience.breakers import Breaker
from genesis_server.resilience.retry import Retry
from genesis_server.rpc.methods import served_methods
from genesis_server.security.agent_key_source import AgentKeySource
from genesis_server.security.events import SecurityEvents
from genesis_server.security.tripwire_rules import shipped_rules
from genesis_server.settings import Settings
from genesis_server.storage.base import Store
from genesis_server.storage.guarded import GuardedStore, is_fault
from genesis_server.storage.opening import open_store
from genesis_server.telemetry.export_outcome import ExportFailedError
from genesis_server.telemetry.metrics import Metrics
from genesis_server.telemetry.storage_timing import timed_store
from genesis_server.telemetry.tracing import Tracing, otlp_exporter

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """The parts that know of no plan and of no call."""

    settings: Settings
    metrics: Metrics
    tracing: Tracing
    plain_store: Store
    """The store itself, for checks."""
    store: Store
    """The same behind its breaker, with retries and timing."""
    store_breaker: Breaker
    registry: AgentRegistry
    methods: MethodSource
    flags: FlagParts
    decisions: DecisionParts
    model: LanguageModel
    keys: AgentKeySource
    agents: Agents
    events: SecurityEvents
    polls: Sequence[Callable[[], object]]
    """Look at the files that may have changed."""

    def declared(self) -> Snapshots:
        """The snapshots in use, without the agents that joined."""
        return Snapshots(self.registry.index, self.methods.library, self.flags.in_use.live.snapshot, self.decisions.rulebook.rulebook)

    def tell_snapshots(self) -> None:
        """Let the metrics name what is in use."""
        self.metrics.know_agents(agent.id for agent in self.registry.catalogue.agents)
        for kind, snapshot_id in (
            ("agents", self.registry.snapshot_id),
            ("methods", self.methods.library.snapshot_id),
            ("flags", self.flags.in_use.live.snapshot.snapshot_id),
            ("rulebook", self.decisions.rulebook.rulebook.version),
        ):
            self.metrics.know_snapshot(kind, snapshot_id)

    async def watch_files(self, more: Sequence[Callable[[], object]] = ()) -> NoReturn:
        """Look at every file again and again, those of `more` too, and tell what is in use."""
        while True:
            await asyncio.sleep(self.settings.reload_seconds)
            for poll in (*self.polls, *more):
                try:
                    await asyncio.to_thread(poll)
                except Exception:  # noqa: BLE001  (what is wrong with one file must not end the following of all)
                    _LOG.exception("looking for changed files failed")
            self.tell_snapshots()


async def lay_ground(settings: Settings, environ: Mapping[str, str]) -> Ground:
    """Open the store and read the files. Raises StartError with every mistake of the files, and OSError."""
    metrics = Metrics(
        methods=served_methods(reflection=settings.reflection, channelz=settings.channelz),
        codes=[code.name for code in grpc.StatusCode],
        clock=time.monotonic,
        version=__version__,
        security_families=[family.name for family in shipped_rules().families],
    )
    registry, methods, overrides, rulebook_file = snapshots_at_start(settings, environ)
    in_use = FlagsInUse(settings, overrides, metrics)
    store_breaker = make_breaker("storage", metrics, is_fault)
    plain_store = open_store(store_url(settings), clock=time.time)
    store = GuardedStore(
        timed_store(plain_store, metrics.storage),
        breaker=store_breaker,
        retry=Retry(base_seconds=0.02, cap_seconds=1.0, deadline_seconds=5.0),
        enabled=lambda: in_use.enabled("error_handling_enabled"),
        refusal=in_use.refusal,
    )
    flags = flag_parts(
        in_use, store, settings=settings, metrics=metrics, make_breaker=lambda: make_breaker("flag_source", metrics, is_source_fault)
    )
    await flags.start()
    decisions = decision_parts(store, rulebook_file, retention_days=settings.decision_retention_days, observe=metrics.decision_recorded)
    await decisions.rulebook.start()
    keys = agent_keys(settings)
    ground = Ground(
        settings=settings,
        metrics=metrics,
        tracing=_tracing(settings, metrics, lambda: not in_use.live.snapshot.is_off_for_all("otel_enabled")),
        plain_store=plain_store,
        store=store,
        store_breaker=store_breaker,
        registry=registry,
        methods=methods,
        flags=flags,
        decisions=decisions,
        model=language_model(settings, metrics=metrics, make_breaker=lambda: make_breaker("language_model", metrics, is_model_fault)),
        keys=keys,
        agents=agents_over(
            store,
            declared=lambda: registry.index,
            settings=settings,
            metrics=metrics,
            flags=in_use,
        ),
        events=SecurityEvents(store, now=time.time, new_id=security_event_id, observe=metrics.refused),
        polls=[registry.poll, methods.poll, rulebook_file.poll, keys.poll],
    )
    ground.tell_snapshots()
    return ground


def make_breaker(name: str, metrics: Metrics, fault: Callable[[Exception], bool]) -> Breaker:
    """A breaker that the metrics know."""
    metrics.know_breaker(name)
    return Breaker(name, clock=time.monotonic, is_fault=fault, on_transition=metrics.breaker_changed)


def _tracing(settings: Settings, metrics: Metrics, enabled: Callable[[], bool]) -> Tracing:
    endpoint = settings.otlp_endpoint
    return Tracing(
        make_exporter=otlp_exporter(endpoint, insecure=endpoint.startswith("http://")) if endpoint else None,
        breaker=make_breaker("trace_exporter", metrics, lambda error: isinstance(error, ExportFailedError)),
        sample_ratio=settings.trace_sample_ratio,
        service_version=__version__,
        enabled=enabled,
        observe=metrics.spans,
    )
