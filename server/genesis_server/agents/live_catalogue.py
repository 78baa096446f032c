"""The declared agents with those that joined: what a tenant's plans are made with."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from genesis_server.agents.index import CatalogueIndex
from genesis_server.agents.snapshot_id import make_catalogue
from genesis_server.model.catalogue import AgentCard
from genesis_server.model.work import Session

INLINE_OFFERS = 150
"""Skills and tools that are indexed on the loop; more would hold it for more than about 5 ms."""

_LOG = logging.getLogger(__name__)


def live_cards(sessions: Iterable[Session]) -> dict[str, AgentCard]:
    """The cards of agents with a session, by id; of several workers the one that joined last counts."""
    last = sorted(sessions, key=lambda session: (session.joined, session.id))
    return {session.agent_id: session.card for session in last}


def with_live(declared: CatalogueIndex, cards: Mapping[str, AgentCard], former: CatalogueIndex) -> CatalogueIndex:
    """The declared catalogue with live cards: in the place of the declared one of the same id, else after all others, by id.

    A declared agent is cleared for no more than the agents file says, whatever the card it joins with. What `former` has worked out of the
    same texts is used again.
    """
    live = {agent_id: replace(card, live=True) for agent_id, card in cards.items()}
    declared_ids = {agent.id for agent in declared.catalogue.agents}
    agents = [_no_clearer(live[agent.id], agent) if agent.id in live else agent for agent in declared.catalogue.agents]
    agents += [live[agent_id] for agent_id in sorted(live.keys() - declared_ids)]
    return CatalogueIndex(make_catalogue(agents, declared.catalogue.tools), former)


def _no_clearer(card: AgentCard, declared: AgentCard) -> AgentCard:
    """The card, cleared for what the declared one is cleared for at most."""
    return replace(card, max_data_class=min(card.max_data_class.effective, declared.max_data_class.effective))


class LiveCatalogue:
    """The index of one tenant, made when it is asked for and something has changed; used on one event loop.

    A large one is made on a thread; meanwhile the one before is served, so that many who join at once cost few indexes.
    """

    def __init__(self) -> None:
        """Nobody is live."""
        self._declared: CatalogueIndex | None = None
        self._cards: Mapping[str, AgentCard] = {}
        self._index: CatalogueIndex | None = None
        self._changed = False
        self._making: asyncio.Task[None] | None = None

    def changed(self) -> None:
        """Somebody came or went."""
        self._changed = True

    def index(self, declared: CatalogueIndex, sessions: Collection[Session]) -> CatalogueIndex:
        """The index of the declared agents with those of the live `sessions`; `declared` itself when there are none."""
        if self._making is not None:
            return self._index or declared
        if self._index is not None and declared is self._declared and not self._changed:
            return self._index
        cards = live_cards(sessions)
        self._changed = False
        if not cards:
            self._serve(declared, cards, declared)
        elif declared is not self._declared or cards != self._cards:
            if len(declared.offers) + sum(len(card.skills) for card in cards.values()) > INLINE_OFFERS:
                self._making = asyncio.get_running_loop().create_task(self._make_aside(declared, cards), name="genesis-live-catalogue")
            else:
                self._serve(declared, cards, with_live(declared, cards, self._index or declared))
        return self._index or declared

    def _serve(self, declared: CatalogueIndex, cards: Mapping[str, AgentCard], index: CatalogueIndex) -> None:
        self._declared, self._cards, self._index = declared, cards, index

    async def _make_aside(self, declared: CatalogueIndex, cards: Mapping[str, AgentCard]) -> None:
        try:
            self._serve(declared, cards, await asyncio.to_thread(with_live, declared, cards, self._index or declared))
        except Exception:  # noqa: BLE001  (the next who asks tries again)
            self._changed = True
            _LOG.exception("the catalogue of live agents could not be made")
        finally:
            self._making = None
