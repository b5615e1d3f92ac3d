"""The middleware that every request of every service passes."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.responses import Response, StreamingResponse
from structlog.testing import capture_logs

from shared.runtime.http.middleware import RequestMiddleware
from shared.runtime.observability.metrics.meter import Meter

COUNT = "http_server_request_duration_seconds_count"


def make_client(app: Any, meter: Meter) -> httpx.AsyncClient:
    middleware = RequestMiddleware(
        app, meter=meter, known=[("GET", "/notes/{id}", [200])], new_request_id=lambda: "made"
    )
    transport = httpx.ASGITransport(app=middleware, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://service")


def make_app() -> FastAPI:
    app = FastAPI()

    @app.get("/notes/{note}")
    async def read_note(note: str) -> Response:
        return Response(headers={"content-security-policy": "default-src 'self'"})

    @app.get("/broken")
    async def break_off() -> Response:
        return StreamingResponse(interrupted(), media_type="text/plain")

    _ = read_note, break_off  # the application holds them
    return app


async def interrupted() -> AsyncIterator[bytes]:
    yield b"half"
    raise RuntimeError("secret")


@pytest.mark.parametrize(("given", "kept"), [("r-1", "r-1"), ("no spaces", "made"), ("", "made")])
async def test_a_well_formed_request_id_is_kept(given: str, kept: str):
    async with make_client(make_app(), Meter("tests")) as client:
        response = await client.get("/notes/1", headers={"X-Request-Id": given})

    assert response.headers.get_list("x-request-id") == [kept]


async def test_safe_headers_do_not_replace_those_of_the_response():
    async with make_client(make_app(), Meter("tests")) as client:
        own, added = await client.get("/notes/1"), await client.get("/unknown")

    assert own.headers.get_list("content-security-policy") == ["default-src 'self'"]
    assert added.headers["content-security-policy"].startswith("default-src 'none'")
    assert own.headers["x-content-type-options"] == "nosniff"


async def test_the_log_names_the_route_that_served_the_request():
    async with make_client(make_app(), Meter("tests")) as client:
        with capture_logs() as logs:
            await client.get("/notes/secret")
            await client.post("/notes/secret")
            await client.get("/secret")

    lines = [(line["route"], line["status"]) for line in logs if line["event"] == "http.request"]
    assert lines == [("/notes/{note}", 200), ("-", 405), ("-", 404)]


async def test_an_interrupted_response_closes_the_connection_and_logs_no_text():
    app = RequestMiddleware(make_app(), meter=Meter("tests"), known=[])
    sent: list[str] = []

    async def receive() -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Any) -> None:
        sent.append(message["type"])

    scope: dict[str, Any] = {
        "type": "http",
        "method": "GET",
        "path": "/broken",
        "headers": [],
        "query_string": b"",
    }
    with capture_logs() as logs, pytest.raises(ConnectionError, match="interrupted"):
        await app(scope, receive, send)

    assert sent == ["http.response.start", "http.response.body"]
    assert [line["event"] for line in logs] == ["http.response_interrupted", "http.request"]
