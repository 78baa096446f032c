"""Routes with their proofs, put into answers.

A routing is the largest thing an answer holds, with a short proof some sixty fields for each task. So routes are not described first, as
smaller values are: what every one of them has is written where it belongs, one route after the other.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from genesis.v1 import routing_pb2
from genesis_server.model.routing import Assignment, TaskRoute, Unassigned
from genesis_server.rpc.convert.explanations import explanation_to_proto, write_candidates
from genesis_server.rpc.convert.values import Fields, target_to_proto, write_duration, write_money, write_target

if TYPE_CHECKING:
    from google.protobuf.internal.containers import RepeatedCompositeFieldContainer


def write_routes(routes: Iterable[TaskRoute], into: RepeatedCompositeFieldContainer[routing_pb2.TaskRoute]) -> None:
    """Add routes to those of an answer."""
    for route in routes:
        proof = route.explanation
        message = into.add(
            task_id=route.task_id,
            unassigned=None if route.unassigned is None else _unassigned(route.unassigned),
            explanation=None if proof is None else explanation_to_proto(proof),
        )
        if route.assignment is not None:
            _write_assignment(route.assignment, message.assignment)
        if proof is not None:
            write_candidates(proof.candidates, message.explanation.candidates)


def _write_assignment(assignment: Assignment, message: routing_pb2.Assignment) -> None:
    write_target(assignment.target, message.target)
    message.score = assignment.score
    message.expected_success = assignment.expected_success
    write_money(assignment.expected_cost, message.expected_cost)
    write_duration(assignment.expected_seconds, message.expected_duration)
    message.reason = assignment.reason


def _unassigned(unassigned: Unassigned) -> Fields:
    miss = unassigned.nearest_miss
    return {
        "reason": unassigned.reason,
        "message": unassigned.message,
        "nearest_miss": None if miss is None else {"target": target_to_proto(miss.target), "failed": miss.failed, "missing": miss.missing},
    }
