"""Recorded decisions and their replays."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from genesis.v1 import decision_pb2
from genesis_server.model.decision import Decision, DecisionFilter, DecisionHead, DecisionKind
from genesis_server.model.explanation import Rejected
from genesis_server.model.routing import Routing, TaskRoute
from genesis_server.orchestration.decisions.replay import Replayed
from genesis_server.rpc.convert.plans import plan_to_proto
from genesis_server.rpc.convert.routes import write_routes
from genesis_server.rpc.convert.to_proto import constraints_to_proto, provenance_to_proto
from genesis_server.rpc.convert.values import number, span_to_proto, time_from_proto, time_to_proto


def filter_from_proto(request: decision_pb2.ListDecisionsRequest) -> DecisionFilter:
    """Which decisions are wanted."""
    return DecisionFilter(
        plan_id=request.plan_id,
        target_id=request.target_id,
        rule_id=request.rule_id,
        kind=DecisionKind(request.kind),
        start=time_from_proto(request.start_time) if request.HasField("start_time") else None,
        end=time_from_proto(request.end_time) if request.HasField("end_time") else None,
    )


def head_to_proto(head: DecisionHead) -> decision_pb2.Decision:
    """A decision in short."""
    return decision_pb2.Decision(
        id=head.id,
        kind=number(head.kind),
        plan_id=head.plan_id,
        time=time_to_proto(head.time),
        goal=head.goal,
        caller=head.caller,
        provenance=provenance_to_proto(head.provenance),
        constraints=None if head.constraints is None else constraints_to_proto(head.constraints),
        target_ids=head.target_ids,
        rule_ids=head.rule_ids,
        task_count=head.task_count,
        expire_time=time_to_proto(head.expires),
    )


def decision_to_proto(decision: Decision, task_ids: Collection[str]) -> decision_pb2.GetDecisionResponse:
    """A decision as it was recorded; of its routes only those of `task_ids`, all when there are none."""
    answer = decision_pb2.GetDecisionResponse(decision=head_to_proto(decision.head), plan=plan_to_proto(decision.plan))
    write_routes(_wanted(decision.routing, task_ids), answer.routes)
    return answer


def replay_to_proto(replayed: Replayed, task_ids: Collection[str]) -> decision_pb2.GetDecisionResponse:
    """A decision made again, with its proof."""
    rejected = replayed.draft.explanation.rejected if replayed.draft is not None else ()
    answer = decision_pb2.GetDecisionResponse(
        decision=head_to_proto(replayed.decision.head),
        plan=plan_to_proto(replayed.plan),
        rejected=[_rejected(one) for one in rejected],
        replay=decision_pb2.Replay(same=replayed.same, differences=replayed.differences, note=replayed.note),
    )
    write_routes(_wanted(replayed.routing, task_ids), answer.routes)
    return answer


def _wanted(routing: Routing | None, task_ids: Collection[str]) -> Iterator[TaskRoute]:
    wanted = frozenset(task_ids)
    routes = routing.routes if routing is not None else ()
    return (route for route in routes if not wanted or route.task_id in wanted)


def _rejected(rejected: Rejected) -> decision_pb2.RejectedSource:
    return decision_pb2.RejectedSource(
        source=number(rejected.source),
        id=rejected.id,
        score=rejected.score,
        reason=rejected.reason,
        span=None if rejected.span is None else span_to_proto(rejected.span),
    )
