"""The gateway: a draft within the time given or the reason why there is none, and what it cost.

Around the question stand, outermost first: the circuit breaker, the time bound, the retries. A bound that runs out cancels the call and
closes its connection, whatever the endpoint does: silence, single bytes, a body without end. A time-out speaks against the endpoint only
when that had its fair share of time, so that callers in a hurry do not open the circuit for those who are not.
"""

from __future__ import annotations

import asyncio
import importlib.util
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from genesis_server.llm.endpoint import Endpoint, Spent
from genesis_server.llm.failures import Failure, ModelCallError, is_retryable
from genesis_server.llm.prices import Prices
from genesis_server.llm.prompt import request_text, shipped_prompt
from genesis_server.model.draft import Brief, ModelAnswer, ModelDraft
from genesis_server.model.provenance import ModelUse
from genesis_server.resilience.breakers import Breaker, BreakerState
from genesis_server.resilience.errors import NetworkError
from genesis_server.resilience.retry import Retry

if TYPE_CHECKING:
    from genesis_server.llm.asking import Asker

_LOG = logging.getLogger(__name__)

FAIR_SHARE = 0.25
"""Share of the longest time a model gets, from which on a time-out counts against it."""
DRAFT = "draft"
OUTCOMES: tuple[str, ...] = (DRAFT, *Failure)
MISSING_EXTRA = "a language model needs the optional extra llm: pip install 'genesis-orchestrator[llm]'"


class ModelObserver(Protocol):
    """Told of every question; must not fail and must not wait."""

    def asked(self, outcome: str, use: ModelUse | None) -> None:
        """A question ended with one of `OUTCOMES`."""
        ...


def extra_installed() -> bool:
    """Whether the optional extra `llm` is there; imports nothing."""
    return all(importlib.util.find_spec(name) is not None for name in ("pydantic_ai", "openai", "genai_prices"))


def make_asker(endpoint: Endpoint) -> Asker:
    """The client of the endpoint; imports the optional extra, which takes a second or two."""
    from genesis_server.llm.asking import Asker  # noqa: PLC0415

    return Asker(endpoint, shipped_prompt())


class ModelGateway:
    """Asks one endpoint for drafts; implements planning's DraftModel."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        breaker: Breaker,
        retry: Retry,
        prices: Prices,
        observer: ModelObserver,
        timeout_seconds: float,
        make: Callable[[Endpoint], Asker] = make_asker,
    ) -> None:
        """Take the parts; nothing is imported and nothing sent.

        Args:
            endpoint: the model.
            breaker: stands in front of it; it must count faults by `failures.is_fault`.
            retry: how often and when a failed call is repeated; its deadline is set for each question.
            prices: what tokens cost.
            observer: told of every question.
            timeout_seconds: the longest time a question may take.
            make: makes the client, on a thread.
        """
        self.endpoint = endpoint
        self._breaker = breaker
        self._retry = retry
        self._prices = prices
        self._observer = observer
        self._timeout_seconds = timeout_seconds
        self._make = make
        self._loading: asyncio.Task[Asker] | None = None

    @property
    def available(self) -> bool:
        """Whether a question would be sent now."""
        return self._breaker.state is not BreakerState.OPEN

    def start(self) -> None:
        """Begin to load the client on a thread, so that the first question need not wait; needs a running loop."""
        if self._loading is None:
            self._loading = asyncio.create_task(asyncio.to_thread(self._make, self.endpoint), name="language model client")

    async def draft(self, brief: Brief, *, seconds: float) -> ModelAnswer:
        """Ask; at most `seconds` and at most the longest time a question may take."""
        spent = Spent()
        outcome = DRAFT
        draft: ModelDraft | None = None
        why_not = ""
        bound = min(seconds, self._timeout_seconds)
        try:
            draft = await self._breaker.run(lambda: self._within(bound, request_text(brief), spent))
        except ModelCallError as error:
            outcome, why_not = error.failure, error.message
        except NetworkError:
            outcome, why_not = Failure.CIRCUIT_OPEN, "the circuit to the language model is open"
        use = self._use(spent)
        self._observer.asked(outcome, use)
        return ModelAnswer(draft, why_not, use)

    async def close(self) -> None:
        """Close the connections."""
        if self._loading is not None:
            asker = (await asyncio.gather(self._loading, return_exceptions=True))[0]
            if not isinstance(asker, BaseException):
                await asker.close()

    async def _within(self, seconds: float, text: str, spent: Spent) -> ModelDraft:
        retry = replace(self._retry, deadline_seconds=seconds)
        timeout = asyncio.timeout(seconds)
        try:
            async with timeout:
                asker = await self._loaded()
                return await retry.run(lambda: asker.ask(text, spent), retryable=is_retryable)
        except TimeoutError:
            if not timeout.expired():
                raise
            fair = seconds >= FAIR_SHARE * self._timeout_seconds
            raise ModelCallError(
                Failure.TIMEOUT, f"the language model gave no answer within {seconds:.3g} s", is_fault=fair and spent.requests > 0
            ) from None

    async def _loaded(self) -> Asker:
        self.start()
        assert self._loading is not None  # noqa: S101  (start has just seen to it)
        try:
            # A question that runs out of time must not stop the loading for those that follow.
            return await asyncio.shield(self._loading)
        except ImportError:
            _LOG.exception("the client of the language model cannot be loaded")
            raise ModelCallError(Failure.UNUSABLE, MISSING_EXTRA, is_fault=False) from None

    def _use(self, spent: Spent) -> ModelUse | None:
        if spent.requests == 0:
            return None
        cost = self._prices.cost(spent.input_tokens, spent.output_tokens) if spent.input_tokens or spent.output_tokens else None
        return ModelUse(self.endpoint.model, spent.requests, spent.input_tokens, spent.output_tokens, cost)
