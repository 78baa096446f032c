"""The versions of a plan as they come: first those that were missed, then each new one, also when another process makes it."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from genesis_server.orchestration.plan_store import CHANGES, PlanChange, PlanStore, change_from, has_ended

_PAGE = 100


async def watch_plan(store: PlanStore, tenant: str, plan_id: str, *, after_version: int = 0) -> AsyncGenerator[PlanChange]:
    """Every version of a plan after one, each once and in order; ends after the last one of a plan that has ended, and when it is deleted.

    Who resumes from the last version it has seen misses nothing. Raises ResourceError PLAN_NOT_FOUND, and what the storage raises.
    """
    prefix = f"{plan_id}/"
    # Watched before it is read, so that nothing falls in between.
    live = store.documents.watch(tenant, CHANGES)
    stored = await store.get(tenant, plan_id)
    last = after_version
    while found := await store.changes(tenant, plan_id, after_version=last, limit=_PAGE):
        for change in found:
            yield change
            last = change.version
            if change.is_last:
                return
    if has_ended(stored.plan.state):
        return
    async for told in live:
        if not told.key.id.startswith(prefix):
            continue
        if told.document is None:
            return
        change = change_from(told.document.value)
        if change.version > last:
            yield change
            last = change.version
        # Also for who has seen a version that never came to be.
        if change.is_last:
            return
