"""What goes between the server and workers: assignments, notices, signs of life."""

from __future__ import annotations

from collections.abc import Iterable

from genesis.v1 import agent_service_pb2
from genesis_server.model.work import LeaseProgress, Session
from genesis_server.orchestration.dispatching.answers import Assigned, Move, Notice, StreamMessage
from genesis_server.rpc.convert.plans import task_to_proto
from genesis_server.rpc.convert.values import duration_to_proto, number, target_to_proto, time_to_proto
from genesis_server.rpc.convert.work import lease_from_proto, lease_to_proto, usage_to_proto, values_to_proto

MOVE = agent_service_pb2.WorkResponse(move=agent_service_pb2.WorkMove())


def stream_message_to_proto(message: StreamMessage, *, now: float) -> agent_service_pb2.WorkResponse:
    """What a worker is told on its stream; `now` is in seconds since the epoch."""
    match message:
        case Assigned():
            return agent_service_pb2.WorkResponse(assignment=_assignment(message, now))
        case Notice(lease_id, kind, text):
            return agent_service_pb2.WorkResponse(notice=agent_service_pb2.LeaseNotice(lease_id=lease_id, kind=number(kind), message=text))
        case Move():
            return MOVE


def _assignment(assigned: Assigned, now: float) -> agent_service_pb2.WorkAssignment:
    attempt = assigned.attempt
    # Between the two bounds whatever the clocks of two processes say.
    left = min(max(attempt.begin + attempt.seconds - now, 0.0), attempt.seconds)
    return agent_service_pb2.WorkAssignment(
        plan_id=assigned.plan_id,
        plan_goal=assigned.plan_goal,
        task=task_to_proto(assigned.task),
        inputs=values_to_proto(assigned.inputs),
        lease=lease_to_proto(attempt.lease),
        attempt=attempt.number,
        time_left=duration_to_proto(left),
        target=target_to_proto(assigned.target),
        expected=usage_to_proto(attempt.expected),
        traceparent=assigned.traceparent,
        correlation_id=assigned.correlation_id,
    )


def progress_from_proto(messages: Iterable[agent_service_pb2.LeaseProgress]) -> tuple[LeaseProgress, ...]:
    """How far tasks are."""
    return tuple([LeaseProgress(one.plan_id, one.task_id, lease_from_proto(one.lease), one.fraction, one.message) for one in messages])


def worker_to_proto(session: Session, *, running_tasks: int) -> agent_service_pb2.Worker:
    """A worker, without its card."""
    return agent_service_pb2.Worker(
        session_id=session.id, join_time=time_to_proto(session.joined), load=session.load, running_tasks=running_tasks
    )
