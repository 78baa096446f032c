"""Routes with their proofs, put into answers.

A routing is the largest thing an answer holds, with a short proof some sixty fields for each task. So routes are not described first, as
smaller values are, but written where they belong, one after the other.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from genesis.v1 import routing_pb2
from genesis_server.model.routing import Assignment, TaskRoute, Unassigned
from genesis_server.rpc.convert.explanations import write_explanation
from genesis_server.rpc.convert.values import number, write_duration, write_money, write_target

if TYPE_CHECKING:
    from google.protobuf.internal.containers import RepeatedCompositeFieldContainer


def write_routes(routes: Iterable[TaskRoute], into: RepeatedCompositeFieldContainer[routing_pb2.TaskRoute]) -> None:
    """Add routes to those of an answer."""
    for route in routes:
        message = into.add(task_id=route.task_id)
        if route.assignment is not None:
            _write_assignment(route.assignment, message.assignment)
        if route.unassigned is not None:
            _write_unassigned(route.unassigned, message.unassigned)
        if route.explanation is not None:
            write_explanation(route.explanation, message.explanation)


def _write_assignment(assignment: Assignment, message: routing_pb2.Assignment) -> None:
    write_target(assignment.target, message.target)
    message.score = assignment.score
    message.expected_success = assignment.expected_success
    write_money(assignment.expected_cost, message.expected_cost)
    write_duration(assignment.expected_seconds, message.expected_duration)
    message.reason = assignment.reason


def _write_unassigned(unassigned: Unassigned, message: routing_pb2.Unassigned) -> None:
    message.reason = number(unassigned.reason)
    message.message = unassigned.message
    miss = unassigned.nearest_miss
    if miss is not None:
        write_target(miss.target, message.nearest_miss.target)
        message.nearest_miss.failed.extend([number(reason) for reason in miss.failed])
        message.nearest_miss.missing = miss.missing
