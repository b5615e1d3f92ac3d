"""Liveness and readiness."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from shared.runtime.http.health import health_router


async def reachable() -> None: ...


async def unreachable() -> None:
    raise ConnectionError("secret")


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("/healthz", 200, {"status": "ok"}),
        ("/readyz", 503, {"status": "away", "redis": "ok", "postgres": "away"}),
    ],
)
async def test_an_unreachable_dependency_ends_readiness_but_not_liveness(
    path: str, status: int, body: dict[str, Any]
):
    app = FastAPI()
    app.include_router(health_router({"redis": reachable, "postgres": unreachable}))

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as client:
        response = await client.get(path)

    assert (response.status_code, response.json()) == (status, body)
    assert response.headers["cache-control"] == "no-store"
