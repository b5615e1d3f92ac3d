"""Whether the process lives, and whether it could answer a question now."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import msgspec
from starlette.requests import Request
from starlette.responses import Response

CHECK_SECONDS = 2.0

Check = Callable[[], Awaitable[object]]
"""Raises when what it checks is away."""


class HealthRoutes:
    def __init__(self, checks: Mapping[str, Check]) -> None:
        self._checks = checks

    async def healthz(self, _: Request) -> Response:
        return _answer({"status": "ok"}, ok=True)

    async def readyz(self, _: Request) -> Response:
        """503 as soon as one store is away; the body says which."""
        states = await asyncio.gather(*(_state_of(check) for check in self._checks.values()))
        return _answer(dict(zip(self._checks, states, strict=True)), ok=set(states) <= {"ok"})


async def _state_of(check: Check) -> str:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await check()
    except Exception:  # noqa: BLE001 - whatever it raises, it is away
        return "away"
    return "ok"


def _answer(body: Mapping[str, str], *, ok: bool) -> Response:
    return Response(msgspec.json.encode(body), status_code=200 if ok else 503, media_type="application/json")
