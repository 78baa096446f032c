"""Recorded decisions, read."""

from __future__ import annotations

from dataclasses import dataclass

from genesis_server.model.decision import Decision, DecisionFilter, DecisionHead
from genesis_server.orchestration.decisions.coding import decode_decision, decode_head
from genesis_server.orchestration.decisions.keys import HEADS, OF_PLAN, body_key
from genesis_server.orchestration.ids import decision_id
from genesis_server.orchestration.offloading import offload
from genesis_server.resilience.errors import ResourceError
from genesis_server.storage.base import Documents

SCANNED_AT_MOST = 2_000
"""Heads that one page reads at most; a page may be short while more follow."""
INLINE_BYTES = 4 * 1024
"""Larger decisions, which have some hundred tasks, are read on a thread."""
_CHUNK = 200
_ID_GRAIN = 0.002
"""Seconds by which the order of ids and that of times may differ: ids know milliseconds."""


@dataclass(frozen=True, slots=True)
class DecisionPage:
    """Decisions, newest first."""

    heads: tuple[DecisionHead, ...]
    following: str
    """Where the next page begins; empty at the end."""


class DecisionStore:
    """Decisions by tenant, on `Documents`. Storage errors pass through."""

    def __init__(self, documents: Documents) -> None:
        """Read what the recorder put into `documents`."""
        self._documents = documents

    async def get(self, tenant: str, decision_id: str) -> Decision:
        """The decision. Raises ResourceError DECISION_NOT_FOUND."""
        document = await self._documents.get(body_key(tenant, decision_id))
        if document is None:
            raise ResourceError(
                "DECISION_NOT_FOUND",
                f"there is no decision {decision_id!r} in this tenant, or its time is over; ListDecisions tells which there are",
                facts={"decision_id": decision_id},
            )
        return await offload(len(document.value) > INLINE_BYTES, lambda: decode_decision(document.value))

    async def list(
        self, tenant: str, wanted: DecisionFilter, *, before: str = "", limit: int, scanned_at_most: int = SCANNED_AT_MOST
    ) -> DecisionPage:
        """At most `limit` decisions by descending id, which is descending time, beyond the position `before`."""
        kind, prefix = (OF_PLAN, f"{wanted.plan_id}/") if wanted.plan_id else (HEADS, "")
        if wanted.end is not None:
            end = decision_id(wanted.end + _ID_GRAIN, lambda _: 0)
            before = min(before, end) if before else end
        found: list[DecisionHead] = []
        scanned = 0
        while scanned < scanned_at_most:
            after = f"{prefix}{before}" if before else ""
            chunk = min(_CHUNK, scanned_at_most - scanned)
            documents = await self._documents.list(tenant, kind, prefix=prefix, after=after, limit=chunk, descending=True)
            for document in documents:
                head = decode_head(document.value)
                if wanted.start is not None and head.time < wanted.start - _ID_GRAIN:
                    return DecisionPage(tuple(found), "")
                scanned, before = scanned + 1, document.key.id.removeprefix(prefix)
                if wanted.takes(head):
                    found.append(head)
                    if len(found) == limit:
                        is_last = len(documents) < chunk and document is documents[-1]
                        return DecisionPage(tuple(found), "" if is_last else before)
            if len(documents) < chunk:
                return DecisionPage(tuple(found), "")
        return DecisionPage(tuple(found), before)
