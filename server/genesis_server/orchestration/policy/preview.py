"""Recorded routings made again under another rulebook: which would change, and why."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from genesis_server.model.decision import DecisionFilter, DecisionHead, DecisionKind
from genesis_server.model.routing import FiredRule, Target, TaskRoute
from genesis_server.orchestration.decisions.replay import Compared, Replayer
from genesis_server.orchestration.decisions.store import DecisionStore
from genesis_server.resilience.errors import ResourceError
from genesis_server.routing.compare import changes
from genesis_server.routing.rules.rulebook import Rulebook


@dataclass(frozen=True, slots=True)
class DecisionChange:
    """A task somebody else would get."""

    decision_id: str
    plan_id: str
    task_id: str
    before: Target | None
    """Who got it; None: nobody."""
    after: Target | None
    """Who would get it; None: nobody."""
    rule_ids: tuple[str, ...]
    """Rules that fire for it under one rulebook only, or that say something else under the other."""
    text: str


@dataclass(frozen=True, slots=True)
class Preview:
    """What another rulebook would change."""

    version: str
    decision_count: int
    """How many decisions were made again."""
    changed_count: int
    """How many of them would change."""
    changes: tuple[DecisionChange, ...]
    skipped: tuple[str, ...]
    """Ids of decisions of which a snapshot is gone."""
    following: str
    """Where to go on; empty at the end."""


class Previewer:
    """Tries rulebooks on the recorded decisions of a tenant; one decision at a time, each on a thread."""

    def __init__(self, store: DecisionStore, replayer: Replayer) -> None:
        """Read from `store`, make again with `replayer`."""
        self._store = store
        self._replayer = replayer

    async def preview(self, tenant: str, rulebook: Rulebook, *, plan_id: str = "", before: str = "", limit: int) -> Preview:
        """At most `limit` routings, newest first, beyond the position `before`. Raises the storage's errors."""
        page = await self._store.list(tenant, DecisionFilter(plan_id=plan_id, kind=DecisionKind.ROUTE), before=before, limit=limit)
        found: list[DecisionChange] = []
        skipped: list[str] = []
        changed = 0
        for head in page.heads:
            try:
                decision = await self._store.get(tenant, head.id)
                compared = await self._replayer.under(decision, rulebook)
            except ResourceError as error:
                if error.reason not in {"DECISION_EXPIRED", "DECISION_NOT_FOUND"}:
                    raise
                skipped.append(head.id)
                continue
            differing = list(_changes(head, compared, edited_rules(compared.recorded, rulebook)))
            changed += bool(differing)
            found.extend(differing)
        return Preview(rulebook.version, len(page.heads) - len(skipped), changed, tuple(found), tuple(skipped), page.following)


def edited_rules(before: Rulebook, after: Rulebook) -> frozenset[str]:
    """Ids of rules that are in one rulebook only, or not the same in both; where they stand in the file does not count."""
    then, now = ({rule.id: replace(rule, line=0) for rule in rulebook.rules} for rulebook in (before, after))
    return frozenset(rule_id for rule_id in then.keys() | now.keys() if then.get(rule_id) != now.get(rule_id))


def _changes(head: DecisionHead, compared: Compared, edited: Collection[str]) -> Iterator[DecisionChange]:
    if compared.before is compared.after:
        return
    then, now = ({route.task_id: route for route in routing.routes} for routing in (compared.before, compared.after))
    for change in changes(compared.before, compared.after):
        task_id = change.task_id
        causes = dict(_causes(_fired(then.get(task_id)), _fired(now.get(task_id)), {*edited, *change.because}))
        why = "; ".join(causes.values()) or "no rule of its own: what other tasks get leaves it another choice"
        text = f"{change.text}: {why}"
        yield DecisionChange(head.id, head.plan_id, task_id, change.before, change.after, tuple(causes), text)


def _causes(then: Mapping[str, FiredRule], now: Mapping[str, FiredRule], edited: Collection[str]) -> Iterator[tuple[str, str]]:
    """The rules that make the difference, each with what it does."""
    for rule_id, rule in now.items():
        if rule_id in edited:
            verb = "says something else now" if rule_id in then else "fires now"
            yield rule_id, f"the rule {rule_id} {verb} ({rule.explanation})"
    for rule_id, rule in then.items():
        if rule_id in edited and rule_id not in now:
            yield rule_id, f"the rule {rule_id} does not fire any more ({rule.explanation})"


def _fired(route: TaskRoute | None) -> Mapping[str, FiredRule]:
    fired = route.explanation.fired if route is not None and route.explanation is not None else ()
    return {rule.rule_id: rule for rule in fired}
