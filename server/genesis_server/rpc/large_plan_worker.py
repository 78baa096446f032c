"""The child process that judges large plans: reads jobs from standard input, writes answers to standard output, until its parent goes.

A job is a pickled `Job` and the bytes of a ValidateRequest; an answer is a pickled `Answer`. Both are one socket of the parent's alone.
It runs at a lower priority, so that the parent answers everybody else in time.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import pickle
import select
import sys
import threading
import time
from dataclasses import replace
from typing import BinaryIO

from google.protobuf.message import DecodeError

from genesis.v1 import orchestrator_service_pb2
from genesis_server.agents.index import CatalogueIndex
from genesis_server.model.plan import MAX_TASKS_PER_PLAN
from genesis_server.model.validation import Verdict
from genesis_server.resilience.errors import GenesisError, ResourceError, too_many_tasks
from genesis_server.rpc.convert import constraints_from_proto, mended_to_proto, plan_from_proto, routes_from_proto, verdict_to_proto
from genesis_server.rpc.deserialisation import malformed
from genesis_server.rpc.large_plan_jobs import HEADER, Answer, Job
from genesis_server.rpc.plan_columns import PlanColumns
from genesis_server.rpc.request_catalogues import request_index, request_snapshot_id
from genesis_server.validation.fixpoint import mend
from genesis_server.validation.graph import build_graph
from genesis_server.validation.judge import judge, judge_of

_LOG = logging.getLogger(__name__)

METHOD = "/genesis.v1.OrchestratorService/Validate"
PARENT_CHECK_SECONDS = 1.0


class Judge:
    """Answers jobs; keeps the registered agents between them."""

    def __init__(self) -> None:
        """Begin without agents."""
        self._index: CatalogueIndex | None = None

    def answer(self, job: Job, data: bytes) -> Answer:
        """Judge one request."""
        if job.catalogue is not None:
            self._index = CatalogueIndex(job.catalogue)
        request = orchestrator_service_pb2.ValidateRequest()
        try:
            request.ParseFromString(data)
        except (DecodeError, UnicodeDecodeError, ValueError):
            return Answer(error=malformed(METHOD))
        if request.WhichOneof("source") == "plan_id":
            return Answer(plan_id=request.plan_id)
        try:
            return self._judged(request, job, data)
        except GenesisError as error:
            return Answer(error=error)
        except Exception:  # noqa: BLE001  (the fault is logged and answered; the process lives on)
            _LOG.exception("judging a large plan failed")
            return Answer(error=ResourceError("INTERNAL", "judging the plan failed; the server's log has the fault"))

    def _judged(self, request: orchestrator_service_pb2.ValidateRequest, job: Job, data: bytes) -> Answer:
        most = MAX_TASKS_PER_PLAN if request.apply_fixes else job.limits.max_tasks
        if len(request.plan.tasks) > most:
            raise too_many_tasks(len(request.plan.tasks), most)
        if request.apply_fixes:
            return self._mended(request, job, data)
        columns = PlanColumns(request)
        if columns.suspicious:
            _refuse_violations(data)
        index = self._index_of(request)
        verdict = judge(
            build_graph(columns.tasks, columns.edges),
            goal=request.goal or request.plan.goal,
            index=index,
            routes=routes_from_proto(request.routes),
            constraints=constraints_from_proto(request.constraints),
            limits=job.limits,
            structural_only=job.structural_only,
        )
        return _answer(orchestrator_service_pb2.ValidateResponse(verdict=verdict_to_proto(verdict)), request, index, verdict)

    def _mended(self, request: orchestrator_service_pb2.ValidateRequest, job: Job, data: bytes) -> Answer:
        _refuse_violations(data)
        index = self._index_of(request)
        judge_again = judge_of(
            goal=request.goal,
            index=index,
            constraints=constraints_from_proto(request.constraints),
            limits=job.limits,
            structural_only=job.structural_only,
        )
        mended = mend(plan_from_proto(request.plan), routes_from_proto(request.routes), judge=judge_again)
        return _answer(mended_to_proto(mended), request, index, mended.verdict)

    def _index_of(self, request: orchestrator_service_pb2.ValidateRequest) -> CatalogueIndex | None:
        if request.HasField("catalogue"):
            return request_index(request.catalogue, request_snapshot_id(request.catalogue))
        return self._index


def _answer(
    response: orchestrator_service_pb2.ValidateResponse,
    request: orchestrator_service_pb2.ValidateRequest,
    index: CatalogueIndex | None,
    verdict: Verdict,
) -> Answer:
    response.provenance.agents_snapshot_id = index.catalogue.snapshot_id if index is not None else ""
    return Answer(
        response=response.SerializeToString(),
        goal=request.goal or request.plan.goal,
        verdict=replace(verdict, findings=(), schedule=None),
    )


def _refuse_violations(data: bytes) -> None:
    """Raise ValidationError INVALID_FIELD when the whole request breaks declared constraints."""
    from genesis_server.rpc.interceptors.constraints import check_message  # noqa: PLC0415  (grpc is not needed for sound requests)

    check_message(orchestrator_service_pb2.ValidateRequest.FromString(data))


def serve(jobs: int, answers: BinaryIO, *, idle_seconds: float) -> None:
    """Answer the jobs of a pipe until its other end is closed, or nothing comes for `idle_seconds`."""
    worker = Judge()
    gc.collect()
    gc.freeze()
    while _arrives(jobs, idle_seconds):
        try:
            job_size, data_size = HEADER.unpack(_read(jobs, HEADER.size))
            job: Job = pickle.loads(_read(jobs, job_size))  # noqa: S301  (our parent's)
            data = bytes(_read(jobs, data_size))
        except EOFError:
            return
        # Collecting while a large plan is taken apart would walk all of it again and again, and free nothing.
        gc.disable()
        answer = pickle.dumps(worker.answer(job, data))
        gc.enable()
        answers.write(HEADER.pack(len(answer), 0) + answer)
        answers.flush()
        del data, job, answer
        # What the job left is all young.
        gc.collect(0)


def _read(pipe: int, size: int) -> bytearray:
    """Exactly `size` bytes; unbuffered, so that select sees everything that has not been read."""
    found = bytearray(size)
    view, have = memoryview(found), 0
    while have < size:
        count = os.readv(pipe, [view[have:]])
        if count == 0:
            raise EOFError
        have += count
    return found


def _arrives(jobs: int, idle_seconds: float) -> bool:
    ready, _, _ = select.select([jobs], [], [], idle_seconds)
    return bool(ready)


def _leave_with_parent(parent: int) -> None:
    """End this process when the parent is gone, also in the middle of a job."""
    while os.getppid() == parent:
        time.sleep(PARENT_CHECK_SECONDS)
    os._exit(1)


def main() -> None:
    """Take the pipes over, so that nothing else can write into them, and serve. Arguments: parent's process id, niceness, idle seconds."""
    parent, niceness, idle_seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    with contextlib.suppress(OSError):
        os.nice(niceness)
    threading.Thread(target=_leave_with_parent, args=(parent,), daemon=True).start()
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    with contextlib.suppress(ConnectionError):
        serve(0, answers, idle_seconds=idle_seconds)
