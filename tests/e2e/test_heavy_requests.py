"""Requests that cost much: nobody else waits for them, and what dies under them is replaced."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import grpc
import psutil
import pytest

from errors import failure
from genesis.v1 import catalogue_pb2, orchestrator_service_pb2, orchestrator_service_pb2_grpc, plan_pb2
from servers import Server

Stub = orchestrator_service_pb2_grpc.OrchestratorServiceStub
LARGE = 6_000
PATIENCE_SECONDS = 1.0


def chain(count: int) -> plan_pb2.Plan:
    """Tasks one after another."""
    tasks = [plan_pb2.Task(id=f"t{n}", goal=f"write page {n}", kind=plan_pb2.TASK_KIND_PRIMITIVE) for n in range(count)]
    edges = [plan_pb2.Edge(from_task_id=f"t{n - 1}", to_task_id=f"t{n}") for n in range(1, count)]
    return plan_pb2.Plan(goal="write pages", tasks=tasks, edges=edges)


def validate(stub: Stub, plan: plan_pb2.Plan) -> orchestrator_service_pb2.ValidateResponse:
    """Judge a plan."""
    return stub.Validate(orchestrator_service_pb2.ValidateRequest(plan=plan), timeout=60)


def children(server: Server) -> list[psutil.Process]:
    """The processes the server has started that run."""
    return [child for child in psutil.Process(server.process.pid).children() if child.status() != psutil.STATUS_ZOMBIE]


@contextmanager
def others_wait(server: Server) -> Iterator[Callable[[], float]]:
    """The longest time in seconds that somebody else, who asks all the time, waited while the block ran."""
    longest, over = 0.0, threading.Event()

    def ask() -> None:
        nonlocal longest
        with server.channel() as channel:
            stub = Stub(channel)
            while not over.is_set():
                start = time.perf_counter()
                stub.Flag(orchestrator_service_pb2.FlagRequest(), timeout=60)
                longest = max(longest, time.perf_counter() - start)
                time.sleep(0.02)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield lambda: longest
    finally:
        over.set()
        asking.join()


def test_the_process_for_large_plans_is_replaced_when_it_is_killed(server: Server, orchestrator: Stub) -> None:
    plan = chain(LARGE)
    for round_ in range(6):
        assert validate(orchestrator, plan).verdict.structure_passed
        [child] = children(server)
        os.kill(child.pid, signal.SIGKILL)
        while round_ % 2 and children(server):
            time.sleep(0.01)


def test_callers_who_give_up_on_large_plans_leave_nothing_behind(server: Server, orchestrator: Stub) -> None:
    plan = chain(LARGE)
    validate(orchestrator, plan)
    files = psutil.Process(server.process.pid).num_fds()
    for _ in range(4):
        call = orchestrator.Validate.future(orchestrator_service_pb2.ValidateRequest(plan=plan), timeout=60)
        time.sleep(0.05)
        call.cancel()
    assert validate(orchestrator, plan).verdict.structure_passed
    assert len(children(server)) == 1
    assert psutil.Process(server.process.pid).num_fds() <= files + 2


def test_a_dozen_large_plans_at_once_are_all_judged(orchestrator: Stub) -> None:
    request = orchestrator_service_pb2.ValidateRequest(plan=chain(LARGE))
    calls = [orchestrator.Validate.future(request, timeout=60) for _ in range(12)]
    assert all(call.result().verdict.structure_passed for call in calls)


def test_a_plan_of_many_tiny_tasks_is_judged_where_nobody_waits_for_it(server: Server, orchestrator: Stub) -> None:
    """Few bytes may hold many tasks: it is their number that costs."""
    plan = plan_pb2.Plan(tasks=[plan_pb2.Task(id=f"{n}") for n in range(20_000)])
    assert plan.ByteSize() < 256 * 1024
    validate(orchestrator, chain(LARGE))
    for child in children(server):
        child.kill()
    assert validate(orchestrator, plan).verdict.structure_passed
    assert children(server), "it was judged in the server itself"


def test_route_refuses_too_many_tasks_before_it_looks_at_them(server: Server, orchestrator: Stub) -> None:
    plan = plan_pb2.Plan(tasks=[plan_pb2.Task(id=f"{n}") for n in range(300_000)])
    with others_wait(server) as longest, pytest.raises(grpc.RpcError) as caught:
        orchestrator.Route(orchestrator_service_pb2.RouteRequest(plan=plan), timeout=60)
    found = failure(caught.value)
    assert (found.code, found.reason, found.metadata["limit"]) == (grpc.StatusCode.INVALID_ARGUMENT, "TOO_MANY_TASKS", "1000")
    assert longest() < PATIENCE_SECONDS


def test_others_are_answered_while_a_large_catalogue_is_indexed(server: Server, orchestrator: Stub) -> None:
    skills = [catalogue_pb2.Skill(id=f"skill.{n}", description="does things") for n in range(20)]
    agents = [catalogue_pb2.AgentCard(id=f"a{n}", name=f"agent {n}", description=f"does thing {n}", skills=skills) for n in range(1_000)]
    tools = [catalogue_pb2.Tool(name=f"tool{n}", description=f"makes number {n}") for n in range(5_000)]
    catalogue = catalogue_pb2.Catalogue(agents=agents, tools=tools)
    with others_wait(server) as longest:
        request = orchestrator_service_pb2.OrchestrateRequest(goal="make number 7", catalogue=catalogue)
        assert orchestrator.Orchestrate(request, timeout=60).routes
    assert longest() < PATIENCE_SECONDS
