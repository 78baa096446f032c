"""Decisions, written: with all they were made from, in one transaction."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from genesis_server.model.caller import Caller
from genesis_server.model.decision import Decision, DecisionHead, DecisionKind, PlanInput, RouteInput
from genesis_server.model.plan import Plan
from genesis_server.model.provenance import Provenance
from genesis_server.model.routing import ExplanationLevel, Routing, TaskRoute
from genesis_server.orchestration.decisions import coding
from genesis_server.orchestration.decisions.keys import SNAPSHOTS, body_key, head_key, of_plan_key, snapshot_key
from genesis_server.orchestration.decisions.making import Materials, algorithm
from genesis_server.orchestration.offloading import INLINE_OFFERS, INLINE_TASKS, offload
from genesis_server.resilience.errors import GenesisError
from genesis_server.routing.rules.building import facts_of_call
from genesis_server.storage.base import SERVER, Documents, Key, Put

REFRESH_SECONDS = 3600.0
"""How long a process relies on a snapshot it has stored; then it stores it again, with a later end."""
PATIENCE_SECONDS = 0.5
"""How long a routing waits for its record at most."""
RECORDED, FAILED = "recorded", "failed"
_KNOWN_AT_MOST = 4096

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a decision was made under, whatever was decided."""

    caller: Caller
    materials: Materials
    provenance: Provenance
    own_catalogue: bool
    """Whether the catalogue came with the request."""
    explanation: ExplanationLevel = ExplanationLevel.UNSPECIFIED


@dataclass(frozen=True, slots=True)
class Made:
    """Something that was decided: a plan with `planning`, or a routing with `asked` and `routing`."""

    plan: Plan
    """The plan that was made or routed, in the end."""
    now: float
    """When, in seconds since the epoch."""
    planning: PlanInput | None = None
    asked: RouteInput | None = None
    routing: Routing | None = None


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is to be written, all or none, to record decisions."""

    ids: tuple[str, ...]
    """Of the decisions, in the order they were made."""
    puts: tuple[Put, ...]


class DecisionRecorder:
    """Writes decisions and the snapshots they name; each snapshot once an hour, so that it outlives the last decision from it."""

    def __init__(
        self,
        documents: Documents,
        *,
        retention_seconds: float,
        new_id: Callable[[float], str],
        observe: Callable[[str], None],
    ) -> None:
        """Write into `documents`.

        Args:
            documents: the store.
            retention_seconds: how long decisions are kept.
            new_id: makes an id from the time in seconds since the epoch.
            observe: told what became of each, RECORDED or FAILED.
        """
        self._documents = documents
        self._retention = retention_seconds
        self._new_id = new_id
        self._observe = observe
        self._stored: OrderedDict[Key, float] = OrderedDict()

    def puts_for(self, decision: Decision, materials: Materials) -> list[Put]:
        """What is to be written, all or none. Safe on any thread."""
        head, tenant = decision.head, decision.caller.tenant
        head_bytes = coding.encode_head(head)
        puts = [
            Put(head_key(tenant, head.id), head_bytes, expires=head.expires),
            Put(body_key(tenant, head.id), coding.encode_decision(decision), expires=head.expires),
        ]
        if head.plan_id:
            puts.append(Put(of_plan_key(tenant, head.plan_id, head.id), head_bytes, expires=head.expires))
        for key, encode in _snapshots(decision, materials):
            if self._stored.get(key, 0.0) < head.time:
                puts.append(Put(key, encode(), expires=head.expires + 2 * REFRESH_SECONDS))
        return puts

    async def prepare(self, under: Circumstances, *made: Made) -> Prepared:
        """What is to be written for what was decided in one call; `noted` must be told when it was."""

        def prepare() -> Prepared:
            decisions = [self.decision(under, one) for one in made]
            puts = [put for decision in decisions for put in self.puts_for(decision, under.materials)]
            unique = {put.key: put for put in puts}
            return Prepared(tuple(decision.head.id for decision in decisions), tuple(unique.values()))

        tasks = sum(len(one.plan.tasks) for one in made)
        return await offload(tasks > INLINE_TASKS or len(under.materials.agents.offers) > INLINE_OFFERS, prepare)

    def noted(self, prepared: Prepared) -> None:
        """It is on disk."""
        for put in prepared.puts:
            if put.key.kind == SNAPSHOTS and put.expires is not None:
                self._stored[put.key] = put.expires - self._retention - REFRESH_SECONDS
                self._stored.move_to_end(put.key)
        while len(self._stored) > _KNOWN_AT_MOST:
            self._stored.popitem(last=False)
        for _ in prepared.ids:
            self._observe(RECORDED)

    async def record(self, under: Circumstances, made: Made) -> str:
        """Write a decision by itself; its id, or nothing, with a warning in the log, when the storage does not take it now."""
        try:
            prepared = await self.prepare(under, made)
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._documents.put_all(prepared.puts)
        except (GenesisError, TimeoutError) as error:
            reason = error.reason if isinstance(error, GenesisError) else "TIMEOUT"
            _LOG.warning("a decision could not be recorded", extra={"fields": {"reason": reason}})
            self._observe(FAILED)
            return ""
        self.noted(prepared)
        return prepared.ids[0]

    def decision(self, under: Circumstances, made: Made) -> Decision:
        """The record of what was decided, with an id of its own."""
        plan, asked, planning = made.plan, made.asked, made.planning
        routing = without_proof(made.routing) if made.routing else None
        targets = {route.assignment.target.id for route in (routing.routes if routing else ()) if route.assignment}
        decision_id = self._new_id(made.now)
        head = DecisionHead(
            id=decision_id,
            kind=DecisionKind.ROUTE if asked else DecisionKind.PLAN,
            # As the contract tells times, so that a time read from a decision finds it again.
            time=round(made.now, 6),
            expires=made.now + self._retention,
            plan_id=plan.id,
            goal=plan.goal,
            caller=under.caller.subject,
            provenance=replace(under.provenance, decision_id=decision_id),
            task_count=len(plan.tasks),
            constraints=asked.constraints if asked else None,
            target_ids=tuple(sorted(targets)),
            rule_ids=_fired(made, asked, under) if asked else (),
        )
        return Decision(
            head=head,
            caller=under.caller,
            algorithm=algorithm(),
            routing_policy=under.materials.routing.version,
            own_catalogue=under.own_catalogue,
            explanation=under.explanation,
            plan=plan,
            planning=planning,
            asked=asked,
            routing=routing,
        )


def without_proof(routing: Routing) -> Routing:
    """The routing as level NONE has it."""
    return replace(routing, routes=tuple([TaskRoute(route.task_id, route.assignment, route.unassigned) for route in routing.routes]))


def _fired(made: Made, asked: RouteInput, under: Circumstances) -> tuple[str, ...]:
    """The rules whose condition held for a task that was routed, whatever level of explanation was asked for."""
    routes = made.routing.routes if made.routing else ()
    proofs = [route.explanation for route in routes if route.explanation is not None]
    if len(proofs) == len(routes):
        return tuple(sorted({rule.rule_id for proof in proofs for rule in proof.fired}))
    live, rulebook = under.materials.agents.live_agents, under.materials.rulebook
    facts = facts_of_call(made.plan, constraints=asked.constraints, caller=under.caller, now=asked.now, live_agents=live)
    routed = {route.task_id for route in routes}
    work = [task for task in made.plan.tasks if task.id in routed]
    return tuple(sorted({rule.id for fired in rulebook.fired_each(facts.of_tasks(work)) for rule in fired}))


def _snapshots(decision: Decision, materials: Materials) -> Iterable[tuple[Key, Callable[[], bytes]]]:
    """Where each snapshot of a decision is stored, and how it becomes bytes."""
    agents_tenant = decision.caller.tenant if decision.own_catalogue else SERVER
    yield (
        snapshot_key(agents_tenant, "agents", materials.agents.catalogue.snapshot_id),
        lambda: coding.encode_agents(materials.agents),
    )
    if decision.planning is not None:
        yield snapshot_key(SERVER, "methods", materials.methods.snapshot_id), lambda: coding.encode_methods(materials.methods)
    if decision.asked is not None:
        yield snapshot_key(SERVER, "rulebook", materials.rulebook.version), lambda: coding.encode_rulebook(materials.rulebook)
        yield snapshot_key(SERVER, "routing", materials.routing.version), lambda: coding.encode_policy(materials.routing)
