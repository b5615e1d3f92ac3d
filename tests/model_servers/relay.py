"""Stands between a provider and a model server, and writes down what passes: evidence that does not come from our own code."""

import json
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self, cast

import httpx
from msgspec import Struct
from tests.simulators.http_server import HttpServer, Request, Wire

HOP_HEADERS = frozenset({"host", "connection", "content-length", "transfer-encoding", "accept-encoding"})
"""Headers of one connection, which are not handed on."""


class Exchange(Struct):
    """One request with its response."""

    request: Mapping[str, Any]
    status: int
    content_type: str = ""
    response: bytes = b""

    @property
    def is_refused(self) -> bool:
        return self.status >= 400

    @property
    def reports(self) -> list[dict[str, Any]]:
        """The objects of the response: one, or those of a stream's events."""
        if "json" in self.content_type:
            return [_decode(self.response)]
        lines = self.response.decode(errors="replace").splitlines()
        data = [line.removeprefix("data:").strip() for line in lines if line.startswith("data:")]
        return [_decode(text.encode()) for text in data if text != "[DONE]"]


class Relay:
    """A context manager. `exchanges` are in the order of their responses' first bytes."""

    def __init__(self, upstream: str) -> None:
        """`upstream` is the base URL of the server, such as `http://127.0.0.1:8080/v1`."""
        self.exchanges: list[Exchange] = []
        self._upstream = upstream
        self._server = HttpServer(self._handle)
        self._client = httpx.AsyncClient(timeout=None, trust_env=False)

    async def __aenter__(self) -> Self:
        await self._server.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._server.close()
        await self._client.aclose()

    @property
    def url(self) -> str:
        return f"http://{self._server.host}:{self._server.port}/v1"

    async def _handle(self, request: Request, wire: Wire) -> None:
        url = self._upstream + request.path.removeprefix("/v1")
        headers = _end_to_end(request.headers)
        async with self._client.stream(
            request.method, url, headers=headers, content=request.body
        ) as response:
            exchange = Exchange(
                json.loads(request.body), response.status_code, response.headers.get("content-type", "")
            )
            self.exchanges.append(exchange)
            wire.begin(response.status_code, _end_to_end(response.headers))
            async for piece in response.aiter_raw():
                exchange.response += piece
                wire.chunk(piece)
            wire.end()


def _end_to_end(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in HOP_HEADERS}


def _decode(data: bytes) -> dict[str, Any]:
    try:
        decoded = json.loads(data)
    except ValueError:
        return {}
    return cast(dict[str, Any], decoded) if isinstance(decoded, dict) else {}
