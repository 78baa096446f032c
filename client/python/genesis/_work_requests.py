"""Keyword arguments into the requests of work: reports, sessions of workers, breakers, security events."""

from __future__ import annotations

from typing import Any, Unpack

from genesis import _values as values
from genesis._requests import known, request_id
from genesis.admin.v1.policy_service_pb2 import ListBreakersRequest, ListSecurityEventsRequest, ResetBreakerRequest
from genesis.options import CallOptions, CardLike, HeartbeatOptions, PageOptions, RegisterOptions, ReportOptions, ResetOptions
from genesis.v1.agent_service_pb2 import DeregisterRequest, HeartbeatRequest, RegisterRequest
from genesis.v1.work_pb2 import ReportedDeclined, ReportedDone, ReportedFailed, ReportRequest, Usage

_OUTCOMES = {"done": {"references"}, "failed": {"permanent"}, "declined": {"hand_back"}}


def report(plan_id: str, task_id: str, **options: Unpack[ReportOptions]) -> ReportRequest:
    """The request that tells how a task went.

    Raises:
        TypeError: when the options say nothing, or more than one thing.
        ValueError: when a value is none that JSON has, or the cost is no amount.
    """
    known(options, ReportOptions)
    given = {name for name, value in options.items() if value is not None and value is not False}
    said = [outcome for outcome, more in _OUTCOMES.items() if given & {outcome, *more}]
    if len(said) != 1 or said[0] not in given:
        raise TypeError(f"say how the task went: done, failed or declined, one of them; not {', '.join(said) or 'none'}")
    return ReportRequest(
        request_id="" if options.get("lease") else request_id(options),
        plan_id=plan_id,
        task_id=task_id,
        lease=options.get("lease"),
        usage=_usage(options),
        agent_id=options.get("agent_id", ""),
        **{said[0]: _outcome(said[0], options)},
    )


def _outcome(name: str, options: ReportOptions) -> Any:
    match name:
        case "done":
            return ReportedDone(outputs=values.artefact_values(options.get("done", {}), options.get("references", {})))
        case "failed":
            return ReportedFailed(error=options.get("failed", ""), permanent=options.get("permanent", False))
        case _:
            return ReportedDeclined(reason=options.get("declined", ""), hand_back=options.get("hand_back", False))


def _usage(options: ReportOptions) -> Usage | None:
    cost, tokens = options.get("cost"), options.get("tokens")
    if cost is None and tokens is None:
        return None
    return Usage(cost=None if cost is None else values.money(cost), tokens=tokens or 0)


def register(card: CardLike, **options: Unpack[RegisterOptions]) -> RegisterRequest:
    """The request to join."""
    known(options, RegisterOptions)
    return RegisterRequest(request_id=request_id(options), card=values.card(card))


def heartbeat(session_id: str, **options: Unpack[HeartbeatOptions]) -> HeartbeatRequest:
    """A sign of life."""
    known(options, HeartbeatOptions)
    return HeartbeatRequest(session_id=session_id, load=options.get("load", 0.0), progress=options.get("progress", ()))


def deregister(session_id: str, **options: Unpack[CallOptions]) -> DeregisterRequest:
    """The request to leave."""
    known(options, CallOptions)
    return DeregisterRequest(session_id=session_id)


def list_breakers(**options: Unpack[PageOptions]) -> ListBreakersRequest:
    """The request for the first page of breakers."""
    known(options, PageOptions)
    return ListBreakersRequest(page_size=options.get("page_size", 0))


def reset_breaker(agent_id: str, cause: str, **options: Unpack[ResetOptions]) -> ResetBreakerRequest:
    """The request to close a breaker."""
    known(options, ResetOptions)
    return ResetBreakerRequest(request_id=request_id(options), agent_id=agent_id, cause=cause)


def list_security_events(**options: Unpack[PageOptions]) -> ListSecurityEventsRequest:
    """The request for the first page of security events."""
    known(options, PageOptions)
    return ListSecurityEventsRequest(page_size=options.get("page_size", 0))
