"""What callers meet: the services, the layers around every call, and the gRPC server that has them."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from functools import partial

from genesis.admin.v1 import flag_admin_service_pb2_grpc, policy_service_pb2_grpc
from genesis.v1 import agent_service_pb2_grpc, orchestrator_service_pb2_grpc
from genesis_server.app.access import authenticator, listener_tls
from genesis_server.app.domain import Domain
from genesis_server.app.errors import StartError
from genesis_server.app.ground import Ground
from genesis_server.model.plan import MAX_TASKS_PER_PLAN
from genesis_server.rpc.admission import Admission
from genesis_server.rpc.agents import AgentServicer
from genesis_server.rpc.chain import Layers
from genesis_server.rpc.decisions import DecisionAnswers
from genesis_server.rpc.deserialisation import SizeBounds
from genesis_server.rpc.flag_answers import FlagAnswers
from genesis_server.rpc.flags import FlagAdminServicer
from genesis_server.rpc.interceptors.authentication import AuthenticationInterceptor
from genesis_server.rpc.interceptors.authorization import AuthorizationInterceptor
from genesis_server.rpc.interceptors.constraints import ConstraintsInterceptor
from genesis_server.rpc.interceptors.correlation import CorrelationInterceptor
from genesis_server.rpc.interceptors.errors import ErrorMapper, ErrorsInterceptor
from genesis_server.rpc.interceptors.flags import FlagsInterceptor
from genesis_server.rpc.interceptors.idempotency import IdempotencyInterceptor
from genesis_server.rpc.interceptors.limits import Limits, LimitsInterceptor
from genesis_server.rpc.interceptors.metrics import MetricsInterceptor
from genesis_server.rpc.interceptors.security import SecurityInterceptor
from genesis_server.rpc.interceptors.tracing import TracingInterceptor
from genesis_server.rpc.large_plan import LargePlanProcess
from genesis_server.rpc.large_requests import LargeRequests
from genesis_server.rpc.orchestrator import OrchestratorServicer
from genesis_server.rpc.paging import PageTokens
from genesis_server.rpc.policy import PolicyServicer
from genesis_server.rpc.ports import split_address
from genesis_server.rpc.registration import Service
from genesis_server.rpc.reports import ReportAnswers
from genesis_server.rpc.request_catalogues import RequestCatalogues
from genesis_server.rpc.server import Drain, GrpcServer
from genesis_server.rpc.status_answers import StatusAnswers
from genesis_server.rpc.tls import ServerTls
from genesis_server.rpc.updates import UpdateAnswers
from genesis_server.rpc.work import OwnSessions, WorkParts
from genesis_server.security.agent_identity import AgentIdentity
from genesis_server.security.agent_signatures import SignatureVerifier
from genesis_server.security.authentication import Authenticator
from genesis_server.security.nonces import Nonces
from genesis_server.security.redaction import redact
from genesis_server.settings import Settings
from genesis_server.storage.base import ABSENT, SERVER, Documents, Key, VersionConflictError

VALIDATE = "/genesis.v1.OrchestratorService/Validate"
ROUTE = "/genesis.v1.OrchestratorService/Route"
INLINE_PLAN_PARTS = 500
"""Tasks and edges of a plan that are checked and converted on the loop; more would hold it for more than about 5 ms."""
_TOKEN_KEY = Key(SERVER, "secret", "page_tokens")


@dataclass(frozen=True, slots=True)
class Edge:
    """A gRPC server that is ready to start, and what must be let go of with it."""

    server: GrpcServer
    access: Authenticator
    large_plans: LargePlanProcess
    tls: ServerTls | None


async def make_edge(ground: Ground, domain: Domain, *, worker: int, shared_port: bool) -> Edge:
    """The server; `worker` counts from 0 and moves the health port, `shared_port` says that others listen on the same gRPC port.

    Raises StartError with every mistake of the files it reads.
    """
    settings = ground.settings
    tokens = PageTokens(await _page_token_key(ground.plain_store))
    large_plans = LargePlanProcess()
    admission = Admission(max_concurrent=settings.max_concurrent_calls, max_work_streams=settings.max_work_streams)
    access = authenticator(settings, SignatureVerifier(lambda: ground.keys.keys, Nonces(ground.store), now=time.time))
    tls = listener_tls(settings)
    server = GrpcServer(
        address=settings.listen,
        services=_services(ground, domain, tokens=tokens, admission=admission, large_plans=large_plans),
        chain=_layers(ground, admission=admission, access=access).chain(),
        admission=admission,
        bounds=_bounds(settings),
        drain=Drain(lame_duck_seconds=settings.lame_duck_seconds, grace_seconds=settings.stop_grace_seconds),
        credentials=tls.credentials if tls is not None else None,
        health_address=_shifted(settings.health_listen, worker) if settings.health_listen else None,
        reflection=settings.reflection,
        channelz=settings.channelz,
        reuse_port=shared_port,
    )
    return Edge(server, access, large_plans, tls)


def _services(ground: Ground, domain: Domain, *, tokens: PageTokens, admission: Admission, large_plans: LargePlanProcess) -> list[Service]:
    orchestrator, dispatcher, decisions, agents = domain.orchestrator, domain.dispatcher, ground.decisions, ground.agents
    identity, flags = AgentIdentity(ground.keys.has_key), ground.flags
    reports = ReportAnswers(dispatcher=dispatcher, identity=identity)
    work = WorkParts(
        dispatcher=dispatcher,
        sessions=OwnSessions(roster=agents.roster, identity=identity),
        reports=reports,
        events=ground.events,
        admission=admission,
        now=time.time,
        redact=redact,
    )
    return [
        (
            orchestrator_service_pb2_grpc.add_OrchestratorServiceServicer_to_server,  # pyright: ignore[reportUnknownMemberType]
            OrchestratorServicer(
                orchestrator=orchestrator,
                catalogues=RequestCatalogues(observe=ground.metrics.looked_up),
                large=LargeRequests(orchestrator, large_plans),
                tokens=tokens,
                status=StatusAnswers(health=domain.health),
                flags=FlagAnswers(
                    flags=lambda: flags.in_use.live.snapshot,
                    pins=flags.pins,
                    environment=ground.settings.env.value,
                    now=time.time,
                    observe=ground.metrics.flags.evaluated,
                ),
                decisions=DecisionAnswers(store=decisions.store, replayer=decisions.replayer, tokens=tokens),
                updates=UpdateAnswers(updater=domain.updater, store=orchestrator.store, dispatcher=dispatcher, admission=admission),
                reports=reports,
                dispatcher=dispatcher,
                check_budget=dispatcher.refuse_exhausted,
            ),
        ),
        (
            policy_service_pb2_grpc.add_PolicyServiceServicer_to_server,  # pyright: ignore[reportUnknownMemberType]
            PolicyServicer(desk=decisions.desk, tokens=tokens, breakers=agents.breakers, events=ground.events),
        ),
        (
            flag_admin_service_pb2_grpc.add_FlagAdminServiceServicer_to_server,  # pyright: ignore[reportUnknownMemberType]
            FlagAdminServicer(desk=flags.desk, tokens=tokens, environment=ground.settings.env.value, now=time.time),
        ),
        (
            agent_service_pb2_grpc.add_AgentServiceServicer_to_server,  # pyright: ignore[reportUnknownMemberType]
            AgentServicer(
                roster=agents.roster,
                identity=identity,
                work=work,
                tokens=tokens,
                lease_seconds=ground.settings.worker_lease_seconds,
            ),
        ),
    ]


def _layers(ground: Ground, *, admission: Admission, access: Authenticator) -> Layers:
    """What stands around every call."""
    settings, flags, mapper = ground.settings, ground.flags, ErrorMapper(redact)
    return Layers(
        correlation=CorrelationInterceptor(),
        metrics=MetricsInterceptor(ground.metrics),
        errors=ErrorsInterceptor(mapper),
        tracing=TracingInterceptor(ground.tracing, mapper),
        limits=LimitsInterceptor(
            admission,
            Limits(
                rate_per_second=settings.rate_per_second,
                rate_burst=settings.rate_burst,
                default_deadline_seconds=settings.default_deadline_seconds,
            ),
        ),
        security=SecurityInterceptor(ground.events),
        authentication=AuthenticationInterceptor(access),
        authorization=AuthorizationInterceptor(),
        constraints=ConstraintsInterceptor(),
        flags=FlagsInterceptor(
            modes=lambda: flags.in_use.modes, flags_of=flags.in_use.of_caller, flags_of_run=partial(flags.in_use.of_run, flags.pins)
        ),
        idempotency=IdempotencyInterceptor(ground.store, kept_seconds=settings.idempotency_hours * 3600, may_write=flags.in_use.may_write),
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


def place(address: str) -> tuple[str, int]:
    """Host and port. Raises StartError."""
    found = split_address(address)
    if found is None:
        raise StartError(f"{address} must be host:port")
    return found


def _shifted(address: str, by: int) -> str:
    host, port = place(address)
    return f"[{host}]:{port + by}" if ":" in host else f"{host}:{port + by}"
