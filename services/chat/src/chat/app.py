"""The application: routers over their services, inside the middleware that every request passes."""

from collections.abc import Callable, Mapping, Sequence

import structlog
from fastapi import FastAPI, Request, Response
from starlette.types import ASGIApp

from chat.answer_service import AnswerService
from chat.internal_auth import InternalAuth
from chat.metrics import ChatMetrics
from chat.routes import chat
from chat.services import Services
from shared.domain.errors import MethodNotAllowed, NotFound, StudyError, Unexpected
from shared.domain.tracing import NO_TRACER, Tracer
from shared.runtime.http.health import Check, health_router
from shared.runtime.http.middleware import KnownResponses, RequestMiddleware
from shared.runtime.http.problem_details import problem_response_parts
from shared.runtime.observability.metrics.meter import Meter

HEARTBEAT_SECONDS = 15.0
KNOWN_RESPONSES: Sequence[KnownResponses] = (
    ("POST", "/api/chat", (200, 401, 404, 409, 413, 422, 429, 500, 502, 503, 504)),
    ("GET", "/healthz", (200,)),
    ("GET", "/readyz", (200, 503)),
)
"""The series that the request metrics begin with."""

log = structlog.get_logger()


def create_app(
    auth: InternalAuth,
    answers: AnswerService,
    checks: Mapping[str, Check],
    *,
    clock: Callable[[], float],
    meter: Meter,
    tracer: Tracer = NO_TRACER,
    heartbeat_seconds: float = HEARTBEAT_SECONDS,
) -> ASGIApp:
    """Only the gateway calls this service, so it publishes no OpenAPI document."""
    app = FastAPI(
        title="Etude chat",
        openapi_url=None,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # these are our own
    )
    app.state.services = Services(
        auth=auth,
        answers=answers,
        metrics=ChatMetrics(meter),
        clock=clock,
        heartbeat_seconds=heartbeat_seconds,
    )
    app.include_router(chat.router)
    app.include_router(health_router(checks))
    app.add_exception_handler(StudyError, _problem_response)
    app.add_exception_handler(404, lambda request, _: _problem_response(request, NotFound()))
    app.add_exception_handler(405, lambda request, _: _problem_response(request, MethodNotAllowed()))
    app.add_exception_handler(Exception, lambda request, _: _problem_response(request, Unexpected()))
    return RequestMiddleware(app, meter=meter, known=KNOWN_RESPONSES, tracer=tracer)


def _problem_response(request: Request, error: Exception) -> Response:
    assert isinstance(error, StudyError)
    status, headers, body = problem_response_parts(
        error,
        accept_language=request.headers.get("accept-language", ""),
        request_id=request.scope["request_id"],
        instance=request.url.path,
    )
    log.info("chat.refused", code=error.code, status=status)
    return Response(body, status, headers)
