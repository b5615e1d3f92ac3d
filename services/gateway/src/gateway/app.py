"""The application: routers over their services, inside the middleware that every request passes."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.metadata import version

import httpx
from fastapi import FastAPI, Response
from msgspec import Struct
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from gateway.auth.authenticator import Authenticator
from gateway.documents.text_extraction import DocumentReader
from gateway.http.api_docs import add_docs
from gateway.http.chat_proxy import ChatProxy
from gateway.http.error_handlers import add_error_handlers
from gateway.http.event_streams import EventStreams
from gateway.http.openapi import Document
from gateway.http.openapi_document import describe_api, operations
from gateway.http.routing import DirectRoute, head_router, routes_of
from gateway.jobs.allowances import Allowances
from gateway.jobs.job_queries import JobQueries
from gateway.jobs.job_submission import JobSubmitter
from gateway.metrics import GatewayMetrics
from gateway.routes import ai, chat, collections, events, health, usage
from gateway.services import Services
from shared.adapters.postgres.result_store import ResultStore
from shared.adapters.redis.budget_store import BudgetStore
from shared.adapters.redis.event_log import EventLog
from shared.adapters.redis.job_store import JobStore
from shared.domain.jobs.job import JobId
from shared.domain.tracing import NO_TRACER, Tracer
from shared.runtime.http.health import Check
from shared.runtime.http.middleware import KnownResponses, RequestMiddleware
from shared.runtime.observability.metrics.meter import Meter

ROUTERS = (ai.router, collections.router, events.router, chat.router, usage.router, health.router)
EXPOSED = [
    *("Content-Language", "ETag", "Idempotent-Replayed", "Link", "Location", "Preference-Applied"),
    *("RateLimit", "RateLimit-Policy", "Retry-After", "Traceresponse", "X-Chat-Id", "X-Request-Id"),
]
ACCEPTED = [
    *("Accept-Language", "Authorization", "Content-Type", "Idempotency-Key", "If-None-Match"),
    *("Last-Event-ID", "Prefer", "Traceparent", "X-Request-Id"),
]


class Parts(Struct, frozen=True, kw_only=True):
    """What the application is made of. The composition root builds it, and so do tests."""

    authenticator: Authenticator
    store: JobStore
    budgets: BudgetStore
    events: EventLog
    results: ResultStore
    chat: httpx.AsyncClient
    checks: Mapping[str, Check]
    clock: Callable[[], float]
    """Unix seconds."""
    monotonic: Callable[[], float]
    new_id: Callable[[float], JobId]
    new_request_id: Callable[[], str]
    closing: asyncio.Event
    """Set when the process stops: event streams end, and their clients resume elsewhere."""
    internal_secret: str
    meter: Meter
    metrics: GatewayMetrics
    tracer: Tracer = NO_TRACER
    heartbeat_seconds: float = 15.0
    cors_origins: Sequence[str] = ()


def create_app(parts: Parts) -> ASGIApp:
    app = create_api(build_services(parts))
    if parts.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=parts.cors_origins,
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=ACCEPTED,
            expose_headers=EXPOSED,
        )
    return RequestMiddleware(
        app,
        meter=parts.meter,
        known=known_responses(app.openapi()),
        tracer=parts.tracer,
        new_request_id=parts.new_request_id,
        monotonic=parts.monotonic,
    )


def create_api(services: Services) -> FastAPI:
    """The routes with their errors and their description, without the middleware."""
    app = FastAPI(
        title="Etude",
        version=version("gateway"),
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        default_response_class=Response,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # these are our own
    )
    app.state.services = services
    routes = routes_of(ROUTERS)
    app.router.routes.append(DirectRoute("/api/ai", ai.submit_job, methods=["POST"]))  # before its router
    for router in (*ROUTERS, head_router(routes)):
        app.include_router(router)
    add_error_handlers(app, routes)
    document = describe_api(app)
    app.openapi = lambda: document
    add_docs(app)
    return app


def build_services(parts: Parts) -> Services:
    jobs = JobQueries(parts.store, parts.results)
    submitter = JobSubmitter(
        parts.store,
        parts.events,
        jobs,
        clock=parts.clock,
        new_id=parts.new_id,
        closing=parts.closing,
        metrics=parts.metrics,
        tracer=parts.tracer,
    )
    streams = EventStreams(
        parts.events,
        heartbeat_seconds=parts.heartbeat_seconds,
        closing=parts.closing,
        metrics=parts.metrics,
    )
    return Services(
        authenticator=parts.authenticator,
        jobs=jobs,
        submitter=submitter,
        event_streams=streams,
        documents=DocumentReader(),
        allowances=Allowances(parts.budgets, clock=parts.clock),
        chat=ChatProxy(parts.chat, secret=parts.internal_secret, tracer=parts.tracer),
        checks=parts.checks,
        metrics=parts.metrics,
    )


def known_responses(document: Document) -> Iterator[KnownResponses]:
    """The series that the request metrics begin with: those of the OpenAPI document."""
    for method, path, operation in operations(document):
        yield method, path, [int(status) for status in operation["responses"]]
