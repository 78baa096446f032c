"""What a request brings: catalogues, routings and constraints."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from genesis.v1 import catalogue_pb2, routing_pb2
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
from genesis_server.model.routing import Assignment, RoutingConstraints, TaskRoute, Unassigned, UnassignedReason
from genesis_server.resilience.errors import FieldViolation, ValidationError
from genesis_server.rpc.convert.values import (
    artefacts_from_proto,
    duration_from_proto,
    money_from_proto,
    target_from_proto,
)


def catalogue_from_proto(message: catalogue_pb2.Catalogue, *, snapshot_id: str) -> Catalogue:
    """The catalogue of a request. Raises ValidationError INVALID_FIELD naming every id that stands twice."""
    violations = [
        *_repeated("catalogue.agents", "id", [agent.id for agent in message.agents]),
        *_repeated("catalogue.tools", "name", [tool.name for tool in message.tools]),
    ]
    for number, agent in enumerate(message.agents):
        violations += _repeated_in_card(f"catalogue.agents[{number}]", agent)
    _refuse_repeated(violations, "the catalogue")
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


def agent_from_proto(card: catalogue_pb2.AgentCard, field: str) -> AgentCard:
    """The card of an agent. Raises ValidationError INVALID_FIELD naming every id that stands twice."""
    _refuse_repeated(_repeated_in_card(field, card), "the card")
    return _agent(card)


def _repeated_in_card(path: str, card: catalogue_pb2.AgentCard) -> list[FieldViolation]:
    return [
        *_repeated(f"{path}.skills", "id", [skill.id for skill in card.skills]),
        *_repeated(f"{path}.models", "id", [model.id for model in card.models]),
    ]


def _refuse_repeated(violations: Sequence[FieldViolation], what: str) -> None:
    if violations:
        raise ValidationError(
            "INVALID_FIELD",
            f"{what} has ids that stand twice ({len(violations)} times); give each its own",
            facts={"field": violations[0].field},
            violations=violations,
        )


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


def constraints_from_proto(message: routing_pb2.RoutingConstraints) -> RoutingConstraints:
    """The limits over a call."""
    return RoutingConstraints(
        budget=money_from_proto(message.budget) if message.HasField("budget") else None,
        regions=tuple(message.regions),
        data_class=DataClass(message.data_class),
        deadline_seconds=duration_from_proto(message.deadline) if message.HasField("deadline") else None,
        excluded_targets=frozenset(message.excluded_targets),
        sticky_key=message.sticky_key,
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
