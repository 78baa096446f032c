"""The language model of a server: the gateway with its breaker, retries and prices, put together from settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from genesis_server.app.errors import StartError
from genesis_server.llm.endpoint import Endpoint
from genesis_server.llm.gateway import MISSING_EXTRA, OUTCOMES, ModelGateway, extra_installed
from genesis_server.llm.prices import Prices
from genesis_server.model.health import ComponentHealth, HealthStatus, with_breaker
from genesis_server.orchestration.health import Probe
from genesis_server.resilience.breakers import Breaker, BreakerState
from genesis_server.resilience.retry import Retry
from genesis_server.settings import Settings
from genesis_server.telemetry.metrics import Metrics
from genesis_server.telemetry.model_metrics import ModelMetrics

COMPONENT = "language_model"
NOT_CONFIGURED = "none is configured; plans are made by heuristics"
_RETRY = Retry(base_seconds=0.2, cap_seconds=10.0)


def check_language_model(settings: Settings) -> None:
    """Raise StartError when a model is configured and the optional extra is missing; imports nothing."""
    if settings.llm_url and not extra_installed():
        raise StartError(f"llm_url: {MISSING_EXTRA}")


@dataclass(frozen=True, slots=True)
class LanguageModel:
    """The model of a server, or that it has none."""

    gateway: ModelGateway | None = None
    breaker: Breaker | None = None

    @property
    def available(self) -> bool:
        """Whether plans are drafted by it now."""
        return self.gateway is not None and self.gateway.available

    def start(self) -> None:
        """Begin to load its client; needs a running loop."""
        if self.gateway is not None:
            self.gateway.start()

    async def close(self) -> None:
        """Close its connections."""
        if self.gateway is not None:
            await self.gateway.close()


def language_model(settings: Settings, *, metrics: Metrics, make_breaker: Callable[[], Breaker]) -> LanguageModel:
    """The model of the settings; nothing is loaded yet. Raises StartError."""
    if not settings.llm_url:
        return LanguageModel()
    check_language_model(settings)
    breaker, key = make_breaker(), settings.llm_api_key
    gateway = ModelGateway(
        Endpoint(
            url=settings.llm_url,
            model=settings.llm_model,
            api_key=key.get_secret_value() if key is not None else "",
            max_output_tokens=settings.llm_max_output_tokens,
        ),
        breaker=breaker,
        retry=_RETRY,
        prices=Prices(settings.llm_url, settings.llm_model, settings.llm_input_price, settings.llm_output_price),
        observer=ModelMetrics(metrics.registry, model=settings.llm_model, outcomes=OUTCOMES),
        timeout_seconds=settings.llm_timeout_seconds,
    )
    return LanguageModel(gateway, breaker)


def language_model_probe(breaker: Breaker | None, *, clock: Callable[[], float], now: Callable[[], float]) -> Probe:
    """How the model answered lately; None: there is none, which is well. Nothing is sent, for a question costs money."""

    async def probe() -> ComponentHealth:
        if breaker is None:
            return ComponentHealth(COMPONENT, HealthStatus.HEALTHY, NOT_CONFIGURED)
        if breaker.state is BreakerState.CLOSED:
            return ComponentHealth(COMPONENT, HealthStatus.HEALTHY, breaker_state=breaker.state)
        message = f"it failed several times in a row ({breaker.reason}), so plans are made by heuristics; look at llm_url and its service"
        return with_breaker(ComponentHealth(COMPONENT, HealthStatus.DEGRADED, message), breaker, clock=clock, now=now)

    return probe
