"""The asyncio client: the same behaviour, awaited."""

from __future__ import annotations

import inspect

import grpc
import pytest
from fake_server import FakeServer, Refusal

import genesis
from genesis.v1 import agent_service_pb2 as agents_pb2
from genesis.v1 import orchestrator_service_pb2 as pb2
from genesis.v1 import plan_pb2

QUICK = genesis.Retry(initial_backoff=0.01, max_backoff=0.02)


async def test_every_method_answers(fake: FakeServer) -> None:
    """All of the contract can be awaited."""
    fake.on("Plan", pb2.PlanResponse(stored=True))
    fake.on("Route", pb2.RouteResponse())
    fake.on("Validate", pb2.ValidateResponse())
    fake.on("Orchestrate", pb2.OrchestrateResponse(stored=True))
    fake.on("GetPlan", pb2.GetPlanResponse(plan=plan_pb2.Plan(id="p")))
    fake.on("DeletePlan", pb2.DeletePlanResponse())
    fake.on("Flag", pb2.FlagResponse(snapshot_id="s"))
    fake.on("Health", pb2.HealthResponse(server_version="1"))
    fake.on("PlanStream", [pb2.PlanStreamResponse(sequence=1), pb2.PlanStreamResponse(sequence=2)])
    fake.on("ListPlans", pb2.ListPlansResponse(plans=[pb2.PlanSummary(id="a")], next_page_token="t"), pb2.ListPlansResponse())
    fake.on(
        "AgentsList",
        agents_pb2.AgentServiceListResponse(agents=[agents_pb2.AgentEntry()], next_page_token="t"),
        agents_pb2.AgentServiceListResponse(agents=[agents_pb2.AgentEntry()]),
    )
    async with genesis.aio.connect(fake.address, token="t") as client:
        assert (await client.plan("a")).stored
        assert (await client.route("p")).routes == []
        assert not (await client.validate("p")).verdict.passed
        assert (await client.orchestrate("a")).stored
        assert (await client.get_plan("p")).plan.id == "p"
        await client.delete_plan("p")
        assert (await client.flag()).snapshot_id == "s"
        assert (await client.health()).server_version == "1"
        assert [event.sequence async for event in client.plan_stream("a")] == [1, 2]
        assert [plan.id async for plan in client.list_plans()] == ["a"]
        assert len([entry async for entry in client.agents()]) == 2
    assert fake.metadata[0]["authorization"] == "Bearer t"


async def test_errors_and_retries_are_those_of_the_blocking_client(fake: FakeServer) -> None:
    """Retried with the same request id, then told with reason."""
    down = Refusal(grpc.StatusCode.UNAVAILABLE, reason="SHUTTING_DOWN", metadata={"category": "network"})
    fake.on("Plan", down)
    fake.on("PlanStream", [pb2.PlanStreamResponse(sequence=1), Refusal(grpc.StatusCode.ABORTED, reason="VERSION_MISMATCH")])
    async with genesis.aio.connect(fake.address, retry=QUICK) as client:
        with pytest.raises(genesis.Unavailable) as caught:
            await client.plan("a")
        assert caught.value.category == "network"
        with pytest.raises(genesis.Aborted):
            [event async for event in client.plan_stream("a")]
    assert len(fake.asked("Plan")) == 5
    assert len({request.request_id for request in fake.asked("Plan")}) == 1


def test_both_clients_have_the_same_methods_with_the_same_arguments() -> None:
    """Moving between the two is a matter of `await`."""

    def surface(kind: type) -> dict[str, list[str]]:
        return {
            name: [str(parameter).replace("Async", "") for parameter in inspect.signature(member).parameters.values()]
            for name, member in inspect.getmembers(kind, inspect.isfunction)
            if not name.startswith("_")
        }

    assert surface(genesis.Client) == surface(genesis.AsyncClient)
