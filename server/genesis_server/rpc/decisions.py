"""The answers of `GetDecision` and `ListDecisions`."""

from __future__ import annotations

from genesis.v1 import decision_pb2
from genesis_server.model.routing import ExplanationLevel
from genesis_server.orchestration.decisions.replay import Replayer
from genesis_server.orchestration.decisions.store import DecisionStore
from genesis_server.rpc.context import current_caller
from genesis_server.rpc.convert.decisions import decision_to_proto, filter_from_proto, head_to_proto, replay_to_proto
from genesis_server.rpc.paging import PageTokens, page_size


class DecisionAnswers:
    """Tells what was decided, and makes it again."""

    def __init__(self, *, store: DecisionStore, replayer: Replayer, tokens: PageTokens) -> None:
        """Answer from these parts."""
        self._store = store
        self._replayer = replayer
        self._tokens = tokens

    async def get(self, request: decision_pb2.GetDecisionRequest) -> decision_pb2.GetDecisionResponse:
        """One decision. Raises ResourceError DECISION_NOT_FOUND and DECISION_EXPIRED."""
        decision = await self._store.get(current_caller().tenant, request.decision_id)
        if not request.replay:
            return decision_to_proto(decision, request.task_ids)
        replayed = await self._replayer.replay(decision, ExplanationLevel(request.explanation))
        return replay_to_proto(replayed, request.task_ids)

    async def list(self, request: decision_pb2.ListDecisionsRequest) -> decision_pb2.ListDecisionsResponse:
        """One page of decisions, newest first. Raises ValidationError INVALID_PAGE_TOKEN."""
        tenant, wanted = current_caller().tenant, filter_from_proto(request)
        scope = (tenant, "decisions", repr(wanted))
        before = self._tokens.read(request.page_token, *scope)
        page = await self._store.list(tenant, wanted, before=before, limit=page_size(request.page_size))
        return decision_pb2.ListDecisionsResponse(
            decisions=[head_to_proto(head) for head in page.heads],
            next_page_token=self._tokens.make(page.following, *scope) if page.following else "",
        )
