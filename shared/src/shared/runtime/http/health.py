"""Liveness and readiness, as every service reports them."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog
from fastapi import APIRouter
from starlette.responses import JSONResponse

CHECK_SECONDS = 2.0
NO_STORE = {"Cache-Control": "no-store"}
OK, AWAY = "ok", "away"

Check = Callable[[], Awaitable[object]]
"""Raises when the dependency that it checks is unreachable."""

log = structlog.get_logger()


def health_router(checks: Mapping[str, Check]) -> APIRouter:
    """`/healthz`: the process is alive. `/readyz`: all dependencies are reachable."""
    router = APIRouter(tags=["health"])

    @router.get("/healthz")
    async def check_liveness() -> JSONResponse:
        return liveness_response()

    @router.get("/readyz")
    async def check_readiness() -> JSONResponse:
        return await readiness_response(checks)

    _ = check_liveness, check_readiness  # the router holds them
    return router


def liveness_response() -> JSONResponse:
    return JSONResponse({"status": OK}, headers=NO_STORE)


async def readiness_response(checks: Mapping[str, Check], *, warning: str = "") -> JSONResponse:
    """503 as soon as one dependency is unreachable; the body says which. A warning does not end readiness."""
    states = await asyncio.gather(*(_state_of(name, check) for name, check in checks.items()))
    is_ready = set(states) <= {OK}
    body = {"status": OK if is_ready else AWAY, **dict(zip(checks, states, strict=True))}
    if warning:
        body["warning"] = warning
    return JSONResponse(body, 200 if is_ready else 503, NO_STORE)


async def _state_of(name: str, check: Check) -> str:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await check()
    except Exception as error:  # noqa: BLE001 - any failure means unreachable
        log.warning("health.dependency_unreachable", name=name, error_type=type(error).__name__)
        return AWAY
    return OK
