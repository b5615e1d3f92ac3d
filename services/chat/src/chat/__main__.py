"""The composition root of the chat service: opens connections, serves until a signal, settles open answers, closes."""

import asyncio
import os
import time
import uuid
from contextlib import AsyncExitStack, suppress

import structlog
import uvloop

from chat.answer_service import AnswerService, ChatProviders
from chat.app import create_app
from chat.internal_auth import InternalAuth
from chat.settings import ChatSettings
from shared.adapters.llm.model import CHAT
from shared.adapters.llm.token_counter import count_tokens, warm_up
from shared.adapters.postgres.result_store import ResultStore
from shared.adapters.redis.budget_store import BudgetStore
from shared.adapters.redis.connection import call, connect
from shared.adapters.redis.jobs.job_store import JobStore
from shared.domain.budgets import Plan
from shared.domain.llm.provider import Provider
from shared.domain.text.language_detection import load_model
from shared.runtime.config.model_prices import read_prices
from shared.runtime.config.plans import read_plans
from shared.runtime.config.settings import InvalidSettings, read_settings
from shared.runtime.generation.provider_factory import Providers, build_providers, models_of
from shared.runtime.http.connection_guard import ConnectionGuard, ConnectionLimits
from shared.runtime.http.uvicorn_server import serve
from shared.runtime.observability.logging_setup import configure_logs
from shared.runtime.observability.metrics.meter import Meter
from shared.runtime.observability.metrics.model_metrics import ModelMetrics
from shared.runtime.observability.metrics.server import serving_metrics
from shared.runtime.observability.metrics.store_metrics import PoolMetrics, ScriptMetrics
from shared.runtime.observability.tracing_setup import open_tracer

SETTLE_SECONDS = 2
"""Time for interrupted answers to send their error and to settle their tokens."""

log = structlog.get_logger()


def main() -> None:
    try:
        settings = read_settings(ChatSettings, os.environ)  # noqa: TID251 - a composition root
        configure_logs("chat", log_format=settings.log_format, level=settings.log_level)
        uvloop.run(_serve(settings))
    except InvalidSettings as error:
        raise SystemExit(f"chat: {error}") from None


async def _serve(settings: ChatSettings) -> None:
    plans = read_plans(settings.plans_file or None)
    meter = Meter("chat")
    pool = PoolMetrics(meter)
    metrics = ModelMetrics(
        meter,
        models_of(settings, plans),
        read_prices(settings.model_prices),
        kinds=[CHAT],
        is_streaming=True,
    )
    async with AsyncExitStack() as stack:
        tracer = open_tracer(settings, service="chat")
        stack.push_async_callback(tracer.close)
        await stack.enter_async_context(serving_metrics(meter, settings))
        redis = connect(settings.redis_url, name="chat", observe=ScriptMetrics(meter))
        stack.push_async_callback(redis.aclose)
        results = await ResultStore.open(settings.postgres_url, name="chat", observer=pool)
        stack.push_async_callback(results.close)
        pool.track_pool(results)
        providers = build_providers(settings, plans, redis=redis, metrics=metrics, tracer=tracer)
        stack.push_async_callback(providers.close)
        answers = AnswerService(
            JobStore(redis, shards=settings.shards),
            BudgetStore(redis, shards=settings.shards),
            results,
            _chat_providers(providers, settings),
            count=count_tokens,
            clock=time.time,
            new_id=lambda: f"chat_{uuid.uuid4().hex}",
        )
        stack.push_async_callback(_settle, answers)
        auth = InternalAuth(settings.internal_secret, plans)
        checks = {"redis": lambda: call(redis, "PING"), "postgres": results.ping}
        await asyncio.to_thread(warm_up)
        await asyncio.to_thread(load_model)
        await serve(
            create_app(auth, answers, checks, clock=time.time, meter=meter, tracer=tracer),
            ConnectionGuard(ConnectionLimits(), meter),
            host=settings.host,
            port=settings.port,
            stop_seconds=settings.grace_seconds + SETTLE_SECONDS,
            on_ready=lambda: log.info("chat.ready", port=settings.port, pid=os.getpid()),
            on_stop=lambda: _interrupt_later(settings, answers),
        )
    log.info("chat.stopped")


def _chat_providers(providers: Providers, settings: ChatSettings) -> ChatProviders:
    def answering(plan: Plan, model: str) -> Provider:
        return providers.choose(CHAT, plan.models, requested=model, allow_offline=plan.offline_fallback)

    def rewriting(plan: Plan, model: str) -> Provider | None:
        if settings.chat_rewrite_seconds <= 0 or not providers.has_models:
            return None
        return providers.choose(CHAT, plan.models, requested=model, allow_offline=False)

    return ChatProviders(
        answering=answering, rewriting=rewriting, rewrite_seconds=settings.chat_rewrite_seconds
    )


def _interrupt_later(settings: ChatSettings, answers: AnswerService) -> None:
    asyncio.get_running_loop().call_later(settings.grace_seconds, answers.interrupt)


async def _settle(answers: AnswerService) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(SETTLE_SECONDS):
            await answers.all_settled()


if __name__ == "__main__":
    main()
