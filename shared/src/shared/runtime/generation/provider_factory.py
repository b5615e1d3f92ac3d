"""Which provider a process works with: a key and it is OpenAI's API, no key and it is the offline generator."""

import random
from collections.abc import Callable
from functools import partial
from urllib.parse import urlsplit

from msgspec import field

from shared.adapters.llm.fallback_provider import FallbackProvider
from shared.adapters.llm.openai.client import connect
from shared.adapters.llm.openai.provider import GENERATED_BY as OPENAI_BY
from shared.adapters.llm.openai.provider import TIMEOUT_SECONDS, OpenAIProvider
from shared.adapters.llm.rate_limited_provider import RateLimitedProvider
from shared.adapters.llm.retrying_provider import RetryingProvider
from shared.adapters.llm.traced_provider import TracedProvider
from shared.adapters.offline.provider import GENERATED_BY as OFFLINE_BY
from shared.adapters.offline.provider import MODEL as OFFLINE_MODEL
from shared.adapters.offline.provider import OfflineProvider
from shared.adapters.redis.connection import RedisClient
from shared.adapters.redis.provider_limiter import LimiterPolicy, ProviderLimiter
from shared.domain.llm.provider import Provider
from shared.domain.tracing import NO_TRACER, Tracer
from shared.runtime.config.settings import CommonSettings, InvalidSettings, variable
from shared.runtime.generation.metered_provider import MeteredProvider
from shared.runtime.observability.metrics.model_metrics import ModelMetrics

OPENAI_HOST = "api.openai.com"


class ProviderSettings(CommonSettings, frozen=True, kw_only=True, rename=variable):
    """What a process that generates text needs to know."""

    openai_api_key: str = field(name="OPENAI_API_KEY", default="")
    """Key of the provider's account. Without a key the offline generator is used."""
    openai_base_url: str = field(name="OPENAI_BASE_URL", default=f"https://{OPENAI_HOST}/v1")
    """Base URL of any server that speaks Chat Completions."""
    model: str = "gpt-5.4-mini"
    """Name of the model that is called first."""
    fallback_models: str = ""
    """Models that are called in turn when the first is busy or unavailable, separated by commas."""
    reasoning_effort: str = ""
    """`none`, `low` and so on, for models that reason at length by default; reasoning tokens are paid for and count against
    the completion budget. When it is empty, the model decides."""
    provider_timeout_seconds: float = TIMEOUT_SECONDS
    """Timeout of one call, in seconds."""
    model_requests_per_minute: int = 0
    """Requests per minute that the account allows for each model, shared by the fleet. With 0 the limit is unknown, and the
    limiter reacts only to the provider's responses."""
    model_tokens_per_minute: int = 0
    """Tokens per minute that the account allows for each model, shared by the fleet; 0 means unknown."""
    model_prices: str = ""
    """JSON object from model to `{"input": …, "output": …}`, in US dollars per million tokens.
    `etude_llm_cost_usd_total` is computed from it."""
    calls_per_attempt: int = 1
    """Calls made within one attempt, at most 3 s apart, when a call fails temporarily. Multiplied by the attempts of a job
    it bounds the calls of one step to one model."""

    def __repr__(self) -> str:
        """Without the key, wherever it is printed."""
        return f"{type(self).__name__}(model={self.model!r}, has_key={bool(self.openai_api_key)})"


def build_provider(
    settings: ProviderSettings,
    *,
    redis: RedisClient | None = None,
    allow_offline: bool = False,
    jitter: Callable[[], float] = random.random,
    watch: ModelMetrics | None = None,
    tracer: Tracer = NO_TRACER,
) -> Provider:
    """The provider these settings choose; closed by who built it. `allow_offline`: the offline generator is the last
    resort when every model is busy or away. With `redis` every call goes through the fleet's gate. `watch` is told of
    each, and knows `models_of` these settings.
    Raises `InvalidSettings`."""
    key = _key(settings)
    offline = _metered(OfflineProvider(), watch, OFFLINE_BY, OFFLINE_MODEL)
    offline = _traced(offline, tracer, OFFLINE_MODEL)
    if not key:
        return offline
    host = _host(settings.openai_base_url)
    client = connect(key, base_url=settings.openai_base_url)

    def one(model: str) -> Provider:
        provider: Provider = OpenAIProvider(
            client,
            model=model,
            timeout_seconds=settings.provider_timeout_seconds,
            reasoning_effort=settings.reasoning_effort,
            takes_own_fields=host == OPENAI_HOST,
            on_rejected=partial(watch.rejected, model) if watch else lambda _, __: None,
        )
        provider = _metered(provider, watch, OPENAI_BY, model)
        provider = _traced(provider, tracer, model)
        if redis is not None:
            provider = RateLimitedProvider(
                provider,
                ProviderLimiter(redis, model, _gate_policy(settings)),
                model=model,
                on_circuit=partial(watch.circuit, model) if watch else lambda _: None,
            )
        return RetryingProvider(provider, calls_per_attempt=settings.calls_per_attempt, jitter=jitter)

    names = _chain_of(settings)
    chain = [one(model) for model in names]
    if allow_offline:
        names.append(OFFLINE_MODEL)
        chain.append(offline)

    def fell_back(failed: int, following: int) -> None:
        if watch:
            watch.fell_back(names[failed], names[following])

    return chain[0] if len(chain) == 1 else FallbackProvider(chain, on_fallback=fell_back)


def models_of(settings: ProviderSettings) -> list[tuple[str, str]]:
    """Whom these settings may ask, in that order: provider and model, the offline generator last."""
    online = [(OPENAI_BY, model) for model in _chain_of(settings)] if settings.openai_api_key.strip() else []
    return [*online, (OFFLINE_BY, OFFLINE_MODEL)]


def _chain_of(settings: ProviderSettings) -> list[str]:
    models = [settings.model, *(name.strip() for name in settings.fallback_models.split(","))]
    return [model for model in dict.fromkeys(models) if model]


def _metered(provider: Provider, watch: ModelMetrics | None, by: str, model: str) -> Provider:
    return MeteredProvider(provider, watch, by=by, model=model) if watch else provider


def _traced(provider: Provider, tracer: Tracer, model: str) -> Provider:
    return provider if tracer is NO_TRACER else TracedProvider(provider, tracer, model=model)


def _gate_policy(settings: ProviderSettings) -> LimiterPolicy:
    return LimiterPolicy(
        requests_per_minute=settings.model_requests_per_minute,
        tokens_per_minute=settings.model_tokens_per_minute,
    )


def _key(settings: ProviderSettings) -> str:
    """Without the line end that came along with it. Raises `InvalidSettings` for what no header could carry."""
    key = settings.openai_api_key.strip()
    if not key.isascii() or not key.isprintable() or " " in key:
        raise InvalidSettings("OPENAI_API_KEY: holds characters that no key has")
    return key


def _host(url: str) -> str:
    """Raises `InvalidSettings` for what no call could be made to."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, None
    if parts is None or not host or parts.scheme not in ("http", "https"):
        raise InvalidSettings("OPENAI_BASE_URL: not a URL that starts with http:// or https://")
    return host
