"""Getting a report to the server: on the stream, else by a call, until it was answered."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from genesis import _work_requests as requests
from genesis._status import from_status
from genesis.aio import AsyncClient
from genesis.errors import AlreadyExists, GenesisError, InvalidArgument, NotFound, PermissionDenied
from genesis.options import ReportOptions
from genesis.v1.agent_service_pb2 import WorkAssignment
from genesis.worker.execution import failed
from genesis.worker.stream import Stream
from genesis.worker.timing import Timing

_LOG = logging.getLogger("genesis.worker")
_ANSWER_SECONDS = 30.0
_FINAL = (AlreadyExists, InvalidArgument, NotFound, PermissionDenied)
_FINAL_REASONS = {"LEASE_LOST", "TASK_ENDED", "PLAN_ENDED", "MESSAGE_TOO_LARGE"}


class Reporter:
    """Delivers reports. A report under a lease can be told again without harm, so that no answer means: once more."""

    def __init__(self, client: AsyncClient, stream: Callable[[], Stream | None], timing: Timing) -> None:
        self._client = client
        self._stream = stream
        self._timing = timing

    async def deliver(self, assignment: WorkAssignment, report: ReportOptions, lost: Callable[[], bool]) -> None:
        """Send a report until the server took it or refused it for good.

        Outputs that the server finds unfit make the task fail with what it said. With `lost` true, the lease is known to be gone, and
        any answer of the server is the last word.
        """
        report = {**report, "lease": assignment.lease}
        failures = 0
        while True:
            error = await self._told(assignment, report)
            if error is None:
                return
            refused = bool(error.reason) and (isinstance(error, _FINAL) or error.reason in _FINAL_REASONS)
            if refused and "done" in report and (isinstance(error, InvalidArgument) or error.reason == "MESSAGE_TOO_LARGE"):
                _LOG.error("the outputs of task %s of plan %s were refused: %s", assignment.task.id, assignment.plan_id, error)
                report = {**_without_outputs(report), **failed(str(error), permanent=True)}
                continue
            if refused or (error.reason and lost()):
                _LOG.warning("the report of task %s of plan %s was refused: %s", assignment.task.id, assignment.plan_id, error)
                return
            _LOG.info("the report of task %s of plan %s is told again: %s", assignment.task.id, assignment.plan_id, error)
            await self._timing.sleep(max(self._timing.backoff(failures), error.retry_after or 0.0))
            failures += 1

    async def _told(self, assignment: WorkAssignment, report: ReportOptions) -> GenesisError | None:
        """Tell it once; None when it was taken, now or before."""
        stream = self._stream()
        if stream is not None:
            request = requests.report(assignment.plan_id, assignment.task.id, **report)
            asked = asyncio.ensure_future(stream.report(request))
            answered = asyncio.Event()
            asked.add_done_callback(lambda _: answered.set())
            try:
                await self._timing.first(answered, seconds=_ANSWER_SECONDS)
            finally:
                if not asked.done():
                    asked.cancel()
            if asked.done() and (answer := asked.result()) is not None:
                return from_status(answer.refused) if answer.HasField("refused") else None
        try:
            await self._client.report(assignment.plan_id, assignment.task.id, **report)
        except GenesisError as error:
            return error
        return None


def _without_outputs(report: ReportOptions) -> ReportOptions:
    kept = report.copy()
    kept.pop("done", None)
    kept.pop("references", None)
    return kept
