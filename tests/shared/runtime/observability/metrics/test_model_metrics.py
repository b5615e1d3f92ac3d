"""What a process tells of its calls to models, made to a simulated provider over HTTP."""

from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest
import structlog
from msgspec.structs import replace
from tests.factories import CARDS_PROMPT
from tests.metric_samples import MetricSamples, read
from tests.simulators.faults import Fault, FaultKind, out_of_credit, rate_limited, server_error
from tests.simulators.provider import ProviderSimulator

from shared.adapters.llm.model import ModelCall
from shared.adapters.redis.client import RedisClient
from shared.domain.llm.provider import ChatRequest, Message, Provider
from shared.domain.provider_errors import ProviderError, ProviderGarbled
from shared.domain.study.material import CardDrafts
from shared.domain.usage import Usage
from shared.runtime.config.model_prices import read_prices
from shared.runtime.config.settings import read_settings
from shared.runtime.generation.provider_factory import ProviderSettings, build_providers, models_of
from shared.runtime.observability.metrics.meter import Meter
from shared.runtime.observability.metrics.model_metrics import ModelMetrics

PRICES = '{"large": {"input": 2.0, "output": 8.0}}'
CALLS = "gen_ai_client_inference_duration_seconds_count"
INPUT, OUTPUT = (f"gen_ai_client_inference_usage_{way}_tokens_total" for way in ("input", "output"))
CACHED = "gen_ai_client_inference_usage_cache_read_input_tokens_total"
REASONING = "gen_ai_client_inference_usage_reasoning_output_tokens_total"
WASTED, RETRIES = "etude_llm_wasted_tokens_total", "etude_llm_retries_total"


class Desk:
    """A provider of two models, or with the offline generator after them, and what it tells."""

    def __init__(self, simulator: ProviderSimulator, redis: RedisClient) -> None:
        self.settings = read_settings(
            ProviderSettings,
            {
                "OPENAI_API_KEY": "key",
                "OPENAI_BASE_URL": simulator.url,
                "ETUDE_MODEL": "large",
                "ETUDE_FALLBACK_MODELS": "small",
                "ETUDE_MODEL_PRICES": PRICES,
            },
        )
        self.simulator = simulator
        self.redis = redis
        self.meter = Meter("tests")
        metrics = ModelMetrics(
            self.meter,
            models_of(self.settings),
            read_prices(self.settings.model_prices),
            kinds=["quiz"],
            is_streaming=True,
        )
        self.provider: Provider = build_providers(self.settings, redis=redis, metrics=metrics).lenient

    def read(self) -> MetricSamples:
        return read(self.meter)


@pytest.fixture
async def desk(real_redis: RedisClient) -> AsyncIterator[Desk]:
    async with ProviderSimulator() as simulator:
        desk = Desk(simulator, real_redis)
        yield desk
        await desk.provider.close()


async def test_an_answer_costs_time_tokens_and_money(desk: Desk) -> None:
    completion = await desk.provider.complete(replace(CARDS_PROMPT, job_kind="quiz"), CardDrafts)
    told, usage = desk.read(), completion.usage
    assert told.of(CALLS, gen_ai_request_model="large", gen_ai_provider_name="openai", error_type="") == 1
    assert told.of(INPUT, gen_ai_request_model="large") == usage.prompt_tokens > 0
    assert told.of(OUTPUT, gen_ai_request_model="large") == usage.completion_tokens > 0
    cost = (2.0 * usage.prompt_tokens + 8.0 * usage.completion_tokens) / 1e6
    assert told.of("etude_llm_cost_usd_total", model="large", kind="quiz") == pytest.approx(cost)
    assert told.of("etude_llm_inflight") == 0
    assert told.of(WASTED) == 0


async def test_a_429_is_a_retry_and_a_fallback(desk: Desk) -> None:
    desk.simulator.faults.add(rate_limited("7"))
    await desk.provider.complete(CARDS_PROMPT, CardDrafts)
    told = desk.read()
    assert told.of(RETRIES, model="large", reason="rate_limited") == 1
    assert told.of(CALLS, gen_ai_request_model="large", error_type="provider_busy") == 1
    assert told.of(CALLS, gen_ai_request_model="small", error_type="") == 1
    assert told.of("etude_llm_fallbacks_total", model="large", to="small") == 1
    assert told.of("etude_llm_fallbacks_total", model="small", to="etude-offline-1") == 0


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (server_error(), "server_error"),
        (Fault(kind=FaultKind.RESET), "connection"),
        (Fault(kind=FaultKind.ERROR, status=504), "timeout"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_retries_are_counted_by_reason(desk: Desk, fault: Fault, reason: str) -> None:
    desk.simulator.faults.add(fault)
    await desk.provider.complete(CARDS_PROMPT, CardDrafts)
    told = desk.read()
    assert told.of(RETRIES, model="large", reason=reason) == told.of(RETRIES) == 1


async def test_a_response_that_does_not_fit_counts_as_waste(desk: Desk) -> None:
    desk.simulator.faults.add(Fault(kind=FaultKind.WRONG_SCHEMA))
    completion = await desk.provider.complete(CARDS_PROMPT, CardDrafts)
    told = desk.read()
    wasted = told.of(WASTED, model="large", reason="rejected_output")
    assert 0 < wasted < completion.usage.total
    assert told.of(WASTED) == wasted
    assert told.of(RETRIES, model="large", reason="garbled") == 1
    assert told.of(INPUT) + told.of(OUTPUT) == completion.usage.total


async def test_two_that_do_not_fit_are_both_wasted_and_asked_again_once(desk: Desk) -> None:
    desk.simulator.faults.add(Fault(kind=FaultKind.WRONG_SCHEMA, times=2))
    with pytest.raises(ProviderGarbled) as raised:
        await desk.provider.complete(CARDS_PROMPT, CardDrafts)
    told = desk.read()
    assert told.of(WASTED, reason="rejected_output") == told.of(WASTED) == raised.value.usage.total
    assert told.of(RETRIES, reason="garbled") == told.of(RETRIES) == 1


async def test_a_refused_response_counts_as_waste(desk: Desk) -> None:
    desk.simulator.faults.add(Fault(kind=FaultKind.REFUSAL))
    with pytest.raises(ProviderError) as raised:
        await desk.provider.complete(CARDS_PROMPT, CardDrafts)
    assert desk.read().of(WASTED, model="large", reason="failed") == raised.value.usage.total > 0


async def test_the_state_of_the_circuit_is_exposed(desk: Desk) -> None:
    assert desk.read().of("etude_llm_circuit_state", model="large") == 0
    desk.simulator.faults.add(out_of_credit())
    await desk.provider.complete(CARDS_PROMPT, CardDrafts)
    told = desk.read()
    assert told.of("etude_llm_circuit_state", model="large") == 2
    assert told.of("etude_llm_circuit_state", model="small") == 0


async def test_a_stream_tells_when_it_began_and_a_cut_one_leaves_nothing_in_flight(desk: Desk) -> None:
    request = ChatRequest(messages=[Message("user", "Why?")], language="en", max_output_tokens=100)

    assert [delta async for delta in desk.provider.stream(request)][-1].usage
    first_chunks = "gen_ai_client_inference_time_to_first_chunk_seconds_count"
    assert desk.read().of(first_chunks, gen_ai_request_model="large") == 1
    async with aclosing(desk.provider.stream(request)) as cut:
        await anext(cut)
        assert desk.read().of("etude_llm_inflight", model="large") == 1
    told = desk.read()
    assert told.of("etude_llm_inflight", model="large") == 0
    assert told.of(CALLS, gen_ai_request_model="large") == 1


async def test_cached_and_reasoning_tokens_are_counted_and_priced() -> None:
    meter = Meter("tests")
    prices = read_prices('{"large": {"input": 2, "cached_input": 0.5, "output": 8}}')
    metrics = ModelMetrics(meter, [("openai", "large")], prices, kinds=["quiz"])
    call = ModelCall(provider="openai", model="large", job_kind="quiz", texts=[], max_output_tokens=100)
    async with metrics.measure(call):
        call.usage = Usage(1_000, 100, 800, 60)
    told = read(meter)
    assert told.of(CACHED, gen_ai_request_model="large", gen_ai_token_modality="text") == 800
    assert told.of(REASONING, gen_ai_request_model="large") == 60
    assert told.of("etude_llm_cost_usd_total", model="large", kind="quiz") == pytest.approx(0.0016)
    assert told.of("etude_llm_unpriced_tokens_total") == 0


async def test_a_model_without_a_price_is_logged_and_its_tokens_are_counted_apart(desk: Desk) -> None:
    with structlog.testing.capture_logs() as logs:
        other = Desk(desk.simulator, desk.redis)
    assert [(line["event"], line["model"]) for line in logs] == [("model.unpriced", "small")]
    desk.simulator.faults.add(rate_limited("7"))
    completion = await other.provider.complete(CARDS_PROMPT, CardDrafts)
    await other.provider.close()
    told = other.read()
    assert told.of("etude_llm_unpriced_tokens_total", model="small") == completion.usage.total > 0
    assert told.of("etude_llm_unpriced_tokens_total", model="etude-offline-1") == 0
    costs = {labels["model"] for name, labels, _ in told.samples if name == "etude_llm_cost_usd_total"}
    assert costs == {"large", "etude-offline-1"}
