"""The application: the API's calls over what they use, behind one edge."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib.metadata import version

import httpx
from fastapi import FastAPI
from msgspec import Struct
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, compile_path
from starlette.types import ASGIApp, Scope

from gateway.auth.authenticator import Authenticator
from gateway.documents.text_extraction import DocumentReader
from gateway.http.endpoint import Door, Endpoint, PublicDoor, PublicEndpoint
from gateway.http.event_streams import Listening
from gateway.http.middleware import Edge
from gateway.http.openapi import Document, describe_api
from gateway.http.responses import answer_problem
from gateway.jobs.job_queries import Jobs
from gateway.jobs.job_submission import Submitter
from gateway.metrics import GatewayMetrics
from gateway.routes.ai import AiRoutes
from gateway.routes.chat import ChatRoutes
from gateway.routes.collections import CollectionRoutes
from gateway.routes.events import EventRoutes
from gateway.routes.health import Check, HealthRoutes
from gateway.routes.usage import UsageRoutes
from shared.adapters.postgres.result_store import ResultStore
from shared.adapters.redis.budget_store import BudgetStore
from shared.adapters.redis.event_log import EventLog
from shared.adapters.redis.job_store import JobStore
from shared.domain.errors import MethodNotAllowed, NotFound, Unexpected
from shared.domain.jobs.job import JobId
from shared.domain.tracing import NO_TRACER, Tracer
from shared.runtime.http.metrics_middleware import Known, MeteredApp
from shared.runtime.http.tracing_middleware import traced
from shared.runtime.observability.metrics.meter import Meter

EXPOSED = [
    *("Content-Language", "ETag", "Idempotent-Replayed", "Link", "Location", "Preference-Applied"),
    *("RateLimit", "RateLimit-Policy", "Retry-After", "Traceresponse", "X-Chat-Id", "X-Request-Id"),
]
ACCEPTED = [
    *("Accept-Language", "Authorization", "Content-Type", "Idempotency-Key", "If-None-Match"),
    *("Last-Event-ID", "Prefer", "Traceparent", "X-Request-Id"),
]


class Parts(Struct, frozen=True, kw_only=True):
    """What the application is made of. Built by the composition root, and by tests."""

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
    """Set when the process stops: event streams end, and their listeners resume elsewhere."""
    internal_secret: str
    meter: Meter
    watch: GatewayMetrics
    tracer: Tracer = NO_TRACER
    heartbeat_seconds: float = 15.0
    cors_origins: Sequence[str] = ()


def create_app(parts: Parts) -> ASGIApp:
    usage = UsageRoutes(parts.budgets, clock=parts.clock)
    private = list_endpoints(parts, usage)
    public = HealthRoutes(parts.checks).endpoints()
    document = describe([*private, *public])
    app = FastAPI(
        title="Etude", openapi_url="/openapi.json", docs_url=None, redoc_url=None, redirect_slashes=False
    )
    app.openapi = lambda: document
    app.router.routes += [
        *(_route(one, Door(one, parts.authenticator, usage.whats_left, parts.watch)) for one in private),
        *(_route(one, PublicDoor(one)) for one in public),
    ]
    app.add_exception_handler(404, _answer_unknown)
    app.add_exception_handler(Exception, _answer_broken)
    app.add_exception_handler(405, _answer_other_method([*private, *public]))
    if parts.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=parts.cors_origins,
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=ACCEPTED,
            expose_headers=EXPOSED,
        )
    edge = Edge(app, new_request_id=parts.new_request_id, monotonic=parts.monotonic)
    metered = MeteredApp(edge, parts.meter, known_answers([*private, *public]), route_of=route_template)
    return traced(metered, parts.tracer)


def known_answers(endpoints: Iterable[Endpoint | PublicEndpoint]) -> Iterator[Known]:
    """As the description of the API has them."""
    for one in endpoints:
        yield one.method, one.path, [int(status) for status in one.description["responses"]]


def route_template(scope: Scope) -> str:
    return scope.get("route_template", "")


def list_endpoints(parts: Parts, usage: UsageRoutes) -> list[Endpoint]:
    """Every call that needs a caller."""
    jobs = Jobs(parts.store, parts.results)
    listening = Listening(
        parts.events,
        heartbeat_seconds=parts.heartbeat_seconds,
        closing=parts.closing,
        watch=parts.watch,
    )
    submitter = Submitter(
        parts.store,
        parts.events,
        jobs,
        clock=parts.clock,
        new_id=parts.new_id,
        closing=parts.closing,
        watch=parts.watch,
        tracer=parts.tracer,
    )
    return [
        *AiRoutes(jobs, submitter, listening).endpoints(),
        *CollectionRoutes(jobs, submitter, listening, DocumentReader()).endpoints(),
        *EventRoutes(listening, check_redis=parts.checks["redis"]).endpoints(),
        *ChatRoutes(parts.chat, secret=parts.internal_secret, tracer=parts.tracer).endpoints(),
        *usage.endpoints(),
    ]


def _route(endpoint: Endpoint | PublicEndpoint, door: ASGIApp) -> Route:
    return Route(endpoint.path, door, methods=[endpoint.method])


def describe(endpoints: Sequence[Endpoint | PublicEndpoint]) -> Document:
    paths: dict[str, dict[str, Document]] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = endpoint.description
    return describe_api(paths, version=version("gateway"))


def _answer_unknown(request: Request, _: Exception) -> Response:
    return answer_problem(request, NotFound())


def _answer_broken(request: Request, _: Exception) -> Response:
    return answer_problem(request, Unexpected())


def _answer_other_method(
    endpoints: Sequence[Endpoint | PublicEndpoint],
) -> Callable[[Request, Exception], Response]:
    """Names every method of the path: the router knows only those of the first route that it tried."""
    patterns = [(compile_path(endpoint.path)[0], endpoint.method) for endpoint in endpoints]

    def answer(request: Request, _: Exception) -> Response:
        path: str = request.scope["path"]
        allowed = [method for pattern, method in patterns if pattern.match(path)] or ["GET"]
        return answer_problem(request, MethodNotAllowed(), {"Allow": ", ".join(allowed)})

    return answer
