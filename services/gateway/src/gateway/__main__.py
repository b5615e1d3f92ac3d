"""The composition root of the gateway: opens connections, serves until a signal, closes streams and connections."""

import asyncio
import os
import time
from contextlib import AsyncExitStack

import httpx
import structlog
import uvloop
from redis.exceptions import ResponseError

from gateway.app import create_app
from gateway.auth.authenticator import Authenticator, KeySource, read_api_keys
from gateway.auth.signing_keys import LocalKey, PublishedKeys
from gateway.http.chat_proxy import connect_chat
from gateway.metrics import GatewayMetrics
from gateway.services import Parts
from gateway.settings import GatewaySettings
from shared.adapters.llm.token_counter import warm_up
from shared.adapters.postgres.result_store import ResultStore
from shared.adapters.redis.budget_store import BudgetStore
from shared.adapters.redis.client import RedisClient
from shared.adapters.redis.connection import AWAY, call, connect, nodes
from shared.adapters.redis.durability import CONFIRMATIONS, confirms_early, is_confirmed
from shared.adapters.redis.jobs.event_log import EventLog
from shared.adapters.redis.jobs.job_store import JobStore
from shared.adapters.redis.jobs.removal_store import RemovalStore
from shared.domain.errors import StoreUnavailable
from shared.domain.jobs.job_id import RANDOM_BYTES, new_job_id
from shared.domain.jobs.submission import Durability
from shared.runtime.config.plans import read_plans
from shared.runtime.config.settings import InvalidSettings, read_settings
from shared.runtime.http.client_address import read_trusted_proxies
from shared.runtime.http.connection_guard import ConnectionGuard, ConnectionLimits
from shared.runtime.http.uvicorn_server import serve
from shared.runtime.observability.logging_setup import configure_logs
from shared.runtime.observability.metrics.meter import Meter
from shared.runtime.observability.metrics.server import serving_metrics
from shared.runtime.observability.metrics.store_metrics import PoolMetrics, ScriptMetrics
from shared.runtime.observability.tracing_setup import open_tracer

STOP_SECONDS = 8
"""Time for requests under way to finish after a signal. Event streams end at once."""
FETCH_SECONDS = 5.0
"""Timeout of a fetch of signing keys."""
NO_AUDIENCE = "ETUDE_JWT_AUDIENCE is not set: tokens that the issuer made for other services are accepted"

log = structlog.get_logger()


def main() -> None:
    try:
        settings = read_settings(GatewaySettings, os.environ)  # noqa: TID251 - a composition root
        configure_logs("gateway", log_format=settings.log_format, level=settings.log_level)
        uvloop.run(_serve(settings))
    except InvalidSettings as error:
        raise SystemExit(f"gateway: {error}") from None


async def _serve(settings: GatewaySettings) -> None:
    async with AsyncExitStack() as stack:
        meter = Meter("gateway")
        await stack.enter_async_context(serving_metrics(meter, settings))
        parts, redis = await _open(settings, meter, stack)
        await asyncio.to_thread(warm_up)
        await _warn_of_unsafe_settings(redis)
        await _check_durability(redis, settings.accept_durability)
        async with asyncio.TaskGroup() as group:
            event_reader = group.create_task(parts.events.run())
            await serve(
                create_app(parts),
                _guard(settings, parts),
                host=settings.host,
                port=settings.port,
                stop_seconds=STOP_SECONDS,
                on_ready=lambda: _report_ready(settings, parts),
                on_stop=parts.closing.set,
            )
            event_reader.cancel()
    log.info("gateway.stopped")


def _guard(settings: GatewaySettings, parts: Parts) -> ConnectionGuard:
    limits = ConnectionLimits(
        connections=settings.max_connections, per_address=settings.max_connections_per_address
    )
    return ConnectionGuard(limits, parts.meter, parts.trusted_proxies)


async def _open(settings: GatewaySettings, meter: Meter, stack: AsyncExitStack) -> tuple[Parts, RedisClient]:
    """Open the parts of the gateway, dependencies first; `stack` closes them in reverse."""
    tracer = open_tracer(settings, service="gateway")
    stack.push_async_callback(tracer.close)
    plans = read_plans(settings.plans_file or None)
    metrics, pool = GatewayMetrics(meter, plans), PoolMetrics(meter)
    http = await stack.enter_async_context(httpx.AsyncClient(timeout=FETCH_SECONDS))
    authenticator = Authenticator(
        _key_source(settings, http),
        read_api_keys(settings.api_keys),
        plans,
        issuer=settings.jwt_issuer,
        audience=settings.jwt_audience,
        clock=time.time,
        on_failure=metrics.authentication_failed,
    )
    redis = connect(settings.redis_url, name="gateway", observe=ScriptMetrics(meter))
    stack.push_async_callback(redis.aclose)
    results = await ResultStore.open(settings.postgres_url, name="gateway", observer=pool)
    stack.push_async_callback(results.close)
    pool.track_pool(results)
    parts = Parts(
        authenticator=authenticator,
        store=JobStore(redis, shards=settings.shards, durability=settings.accept_durability),
        budgets=BudgetStore(redis, shards=settings.shards),
        events=EventLog(redis, shards=settings.shards),
        removals=RemovalStore(redis, shards=settings.shards),
        results=results,
        chat=await stack.enter_async_context(connect_chat(settings.chat_url)),
        checks={"redis": lambda: call(redis, "PING"), "postgres": results.ping},
        warning=_warning_of(settings),
        clock=time.time,
        monotonic=time.monotonic,
        new_id=lambda now: new_job_id(int(now * 1000), os.urandom(RANDOM_BYTES)),
        new_request_id=lambda: os.urandom(12).hex(),
        closing=asyncio.Event(),
        internal_secret=settings.internal_secret,
        tracer=tracer,
        heartbeat_seconds=settings.heartbeat_seconds,
        max_event_streams=settings.max_event_streams,
        meter=meter,
        metrics=metrics,
        trusted_proxies=read_trusted_proxies(settings.trusted_proxies),
        cors_origins=[origin.strip() for origin in settings.cors_origins.split(",") if origin.strip()],
    )
    return parts, redis


def _key_source(settings: GatewaySettings, http: httpx.AsyncClient) -> KeySource | None:
    if settings.jwt_public_key:
        return LocalKey(settings.jwt_public_key)
    if settings.jwks_url:
        return PublishedKeys(settings.jwks_url, http, monotonic=time.monotonic)
    if settings.api_keys:
        return None
    raise InvalidSettings("one of ETUDE_JWT_PUBLIC_KEY, ETUDE_JWKS_URL and ETUDE_API_KEYS must be set")


def _report_ready(settings: GatewaySettings, parts: Parts) -> None:
    log.info("gateway.ready", port=settings.port, pid=os.getpid())
    if parts.warning:
        log.warning("auth.audience_not_set")


def _warning_of(settings: GatewaySettings) -> str:
    has_tokens = settings.jwt_public_key or settings.jwks_url
    return NO_AUDIENCE if has_tokens and not settings.jwt_audience else ""


async def _warn_of_unsafe_settings(redis: RedisClient) -> None:
    """Warn if Redis can lose accepted jobs, because it does not persist or because it evicts keys."""
    for name, expected in (("appendonly", "yes"), ("maxmemory-policy", "noeviction")):
        try:
            _, value = await call(redis, "CONFIG", "GET", name)
        except (StoreUnavailable, ValueError):
            continue
        if value.decode() != expected:
            log.warning("redis.unsafe_setting", name=name, expected=expected)


async def _check_durability(redis: RedisClient, durability: Durability) -> None:
    """Raises `InvalidSettings` if Redis cannot confirm `durability`. An unreachable Redis is left to the submits."""
    *confirmation, _ = CONFIRMATIONS[durability] or (None,)
    if not confirmation:
        return
    try:
        found = await nodes(redis)
        replies = [await call(node, *confirmation, 1) for node in found]
        if durability is Durability.AOF and any([await _confirms_early(node) for node in found]):
            raise InvalidSettings(
                "ETUDE_ACCEPT_DURABILITY: aof needs appendfsync always here: Valkey and Redis 7.4 confirm too early"
            )
    except ResponseError:
        raise InvalidSettings(
            f"ETUDE_ACCEPT_DURABILITY: {durability} needs WAITAOF (Redis 7.2 or newer, Valkey) and appendonly yes"
        ) from None
    except (StoreUnavailable, *AWAY):
        return
    if not all(map(is_confirmed, replies)):
        log.warning("redis.durability_unconfirmed", durability=durability)


async def _confirms_early(redis: RedisClient) -> bool:
    _, appendfsync = await call(redis, "CONFIG", "GET", "appendfsync")
    return confirms_early(await call(redis, "INFO", "server"), appendfsync.decode())


if __name__ == "__main__":
    main()
