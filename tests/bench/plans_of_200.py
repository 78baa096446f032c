"""What Route and Validate of 200 tasks cost, with the 15 agents and all the rules that ship."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from importlib import resources
from itertools import cycle, islice

import grpc.aio
from bench import SECONDS, SETTINGS, Bench, Call, cpu_per_call, run
from figures import Figure, figure

from genesis.v1 import orchestrator_service_pb2 as api
from genesis.v1 import orchestrator_service_pb2_grpc as api_grpc
from genesis.v1 import plan_pb2, routing_pb2
from genesis_server.agents.index import CatalogueIndex
from genesis_server.agents.loading import load_agents
from genesis_server.routing.router import route_plan
from genesis_server.rpc.convert import plan_from_proto
from genesis_server.validation.judge import judge_plan
from servers import Server, running

TASKS, ROUNDS, CALLS = 200, 15, 20
MOST_ROUTE_MS, MOST_VALIDATE_MS = 10.0, 5.0


def catalogue() -> CatalogueIndex:
    """The agents that ship."""
    return CatalogueIndex(load_agents((resources.files("genesis_server.data") / "agents.toml").read_text("utf-8")))


def plan(tasks: int = TASKS) -> plan_pb2.Plan:
    """Tasks for every skill in turn, each in the words of its skill, after the two before it."""
    skills = [skill for agent in catalogue().catalogue.agents for skill in agent.skills]
    work = [
        plan_pb2.Task(id=f"t{number}", goal=f"{skill.description} for part {number}", capability=skill.id)
        for number, skill in enumerate(islice(cycle(skills), tasks))
    ]
    edges = [plan_pb2.Edge(from_task_id=f"t{number - back}", to_task_id=f"t{number}") for number in range(2, tasks) for back in (1, 2)]
    return plan_pb2.Plan(goal="Build and release the new billing feature", tasks=work, edges=edges)


def measure(bench: Bench) -> list[Figure]:
    """CPU in ms: of the server for a call, which reads the request and writes answer and record, and of the work alone in this process."""
    with running(bench.folder / "plans", settings=SETTINGS) as server:
        found = run(_milliseconds(bench, server))
    aims = {"Route": MOST_ROUTE_MS, "Validate": MOST_VALIDATE_MS}
    told = {
        "Route": "Route of 200 tasks × 15 agents × all rules, SUMMARY",
        "Validate": "Validate of 200 tasks",
        "Routed": "Validate of 200 routed tasks",
    }
    calls = [figure(f"{told[name]}: server's CPU", "ms", values, aim=aims.get(name), scales=True) for name, values in found.items()]
    asked, index = plan_from_proto(plan()), catalogue()
    alone = {"Route": partial(route_plan, asked, index=index), "Validate": partial(judge_plan, asked, index=index)}
    return [*calls, *(figure(f"{told[name]}: the work alone", "ms", _alone(work), scales=True) for name, work in alone.items())]


def _alone(work: Callable[[], object]) -> list[float]:
    found: list[float] = []
    for _ in range(ROUNDS + 1):
        begin = time.process_time()
        for _ in range(CALLS):
            work()
        found.append((time.process_time() - begin) / CALLS * 1e3)
    # The first finds out what stays with the snapshot.
    return found[1:]


async def _milliseconds(bench: Bench, server: Server) -> dict[str, list[float]]:
    async with grpc.aio.insecure_channel(server.address) as channel, bench.echo.calling() as echo:
        stub = api_grpc.OrchestratorServiceStub(channel)
        asked = plan()
        route = api.RouteRequest(plan=asked, explanation=routing_pb2.EXPLANATION_LEVEL_SUMMARY)
        routed = await stub.Route(route)
        calls: dict[str, Call] = {
            "Route": partial(stub.Route, route, timeout=SECONDS),
            "Validate": partial(stub.Validate, api.ValidateRequest(plan=asked), timeout=SECONDS),
            "Routed": partial(stub.Validate, api.ValidateRequest(plan=asked, routes=routed.routes), timeout=SECONDS),
        }
        for call in calls.values():
            await cpu_per_call(server.process.pid, call, CALLS, at_once=1)
        found: dict[str, list[float]] = {name: [] for name in calls}
        for number in range(ROUNDS):
            bench.tell(f"round {number + 1} of {ROUNDS}")
            await bench.echo.sample(echo, 500)
            for name, call in calls.items():
                found[name].append(await cpu_per_call(server.process.pid, call, CALLS, at_once=1) * 1e3)
        return found
