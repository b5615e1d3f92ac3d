"""Metrics of calls to models: time, tokens, money, and how much of it was wasted."""

import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise

import structlog

from shared.adapters.llm.model import ModelCall
from shared.adapters.llm.openai.background.background_responses import ResponseUse
from shared.adapters.llm.openai.ladder.abilities import (
    OPTIONAL_FIELDS,
    Abilities,
    LimitField,
    StructuredOutput,
)
from shared.adapters.offline.provider import GENERATED_BY as OFFLINE
from shared.adapters.redis.models.provider_limiter import Circuit
from shared.domain.errors import tree
from shared.domain.llm.provider import Completion
from shared.domain.provider_errors import (
    ProviderBusy,
    ProviderError,
    ProviderGarbled,
    ProviderTimedOut,
    ProviderUnavailable,
)
from shared.domain.usage import Usage
from shared.runtime.config.model_prices import Price, price_of
from shared.runtime.observability.metrics.meter import Meter

log = structlog.get_logger()

OPERATION = "chat"
"""All our calls are Chat Completions, streamed or not."""
MODALITY = "text"
"""All tokens are of text."""
FREE = Price(input=0.0, output=0.0)
"""The price of the offline generator."""
OTHER = "other"
CODES = sorted({error.code for error in tree(ProviderError)})
RETRIES = ("rate_limited", "server_error", "timeout", "connection", "garbled")
BACKGROUND = "background"
FEATURES = (*StructuredOutput, *LimitField, *OPTIONAL_FIELDS, BACKGROUND)
WASTES = ("rejected_output", "lost", "failed")


TOKEN_COUNTERS: Mapping[str, Callable[[Usage], int]] = {
    "gen_ai_client_inference_usage_input_tokens_total": lambda usage: usage.prompt_tokens,
    "gen_ai_client_inference_usage_cache_read_input_tokens_total": lambda usage: usage.cached_tokens,
    "gen_ai_client_inference_usage_output_tokens_total": lambda usage: usage.completion_tokens,
    "gen_ai_client_inference_usage_reasoning_output_tokens_total": lambda usage: usage.reasoning_tokens,
}


class ModelMetrics:
    """Metrics of the calls to `models` (provider and name) for jobs of `kinds`; any other kind counts as `OTHER`."""

    def __init__(
        self,
        meter: Meter,
        models: Sequence[tuple[str, str]],
        prices: Mapping[str, Price],
        *,
        kinds: Sequence[str],
        is_streaming: bool = False,
    ) -> None:
        self._prices = {
            model: FREE if provider == OFFLINE else price_of(model, prices) for provider, model in models
        }
        self._kinds = frozenset(kinds)
        self._names = [model for _, model in models]
        self._durations = meter.histogram("gen_ai_client_inference_duration_seconds")
        self._tokens = [(meter.counter(name), count) for name, count in TOKEN_COUNTERS.items()]
        self._first_chunks = (
            meter.histogram("gen_ai_client_inference_time_to_first_chunk_seconds") if is_streaming else None
        )
        for provider, model in models:
            self._durations.expect([OPERATION], [provider], [model], ["", *CODES])
            for counter, _ in self._tokens:
                counter.expect([OPERATION], [provider], [model], [MODALITY])
            if self._first_chunks:
                self._first_chunks.expect([OPERATION], [provider], [model])
        self._cost = meter.counter("etude_llm_cost_usd_total")
        self._cost.expect([name for name, price in self._prices.items() if price], kinds)
        self._unpriced = meter.counter("etude_llm_unpriced_tokens_total")
        self._unpriced.expect(self._names)
        self._wasted = meter.counter("etude_llm_wasted_tokens_total")
        self._wasted.expect([*self._names, OTHER], WASTES)
        self._retries = meter.counter("etude_llm_retries_total")
        self._retries.expect(self._names, RETRIES)
        self._inflight = meter.gauge("etude_llm_inflight")
        self._inflight.expect(self._names)
        self._circuits = meter.gauge("etude_llm_circuit_state")
        self._circuits.expect(self._names)
        self._corrections = meter.counter("etude_llm_usage_corrected_total")
        self._corrections.expect(self._names)
        self._features = meter.gauge("etude_llm_feature_used")
        self._features.expect(self._names, FEATURES)
        self._responses = meter.counter("etude_llm_background_responses_total")
        self._responses.expect(self._names, list(ResponseUse))
        self._fallbacks = meter.counter("etude_llm_fallbacks_total")
        for model, fallback in pairwise(self._names):
            self._fallbacks.expect([model], [fallback])
        for model in self.unpriced_models:
            log.warning("model.unpriced", model=model)

    @property
    def unpriced_models(self) -> list[str]:
        """The models whose price is not known. What they cost is in no sum of money."""
        return [model for model, price in self._prices.items() if price is None]

    @asynccontextmanager
    async def measure(self, call: ModelCall) -> AsyncGenerator[None]:
        """Measure one call: a `CallHook`. Nothing is known of what a cancelled call cost."""
        self._inflight.of(call.model).add(1)
        began = time.perf_counter()
        try:
            yield
        except ProviderError as error:
            self._count_call(call, time.perf_counter() - began, error.code)
            self._count_failure(call.model, error)
            raise
        else:
            self._count_call(call, time.perf_counter() - began, "")
        finally:
            self._inflight.of(call.model).add(-1)
            if self._first_chunks and call.first_delta_at is not None:
                first_chunk = self._first_chunks.of(OPERATION, call.provider, call.model)
                first_chunk.observe(call.first_delta_at - began)

    def _count_call(self, call: ModelCall, seconds: float, error_code: str) -> None:
        usage = call.usage or Usage()
        self._durations.of(OPERATION, call.provider, call.model, error_code).observe(seconds)
        for counter, count in self._tokens:
            counter.of(OPERATION, call.provider, call.model, MODALITY).add(count(usage))
        if price := self._prices.get(call.model):
            kind = call.job_kind if call.job_kind in self._kinds else OTHER
            self._cost.of(call.model, kind).add(price.of(usage))
        else:
            self._unpriced.of(call.model).add(usage.total)

    def _count_failure(self, model: str, error: ProviderError) -> None:
        if reason := _retry_reason(error):
            self._retries.of(model, reason).add()
        if error.usage.total and not isinstance(error, ProviderGarbled):
            self._wasted.of(model, "failed").add(error.usage.total)

    def rejected(self, model: str, usage: Usage, is_asked_again: bool) -> None:
        """Count a response that did not fit the schema."""
        self._wasted.of(model, "rejected_output").add(usage.total)
        if is_asked_again:
            self._retries.of(model, "garbled").add()

    def usage_corrected(self, model: str) -> None:
        """Count token counts that the server reported and the call cannot have had."""
        self._corrections.of(model).add()

    def abilities(self, model: str, abilities: Abilities) -> None:
        """Show which features are used with the model."""
        used = {abilities.structured_output.value, abilities.limit_field.value}
        used.update(name for name in OPTIONAL_FIELDS if name not in abilities.without)
        if abilities.background:
            used.add(BACKGROUND)
        for feature in FEATURES:
            self._features.of(model, feature).set(feature in used)

    def response_used(self, model: str, use: ResponseUse) -> None:
        """Count what became of a background response."""
        self._responses.of(model, use).add()

    def lost(self, completion: Completion[object]) -> None:
        """Count a completion that could not be kept, because its job had another owner by then."""
        self._wasted.of(self._requested_name(completion.model), "lost").add(completion.usage.total)

    def circuit(self, model: str, state: Circuit) -> None:
        self._circuits.of(model).set(state)

    def fell_back(self, model: str, fallback: str) -> None:
        self._fallbacks.of(model, fallback).add()

    def _requested_name(self, answered_by: str) -> str:
        """The model that was asked for; the name in the response may be a dated version of it."""
        names = [name for name in self._names if answered_by.startswith(name)]
        return max(names, key=len, default=OTHER)


def _retry_reason(error: ProviderError) -> str:
    match error:
        case ProviderBusy():
            return "rate_limited"
        case ProviderTimedOut():
            return "timeout"
        case ProviderUnavailable():
            return "server_error" if error.is_connected else "connection"
        case _:
            return ""
