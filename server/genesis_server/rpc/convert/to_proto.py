"""What an answer brings beside plans and routes: budgets, catalogues and provenance."""

from __future__ import annotations

from genesis.v1 import catalogue_pb2, common_pb2, routing_pb2
from genesis_server.model.catalogue import AgentCard, Catalogue, Skill, Tool
from genesis_server.model.provenance import ModelUse, Provenance
from genesis_server.model.routing import BudgetSummary, RoutingConstraints
from genesis_server.rpc.convert.values import (
    artefacts_to_proto,
    duration_to_proto,
    money_to_proto,
    number,
    phase_to_proto,
    span_to_proto,
)


def budget_to_proto(budget: BudgetSummary) -> routing_pb2.BudgetSummary:
    """The money over a whole routing."""
    return routing_pb2.BudgetSummary(
        expected_total=money_to_proto(budget.expected_total),
        cheapest_feasible_total=money_to_proto(budget.cheapest_feasible_total),
        limit=None if budget.limit is None else money_to_proto(budget.limit),
        met=budget.met,
    )


def constraints_to_proto(constraints: RoutingConstraints) -> routing_pb2.RoutingConstraints:
    """The limits over a call."""
    return routing_pb2.RoutingConstraints(
        budget=None if constraints.budget is None else money_to_proto(constraints.budget),
        regions=constraints.regions,
        data_class=number(constraints.data_class),
        deadline=None if constraints.deadline_seconds is None else duration_to_proto(constraints.deadline_seconds),
        excluded_targets=sorted(constraints.excluded_targets),
        sticky_key=constraints.sticky_key,
    )


def catalogue_to_proto(catalogue: Catalogue) -> catalogue_pb2.Catalogue:
    """The catalogue, without its snapshot id."""
    return catalogue_pb2.Catalogue(
        agents=[agent_to_proto(agent) for agent in catalogue.agents],
        tools=[_tool(tool) for tool in catalogue.tools],
    )


def agent_to_proto(agent: AgentCard) -> catalogue_pb2.AgentCard:
    """The card."""
    return catalogue_pb2.AgentCard(
        id=agent.id,
        name=agent.name,
        description=agent.description,
        version=agent.version,
        skills=[_skill(skill) for skill in agent.skills],
        models=[
            catalogue_pb2.Model(
                id=model.id,
                input_price_per_million_tokens=money_to_proto(model.input_price),
                output_price_per_million_tokens=money_to_proto(model.output_price),
                success_prior=model.success_prior,
            )
            for model in agent.models
        ],
        max_concurrent_tasks=agent.max_concurrent_tasks,
        region=agent.region,
        max_data_class=number(agent.max_data_class),
    )


def _skill(skill: Skill) -> catalogue_pb2.Skill:
    return catalogue_pb2.Skill(
        id=skill.id,
        name=skill.name,
        description=skill.description,
        tags=skill.tags,
        examples=skill.examples,
        inputs=artefacts_to_proto(skill.inputs),
        outputs=artefacts_to_proto(skill.outputs),
        expected_duration=duration_to_proto(skill.expected_seconds),
    )


def _tool(tool: Tool) -> catalogue_pb2.Tool:
    return catalogue_pb2.Tool(
        name=tool.name,
        description=tool.description,
        examples=tool.examples,
        inputs=artefacts_to_proto(tool.inputs),
        outputs=artefacts_to_proto(tool.outputs),
        cost_per_call=money_to_proto(tool.cost_per_call),
        expected_duration=duration_to_proto(tool.expected_seconds),
    )


def provenance_to_proto(provenance: Provenance) -> common_pb2.Provenance:
    """How an answer was made."""
    return common_pb2.Provenance(
        level=number(provenance.level),
        level_reason=provenance.level_reason,
        agents_snapshot_id=provenance.agents_snapshot_id,
        methods_snapshot_id=provenance.methods_snapshot_id,
        flags_snapshot_id=provenance.flags_snapshot_id,
        policy_version=provenance.policy_version,
        seed=provenance.seed,
        correlation_id=provenance.correlation_id,
        phases=[phase_to_proto(phase) for phase in provenance.phases],
        server_version=provenance.server_version,
        tripwire_hits=[
            common_pb2.TripwireHit(family=hit.family, field=hit.field, span=span_to_proto(hit.span)) for hit in provenance.tripwire_hits
        ],
        rulebook_version=provenance.rulebook_version,
        decision_id=provenance.decision_id,
        model_use=None if provenance.model_use is None else _model_use(provenance.model_use),
    )


def _model_use(use: ModelUse) -> common_pb2.ModelUse:
    return common_pb2.ModelUse(
        model=use.model,
        requests=use.requests,
        input_tokens=use.input_tokens,
        output_tokens=use.output_tokens,
        cost=None if use.cost is None else money_to_proto(use.cost),
    )
