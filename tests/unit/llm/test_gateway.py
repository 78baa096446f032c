"""The gateway against a server that speaks the real API, well and badly: always an answer, always in time, always counted."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field

import pytest
from fake_endpoint import (
    INPUT_TOKENS,
    OUTPUT_TOKENS,
    Behaviour,
    FakeEndpoint,
    arguments,
    body,
    calling,
    cuts,
    drafts,
    drips,
    floods,
    hangs,
    refuses,
    says,
    task,
)

from genesis_server.llm import gateway as module
from genesis_server.llm.bounded_http import MAX_ANSWER_BYTES
from genesis_server.llm.endpoint import Endpoint
from genesis_server.llm.failures import is_fault
from genesis_server.llm.gateway import MISSING_EXTRA, OUTCOMES, ModelGateway, make_asker
from genesis_server.llm.prices import Prices
from genesis_server.model.catalogue import Artefact
from genesis_server.model.draft import Brief, DraftedTask, Entry, ModelDraft
from genesis_server.model.money import Money
from genesis_server.model.provenance import ModelUse
from genesis_server.resilience.breakers import Breaker, BreakerState
from genesis_server.resilience.retry import Retry

KEY = "sk-a-secret-of-the-operator"
BRIEF = Brief("Water the plants", (Entry("water_plants", "water the plants", (Artefact("water", "litre"),)),), (Artefact("can"),))
GOOD = task("a", "Water the plants", capability="water_plants", words="Water the plants")
DRAFT = ModelDraft((DraftedTask("a", "Water the plants", "water_plants", words="Water the plants"),))


@dataclass
class Heard:
    """What metrics would be told, and how long retries waited."""

    asked: list[tuple[str, ModelUse | None]] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)

    def note(self, outcome: str, use: ModelUse | None) -> None:
        self.asked.append((outcome, use))

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


class Observer:
    def __init__(self, heard: Heard) -> None:
        self.asked = heard.note


@pytest.fixture
def endpoint() -> Iterator[FakeEndpoint]:
    with FakeEndpoint() as started:
        yield started


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def breaker() -> Breaker:
    return Breaker("language_model", clock=lambda: 0.0, is_fault=is_fault)


Make = Callable[..., ModelGateway]


@pytest.fixture
async def make(endpoint: FakeEndpoint, heard: Heard, breaker: Breaker) -> AsyncIterator[Make]:
    made: list[ModelGateway] = []

    def build(timeout_seconds: float = 20.0, **more: object) -> ModelGateway:
        gateway = ModelGateway(
            Endpoint(url=endpoint.url, model="fake-1", api_key=KEY, max_output_tokens=500),
            breaker=breaker,
            retry=Retry(base_seconds=0.0, cap_seconds=10.0, sleep=heard.sleep),
            prices=Prices(endpoint.url, "fake-1", 1.0, 2.0),
            observer=Observer(heard),
            timeout_seconds=timeout_seconds,
            **more,  # type: ignore[arg-type]
        )
        made.append(gateway)
        return gateway

    yield build
    for gateway in made:
        await gateway.close()


async def test_a_good_draft_comes_back_typed_counted_and_priced(endpoint: FakeEndpoint, make: Make, heard: Heard) -> None:
    endpoint.behave(drafts(GOOD))
    answer = await make().draft(BRIEF, seconds=10)
    assert answer.draft == DRAFT
    assert answer.why_not == ""
    assert answer.use == ModelUse("fake-1", 1, INPUT_TOKENS, OUTPUT_TOKENS, Money.of((INPUT_TOKENS + 2 * OUTPUT_TOKENS) / 1e6))
    assert heard.asked == [("draft", answer.use)]


async def test_what_is_sent_is_the_brief_as_data_with_the_key_and_the_bounds(endpoint: FakeEndpoint, make: Make) -> None:
    endpoint.behave(drafts(GOOD))
    await make().draft(BRIEF, seconds=10)
    [asked] = endpoint.asked
    assert asked.path == "/v1/chat/completions"
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert asked.headers["accept-encoding"] == "identity"
    assert "openai-organization" not in asked.headers
    assert json.loads(asked.user) == {
        "goal": "Water the plants",
        "catalogue": [{"name": "water_plants", "description": "water the plants", "inputs": ["water: litre"]}],
        "there": ["can"],
    }
    assert (asked.body["model"], asked.body["max_completion_tokens"], asked.body["temperature"]) == ("fake-1", 500, 0.0)


async def test_a_model_that_takes_no_temperature_gets_none_and_nobody_is_warned(
    endpoint: FakeEndpoint, heard: Heard, breaker: Breaker
) -> None:
    endpoint.behave(drafts(GOOD))
    gateway = ModelGateway(
        Endpoint(url=endpoint.url, model="o3", max_output_tokens=500),
        breaker=breaker,
        retry=Retry(sleep=heard.sleep),
        prices=Prices(endpoint.url, "o3"),
        observer=Observer(heard),
        timeout_seconds=20,
    )
    answer = await gateway.draft(BRIEF, seconds=10)
    await gateway.close()
    assert answer.draft == DRAFT
    assert answer.use is not None
    assert answer.use.cost is None
    assert "temperature" not in endpoint.asked[0].body


async def test_an_answer_that_is_no_draft_is_sent_back_once_and_may_come_good(endpoint: FakeEndpoint, make: Make) -> None:
    endpoint.behave(arguments("{"), drafts(GOOD))
    answer = await make().draft(BRIEF, seconds=10)
    assert answer.draft == DRAFT
    assert answer.use is not None
    assert (answer.use.requests, answer.use.input_tokens) == (2, 2 * INPUT_TOKENS)


@pytest.mark.parametrize(
    "case",
    [
        (arguments("{ no json"), "unusable", 2, False),
        (arguments('{"tasks": 3}'), "unusable", 2, False),
        (says("First water the plants."), "unusable", 2, False),
        (body(b"{}"), "unusable", 1, False),
        (body(b"<html>"), "unusable", 1, True),
        (refuses(401), "refused", 1, True),
        (refuses(404), "refused", 1, True),
        (refuses(400), "refused", 1, False),
        (refuses(429, code="insufficient_quota"), "refused", 1, True),
        (refuses(302, {"Location": "http://127.0.0.1:9/elsewhere"}), "unusable", 1, True),
        (refuses(500), "unavailable", 3, True),
        (refuses(503), "unavailable", 3, True),
        (cuts(), "unavailable", 3, True),
        (cuts(after_bytes=30), "unavailable", 3, True),
        (refuses(429), "rate_limited", 3, True),
        (floods(MAX_ANSWER_BYTES * 4), "unavailable", 3, True),
        (body(b"\x1f\x8b", headers={"Content-Encoding": "gzip"}), "unavailable", 3, True),
    ],
)
async def test_whatever_the_endpoint_does_the_reason_is_told_and_what_it_cost(
    endpoint: FakeEndpoint, make: Make, heard: Heard, breaker: Breaker, case: tuple[Behaviour, str, int, bool]
) -> None:
    behaviour, outcome, requests, fault = case
    endpoint.behave(behaviour)
    gateway = make()
    answer = await gateway.draft(BRIEF, seconds=10)
    assert answer.draft is None
    assert answer.why_not
    assert KEY not in answer.why_not
    assert len(endpoint.asked) == requests
    assert answer.use is not None
    assert answer.use.requests == requests
    assert heard.asked == [(outcome, answer.use)]
    for _ in range(4):
        await gateway.draft(BRIEF, seconds=10)
    assert breaker.state is (BreakerState.OPEN if fault else BreakerState.CLOSED)


@pytest.mark.parametrize("first", [refuses(500), refuses(429), cuts(), cuts(after_bytes=10)])
async def test_a_hiccup_is_tried_again(endpoint: FakeEndpoint, make: Make, first: Behaviour) -> None:
    endpoint.behave(first, drafts(GOOD))
    answer = await make().draft(BRIEF, seconds=10)
    assert answer.draft == DRAFT
    assert answer.use is not None
    assert answer.use.requests == 2


async def test_retry_after_is_waited_for(endpoint: FakeEndpoint, make: Make, heard: Heard) -> None:
    endpoint.behave(refuses(429, {"Retry-After": "3"}), drafts(GOOD))
    assert (await make().draft(BRIEF, seconds=10)).draft == DRAFT
    assert heard.slept == [3.0]


async def test_a_wait_longer_than_the_time_left_is_not_begun(endpoint: FakeEndpoint, make: Make, heard: Heard) -> None:
    endpoint.behave(refuses(429, {"Retry-After": "3"}), drafts(GOOD))
    answer = await make().draft(BRIEF, seconds=2)
    assert answer.why_not == "the language model's endpoint takes no more requests for now"
    assert heard.slept == []


@pytest.mark.parametrize("behaviour", [hangs(), drips(GOOD), drips(data=b" " * 10_000, every_seconds=0.01)])
async def test_silence_and_single_bytes_end_with_the_time_given(
    endpoint: FakeEndpoint, make: Make, heard: Heard, behaviour: Behaviour
) -> None:
    gateway = make()
    endpoint.behave(drafts(GOOD))
    await gateway.draft(BRIEF, seconds=10)
    endpoint.behave(behaviour)
    begin = time.monotonic()
    answer = await gateway.draft(BRIEF, seconds=0.3)
    assert time.monotonic() - begin < 0.3 + 0.5
    assert answer.why_not == "the language model gave no answer within 0.3 s"
    assert answer.use == ModelUse("fake-1", 1, 0, 0, None)
    assert heard.asked[-1][0] == "timeout"


async def test_the_connection_is_closed_when_the_time_is_up(endpoint: FakeEndpoint, make: Make) -> None:
    endpoint.behave(drips(GOOD, every_seconds=0.1))
    await make().draft(BRIEF, seconds=1.0)
    assert await asyncio.to_thread(endpoint.gone.wait, 20)


async def test_a_cancelled_question_closes_its_connection_and_blames_nobody(endpoint: FakeEndpoint, make: Make, breaker: Breaker) -> None:
    endpoint.behave(drips(GOOD, every_seconds=0.02))
    asking = asyncio.create_task(make().draft(BRIEF, seconds=10))
    assert await asyncio.to_thread(endpoint.arrived.wait, 10)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert await asyncio.to_thread(endpoint.gone.wait, 5)
    assert breaker.state is BreakerState.CLOSED


async def test_the_longest_time_holds_whatever_the_caller_would_wait(endpoint: FakeEndpoint, make: Make) -> None:
    endpoint.behave(hangs())
    begin = time.monotonic()
    answer = await make(timeout_seconds=0.2).draft(BRIEF, seconds=60)
    assert "0.2 s" in answer.why_not
    assert time.monotonic() - begin < 5


async def test_callers_in_a_hurry_do_not_open_the_circuit_and_a_model_that_hangs_does(
    endpoint: FakeEndpoint, make: Make, breaker: Breaker
) -> None:
    endpoint.behave(hangs())
    gateway = make(timeout_seconds=1.0)
    gateway.start()
    await gateway.draft(BRIEF, seconds=0.24)
    for _ in range(5):
        await gateway.draft(BRIEF, seconds=0.05)
    assert breaker.state is BreakerState.CLOSED
    for _ in range(5):
        await gateway.draft(BRIEF, seconds=0.26)
    assert breaker.state is BreakerState.OPEN
    assert not gateway.available


async def test_with_the_circuit_open_nothing_is_sent_and_the_answer_is_quick(endpoint: FakeEndpoint, make: Make, heard: Heard) -> None:
    endpoint.behave(refuses(401))
    gateway = make()
    for _ in range(5):
        await gateway.draft(BRIEF, seconds=10)
    sent = len(endpoint.asked)
    begin = time.monotonic()
    answer = await gateway.draft(BRIEF, seconds=10)
    assert time.monotonic() - begin < 0.1
    assert answer.why_not == "the circuit to the language model is open"
    assert answer.use is None
    assert len(endpoint.asked) == sent
    assert heard.asked[-1] == ("circuit_open", None)


async def test_nobody_listening_is_an_answer_too(heard: Heard, breaker: Breaker) -> None:
    gateway = ModelGateway(
        Endpoint(url="http://127.0.0.1:9/v1", model="m", max_output_tokens=100),
        breaker=breaker,
        retry=Retry(base_seconds=0.0, sleep=heard.sleep),
        prices=Prices("http://127.0.0.1:9/v1", "m"),
        observer=Observer(heard),
        timeout_seconds=20,
    )
    answer = await gateway.draft(BRIEF, seconds=10)
    assert answer.why_not == "the connection to the language model failed"
    await gateway.close()


async def test_without_the_optional_extra_the_reason_names_it(make: Make) -> None:
    def missing(endpoint: Endpoint) -> object:
        raise ModuleNotFoundError("pydantic_ai")

    answer = await make(make=missing).draft(BRIEF, seconds=5)
    assert answer.why_not == MISSING_EXTRA
    assert "genesis-orchestrator[llm]" in MISSING_EXTRA
    assert answer.use is None


async def test_a_slow_load_costs_the_first_question_its_time_and_not_the_next(endpoint: FakeEndpoint, make: Make) -> None:
    endpoint.behave(drafts(GOOD))
    ready = asyncio.Event()
    loop = asyncio.get_running_loop()

    def slow(place: Endpoint) -> object:
        asyncio.run_coroutine_threadsafe(ready.wait(), loop).result(10)
        return make_asker(place)

    gateway = make(make=slow)
    assert "no answer within 0.05 s" in (await gateway.draft(BRIEF, seconds=0.05)).why_not
    ready.set()
    assert (await gateway.draft(BRIEF, seconds=10)).draft == DRAFT


async def test_neither_logs_nor_reprs_hold_the_key_or_the_goal(
    endpoint: FakeEndpoint, make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    endpoint.behave(refuses(401, message=f"wrong key {KEY}"))
    with caplog.at_level(logging.DEBUG):
        gateway = make()
        answer = await gateway.draft(BRIEF, seconds=10)
    shown = caplog.text + repr(gateway.endpoint) + repr(answer)
    assert KEY not in shown
    assert BRIEF.goal not in shown


async def test_a_gateway_that_was_never_used_closes(make: Make) -> None:
    await make().close()


def test_every_outcome_can_be_counted() -> None:
    assert OUTCOMES == ("draft", "timeout", "unavailable", "rate_limited", "refused", "unusable", "circuit_open")
    assert module.extra_installed()


def test_an_answer_as_it_stands_on_the_wire_is_what_the_library_expects() -> None:
    assert json.loads(calling("t", "{}"))["choices"][0]["message"]["tool_calls"][0]["function"]["name"] == "t"
