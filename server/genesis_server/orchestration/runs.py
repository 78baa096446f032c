"""Stored runs: the work on each plan, beside the plan, and a mark for each plan that agents carry out.

By the marks a server that starts finds the plans to carry out without reading those that have ended.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from genesis_server.agents.index import CatalogueIndex
from genesis_server.dispatch.codec import DISPATCHED_KIND, RUN_KIND, decode_run, encode_run_again, run_key
from genesis_server.model.plan import Plan
from genesis_server.model.work import PlanRun, RunBudget
from genesis_server.orchestration.plan_store import has_ended
from genesis_server.resilience.errors import RoutingError, invalid_field
from genesis_server.storage.base import ABSENT, Documents, Key, Put
from genesis_server.storage.pieces import NO_PIECES, Pieces

_PAGE = 500


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A run with the version of its document; 0: it is not written yet."""

    run: PlanRun
    version: int = ABSENT
    pieces: Pieces = field(default_factory=dict[str, tuple[object, bytes]], compare=False, repr=False)
    """Of the document as it was written."""


class RunStore:
    """Runs by tenant and plan, on `Documents`. Storage errors pass through."""

    kind = RUN_KIND

    def __init__(self, documents: Documents) -> None:
        """Keep runs in `documents`."""
        self.documents = documents

    async def get(self, tenant: str, plan_id: str) -> StoredRun | None:
        """The run of a plan; None when it has none."""
        document = await self.documents.get(run_key(tenant, plan_id))
        return None if document is None else StoredRun(decode_run(document.value), document.version)

    async def dispatched(self, tenant: str) -> list[str]:
        """Ids of the plans that agents carry out."""
        found: list[str] = []
        while page := await self.documents.list(tenant, DISPATCHED_KIND, after=found[-1] if found else "", limit=_PAGE):
            found += [document.key.id for document in page]
        return found


def run_puts(tenant: str, before: StoredRun | None, after: PlanRun, plan: Plan, *, now: float) -> tuple[list[Put], StoredRun]:
    """What to write for a run that goes with `plan`, the mark included when it comes or goes, and the run as it is stored then."""
    expected = before.version if before else ABSENT
    value, pieces = encode_run_again(after, before.pieces if before else NO_PIECES)
    puts = [Put(run_key(tenant, after.plan_id), value, expected=expected)]
    was = before is not None and before.run.dispatched
    if after.dispatched and has_ended(plan.state):
        puts.append(Put(Key(tenant, DISPATCHED_KIND, plan.id), b"", expires=now))
    elif after.dispatched and not was:
        puts.append(Put(Key(tenant, DISPATCHED_KIND, plan.id), b""))
    return puts, StoredRun(after, expected + 1, pieces)


def refuse_foreign_budget(budget: RunBudget | None, index: CatalogueIndex) -> None:
    """Raise ValidationError INVALID_FIELD for a budget in another currency than the prices: nothing would ever start under it."""
    cost = None if budget is None else budget.cost
    if cost is None or not index.currencies:
        return
    prices, path = index.currencies[0]
    if cost.currency != prices:
        problem = f"is {cost.currency}, and prices are in {prices} ({path}); nothing is converted, so give the budget in {prices}"
        raise invalid_field("run_budget.cost.currency_code", problem)


def refuse_unrouted(plan_id: str, *, routed: bool, own_catalogue: bool) -> None:
    """Raise RoutingError PLAN_NOT_ROUTED for a plan whose tasks no agent can get."""
    if own_catalogue:
        problem = "the plan was made for a catalogue of its own, whose agents do not take work here"
    elif not routed:
        problem = "the plan has no routing"
    else:
        return
    message = f"{problem}; make it with Orchestrate and the registered agents"
    raise RoutingError("PLAN_NOT_ROUTED", message, facts={"plan_id": plan_id})
