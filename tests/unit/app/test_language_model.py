"""A language model is put together from settings, or there is none."""

from __future__ import annotations

import pytest

from genesis_server.app import language_model as module
from genesis_server.app.errors import StartError
from genesis_server.app.language_model import LanguageModel, check_language_model, language_model, language_model_probe
from genesis_server.llm.failures import Failure, ModelCallError, is_fault
from genesis_server.model.health import HealthStatus
from genesis_server.resilience.breakers import Breaker
from genesis_server.settings import Settings
from genesis_server.telemetry.metrics import Metrics

MODEL = {"GENESIS_LLM_URL": "http://127.0.0.1:9/v1", "GENESIS_LLM_MODEL": "m", "GENESIS_LLM_API_KEY": "sk-1"}


def settings(**environ: str) -> Settings:
    return Settings.load(None, {"HOME": "/home/somebody", **environ})


def breaker() -> Breaker:
    return Breaker("language_model", clock=lambda: 100.0, is_fault=is_fault)


def metrics() -> Metrics:
    return Metrics(methods=(), codes=(), clock=lambda: 0.0, version="1")


async def test_without_a_url_there_is_no_model_and_nothing_to_start_or_close() -> None:
    made = language_model(settings(), metrics=metrics(), make_breaker=breaker)
    assert made == LanguageModel()
    assert not made.available
    made.start()
    await made.close()


async def test_a_model_is_available_before_it_was_asked_and_its_metrics_stand_at_zero() -> None:
    counted = metrics()
    made = language_model(settings(**MODEL), metrics=counted, make_breaker=breaker)
    assert made.available
    assert made.gateway is not None
    assert made.gateway.endpoint.api_key == "sk-1"
    assert counted.registry.get_sample_value("genesis_llm_questions_total", {"model": "m", "outcome": "draft"}) == 0
    made.start()
    await made.close()


def test_a_server_with_a_model_and_without_the_optional_extra_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "extra_installed", lambda: False)
    check_language_model(settings())
    with pytest.raises(StartError, match=r"llm_url: .*genesis-orchestrator\[llm\]"):
        check_language_model(settings(**MODEL))


async def test_health_tells_whether_there_is_a_model_and_how_it_answered_lately() -> None:
    none = await language_model_probe(None, clock=lambda: 0.0, now=lambda: 0.0)()
    assert (none.status, none.message) == (HealthStatus.HEALTHY, "none is configured; plans are made by heuristics")
    guard = breaker()
    probe = language_model_probe(guard, clock=lambda: 110.0, now=lambda: 5_000.0)
    assert (await probe()).status is HealthStatus.HEALTHY

    async def refuse() -> None:
        raise ModelCallError(Failure.REFUSED, "HTTP 401", is_fault=True)

    for _ in range(5):
        with pytest.raises(ModelCallError):
            await guard.run(refuse)
    bad = await probe()
    assert (bad.status, bad.breaker_state, bad.retry_time, bad.needed) == (HealthStatus.DEGRADED, "open", 5_050.0, False)
    assert "MODEL_REFUSED" in bad.message
