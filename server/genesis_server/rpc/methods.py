"""Every method this server can serve, read from the descriptors: nothing is listed twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

from google.protobuf import message_factory
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message import Message
from grpc_channelz.v1 import channelz_pb2
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from genesis.admin.v1 import flag_admin_service_pb2, policy_service_pb2
from genesis.v1 import agent_service_pb2, orchestrator_service_pb2

HEALTH_SERVICE = "grpc.health.v1.Health"
HEALTH_METHOD = "/genesis.v1.OrchestratorService/Health"
WATCH_PLAN = "/genesis.v1.OrchestratorService/WatchPlan"
WORK = "/genesis.v1.AgentService/Work"
HEARTBEAT = "/genesis.v1.AgentService/Heartbeat"
FLAG = "/genesis.v1.OrchestratorService/Flag"
GET_PLAN = "/genesis.v1.OrchestratorService/GetPlan"
WAITING = frozenset({WATCH_PLAN, WORK})
"""Streams that wait for hours: they take no call's place, and have bounds of their own where they are answered."""

_KINDS = {(False, False): "unary", (True, False): "client_stream", (False, True): "server_stream", (True, True): "bidi_stream"}


@dataclass(frozen=True, slots=True)
class Method:
    """A method of a service."""

    full_name: str
    """As on the wire: `/genesis.v1.OrchestratorService/Plan`."""
    service: str
    """`genesis.v1.OrchestratorService`."""
    name: str
    """`Plan`."""
    kind: str
    """unary, client_stream, server_stream or bidi_stream, in go-grpc-prometheus's words."""
    request: type[Message]
    response: type[Message]


def _of_service(service: ServiceDescriptor) -> tuple[Method, ...]:
    return tuple(
        Method(
            full_name=f"/{service.full_name}/{method.name}",
            service=service.full_name,
            name=method.name,
            kind=_KINDS[method.client_streaming, method.server_streaming],
            request=message_factory.GetMessageClass(method.input_type),
            response=message_factory.GetMessageClass(method.output_type),
        )
        for method in service.methods
    )


def _of_files(*files: Any) -> Mapping[str, Method]:
    services: list[ServiceDescriptor] = [service for file in files for service in file.services_by_name.values()]
    return MappingProxyType({method.full_name: method for service in services for method in _of_service(service)})


@cache
def contract_methods() -> Mapping[str, Method]:
    """The methods of Genesis's own services, by full name."""
    return _of_files(
        orchestrator_service_pb2.DESCRIPTOR,
        agent_service_pb2.DESCRIPTOR,
        policy_service_pb2.DESCRIPTOR,
        flag_admin_service_pb2.DESCRIPTOR,
    )


@cache
def standard_methods() -> Mapping[str, Method]:
    """The methods of gRPC's own services: health, reflection and channelz, by full name."""
    return _of_files(health_pb2.DESCRIPTOR, reflection_pb2.DESCRIPTOR, channelz_pb2.DESCRIPTOR)


@cache
def all_methods() -> Mapping[str, Method]:
    """Contract and standard methods, by full name."""
    return MappingProxyType({**contract_methods(), **standard_methods()})


def is_health(method: str) -> bool:
    """Whether a method tells health: such calls are never limited, traced or refused while the server drains."""
    return method == HEALTH_METHOD or method.startswith(f"/{HEALTH_SERVICE}/")


def takes_stream(method: str) -> bool:
    """Whether a method's request is a stream of messages; methods that do not exist are served as if it were."""
    known = all_methods().get(method)
    return known is None or known.kind in {"client_stream", "bidi_stream"}


def served_methods(*, reflection: bool = False, channelz: bool = False) -> tuple[Method, ...]:
    """The methods of a server with these options: contract and health always."""
    services = {HEALTH_SERVICE}
    if reflection:
        services.add(reflection_pb2.DESCRIPTOR.services_by_name["ServerReflection"].full_name)
    if channelz:
        services.add(channelz_pb2.DESCRIPTOR.services_by_name["Channelz"].full_name)
    return (*contract_methods().values(), *(method for method in standard_methods().values() if method.service in services))
