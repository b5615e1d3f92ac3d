"""What models cost: time, tokens, money, and what of it was for nothing."""

from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Struct

from shared.adapters.redis.provider_limiter import Circuit
from shared.domain.errors import (
    ProviderBusy,
    ProviderError,
    ProviderGarbled,
    ProviderTimedOut,
    ProviderUnavailable,
    tree,
)
from shared.domain.llm.provider import Completion
from shared.domain.usage import Usage
from shared.runtime.config.settings import InvalidSettings
from shared.runtime.observability.metrics.meter import Meter

OPERATION = "chat"
"""All of our calls are Chat Completions, streamed or not."""
OTHER = "other"
CHAT = "chat"
"""The kind of a streamed answer, which no job pays for."""
CODES = sorted({error.code for error in tree(ProviderError)})
RETRIES = ("rate_limited", "server_error", "timeout", "connection", "garbled")
WASTES = ("rejected_output", "lost", "failed")


class Price(Struct, frozen=True, forbid_unknown_fields=True):
    """US dollars per million tokens."""

    input: float
    output: float

    def of(self, usage: Usage) -> float:
        return (self.input * usage.prompt_tokens + self.output * usage.completion_tokens) / 1e6


def read_prices(content: str) -> dict[str, Price]:
    """Raises `InvalidSettings`."""
    try:
        return msgspec.json.decode(content or "{}", type=dict[str, Price])
    except msgspec.DecodeError as error:
        raise InvalidSettings(f"ETUDE_MODEL_PRICES: {error}") from None


class ModelMetrics:
    """Told of every call to one of `models` (provider and name) for a job of one of `kinds`; any other kind counts as `OTHER`."""

    def __init__(
        self,
        meter: Meter,
        models: Sequence[tuple[str, str]],
        prices: Mapping[str, Price],
        *,
        kinds: Sequence[str],
        is_streaming: bool = False,
    ) -> None:
        self._prices = prices
        self._kinds = frozenset(kinds)
        self._names = [model for _, model in models]
        self._durations = meter.histogram("gen_ai_client_operation_duration_seconds")
        self._input = meter.counter("gen_ai_client_inference_usage_input_tokens_total")
        self._output = meter.counter("gen_ai_client_inference_usage_output_tokens_total")
        self._first_chunks = (
            meter.histogram("gen_ai_client_operation_time_to_first_chunk_seconds") if is_streaming else None
        )
        for provider, model in models:
            self._durations.expect([OPERATION], [provider], [model], ["", *CODES])
            self._input.expect([provider], [model])
            self._output.expect([provider], [model])
            if self._first_chunks:
                self._first_chunks.expect([OPERATION], [provider], [model])
        self._cost = meter.counter("etude_llm_cost_usd_total")
        self._cost.expect(self._names, kinds)
        self._wasted = meter.counter("etude_llm_wasted_tokens_total")
        self._wasted.expect([*self._names, OTHER], WASTES)
        self._retries = meter.counter("etude_llm_retries_total")
        self._retries.expect(self._names, RETRIES)
        self._inflight = meter.gauge("etude_llm_inflight")
        self._inflight.expect(self._names)
        self._circuits = meter.gauge("etude_llm_circuit_state")
        self._circuits.expect(self._names)
        self._fallbacks = meter.counter("etude_llm_fallbacks_total")
        for model, following in zip(self._names, self._names[1:], strict=False):
            self._fallbacks.expect([model], [following])

    def began(self, model: str) -> None:
        self._inflight.of(model).add(1)

    def streamed(self, provider: str, model: str, seconds: float) -> None:
        """The first piece of an answer came."""
        if self._first_chunks:
            self._first_chunks.of(OPERATION, provider, model).observe(seconds)

    def ended(
        self,
        provider: str,
        model: str,
        *,
        kind: str,
        seconds: float,
        usage: Usage,
        error: ProviderError | None,
    ) -> None:
        """A call is over and has cost this."""
        self._inflight.of(model).add(-1)
        self._durations.of(OPERATION, provider, model, error.code if error else "").observe(seconds)
        self._pay(provider, model, kind, usage)
        if error is None:
            return
        if reason := _reason(error):
            self._retries.of(model, reason).add()
        if usage.total and not isinstance(error, ProviderGarbled):
            self._wasted.of(model, "failed").add(usage.total)

    def abandoned(self, model: str) -> None:
        """A call was cancelled: nobody will ever know what it has cost."""
        self._inflight.of(model).add(-1)

    def _pay(self, provider: str, model: str, kind: str, usage: Usage) -> None:
        self._input.of(provider, model).add(usage.prompt_tokens)
        self._output.of(provider, model).add(usage.completion_tokens)
        if price := self._prices.get(model):
            self._cost.of(model, kind if kind in self._kinds else OTHER).add(price.of(usage))

    def rejected(self, model: str, usage: Usage, is_asked_again: bool) -> None:
        """An answer did not fit."""
        self._wasted.of(model, "rejected_output").add(usage.total)
        if is_asked_again:
            self._retries.of(model, "garbled").add()

    def lost(self, completion: Completion[object]) -> None:
        """An answer came whose job had another owner by then."""
        self._wasted.of(self._known(completion.model), "lost").add(completion.usage.total)

    def circuit(self, model: str, state: Circuit) -> None:
        self._circuits.of(model).set(state)

    def fell_back(self, model: str, following: str) -> None:
        self._fallbacks.of(model, following).add()

    def _known(self, answered: str) -> str:
        """The model that was asked, of which the one that answered may be a dated edition."""
        asked = [name for name in self._names if answered.startswith(name)]
        return max(asked, key=len, default=OTHER)


def _reason(error: ProviderError) -> str:
    match error:
        case ProviderBusy():
            return "rate_limited"
        case ProviderTimedOut():
            return "timeout"
        case ProviderUnavailable():
            return "server_error" if error.is_connected else "connection"
        case _:
            return ""
