"""What a language model costs can be read off the metrics."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from genesis_server.model.money import Money
from genesis_server.model.provenance import ModelUse
from genesis_server.telemetry.model_metrics import ModelMetrics


def test_questions_requests_tokens_and_cost_are_counted_from_zero() -> None:
    registry = CollectorRegistry()
    metrics = ModelMetrics(registry, model="m", outcomes=("draft", "timeout"))

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(name, {"model": "m", **labels})

    assert value("genesis_llm_questions_total", outcome="timeout") == 0
    metrics.asked("draft", ModelUse("m", 2, 100, 50, Money.of(0.25)))
    metrics.asked("timeout", ModelUse("m", 1, 0, 0))
    metrics.asked("timeout", None)
    assert value("genesis_llm_questions_total", outcome="draft") == 1
    assert value("genesis_llm_questions_total", outcome="timeout") == 2
    assert value("genesis_llm_requests_total") == 3
    assert value("genesis_llm_tokens_total", direction="input") == 100
    assert value("genesis_llm_tokens_total", direction="output") == 50
    assert value("genesis_llm_cost_usd_total") == 0.25
