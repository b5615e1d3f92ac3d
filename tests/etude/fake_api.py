"""A stand-in for the API, for what a well-behaved one does not do: drop connections, hang, speak nonsense."""

from collections.abc import AsyncIterator
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route


class FakeApi:
    """Answers each request with the next of `answers` for its method and path; the last one stays."""

    def __init__(self, **answers: Any) -> None:
        self.requests: list[Request] = []
        self.bodies: list[bytes] = []
        self._answers: dict[str, list[Response]] = {}
        self.app = Starlette(
            routes=[Route("/{path:path}", self._answer, methods=["GET", "POST", "PATCH", "DELETE"])]
        )

    def on(self, method: str, path: str, *answers: Response) -> "FakeApi":
        self._answers[f"{method} {path}"] = list(answers)
        return self

    def seen(self, method: str, path: str) -> list[Request]:
        return [request for request in self.requests if (request.method, request.url.path) == (method, path)]

    async def _answer(self, request: Request) -> Response:
        self.requests.append(request)
        self.bodies.append(await request.body())
        answers = self._answers.get(f"{request.method} {request.url.path}", [Response(status_code=404)])
        return answers.pop(0) if len(answers) > 1 else answers[0]


class Cut(Exception):
    """Ends a response in the middle of its body."""


def events(*blocks: str, is_cut: bool = False) -> Response:
    """An event stream of these blocks; cut off after them when `is_cut`."""

    async def body() -> AsyncIterator[bytes]:
        for block in blocks:
            yield block.encode() + b"\n\n"
        if is_cut:
            raise Cut

    return StreamingResponse(body(), media_type="text/event-stream")
