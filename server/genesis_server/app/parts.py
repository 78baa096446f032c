"""Every part of a server, put together from settings."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import NoReturn

import grpc

from genesis.admin.v1 import policy_service_pb2_grpc
from genesis.v1 import orchestrator_service_pb2_grpc
from genesis_server import __version__
from genesis_server.app.access import agent_keys, authenticator, listener_tls
from genesis_server.app.decisions import decision_parts
from genesis_server.app.errors import StartError
from genesis_server.app.language_model import language_model, language_model_probe
from genesis_server.app.probes import (
    agent_breakers_health,
    agent_keys_probe,
    agents_probe,
    flags_probe,
    health_json,
    methods_probe,
    rulebook_probe,
    storage_probe,
)
from genesis_server.app.start_files import snapshots_at_start, store_url
from genesis_server.app.updates import updater_over
from genesis_server.app.work import agents_over, dispatcher_over, worker_service
from genesis_server.http.app import make_app
from genesis_server.http.server import HttpServer
from genesis_server.llm.failures import is_fault as is_model_fault
from genesis_server.model.plan import MAX_TASKS_PER_PLAN
from genesis_server.orchestration.drafting import Drafter
from genesis_server.orchestration.health import HealthCheck
from genesis_server.orchestration.ids import plan_id, security_event_id
from genesis_server.orchestration.orchestrator import Orchestrator, Policy
from genesis_server.orchestration.plan_store import PlanStore
from genesis_server.orchestration.snapshots import Snapshots
from genesis_server.resilience.breakers import Breaker
from genesis_server.resilience.errors import GenesisError
from genesis_server.resilience.retry import Retry
from genesis_server.routing.policy import default_policy as default_routing_policy
from genesis_server.rpc.admission import Admission
from genesis_server.rpc.chain import Layers
from genesis_server.rpc.decisions import DecisionAnswers
from genesis_server.rpc.deserialisation import SizeBounds
from genesis_server.rpc.interceptors.authentication import AuthenticationInterceptor
from genesis_server.rpc.interceptors.authorization import AuthorizationInterceptor
from genesis_server.rpc.interceptors.constraints import ConstraintsInterceptor
from genesis_server.rpc.interceptors.correlation import CorrelationInterceptor
from genesis_server.rpc.interceptors.errors import ErrorMapper, ErrorsInterceptor
from genesis_server.rpc.interceptors.idempotency import IdempotencyInterceptor
from genesis_server.rpc.interceptors.limits import Limits, LimitsInterceptor
from genesis_server.rpc.interceptors.metrics import MetricsInterceptor
from genesis_server.rpc.interceptors.security import SecurityInterceptor
from genesis_server.rpc.interceptors.tracing import TracingInterceptor
from genesis_server.rpc.large_plan import LargePlanProcess
from genesis_server.rpc.large_requests import LargeRequests
from genesis_server.rpc.methods import served_methods
from genesis_server.rpc.orchestrator import OrchestratorServicer
from genesis_server.rpc.paging import PageTokens
from genesis_server.rpc.policy import PolicyServicer
from genesis_server.rpc.ports import split_address
from genesis_server.rpc.registration import Service
from genesis_server.rpc.reports import ReportAnswers
from genesis_server.rpc.request_catalogues import RequestCatalogues
from genesis_server.rpc.server import Drain, GrpcServer
from genesis_server.rpc.status_answers import StatusAnswers
from genesis_server.rpc.updates import UpdateAnswers
from genesis_server.security.agent_identity import AgentIdentity
from genesis_server.security.agent_signatures import SignatureVerifier
from genesis_server.security.authentication import Authenticator
from genesis_server.security.events import SecurityEvents
from genesis_server.security.nonces import Nonces
from genesis_server.security.redaction import redact
from genesis_server.security.tripwire import Tripwire
from genesis_server.security.tripwire_rules import shipped_rules
from genesis_server.settings import Settings
from genesis_server.storage.base import ABSENT, Documents, Key, Store, VersionConflictError
from genesis_server.storage.guarded import GuardedStore, is_fault
from genesis_server.storage.opening import open_store
from genesis_server.telemetry.export_outcome import ExportFailedError
from genesis_server.telemetry.metrics import Metrics
from genesis_server.telemetry.storage_timing import timed_store
from genesis_server.telemetry.tracing import Tracing, otlp_exporter
from genesis_server.validation.policy import default_policy as default_validation_policy

_LOG = logging.getLogger(__name__)

VALIDATE = "/genesis.v1.OrchestratorService/Validate"
ROUTE = "/genesis.v1.OrchestratorService/Route"
INLINE_PLAN_PARTS = 500
"""Tasks and edges of a plan that are checked and converted on the loop; more would hold it for more than about 5 ms."""
_TOKEN_KEY = Key("_server", "secret", "page_tokens")


@dataclass(frozen=True, slots=True)
class Parts:
    """A server, ready to start."""

    grpc: GrpcServer
    http: HttpServer
    watch: Callable[[], Coroutine[None, None, NoReturn]]
    """Follows the files until it is cancelled."""
    close: Callable[[], Awaitable[None]]
    """Lets go of everything that was opened."""


async def build(settings: Settings, *, worker: int, shared_port: bool, environ: Mapping[str, str]) -> Parts:
    """Put a server together; nothing listens yet.

    `worker` counts from 0 and moves the HTTP and health ports; `shared_port` says that other processes listen on the same gRPC port.
    Raises StartError with every mistake of the files it reads, and OSError.
    """
    served = served_methods(reflection=settings.reflection, channelz=settings.channelz)
    metrics = Metrics(
        methods=served,
        codes=[code.name for code in grpc.StatusCode],
        clock=time.monotonic,
        version=__version__,
        security_families=[family.name for family in shipped_rules().families],
    )
    registry, methods, flags, rulebook_file = snapshots_at_start(settings, environ)
    store_breaker = _breaker("storage", metrics, is_fault)
    plain_store = open_store(store_url(settings), clock=time.time)
    store = _guarded(timed_store(plain_store, metrics.storage), store_breaker, lambda: flags.snapshot.enabled("error_handling_enabled"))
    decisions = decision_parts(store, rulebook_file, retention_days=settings.decision_retention_days, observe=metrics.decision_recorded)
    await decisions.rulebook.start()

    keys = agent_keys(settings)
    agents = agents_over(store, declared=lambda: registry.index, settings=settings, metrics=metrics)

    def declared() -> Snapshots:
        return Snapshots(registry.index, methods.library, flags.snapshot, decisions.rulebook.rulebook)

    def snapshots(tenant: str) -> Snapshots:
        """The snapshots in use for a tenant: the agents that joined it are among them."""
        return replace(
            declared(),
            agents=agents.roster.index(tenant),
            load=dispatcher.load(tenant),
            unhealthy=agents.breakers.unhealthy(tenant),
        )

    def tell_snapshots() -> None:
        metrics.know_agents(agent.id for agent in registry.catalogue.agents)
        for kind, snapshot_id in (
            ("agents", registry.snapshot_id),
            ("methods", methods.library.snapshot_id),
            ("flags", flags.snapshot.snapshot_id),
            ("rulebook", decisions.rulebook.rulebook.version),
        ):
            metrics.know_snapshot(kind, snapshot_id)

    tell_snapshots()
    tracing = _tracing(settings, metrics, lambda: flags.snapshot.enabled("otel_enabled"))
    model = language_model(settings, metrics=metrics, make_breaker=lambda: _breaker("language_model", metrics, is_model_fault))
    health = HealthCheck(
        probes=[
            storage_probe(plain_store, store_breaker, clock=time.monotonic, now=time.time),
            agents_probe(registry),
            agent_keys_probe(keys),
            methods_probe(methods),
            flags_probe(flags),
            rulebook_probe(decisions.rulebook),
            language_model_probe(model.breaker, clock=time.monotonic, now=time.time),
            tracing.health,
        ],
        snapshots=declared,
        of_tenant=agent_breakers_health(agents.breakers),
        clock=time.monotonic,
        model_available=lambda: model.available,
    )
    scan = Tripwire(shipped_rules()).scan
    orchestrator = Orchestrator(
        snapshots=snapshots,
        store=PlanStore(store),
        scan=scan,
        drafter=Drafter(
            scan=scan, model=model.gateway, entries=settings.llm_catalogue_entries, default_seconds=settings.default_deadline_seconds
        ),
        recorder=decisions.recorder,
        policy=Policy(
            version=f"{default_routing_policy().version}+{default_validation_policy().version}",
            tripwire_blocks=settings.tripwire_mode == "block",
            max_validate_tasks=settings.max_validate_tasks,
        ),
        observer=metrics,
        clock=time.perf_counter,
        now=time.time,
        new_plan_id=plan_id,
    )

    updater = updater_over(orchestrator, snapshots, metrics.phase)
    dispatcher = dispatcher_over(updater, agents, settings=settings, metrics=metrics)
    identity = AgentIdentity(lambda tenant, agent_id: keys.keys.has(tenant, agent_id))  # noqa: PLW0108  (the keys change)
    events = SecurityEvents(store, now=time.time, new_id=security_event_id, observe=metrics.refused)
    reports = ReportAnswers(dispatcher=dispatcher, identity=identity)
    tokens = PageTokens(await _page_token_key(plain_store))
    large_plans = LargePlanProcess()
    admission = Admission(max_concurrent=settings.max_concurrent_calls, max_work_streams=settings.max_work_streams)
    access = authenticator(settings, SignatureVerifier(lambda: keys.keys, Nonces(store), now=time.time))
    tls = listener_tls(settings)
    services: list[Service] = [
        (
            orchestrator_service_pb2_grpc.add_OrchestratorServiceServicer_to_server,  # pyright: ignore[reportUnknownMemberType]
            OrchestratorServicer(
                orchestrator=orchestrator,
                catalogues=RequestCatalogues(),
                large=LargeRequests(orchestrator, large_plans),
                tokens=tokens,
                status=StatusAnswers(flags=lambda: flags.snapshot, health=health),
                decisions=DecisionAnswers(store=decisions.store, replayer=decisions.replayer, tokens=tokens),
                updates=UpdateAnswers(updater=updater, store=orchestrator.store, dispatcher=dispatcher, admission=admission),
                reports=reports,
                dispatcher=dispatcher,
                check_budget=dispatcher.refuse_exhausted,
            ),
        ),
        (
            policy_service_pb2_grpc.add_PolicyServiceServicer_to_server,  # pyright: ignore[reportUnknownMemberType]
            PolicyServicer(desk=decisions.desk, tokens=tokens, breakers=agents.breakers, events=events),
        ),
        worker_service(
            agents, dispatcher, reports, identity=identity, events=events, admission=admission, tokens=tokens, settings=settings
        ),
    ]
    server = GrpcServer(
        address=settings.listen,
        services=services,
        chain=_layers(settings, metrics=metrics, tracing=tracing, admission=admission, access=access, events=events, store=store).chain(),
        admission=admission,
        bounds=_bounds(settings),
        drain=Drain(lame_duck_seconds=settings.lame_duck_seconds, grace_seconds=settings.stop_grace_seconds),
        credentials=tls.credentials if tls is not None else None,
        health_address=_shifted(settings.health_listen, worker) if settings.health_listen else None,
        reflection=settings.reflection,
        channelz=settings.channelz,
        reuse_port=shared_port,
    )

    async def health_report() -> dict[str, object]:
        return health_json(await health.report(), version=__version__)

    http_host, http_port = _place(settings.http_listen)
    http = HttpServer(
        make_app(health=health_report, ready=lambda: server.health.ready, expose=metrics.expose),
        host=http_host,
        port=http_port and http_port + worker,
    )

    polls = [registry.poll, methods.poll, flags.poll, rulebook_file.poll, keys.poll, *([tls.poll] if tls is not None else [])]

    async def watch() -> NoReturn:
        async with asyncio.TaskGroup() as watchers:
            watchers.create_task(decisions.rulebook.follow(), name="rulebook watcher")
            watchers.create_task(agents.follow(), name="agents watcher")
            watchers.create_task(dispatcher.follow(), name="dispatcher")
            watchers.create_task(events.follow(), name="security events")
            await _watch_files(polls, seconds=settings.reload_seconds, tell=tell_snapshots)

    async def close() -> None:
        await dispatcher.close()
        with suppress(GenesisError):  # the store may be gone
            await events.flush()
        await large_plans.close()
        await access.close()
        await model.close()
        await asyncio.to_thread(tracing.shutdown)
        await store.close()

    model.start()
    return Parts(server, http, watch, close)


async def _watch_files(polls: Sequence[Callable[[], object]], *, seconds: float, tell: Callable[[], None]) -> NoReturn:
    """Look at every file again and again, and tell what is in use."""
    while True:
        await asyncio.sleep(seconds)
        for poll in polls:
            try:
                await asyncio.to_thread(poll)
            except Exception:  # noqa: BLE001  (what is wrong with one file must not end the following of all)
                _LOG.exception("looking for changed files failed")
        tell()


def _guarded(store: Store, breaker: Breaker, enabled: Callable[[], bool]) -> Store:
    """The store behind its breaker and retries."""
    retry = Retry(base_seconds=0.02, cap_seconds=1.0, deadline_seconds=5.0)
    return GuardedStore(store, breaker=breaker, retry=retry, enabled=enabled)


def _layers(
    settings: Settings,
    *,
    metrics: Metrics,
    tracing: Tracing,
    admission: Admission,
    access: Authenticator,
    events: SecurityEvents,
    store: Store,
) -> Layers:
    """What stands around every call."""
    mapper = ErrorMapper(redact)
    return Layers(
        correlation=CorrelationInterceptor(),
        metrics=MetricsInterceptor(metrics),
        errors=ErrorsInterceptor(mapper),
        tracing=TracingInterceptor(tracing, mapper),
        limits=LimitsInterceptor(
            admission,
            Limits(
                rate_per_second=settings.rate_per_second,
                rate_burst=settings.rate_burst,
                default_deadline_seconds=settings.default_deadline_seconds,
            ),
        ),
        security=SecurityInterceptor(events),
        authentication=AuthenticationInterceptor(access),
        authorization=AuthorizationInterceptor(),
        constraints=ConstraintsInterceptor(),
        idempotency=IdempotencyInterceptor(store, kept_seconds=settings.idempotency_hours * 3600),
    )


def _bounds(settings: Settings) -> SizeBounds:
    """How large requests may be, and which are too large for the loop."""
    return SizeBounds(
        default=settings.max_message_bytes,
        per_method={VALIDATE: settings.max_validate_message_bytes},
        raw_above={VALIDATE: settings.large_plan_bytes},
        max_tasks={ROUTE: MAX_TASKS_PER_PLAN},
        raw_above_parts={VALIDATE: INLINE_PLAN_PARTS},
    )


def _breaker(name: str, metrics: Metrics, fault: Callable[[Exception], bool]) -> Breaker:
    metrics.know_breaker(name)
    return Breaker(name, clock=time.monotonic, is_fault=fault, on_transition=metrics.breaker_changed)


def _tracing(settings: Settings, metrics: Metrics, enabled: Callable[[], bool]) -> Tracing:
    endpoint = settings.otlp_endpoint
    return Tracing(
        make_exporter=otlp_exporter(endpoint, insecure=endpoint.startswith("http://")) if endpoint else None,
        breaker=_breaker("trace_exporter", metrics, lambda error: isinstance(error, ExportFailedError)),
        sample_ratio=settings.trace_sample_ratio,
        service_version=__version__,
        enabled=enabled,
        observe=metrics.spans,
    )


async def _page_token_key(documents: Documents) -> bytes:
    """The key that signs page tokens, made by whichever process is first."""
    found = await documents.get(_TOKEN_KEY)
    if found is not None:
        return found.value
    key = secrets.token_bytes(32)
    try:
        await documents.put(_TOKEN_KEY, key, expected=ABSENT)
    except VersionConflictError:
        return await _page_token_key(documents)
    return key


def _place(address: str) -> tuple[str, int]:
    place = split_address(address)
    if place is None:
        raise StartError(f"{address} must be host:port")
    return place


def _shifted(address: str, by: int) -> str:
    host, port = _place(address)
    return f"[{host}]:{port + by}" if ":" in host else f"{host}:{port + by}"
