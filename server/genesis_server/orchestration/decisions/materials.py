"""The snapshots decisions were made from, read back and built again."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import TypeVar, cast

from genesis_server.model.decision import Decision
from genesis_server.orchestration.decisions.coding import decode_agents, decode_methods, decode_policy, decode_rulebook
from genesis_server.orchestration.decisions.keys import snapshot_key
from genesis_server.orchestration.decisions.making import Materials
from genesis_server.planning.methods import MethodLibrary
from genesis_server.resilience.errors import ResourceError
from genesis_server.routing.policy import default_policy
from genesis_server.routing.rules.rulebook import EMPTY_RULEBOOK, Rulebook
from genesis_server.storage.base import SERVER, Documents, Key
from genesis_server.text.toml_file import DataFileError

KEPT_AT_MOST = 32
"""Snapshots that are kept built."""
KEPT_BYTES = 32 * 1024 * 1024
"""Their stored sizes together at most; the last one is always kept."""

T = TypeVar("T")
_NO_METHODS = MethodLibrary((), "")


class StoredMaterials:
    """The snapshots of decisions, from `Documents`, with the least recently used out first. Storage errors pass through."""

    def __init__(self, documents: Documents) -> None:
        """Read what the recorder put into `documents`."""
        self._documents = documents
        self._kept: OrderedDict[Key, tuple[object, int]] = OrderedDict()
        self._bytes = 0

    async def of(self, decision: Decision) -> Materials:
        """What a decision was made from; what its kind does not need is empty.

        Raises ResourceError DECISION_EXPIRED when a snapshot is not there any more, or not understood any more.
        """
        provenance = decision.head.provenance
        tenant = decision.caller.tenant if decision.own_catalogue else SERVER
        agents = await self._built(decision, snapshot_key(tenant, "agents", provenance.agents_snapshot_id), decode_agents)
        if decision.asked is None:
            key = snapshot_key(SERVER, "methods", provenance.methods_snapshot_id)
            methods = await self._built(decision, key, lambda value: decode_methods(value, provenance.methods_snapshot_id))
            return Materials(agents, methods, EMPTY_RULEBOOK, default_policy())
        policy = await self._built(decision, snapshot_key(SERVER, "routing", decision.routing_policy), decode_policy)
        return Materials(agents, _NO_METHODS, await self._rulebook(decision), policy)

    async def _rulebook(self, decision: Decision) -> Rulebook:
        key = snapshot_key(SERVER, "rulebook", decision.head.provenance.rulebook_version)
        try:
            return await self._built(decision, key, decode_rulebook)
        except DataFileError as error:
            raise _expired(decision, key, f"is not understood any more ({error.mistakes[0].message})") from None

    async def _built(self, decision: Decision, key: Key, decode: Callable[[bytes], T]) -> T:
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
            return cast("T", found[0])
        document = await self._documents.get(key)
        if document is None:
            raise _expired(decision, key, "is older than the retention time")
        built = await asyncio.to_thread(decode, document.value)
        self._keep(key, built, len(document.value))
        return built

    def _keep(self, key: Key, built: object, size: int) -> None:
        if key in self._kept:
            return
        self._kept[key] = built, size
        self._bytes += size
        while len(self._kept) > KEPT_AT_MOST or (self._bytes > KEPT_BYTES and len(self._kept) > 1):
            _, (_, gone) = self._kept.popitem(last=False)
            self._bytes -= gone


def _expired(decision: Decision, key: Key, problem: str) -> ResourceError:
    return ResourceError(
        "DECISION_EXPIRED",
        f"a snapshot the decision was made from, {key.id}, {problem}; what was recorded can be read without a replay",
        facts={"decision_id": decision.head.id, "snapshot_id": key.id.partition("/")[2]},
    )
