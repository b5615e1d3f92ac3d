"""The application: the routes, over what they use, and errors as problems."""

from collections.abc import Callable, Mapping, Sequence

import structlog
from fastapi import FastAPI, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from chat.answer_service import Answers
from chat.internal_auth import Door
from chat.metrics import ChatMetrics
from chat.routes.chat import HEARTBEAT_SECONDS, PATH, ChatEndpoint
from shared.domain.errors import MethodNotAllowed, NotFound, StudyError, Unexpected
from shared.domain.tracing import NO_TRACER, Tracer
from shared.runtime.http.health import Check, health_router
from shared.runtime.http.middleware import KnownResponses, RequestMiddleware
from shared.runtime.http.problem_details import problem_response_parts
from shared.runtime.observability.metrics.meter import Meter

KNOWN: Sequence[KnownResponses] = (
    ("POST", "/api/chat", (200, 401, 404, 409, 413, 422, 429, 500, 502, 503, 504)),
    ("GET", "/healthz", (200,)),
    ("GET", "/readyz", (200, 503)),
)

log = structlog.get_logger()


def create_app(
    door: Door,
    answers: Answers,
    checks: Mapping[str, Check],
    *,
    clock: Callable[[], float],
    meter: Meter,
    tracer: Tracer = NO_TRACER,
    heartbeat_seconds: float = HEARTBEAT_SECONDS,
) -> ASGIApp:
    """Internal: only the gateway speaks to it, so it describes itself to nobody."""
    app = FastAPI(title="Etude chat", openapi_url=None)
    chat = ChatEndpoint(
        door, answers, clock=clock, watch=ChatMetrics(meter), heartbeat_seconds=heartbeat_seconds
    )
    app.router.routes.append(Route(PATH, chat, methods=["POST"]))
    app.include_router(health_router(checks))
    app.add_exception_handler(StudyError, _say)
    app.add_exception_handler(404, lambda request, _: _say(request, NotFound()))
    app.add_exception_handler(405, lambda request, _: _say(request, MethodNotAllowed()))
    app.add_exception_handler(Exception, _say_broken)
    return RequestMiddleware(app, meter=meter, known=KNOWN, tracer=tracer)


def _say(request: Request, error: Exception) -> Response:
    problem = error if isinstance(error, StudyError) else Unexpected()
    status, headers, body = problem_response_parts(
        problem,
        accept_language=request.headers.get("accept-language", ""),
        request_id=request.scope["request_id"],
        instance=request.url.path,
    )
    log.info("chat.refused", code=problem.code, status=status)
    return Response(body, status, headers)


def _say_broken(request: Request, _: Exception) -> Response:
    return _say(request, Unexpected())
