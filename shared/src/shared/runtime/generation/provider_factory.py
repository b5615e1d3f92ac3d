"""Builds the providers of a process: with a key, the models of an OpenAI-compatible server; without one, the offline generator."""

import random
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import field
from msgspec.structs import replace

from shared.adapters.llm.fallback_provider import FallbackProvider
from shared.adapters.llm.model import CallHook, Model
from shared.adapters.llm.openai.background.background_responses import BackgroundResponses
from shared.adapters.llm.openai.client import connect
from shared.adapters.llm.openai.ladder.abilities import (
    COMPATIBLE,
    OPENAI,
    Abilities,
    InvalidFeatures,
    parse_features,
)
from shared.adapters.llm.openai.ladder.learned_abilities import LearnedAbilities
from shared.adapters.llm.openai.provider import GENERATED_BY as OPENAI_BY
from shared.adapters.llm.openai.provider import TIMEOUT_SECONDS, OpenAIProvider
from shared.adapters.llm.rate_limit_hook import RateLimitHook
from shared.adapters.llm.span_hook import span_hook
from shared.adapters.offline.provider import GENERATED_BY as OFFLINE_BY
from shared.adapters.offline.provider import MODEL as OFFLINE_MODEL
from shared.adapters.offline.provider import OfflineProvider
from shared.adapters.redis.client import RedisClient
from shared.adapters.redis.models.ability_store import RedisAbilityStore
from shared.adapters.redis.models.provider_limiter import LimiterPolicy, ProviderLimiter
from shared.domain.budgets import Plan
from shared.domain.llm.model_choice import ModelChains, PlanModels, choose_chain
from shared.domain.llm.provider import Provider
from shared.domain.tracing import NO_TRACER, Tracer
from shared.runtime.config.model_prices import PRICE_LIST
from shared.runtime.config.settings import CommonSettings, InvalidSettings, variable
from shared.runtime.observability.metrics.model_metrics import ModelMetrics

OPENAI_HOST = "api.openai.com"
NO_PLAN = PlanModels()
NO_PLANS: Mapping[str, Plan] = {}


class ProviderSettings(CommonSettings, frozen=True, kw_only=True, rename=variable):
    """Settings of a process that generates text."""

    openai_api_key: str = field(name="OPENAI_API_KEY", default="")
    """Key of the provider's account. Without a key the offline generator is used."""
    openai_base_url: str = field(name="OPENAI_BASE_URL", default=f"https://{OPENAI_HOST}/v1")
    """Base URL of any server that speaks Chat Completions."""
    model: str = PRICE_LIST.default_model
    """Name of the model that is called first."""
    fallback_models: str = ""
    """Models that are called in turn when the first is busy or unavailable, separated by commas."""
    models: str = ""
    """JSON object from a use (`chat`, or a kind such as `quiz`) to the list of models that are called in turn for it:
    `{"chat": ["a", "b"], "quiz": ["b"]}`. Other uses have the two settings above; a plan's own `models` come first."""
    reasoning_effort: str = ""
    """`none`, `low` and so on, for models that reason at length by default; reasoning tokens are paid for and count against
    the completion budget. When it is empty, the model decides."""
    model_features: str = ""
    """What the server accepts, where it shall not be learned: `structured_output=json_object, limit_field=max_tokens,
    without=stream_options`. Features that are not named are learned from the server's refusals."""
    model_window: int = 0
    """Tokens of prompt and completion together that the models read; 0 means that it is learned from refusals."""
    model_background: Literal["off", "on"] = "off"
    """`on`: calls for jobs are made as background responses (`POST /v1/responses` with `background` and `store`), so that a
    call in flight outlives its worker. The server then stores prompt and completion for a time. Where it has no such responses,
    Chat Completions are used."""
    provider_timeout_seconds: float = TIMEOUT_SECONDS
    """Timeout of one call, in seconds."""
    model_requests_per_minute: int = 0
    """Requests per minute that the account allows for each model, shared by the fleet. With 0 the limit is unknown, and the
    limiter reacts only to the provider's responses."""
    model_tokens_per_minute: int = 0
    """Tokens per minute that the account allows for each model, shared by the fleet; 0 means unknown."""
    model_prices: str = ""
    """JSON object from model to `{"input": …, "output": …, "cached_input": …}`, in US dollars per million tokens. It
    overrides the price list that is shipped; `etude_llm_cost_usd_total` is computed from both."""
    calls_per_attempt: int = 1
    """Calls made within one attempt, at most 3 s apart, when a call fails temporarily. Multiplied by the attempts of a job
    it bounds the calls of one step to one model."""

    def __repr__(self) -> str:
        """Leaves the key out, so that no log can print it."""
        return f"{type(self).__name__}(model={self.model!r}, has_key={bool(self.openai_api_key)})"


class Providers:
    """The models of one process, over one client with its connections, and the offline generator."""

    def __init__(
        self, models: Mapping[str, Model], offline: Model, chains: ModelChains, metrics: ModelMetrics
    ) -> None:
        """`models` are those that may be asked, by name; without one, the offline generator answers everything."""
        self._models = models
        self._offline = offline
        self._chains = chains
        self._metrics = metrics

    def choose(
        self, use: str = "", plan: PlanModels = NO_PLAN, *, requested: str = "", allow_offline: bool
    ) -> Provider:
        """The provider for a kind of job or a chat. `requested` is the model that the request names, which counts if the plan
        allows it. With `allow_offline` the offline generator answers when no model can."""
        names = choose_chain(use, plan, self._chains, requested=requested)
        models = [self._models[name] for name in names if name in self._models]
        return _build_chain(
            [*models, self._offline] if allow_offline or not models else models, self._metrics
        )

    @property
    def has_models(self) -> bool:
        """Whether there is a model beside the offline generator."""
        return bool(self._models)

    @property
    def strict(self) -> Provider:
        """The provider of the settings alone, which fails when no model can answer."""
        return self.choose(allow_offline=False)

    @property
    def lenient(self) -> Provider:
        """The same, with the offline generator for when no model can answer."""
        return self.choose(allow_offline=True)

    async def close(self) -> None:
        for model in (*self._models.values(), self._offline):
            await model.close()


def build_providers(
    settings: ProviderSettings,
    plans: Mapping[str, Plan] = NO_PLANS,
    *,
    metrics: ModelMetrics,
    redis: RedisClient | None = None,
    tracer: Tracer = NO_TRACER,
    jitter: Callable[[], float] = random.random,
) -> Providers:
    """Build the providers that these settings and plans choose. The caller closes them.

    With `redis` every call passes the fleet's rate limiter, which has a gate for each model. `metrics` must have been made for
    `models_of(settings, plans)`. Raises `InvalidSettings`."""
    offline = Model(
        OfflineProvider(),
        name=OFFLINE_MODEL,
        provider_name=OFFLINE_BY,
        hooks=_hooks(metrics, tracer),
    )
    key = _key(settings)
    names = _names_of(settings, plans) if key else []
    models = _build_models(names, settings, key, redis, metrics, tracer, jitter) if key else []
    return Providers({model.name: model for model in models}, offline, _chains_of(settings), metrics)


def _build_models(
    names: Sequence[str],
    settings: ProviderSettings,
    key: str,
    redis: RedisClient | None,
    metrics: ModelMetrics,
    tracer: Tracer,
    jitter: Callable[[], float],
) -> list[Model]:
    ability_settings = _ability_settings(settings)
    is_openai = _host(settings.openai_base_url) == OPENAI_HOST
    client = connect(key, base_url=settings.openai_base_url)
    policy = LimiterPolicy(
        requests_per_minute=settings.model_requests_per_minute,
        tokens_per_minute=settings.model_tokens_per_minute,
    )

    def build(name: str) -> Model:
        provider = OpenAIProvider(
            client,
            model=name,
            timeout_seconds=settings.provider_timeout_seconds,
            reasoning_effort=settings.reasoning_effort,
            learned=LearnedAbilities(
                OPENAI if is_openai else COMPATIBLE,
                model=name,
                is_known=is_openai,
                settings=ability_settings,
                store=_ability_store(redis, settings, name),
                on_change=partial(_show_abilities, settings, metrics, name),
            ),
            names_refusals=is_openai,
            background=_background(settings, name, metrics),
            on_rejected=partial(metrics.rejected, name),
            on_usage_corrected=partial(metrics.usage_corrected, name),
        )
        hooks = _hooks(metrics, tracer)
        if redis is not None:
            limiter = ProviderLimiter(redis, name, policy)
            rate_limit = RateLimitHook(limiter, model=name, on_circuit=partial(metrics.circuit, name))
            hooks = [rate_limit, *hooks]
        return Model(
            provider,
            name=name,
            provider_name=OPENAI_BY,
            hooks=hooks,
            calls_per_attempt=settings.calls_per_attempt,
            jitter=jitter,
        )

    return [build(name) for name in names]


def _show_abilities(
    settings: ProviderSettings, metrics: ModelMetrics, model: str, abilities: Abilities
) -> None:
    """What the server is known to have is used only where it is set on."""
    is_on = abilities.background and settings.model_background == "on"
    metrics.abilities(model, replace(abilities, background=is_on))


def _background(settings: ProviderSettings, model: str, metrics: ModelMetrics) -> BackgroundResponses | None:
    if settings.model_background == "off":
        return None
    return BackgroundResponses(model=model, on_use=partial(metrics.response_used, model))


def _ability_store(
    redis: RedisClient | None, settings: ProviderSettings, model: str
) -> RedisAbilityStore | None:
    return RedisAbilityStore(redis, base_url=settings.openai_base_url, model=model) if redis else None


def _hooks(metrics: ModelMetrics, tracer: Tracer) -> list[CallHook]:
    return [metrics.measure] if tracer is NO_TRACER else [span_hook(tracer), metrics.measure]


def _build_chain(models: Sequence[Model], metrics: ModelMetrics) -> Provider:
    def count_fallback(failed: int, following: int) -> None:
        metrics.fell_back(models[failed].name, models[following].name)

    return models[0] if len(models) == 1 else FallbackProvider(models, on_fallback=count_fallback)


def models_of(settings: ProviderSettings, plans: Mapping[str, Plan] = NO_PLANS) -> list[tuple[str, str]]:
    """The models that may be asked, as provider and name: first those of the settings' default chain, in that order, and last
    the offline generator. Raises `InvalidSettings`."""
    has_key = bool(settings.openai_api_key.strip())
    online = [(OPENAI_BY, model) for model in _names_of(settings, plans)] if has_key else []
    return [*online, (OFFLINE_BY, OFFLINE_MODEL)]


def _names_of(settings: ProviderSettings, plans: Mapping[str, Plan]) -> list[str]:
    by_plan = [name for plan in plans.values() for name in plan.models.names]
    return list(dict.fromkeys([*_chains_of(settings).names, *by_plan]))


def _chains_of(settings: ProviderSettings) -> ModelChains:
    """The chains of `ETUDE_MODELS`, with those of `ETUDE_MODEL` and `ETUDE_FALLBACK_MODELS` for all other uses."""
    try:
        chains = msgspec.json.decode(settings.models or "{}", type=ModelChains)
    except msgspec.DecodeError as error:
        raise InvalidSettings(f"ETUDE_MODELS: {error}") from None
    names = [settings.model, *(name.strip() for name in settings.fallback_models.split(","))]
    return replace(chains, default=chains.default or tuple(name for name in dict.fromkeys(names) if name))


def _ability_settings(settings: ProviderSettings) -> dict[str, Any]:
    """The fields of `Abilities` that an operator has set. Raises `InvalidSettings`."""
    try:
        fields = parse_features(settings.model_features)
    except InvalidFeatures as error:
        raise InvalidSettings(f"ETUDE_MODEL_FEATURES: {error}") from None
    return fields | ({"window": settings.model_window} if settings.model_window else {})


def _key(settings: ProviderSettings) -> str:
    """The key without surrounding blanks. Raises `InvalidSettings` if no header could carry it."""
    key = settings.openai_api_key.strip()
    if not key.isascii() or not key.isprintable() or " " in key:
        raise InvalidSettings("OPENAI_API_KEY: holds characters that no key has")
    return key


def _host(url: str) -> str:
    """The host of a base URL. Raises `InvalidSettings` if no call can be made to it."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, None
    if parts is None or not host or parts.scheme not in ("http", "https"):
        raise InvalidSettings("OPENAI_BASE_URL: not a URL that starts with http:// or https://")
    return host
