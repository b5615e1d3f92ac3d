"""A Chat Completions server whose every response a test writes: what other servers send, to the byte."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, NamedTuple, Self

from tests.simulators.http_server import HttpServer, Request, Wire

JSON = "application/json"
EVENTS = "text/event-stream"


class Response(NamedTuple):
    status: int = 200
    body: bytes = b""
    content_type: str = JSON
    headers: Mapping[str, str] = {}


Body = dict[str, Any]
Respond = Callable[[Body], Response]


class ScriptedServer:
    """Answers each request by `respond`, and keeps the decoded requests in `requests`."""

    def __init__(self, respond: Respond, *, latency_seconds: float = 0.0) -> None:
        self.respond = respond
        self.latency_seconds = latency_seconds
        self.requests: list[Body] = []
        self._arrived = asyncio.Condition()
        self._server = HttpServer(self._handle)

    async def __aenter__(self) -> Self:
        await self._server.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._server.close()

    async def until(self, holds: Callable[[list[Body]], bool]) -> None:
        """Wait until the requests so far satisfy `holds`."""
        async with self._arrived:
            await self._arrived.wait_for(lambda: holds(self.requests))

    @property
    def url(self) -> str:
        return f"http://{self._server.host}:{self._server.port}/v1"

    async def _handle(self, request: Request, wire: Wire) -> None:
        body = json.loads(request.body)
        async with self._arrived:
            self.requests.append(body)
            self._arrived.notify_all()
        await asyncio.sleep(self.latency_seconds)
        response = self.respond(body)
        wire.send(response.status, {"content-type": response.content_type, **response.headers}, response.body)


def refusal(status: int, body: object, **headers: str) -> Response:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, json.dumps(body).encode(), headers=sent)


def message_of(text: str) -> Body:
    return {"error": {"message": text, "type": "invalid_request_error", "param": None, "code": None}}


def completion(
    content: object,
    *,
    usage: object = None,
    finish_reason: str = "stop",
    **fields: object,
) -> Response:
    """A whole response. `fields` are added at its top."""
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": content},
        "finish_reason": finish_reason,
    }
    body: Body = {"id": "1", "object": "chat.completion", "model": "m", "choices": [choice], "usage": usage}
    return Response(body=json.dumps(body | fields).encode())


def stream(chunks: Sequence[Body], *, ends: bool = True) -> Response:
    """A streamed response. Without `ends` the connection closes after the last chunk."""
    events = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks] + ["data: [DONE]\n\n"] * ends
    return Response(body="".join(events).encode(), content_type=EVENTS)


def chunk(content: object = "", *, finish_reason: str | None = None, **fields: object) -> Body:
    choice = {"index": 0, "delta": {"content": content}, "finish_reason": finish_reason}
    return {"id": "1", "object": "chat.completion.chunk", "model": "m", "choices": [choice]} | fields
