"""Signs of life: they renew the leases and tell how far the tasks are."""

from __future__ import annotations

import logging

from genesis.aio import AsyncClient
from genesis.errors import GenesisError, NotFound
from genesis.v1.agent_service_pb2 import RegisterResponse
from genesis.worker.leases import End, Leases, lease_progress
from genesis.worker.timing import Timing

_LOG = logging.getLogger("genesis.worker")
_SOONEST = 0.5
_LONGEST_CALL = 10.0


class SessionGoneError(Exception):
    """The server does not know the session any more: join again."""


def session_gone(error: GenesisError) -> bool:
    """Whether an error says so."""
    return isinstance(error, NotFound) and error.reason == "SESSION_NOT_FOUND"


async def beat(client: AsyncClient, session: RegisterResponse, leases: Leases, timing: Timing) -> None:
    """Give signs of life for ever: as often as the server asked for, sooner when there is news, at most twice a second.

    When none was answered for as long as a lease lasts, by the worker's own clock, what it holds is let go: others may have it by now.

    Raises:
        SessionGoneError: when the server does not know the session any more.
    """
    interval = session.heartbeat_interval.ToTimedelta().total_seconds() or 10.0
    lasts = session.lease_duration.ToTimedelta().total_seconds() or 3 * interval
    answered = timing.monotonic()
    failures = 0
    while True:
        wait = interval if not failures else min(interval, timing.backoff(failures, first=0.5))
        began = timing.monotonic()
        await timing.first(*([] if failures else [leases.news]), seconds=wait)
        if (early := _SOONEST - (timing.monotonic() - began)) > 0:
            await timing.sleep(early)
        told = leases.take_news()
        sent = timing.monotonic()
        left = answered + lasts - sent
        try:
            answer = await client.heartbeat(
                session.session_id,
                load=leases.load,
                progress=[lease_progress(held, one) for held, one in told],
                timeout=min(_LONGEST_CALL, left) if left > 0 else min(_LONGEST_CALL, interval),
            )
        except GenesisError as error:
            if session_gone(error):
                raise SessionGoneError from error
            failures += 1
            # Once is enough for whoever reads it; the rest is for those who look closer.
            _LOG.log(logging.WARNING if failures == 1 else logging.INFO, "no answer to a sign of life: %s", error)
            for held, one in told:
                held.context.told = held.context.told or one
            if timing.monotonic() - answered >= lasts:
                leases.finish_all(End.SILENCE)
        else:
            if failures:
                _LOG.warning("signs of life are answered again")
            answered, failures = sent, 0
            lasts = answer.lease_duration.ToTimedelta().total_seconds() or lasts
