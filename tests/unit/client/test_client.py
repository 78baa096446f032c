"""The blocking client against a server that answers as it is told."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta

import grpc
import pytest
from fake_server import FakeServer, Refusal

import genesis
from genesis.v1 import agent_service_pb2 as agents_pb2
from genesis.v1 import common_pb2, plan_pb2, routing_pb2
from genesis.v1 import orchestrator_service_pb2 as pb2

QUICK = genesis.Retry(initial_backoff=0.01, max_backoff=0.02)
PLAN = plan_pb2.Plan(id="plan_1", goal="g", tasks=[plan_pb2.Task(id="a", goal="do a")])


@pytest.fixture
def client(fake: FakeServer) -> Iterator[genesis.Client]:
    with genesis.connect(fake.address, retry=QUICK) as client:
        yield client


def test_plan_sends_what_was_said_and_returns_the_message(fake: FakeServer, client: genesis.Client) -> None:
    """Friendly arguments arrive as the contract's fields."""
    fake.on("Plan", pb2.PlanResponse(plan=PLAN, stored=True))
    answer = client.plan(
        "release it",
        catalogue=[{"name": "search", "costPerCall": {"units": "1"}}, {"id": "bob", "skills": [{"id": "dig"}]}],
        givens=["photo:image", common_pb2.Artefact(name="text")],
        max_level="minimal",
        seed=7,
    )
    assert answer.stored
    assert answer.plan.id == "plan_1"
    [request] = fake.asked("Plan")
    assert request.goal == "release it"
    assert [tool.name for tool in request.catalogue.tools] == ["search"]
    assert [agent.id for agent in request.catalogue.agents] == ["bob"]
    assert [(given.name, given.type) for given in request.givens] == [("photo", "image"), ("text", "")]
    assert request.max_level == common_pb2.DEGRADATION_LEVEL_MINIMAL
    assert request.seed == 7


def test_every_changing_call_has_its_own_request_id_unless_one_is_given(fake: FakeServer, client: genesis.Client) -> None:
    """A repeat is safe without thinking of it."""
    fake.on("Plan", pb2.PlanResponse())
    fake.on("Orchestrate", pb2.OrchestrateResponse())
    fake.on("DeletePlan", pb2.DeletePlanResponse())
    fake.on("PlanStream", [pb2.PlanStreamResponse(sequence=1)])
    client.plan("a")
    client.plan("a")
    client.orchestrate("a")
    client.delete_plan("p")
    list(client.plan_stream("a"))
    ids = [request.request_id for name, request in fake.requests if name != "PlanStream"]
    ids += [request.plan.request_id for request in fake.asked("PlanStream")]
    assert len(set(ids)) == 5
    assert all(len(one) == 36 for one in ids)
    client.plan("a", request_id="mine")
    assert fake.asked("Plan")[-1].request_id == "mine"


def test_a_retry_after_unavailable_carries_the_same_request_id(fake: FakeServer, client: genesis.Client) -> None:
    """The server can tell a retry from a second wish."""
    down = Refusal(grpc.StatusCode.UNAVAILABLE, reason="SHUTTING_DOWN")
    fake.on("Orchestrate", down, down, pb2.OrchestrateResponse(stored=True))
    assert client.orchestrate("a").stored
    asked = fake.asked("Orchestrate")
    assert len(asked) == 3
    assert len({request.request_id for request in asked}) == 1


def test_retries_end_after_five_tries(fake: FakeServer, client: genesis.Client) -> None:
    """A server that stays away is an error, not an endless wait."""
    fake.on("Plan", Refusal(grpc.StatusCode.UNAVAILABLE, "stopping", "SHUTTING_DOWN", retry_seconds=0.25))
    with pytest.raises(genesis.Unavailable) as caught:
        client.plan("a")
    assert len(fake.asked("Plan")) == 5
    assert caught.value.retry_after == pytest.approx(0.25)


def test_other_failures_are_not_retried(fake: FakeServer, client: genesis.Client) -> None:
    """A fault is told at once."""
    fake.on("Plan", Refusal(grpc.StatusCode.INTERNAL, reason="INTERNAL"))
    with pytest.raises(genesis.Internal):
        client.plan("a")
    assert len(fake.asked("Plan")) == 1


def test_retries_can_be_switched_off(fake: FakeServer) -> None:
    """`retry=None` means one try."""
    fake.on("Plan", Refusal(grpc.StatusCode.UNAVAILABLE))
    with genesis.connect(fake.address, retry=None) as client, pytest.raises(genesis.Unavailable):
        client.plan("a")
    assert len(fake.asked("Plan")) == 1


def test_an_error_carries_everything_the_server_said(fake: FakeServer, client: genesis.Client) -> None:
    """Reason, facts, fields and correlation id arrive as attributes."""
    fake.on(
        "Plan",
        Refusal(
            grpc.StatusCode.INVALID_ARGUMENT,
            "goal: too long",
            "INVALID_FIELD",
            {"category": "validation", "field": "goal", "correlation_id": "abc"},
            [("goal", "at most 5000 characters", "string.max_len")],
        ),
    )
    with pytest.raises(genesis.InvalidArgument, match="goal: too long") as caught:
        client.plan("a")
    error = caught.value
    assert (error.code, error.reason, error.category) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", "validation")
    assert error.metadata["field"] == "goal"
    assert error.field_violations == (genesis.FieldViolation("goal", "at most 5000 characters", "string.max_len"),)
    assert error.correlation_id == "abc"
    assert error.retry_after is None


def test_the_correlation_id_is_also_read_from_the_trailer(fake: FakeServer, client: genesis.Client) -> None:
    """An error without the fact in its details can still be found in the log."""
    fake.on("GetPlan", Refusal(grpc.StatusCode.NOT_FOUND, reason="PLAN_NOT_FOUND"))
    with pytest.raises(genesis.NotFound) as caught:
        client.get_plan("p")
    assert caught.value.correlation_id == "c0ffee"


def test_nobody_there_is_unavailable_without_a_reason() -> None:
    """A refused connection is told apart from an answer of the server."""
    with genesis.connect("127.0.0.1:1", retry=None) as client, pytest.raises(genesis.Unavailable) as caught:
        client.health()
    assert caught.value.reason == ""
    assert caught.value.category == ""
    assert str(caught.value)


@pytest.mark.parametrize("per_call", [True, False])
def test_a_deadline_that_passes_is_an_error_of_its_own(fake: FakeServer, per_call: bool) -> None:
    """A hung server does not hang the caller."""
    fake.on("Plan", lambda _, context: _until_gone(context))
    with genesis.connect(fake.address, timeout=None if per_call else 0.05) as client, pytest.raises(genesis.DeadlineExceeded):
        client.plan("a", **({"timeout": 0.05} if per_call else {}))


def _until_gone(context: grpc.ServicerContext) -> pb2.PlanResponse:
    while context.is_active():
        time.sleep(0.005)
    return pb2.PlanResponse()


def test_every_call_has_a_deadline_by_default(fake: FakeServer, client: genesis.Client) -> None:
    """No call can hang for ever."""
    remaining: list[float | None] = []

    def answer(_: object, context: grpc.ServicerContext) -> pb2.HealthResponse:
        remaining.append(context.time_remaining())
        return pb2.HealthResponse()

    fake.on("Health", answer)
    client.health()
    assert remaining[0] is not None
    assert 3 < remaining[0] <= 5.5


def test_lists_walk_all_pages(fake: FakeServer, client: genesis.Client) -> None:
    """Paging is invisible, and lazy."""
    fake.on(
        "ListPlans",
        pb2.ListPlansResponse(plans=[pb2.PlanSummary(id="a"), pb2.PlanSummary(id="b")], next_page_token="t"),
        pb2.ListPlansResponse(plans=[pb2.PlanSummary(id="c")]),
    )
    plans = client.list_plans(page_size=2)
    assert next(plans).id == "a"
    assert len(fake.requests) == 1
    assert [plan.id for plan in plans] == ["b", "c"]
    assert [(request.page_size, request.page_token) for request in fake.asked("ListPlans")] == [(2, ""), (2, "t")]
    entry = agents_pb2.AgentEntry
    fake.on(
        "AgentsList",
        agents_pb2.AgentServiceListResponse(agents=[entry(state=agents_pb2.AGENT_STATE_DECLARED)], next_page_token="n"),
        agents_pb2.AgentServiceListResponse(agents=[entry()]),
    )
    assert len(list(client.agents(skill_id="dig"))) == 2
    assert [request.skill_id for request in fake.asked("AgentsList")] == ["dig", "dig"]


def test_a_stream_gives_its_events_in_order_and_its_error_as_ours(fake: FakeServer, client: genesis.Client) -> None:
    """Progress first, the plan last; a failure half-way is a GenesisError."""
    progress = pb2.PlanStreamResponse(sequence=1, progress=pb2.PlanProgress(message="split"))
    fake.on("PlanStream", [progress, pb2.PlanStreamResponse(sequence=2, result=pb2.PlanResponse(plan=PLAN))])
    assert [event.WhichOneof("event") for event in client.plan_stream("a")] == ["progress", "result"]
    fake.on("PlanStream", [progress, Refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, reason="STORAGE_FULL")])
    events = client.plan_stream("a")
    assert next(events).sequence == 1
    with pytest.raises(genesis.ResourceExhausted) as caught:
        next(events)
    assert caught.value.reason == "STORAGE_FULL"


def test_a_stream_left_early_is_cancelled_on_the_server(fake: FakeServer, client: genesis.Client) -> None:
    """Work nobody waits for stops."""
    gone: list[bool] = []

    def events(_: object, context: grpc.ServicerContext) -> Iterator[pb2.PlanStreamResponse]:
        context.add_callback(lambda: gone.append(True))
        yield pb2.PlanStreamResponse(sequence=1)
        _until_gone(context)

    fake.on("PlanStream", events)
    stream = client.plan_stream("a")
    next(stream)
    stream.close()
    for _ in range(400):
        if gone:
            break
        time.sleep(0.005)
    assert gone == [True]


def test_route_and_validate_take_a_plan_or_the_id_of_one(fake: FakeServer, client: genesis.Client) -> None:
    """A stored plan needs not be sent again."""
    fake.on("Route", pb2.RouteResponse())
    fake.on("Validate", pb2.ValidateResponse())
    client.route("plan_1", explanation="full", seed=3)
    client.route(PLAN, budget=0.5, regions=["eu"], data_class="restricted", deadline=90, exclude=["bob"])
    client.route({"tasks": [{"id": "a"}]})
    client.validate(PLAN, routes=[routing_pb2.TaskRoute(task_id="a")], goal="other", deadline=timedelta(hours=1))
    by_id, limited, by_json = fake.asked("Route")
    assert by_id.plan_id == "plan_1"
    assert not by_id.HasField("constraints")
    assert by_id.explanation == routing_pb2.EXPLANATION_LEVEL_FULL
    assert limited.plan == PLAN
    assert limited.constraints.budget == common_pb2.Money(currency_code="USD", nanos=500_000_000)
    assert limited.constraints.deadline.seconds == 90
    assert list(limited.constraints.excluded_targets) == ["bob"]
    assert limited.constraints.data_class == common_pb2.DATA_CLASS_RESTRICTED
    assert by_json.plan.tasks[0].id == "a"
    [judged] = fake.asked("Validate")
    assert judged.goal == "other"
    assert judged.routes[0].task_id == "a"
    assert judged.constraints.deadline.seconds == 3600


def test_flags_by_key(fake: FakeServer, client: genesis.Client) -> None:
    """Keys are asked as given."""
    fake.on("Flag", pb2.FlagResponse(snapshot_id="s"))
    assert client.flag("a", "b").snapshot_id == "s"
    assert list(fake.asked("Flag")[0].keys) == ["a", "b"]


def test_headers_of_the_connection_and_of_the_call_are_sent(fake: FakeServer) -> None:
    """A trace context can travel along."""
    fake.on("Health", pb2.HealthResponse())
    with genesis.connect(fake.address, token="secret", metadata=[("x-team", "blue")]) as client:
        client.health(metadata=[("traceparent", "00-1-2-01")])
    [headers] = fake.metadata
    assert headers["authorization"] == "Bearer secret"
    assert headers["x-team"] == "blue"
    assert headers["traceparent"] == "00-1-2-01"
    assert "genesis-client" in headers["user-agent"]


def test_a_token_function_is_asked_for_each_call(fake: FakeServer) -> None:
    """A token that expires can be renewed without a new connection."""
    fake.on("Health", pb2.HealthResponse())
    tokens = iter(["one", "two"])
    with genesis.connect(fake.address, token=lambda: next(tokens)) as client:
        client.health()
        client.health()
    assert [headers["authorization"] for headers in fake.metadata] == ["Bearer one", "Bearer two"]


@pytest.mark.parametrize("method", ["plan", "orchestrate", "route", "validate", "get_plan", "delete_plan"])
def test_a_misspelt_argument_is_a_type_error(client: genesis.Client, method: str) -> None:
    """A typing mistake is not silently ignored."""
    with pytest.raises(TypeError, match="'budgte'"):
        getattr(client, method)("a", budgte="1 USD")


@pytest.mark.parametrize("method", ["list_plans", "agents", "flag", "health"])
def test_a_misspelt_argument_of_a_list_is_a_type_error(client: genesis.Client, method: str) -> None:
    """The same for methods without a first argument."""
    with pytest.raises(TypeError, match="'limt'"):
        list(getattr(client, method)(limt=1))
