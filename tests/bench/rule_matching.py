"""Which of the rules that ship fire for the tasks of a plan, asked together as the router asks, in this process."""

from __future__ import annotations

import time

from bench import Bench
from figures import Figure, figure
from plans_of_200 import plan

from genesis_server.model.routing import RoutingConstraints
from genesis_server.routing.rules.building import facts_of_call
from genesis_server.routing.rules.loading import default_rulebook
from genesis_server.rpc.convert import plan_from_proto

ROUNDS, TURNS = 15, 20
MOST_MICROSECONDS = 5.0


def measure(bench: Bench) -> list[Figure]:
    """CPU for a task, in µs: asking the rules, and finding out the facts they read."""
    asked, rulebook = plan_from_proto(plan()), default_rulebook()
    call = facts_of_call(asked, constraints=RoutingConstraints(), caller=None, now=time.time())
    facts = call.of_tasks(asked.tasks)
    matching, finding = [], []
    for _ in range(ROUNDS):
        begin = time.process_time()
        for _ in range(TURNS):
            rulebook.fired_each(facts)
        matched = time.process_time()
        for _ in range(TURNS):
            call.of_tasks(asked.tasks)
        done = time.process_time()
        matching.append((matched - begin) / (TURNS * len(facts)) * 1e6)
        finding.append((done - matched) / (TURNS * len(facts)) * 1e6)
    rules = len(rulebook.rules)
    return [
        figure(f"rules that fire, of {rules}: CPU for a task", "µs", matching, aim=MOST_MICROSECONDS, scales=True),
        figure("facts that rules read: CPU for a task", "µs", finding, scales=True),
    ]
