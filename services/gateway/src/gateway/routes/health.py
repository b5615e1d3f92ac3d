"""Liveness, readiness, and what the codes of problems mean. Anybody may call these."""

from fastapi import APIRouter, Request, Response

from gateway.http import openapi
from gateway.http.dependencies import CurrentServices
from gateway.http.responses import json_response, language_of
from shared.domain.error_messages import MESSAGES
from shared.domain.errors import NotFound, Problem
from shared.runtime.http.health import liveness_response, readiness_response
from shared.runtime.http.problem_details import view_problem

STATE: openapi.Document = {"type": "object", "additionalProperties": {"type": "string"}}
CODE = {
    "name": "code",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "enum": sorted(MESSAGES["en"])},
}

router = APIRouter(tags=["health"])


@router.get(
    "/healthz",
    operation_id="checkLife",
    summary="Whether the process is alive.",
    responses={200: openapi.returns("The process is alive.", STATE), **openapi.public_problems()},
    openapi_extra=openapi.takes(is_public=True),
)
async def check_liveness() -> Response:
    return liveness_response()


@router.get(
    "/readyz",
    operation_id="checkReadiness",
    summary="Whether all dependencies are reachable.",
    responses={
        200: openapi.returns("All dependencies are reachable.", STATE),
        503: openapi.returns("A dependency is unreachable; the body says which.", STATE),
        **openapi.public_problems(),
    },
    openapi_extra=openapi.takes(is_public=True),
)
async def check_readiness(services: CurrentServices) -> Response:
    return await readiness_response(services.checks, warning=services.warning)


@router.get(
    "/problems/{code}",
    operation_id="explainProblem",
    summary="What the code of a problem means.",
    responses={
        200: openapi.returns("The problem.", {"type": "object"}, headers=("Content-Language",)),
        **openapi.public_problems("not_found"),
    },
    openapi_extra=openapi.takes(CODE, is_public=True),
)
async def explain_problem(request: Request) -> Response:
    """What the `type` of a problem leads to."""
    code = request.path_params["code"]
    if code not in MESSAGES["en"]:
        raise NotFound
    language = language_of(request)
    headers = {"Content-Language": language, "Vary": "Accept-Language"}
    return json_response(view_problem(Problem(code), language=language), headers=headers)
