"""The application: the routes, over what they use, and errors as problems."""

from collections.abc import Callable, Mapping, Sequence

import structlog
from fastapi import FastAPI, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Scope

from chat.answer_service import Answers
from chat.internal_auth import Door
from chat.metrics import ChatMetrics
from chat.routes.chat import HEARTBEAT_SECONDS, PATH, ChatEndpoint
from chat.routes.health import Check, HealthRoutes
from shared.domain.errors import MethodNotAllowed, NotFound, StudyError, Unexpected
from shared.runtime.http.metrics_middleware import Known, MeteredApp
from shared.runtime.http.problem_details import problem_response_parts
from shared.runtime.observability.metrics.meter import Meter

KNOWN: Sequence[Known] = (
    ("POST", "/api/chat", (200, 401, 404, 409, 413, 422, 429, 500, 502, 503, 504)),
    ("GET", "/healthz", (200,)),
    ("GET", "/readyz", (200, 503)),
)
ROUTES = frozenset(route for _, route, _ in KNOWN)

log = structlog.get_logger()


def create_app(
    door: Door,
    answers: Answers,
    checks: Mapping[str, Check],
    *,
    clock: Callable[[], float],
    meter: Meter,
    heartbeat_seconds: float = HEARTBEAT_SECONDS,
) -> ASGIApp:
    """Internal: only the gateway speaks to it, so it describes itself to nobody."""
    app = FastAPI(title="Etude chat", openapi_url=None)
    health = HealthRoutes(checks)
    chat = ChatEndpoint(
        door, answers, clock=clock, watch=ChatMetrics(meter), heartbeat_seconds=heartbeat_seconds
    )
    app.router.routes += [
        Route(PATH, chat, methods=["POST"]),
        Route("/healthz", health.healthz, methods=["GET"]),
        Route("/readyz", health.readyz, methods=["GET"]),
    ]
    app.add_exception_handler(StudyError, _say)
    app.add_exception_handler(404, lambda request, _: _say(request, NotFound()))
    app.add_exception_handler(405, lambda request, _: _say(request, MethodNotAllowed()))
    app.add_exception_handler(Exception, _say_broken)
    return MeteredApp(app, meter, KNOWN, route_of=_route_of)


def _route_of(scope: Scope) -> str:
    return scope["path"] if scope["path"] in ROUTES else ""


def _say(request: Request, error: Exception) -> Response:
    problem = error if isinstance(error, StudyError) else Unexpected()
    status, headers, body = problem_response_parts(
        problem,
        accept_language=request.headers.get("accept-language", ""),
        request_id=request.headers.get("x-request-id", ""),
        instance=request.url.path,
    )
    request_id = request.headers.get("x-request-id", "")
    log.info("chat.refused", code=problem.code, status=status, request_id=request_id)
    return Response(body, status, headers)


def _say_broken(request: Request, error: Exception) -> Response:
    log.error("chat.broke", exc_info=error)
    return _say(request, Unexpected())
