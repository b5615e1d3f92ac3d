"""Whether the process lives, whether it could accept a job now, and what its problems mean."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

import structlog
from starlette.requests import Request
from starlette.types import ASGIApp

from gateway.http import openapi
from gateway.http.endpoint import PublicEndpoint
from gateway.http.responses import answer_json, language_of
from shared.domain.error_messages import MESSAGES
from shared.domain.errors import NotFound, Problem
from shared.runtime.http.problem_details import view_problem

CHECK_SECONDS = 2.0
NO_STORE = {"Cache-Control": "no-store"}

Check = Callable[[], Awaitable[object]]
"""Raises when what it checks is away."""

log = structlog.get_logger()


class HealthRoutes:
    def __init__(self, checks: Mapping[str, Check]) -> None:
        self._checks = checks

    async def live(self, request: Request) -> ASGIApp:
        return answer_json({"status": "ok"}, headers=NO_STORE)

    async def ready(self, request: Request) -> ASGIApp:
        """503 as soon as one store is away; the body says which."""
        states = await asyncio.gather(*(_state_of(check) for check in self._checks.values()))
        is_ready = set(states) <= {"ok"}
        body = {"status": "ok" if is_ready else "away", **dict(zip(self._checks, states, strict=True))}
        return answer_json(body, status=200 if is_ready else 503, headers=NO_STORE)

    async def explain(self, request: Request) -> ASGIApp:
        """What the `type` of a problem leads to."""
        code = request.path_params["code"]
        if code not in MESSAGES["en"]:
            raise NotFound
        language = language_of(request)
        headers = {"Content-Language": language, "Vary": "Accept-Language"}
        return answer_json(view_problem(Problem(code), language=language), headers=headers)

    def endpoints(self) -> Sequence[PublicEndpoint]:
        return [
            PublicEndpoint("GET", "/healthz", self.live, LIVE),
            PublicEndpoint("GET", "/readyz", self.ready, READY),
            PublicEndpoint("GET", "/problems/{code}", self.explain, EXPLAIN),
        ]


async def _state_of(check: Check) -> str:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await check()
    except Exception as error:  # noqa: BLE001 - whatever it raises, it is away
        log.warning("health.away", error_type=type(error).__name__)
        return "away"
    return "ok"


_STATE: openapi.Document = {"type": "object", "additionalProperties": {"type": "string"}}
LIVE = openapi.operation(
    "checkLife",
    "Whether the process answers.",
    tag="health",
    is_public=True,
    answers={200: openapi.answer("It does.", _STATE)},
)
READY = openapi.operation(
    "checkReadiness",
    "Whether what it needs is there.",
    tag="health",
    is_public=True,
    answers={200: openapi.answer("It is.", _STATE), 503: openapi.answer("Something is away.", _STATE)},
)
EXPLAIN = openapi.operation(
    "explainProblem",
    "What a code of a problem means.",
    tag="health",
    is_public=True,
    parameters=[
        {
            "name": "code",
            "in": "path",
            "required": True,
            "schema": {"type": "string", "enum": sorted(MESSAGES["en"])},
        }
    ],
    answers={
        200: openapi.answer("The problem.", {"type": "object"}, headers=("Content-Language",)),
    },
    problems=("not_found",),
)
