"""What a request brings: catalogues, plans, routings and constraints."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from genesis.v1 import catalogue_pb2, plan_pb2, routing_pb2
from genesis_server.model.catalogue import (
    DEFAULT_SKILL_SECONDS,
    DEFAULT_SUCCESS_PRIOR,
    DEFAULT_TOOL_SECONDS,
    AgentCard,
    Catalogue,
    DataClass,
    Model,
    Skill,
    Tool,
)
from genesis_server.model.money import Money
from genesis_server.model.plan import Edge, EdgeKind, Plan, PlanCounters, Task, TaskConstraints, TaskKind, TaskOrigin, TaskSource
from genesis_server.model.routing import Assignment, RoutingConstraints, TaskRoute, Unassigned, UnassignedReason
from genesis_server.resilience.errors import FieldViolation, ValidationError
from genesis_server.rpc.convert.values import (
    artefacts_from_proto,
    duration_from_proto,
    money_from_proto,
    span_from_proto,
    target_from_proto,
    time_from_proto,
)


def catalogue_from_proto(message: catalogue_pb2.Catalogue, *, snapshot_id: str) -> Catalogue:
    """The catalogue of a request. Raises ValidationError INVALID_FIELD naming every id that stands twice."""
    violations = [
        *_repeated("catalogue.agents", "id", [agent.id for agent in message.agents]),
        *_repeated("catalogue.tools", "name", [tool.name for tool in message.tools]),
    ]
    for number, agent in enumerate(message.agents):
        violations += _repeated(f"catalogue.agents[{number}].skills", "id", [skill.id for skill in agent.skills])
        violations += _repeated(f"catalogue.agents[{number}].models", "id", [model.id for model in agent.models])
    if violations:
        raise ValidationError(
            "INVALID_FIELD",
            f"the catalogue has ids that stand twice ({len(violations)} times); give each its own",
            facts={"field": violations[0].field},
            violations=violations,
        )
    return Catalogue(
        agents=tuple(_agent(agent) for agent in message.agents),
        tools=tuple(_tool(tool) for tool in message.tools),
        snapshot_id=snapshot_id,
    )


def _repeated(path: str, key: str, ids: Sequence[str]) -> list[FieldViolation]:
    seen: set[str] = set()
    found: list[FieldViolation] = []
    for number, name in enumerate(ids):
        if name in seen:
            found.append(FieldViolation(f"{path}[{number}].{key}", f"{name!r} stands twice", "unique"))
        seen.add(name)
    return found


def _agent(card: catalogue_pb2.AgentCard) -> AgentCard:
    return AgentCard(
        id=card.id,
        skills=tuple(_skill(skill) for skill in card.skills),
        name=card.name or card.id,
        description=card.description,
        version=card.version,
        models=tuple(_model(model) for model in card.models),
        max_concurrent_tasks=card.max_concurrent_tasks or 1,
        region=card.region,
        max_data_class=DataClass(card.max_data_class).effective,
    )


def _skill(skill: catalogue_pb2.Skill) -> Skill:
    return Skill(
        id=skill.id,
        name=skill.name,
        description=skill.description,
        tags=tuple(skill.tags),
        examples=tuple(skill.examples),
        inputs=artefacts_from_proto(skill.inputs),
        outputs=artefacts_from_proto(skill.outputs),
        expected_seconds=duration_from_proto(skill.expected_duration) if skill.HasField("expected_duration") else DEFAULT_SKILL_SECONDS,
    )


def _model(model: catalogue_pb2.Model) -> Model:
    return Model(
        id=model.id,
        input_price=money_from_proto(model.input_price_per_million_tokens),
        output_price=money_from_proto(model.output_price_per_million_tokens),
        success_prior=model.success_prior or DEFAULT_SUCCESS_PRIOR,
    )


def _tool(tool: catalogue_pb2.Tool) -> Tool:
    return Tool(
        name=tool.name,
        description=tool.description,
        examples=tuple(tool.examples),
        inputs=artefacts_from_proto(tool.inputs),
        outputs=artefacts_from_proto(tool.outputs),
        cost_per_call=money_from_proto(tool.cost_per_call),
        expected_seconds=duration_from_proto(tool.expected_duration) if tool.HasField("expected_duration") else DEFAULT_TOOL_SECONDS,
    )


def plan_from_proto(message: plan_pb2.Plan) -> Plan:
    """The plan as it was sent; whether it is sound is the validator's affair."""
    return Plan(
        goal=message.goal,
        tasks=tuple(_task(task) for task in message.tasks),
        edges=tuple(Edge(edge.from_task_id, edge.to_task_id, EdgeKind(edge.kind), edge.artefact) for edge in message.edges),
        id=message.id,
        version=message.version,
        create_time=time_from_proto(message.create_time),
        counters=PlanCounters(message.counters.tasks_created),
    )


def _task(task: plan_pb2.Task) -> Task:
    return Task(
        id=task.id,
        goal=task.goal,
        kind=TaskKind(task.kind),
        capability=task.capability,
        inputs=artefacts_from_proto(task.inputs),
        outputs=artefacts_from_proto(task.outputs),
        acceptance=task.acceptance,
        difficulty=task.difficulty if task.HasField("difficulty") else None,
        expected_seconds=duration_from_proto(task.expected_duration) if task.HasField("expected_duration") else None,
        constraints=_task_constraints(task.constraints) if task.HasField("constraints") else TaskConstraints(),
        parent_id=task.parent_id,
        depth=task.depth,
        origin=_origin(task.origin) if task.HasField("origin") else None,
    )


def _task_constraints(constraints: plan_pb2.TaskConstraints) -> TaskConstraints:
    return TaskConstraints(
        regions=tuple(constraints.regions),
        data_class=DataClass(constraints.data_class),
        max_cost=_money(constraints, "max_cost"),
        deadline_seconds=duration_from_proto(constraints.deadline) if constraints.HasField("deadline") else None,
    )


def _origin(origin: plan_pb2.TaskOrigin) -> TaskOrigin:
    try:
        source = TaskSource(origin.source)
    except ValueError:
        source = TaskSource.UNSPECIFIED
    return TaskOrigin(
        source=source,
        method_id=origin.method_id,
        spans=tuple(span_from_proto(span) for span in origin.spans),
        catalogue_entry=origin.catalogue_entry,
        match_score=origin.match_score,
    )


def _money(message: plan_pb2.TaskConstraints | routing_pb2.RoutingConstraints, field: str) -> Money | None:
    return money_from_proto(getattr(message, field)) if message.HasField(field) else None  # pyright: ignore[reportArgumentType, reportCallIssue]


def constraints_from_proto(message: routing_pb2.RoutingConstraints) -> RoutingConstraints:
    """The limits over a call."""
    return RoutingConstraints(
        budget=_money(message, "budget"),
        regions=tuple(message.regions),
        data_class=DataClass(message.data_class),
        deadline_seconds=duration_from_proto(message.deadline) if message.HasField("deadline") else None,
        excluded_targets=frozenset(message.excluded_targets),
    )


def routes_from_proto(messages: Iterable[routing_pb2.TaskRoute]) -> tuple[TaskRoute, ...]:
    """A routing without its proof. Raises ValidationError INVALID_FIELD for a route that says nothing."""
    routes: list[TaskRoute] = []
    for number, message in enumerate(messages):
        match message.WhichOneof("outcome"):
            case "assignment":
                routes.append(TaskRoute(message.task_id, assignment=_assignment(message.assignment)))
            case "unassigned":
                routes.append(TaskRoute(message.task_id, unassigned=_unassigned(message.unassigned)))
            case _:
                path = f"routes[{number}]"
                raise ValidationError(
                    "INVALID_FIELD",
                    f"{path} needs an assignment or the reason why there is none",
                    facts={"field": path},
                    violations=[FieldViolation(path, "needs an assignment or unassigned", "required")],
                )
    return tuple(routes)


def _assignment(message: routing_pb2.Assignment) -> Assignment:
    return Assignment(
        target=target_from_proto(message.target),
        score=message.score,
        expected_success=message.expected_success,
        expected_cost=money_from_proto(message.expected_cost),
        expected_seconds=duration_from_proto(message.expected_duration),
        reason=message.reason,
    )


def _unassigned(message: routing_pb2.Unassigned) -> Unassigned:
    try:
        reason = UnassignedReason(message.reason)
    except ValueError:
        reason = UnassignedReason.UNSPECIFIED
    return Unassigned(reason, message.message)
