"""How long each task is expected to take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from genesis_server.agents.index import CatalogueIndex, Offer
from genesis_server.model.catalogue import DEFAULT_SKILL_SECONDS, Tool
from genesis_server.model.routing import Target, TargetKind, TaskRoute
from genesis_server.validation.graph import PlanGraph
from genesis_server.validation.schedule import NANOS_PER_SECOND


def task_durations(graph: PlanGraph, index: CatalogueIndex | None, routes: Mapping[str, TaskRoute]) -> list[int]:
    """Nanoseconds by row.

    What the task says, else its assignment, else the offer that is assigned, else the first offer of its capability, else a minute.
    """
    tasks = graph.tasks
    by_capability = {capability: _offered_seconds(capability, index) for capability in set(tasks.capabilities)}
    seconds = [by_capability[capability] for capability in tasks.capabilities]
    if routes:
        offered = {_target(offer): _offer_seconds(offer) for offer in index.offers} if index is not None else {}
        for row, name in enumerate(tasks.ids):
            route = routes.get(name)
            if route is not None and (assignment := route.assignment) is not None:
                seconds[row] = assignment.expected_seconds or offered.get(replace(assignment.target, model_id=""), seconds[row])
    for row, said in tasks.seconds.items():
        seconds[row] = said
    nanos = {value: round(value * NANOS_PER_SECOND) for value in set(seconds)}
    return [nanos[value] for value in seconds]


def _offered_seconds(capability: str, index: CatalogueIndex | None) -> float:
    offers = index.with_capability(capability) if index is not None and capability else ()
    return _offer_seconds(offers[0]) if offers else DEFAULT_SKILL_SECONDS


def _offer_seconds(offer: Offer) -> float:
    if isinstance(offer.owner, Tool):
        return offer.owner.expected_seconds
    return offer.skill.expected_seconds if offer.skill is not None else DEFAULT_SKILL_SECONDS


def _target(offer: Offer) -> Target:
    if offer.skill is None:
        return Target(TargetKind.TOOL, offer.target_id)
    return Target(TargetKind.AGENT, offer.target_id, skill_id=offer.capability)
