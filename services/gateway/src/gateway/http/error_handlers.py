"""Every error leaves as a problem (RFC 9457) in the reader's language."""

from collections.abc import Callable, Mapping, Sequence

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from gateway.http.dependencies import services_of
from gateway.http.responses import problem_response
from shared.domain.errors import (
    FieldProblem,
    InvalidFields,
    LimitReached,
    MethodNotAllowed,
    NotFound,
    StudyError,
    Unexpected,
)


def add_error_handlers(app: FastAPI, routes: Sequence[APIRoute]) -> None:
    app.add_exception_handler(StudyError, _answer_study_error)
    app.add_exception_handler(RequestValidationError, _answer_invalid_parameters)
    app.add_exception_handler(404, _answer_unknown_path)
    app.add_exception_handler(405, _method_not_allowed_handler(routes))
    app.add_exception_handler(Exception, _answer_unexpected)


async def _answer_study_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, StudyError)
    kind = getattr(request.state, "submission_kind", None)
    if kind is not None:
        services_of(request).metrics.refused(kind, error)
    return problem_response(request, error, await _limit_headers(request, error))


async def _limit_headers(request: Request, error: StudyError) -> Mapping[str, str]:
    """The headers for a caller who has reached a limit: what is left of their plan."""
    caller = getattr(request.state, "caller", None)
    if caller is None or not isinstance(error, LimitReached):
        return {}
    return await services_of(request).allowances.headers_for_refusal(caller)


async def _answer_invalid_parameters(request: Request, error: Exception) -> Response:
    """For parameters that a route declares in its signature; bodies are checked by their decoder."""
    assert isinstance(error, RequestValidationError)
    fields = [
        FieldProblem("/" + "/".join(map(str, one["loc"])), "wrong_format", {"expected": one["msg"]})
        for one in error.errors()
    ]
    return problem_response(request, InvalidFields(*fields))


async def _answer_unknown_path(request: Request, _: Exception) -> Response:
    return problem_response(request, NotFound())


async def _answer_unexpected(request: Request, _: Exception) -> Response:
    return problem_response(request, Unexpected())


def _method_not_allowed_handler(routes: Sequence[APIRoute]) -> Callable[[Request, Exception], Response]:
    """`Allow` names every method of the path: the router knows only those of the first route that it tried."""

    def answer(request: Request, _: Exception) -> Response:
        path: str = request.scope["path"]
        matching = [route for route in routes if route.path_regex.match(path)]
        allowed = [method for route in matching for method in sorted(route.methods or ())] or ["GET"]
        return problem_response(request, MethodNotAllowed(), {"Allow": ", ".join(allowed)})

    return answer
