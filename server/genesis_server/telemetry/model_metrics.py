"""What the language model was asked, and what it cost.

One model is configured per process, so that its name is the only value of its label; who asked stands in the provenance of each plan.
"""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter

from genesis_server.model.provenance import ModelUse
from genesis_server.telemetry import names


class ModelMetrics:
    """The counters of one model; the gateway's ModelObserver."""

    def __init__(self, registry: CollectorRegistry, *, model: str, outcomes: Iterable[str]) -> None:
        """Make every child at 0."""
        questions = Counter(names.LLM_QUESTIONS, "Drafts asked for, by what came of it.", ("model", "outcome"), registry=registry)
        self._questions = {outcome: questions.labels(model, outcome) for outcome in outcomes}
        requests = Counter(names.LLM_REQUESTS, "Requests to the language model, retries included.", ("model",), registry=registry)
        self._requests = requests.labels(model)
        tokens = Counter(names.LLM_TOKENS, "Tokens, by direction.", ("model", "direction"), registry=registry)
        self._input, self._output = tokens.labels(model, "input"), tokens.labels(model, "output")
        cost = Counter(names.LLM_COST, "Cost in USD, where prices are known.", ("model",), registry=registry)
        self._cost = cost.labels(model)

    def asked(self, outcome: str, use: ModelUse | None) -> None:
        """A question ended."""
        self._questions[outcome].inc()
        if use is not None:
            self._requests.inc(use.requests)
            self._input.inc(use.input_tokens)
            self._output.inc(use.output_tokens)
            if use.cost is not None:
                self._cost.inc(use.cost.units)
