"""The table of methods is read from the descriptors."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from genesis.v1 import orchestrator_service_pb2 as pb
from genesis.v1 import plan_pb2
from genesis_server.rpc.deserialisation import RawRequest, Rejected, SizeBounds, safe_deserialiser
from genesis_server.rpc.methods import all_methods, contract_methods, is_health, served_methods, takes_stream


def test_every_method_of_the_contract_is_in_the_table() -> None:
    plan = contract_methods()["/genesis.v1.OrchestratorService/Plan"]
    assert (plan.service, plan.name, plan.kind) == ("genesis.v1.OrchestratorService", "Plan", "unary")
    assert (plan.request.DESCRIPTOR.full_name, plan.response.DESCRIPTOR.full_name) == ("genesis.v1.PlanRequest", "genesis.v1.PlanResponse")
    assert contract_methods()["/genesis.v1.OrchestratorService/PlanStream"].kind == "server_stream"
    assert "/genesis.v1.AgentService/List" in contract_methods()
    assert all_methods()["/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"].kind == "bidi_stream"


def test_a_server_serves_grpcs_own_services_only_by_option() -> None:
    def services(**options: bool) -> set[str]:
        return {method.service for method in served_methods(**options)} - {method.service for method in contract_methods().values()}

    assert services() == {"grpc.health.v1.Health"}
    assert services(reflection=True, channelz=True) == {
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
        "grpc.channelz.v1.Channelz",
    }


def test_health_and_streams_are_known() -> None:
    assert is_health("/grpc.health.v1.Health/Watch")
    assert is_health("/genesis.v1.OrchestratorService/Health")
    assert not is_health("/genesis.v1.OrchestratorService/Plan")
    assert takes_stream("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo")
    assert takes_stream("/not/there")
    assert not takes_stream("/genesis.v1.OrchestratorService/PlanStream")


@given(data=st.binary(max_size=300))
def test_whatever_the_bytes_reading_them_never_raises(data: bytes) -> None:
    read = safe_deserialiser("/m", pb.OrchestrateRequest.FromString, SizeBounds(default=200))
    assert isinstance(read(data), (pb.OrchestrateRequest, Rejected))


def test_a_plan_of_too_many_tasks_is_refused_and_one_of_many_parts_goes_unread_to_who_can_take_it() -> None:
    many = pb.RouteRequest(plan=plan_pb2.Plan(tasks=[plan_pb2.Task(id=f"t{n}") for n in range(3)])).SerializeToString()
    refusing = safe_deserialiser("/m", pb.RouteRequest.FromString, SizeBounds(max_tasks={"/m": 2}))(many)
    assert isinstance(refusing, Rejected)
    assert (refusing.error.reason, refusing.error.facts) == ("TOO_MANY_TASKS", {"limit": "2", "count": "3"})
    assert isinstance(safe_deserialiser("/m", pb.RouteRequest.FromString, SizeBounds(max_tasks={"/m": 3}))(many), pb.RouteRequest)
    raw = safe_deserialiser("/m", pb.RouteRequest.FromString, SizeBounds(raw_above_parts={"/m": 2}))(many)
    assert raw == RawRequest(many)
    assert isinstance(safe_deserialiser("/m", pb.RouteRequest.FromString, SizeBounds(raw_above_parts={"/m": 3}))(many), pb.RouteRequest)
