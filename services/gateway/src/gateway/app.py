"""The application: routers over their services, inside the middleware that every request passes."""

from collections.abc import Iterator
from importlib.metadata import version

from fastapi import FastAPI, Response
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from gateway.http.api_docs import add_docs
from gateway.http.error_handlers import add_error_handlers
from gateway.http.openapi import Document
from gateway.http.openapi_document import describe_api, operations
from gateway.http.routing import DirectRoute, head_router, routes_of
from gateway.routes import ai, chat, collections, events, health, items, me, usage
from gateway.services import Parts, Services
from shared.runtime.http.middleware import KnownResponses, RequestMiddleware

ROUTERS = (
    ai.router,
    collections.router,
    items.router,
    events.router,
    chat.router,
    usage.router,
    me.router,
    health.router,
)
EXPOSED = [
    *(
        "AI-Disclosure",
        "Content-Language",
        "ETag",
        "Idempotent-Replayed",
        "Link",
        "Location",
        "Preference-Applied",
    ),
    *("RateLimit", "RateLimit-Policy", "Retry-After", "Traceresponse", "X-Chat-Id", "X-Request-Id"),
]
ACCEPTED = [
    *("Accept-Language", "Authorization", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match"),
    *("Last-Event-ID", "Prefer", "Traceparent", "X-Request-Id"),
]


def create_app(parts: Parts) -> ASGIApp:
    app = create_api(Services(parts))
    if parts.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=parts.cors_origins,
            allow_methods=["GET", "POST", "PATCH", "DELETE"],
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
        openapi_url=None,
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


def known_responses(document: Document) -> Iterator[KnownResponses]:
    """The series that the request metrics begin with: those of the OpenAPI document."""
    for method, path, operation in operations(document):
        yield method, path, [int(status) for status in operation["responses"]]
