"""An API of prepared responses in this process, and both clients behind one interface."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

import httpx

from etude import AsyncClient, Client, Collection, Event, Job
from etude.api_models import Conversation
from etude.connection import Token
from etude.events import ChatEvent
from etude.request import Request
from etude.subscription import Subscription

T = TypeVar("T")


class ScriptedApi:
    """Responds to each request with the next of `steps`; an exception is raised in place of a response."""

    def __init__(self, *steps: httpx.Response | Exception) -> None:
        self.requests: list[httpx.Request] = []
        self.pauses: list[float] = []
        """Seconds that the client slept."""
        self._steps = list(steps)

    def respond(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        step = self._steps.pop(0)
        if isinstance(step, Exception):
            raise step
        return step


class Caller(Protocol):
    """A client of either kind."""

    async def send(self, request: Request[T]) -> T: ...
    async def events(self, subscription: Subscription) -> Sequence[Event]: ...
    async def answer(self, messages: Conversation) -> Sequence[ChatEvent]: ...
    async def wait_for_job(self, job_id: str) -> Job: ...
    async def wait_for_collection(self, collection_id: str) -> Collection: ...


class SyncCaller:
    def __init__(self, api: ScriptedApi, *, token: Token = "t", **options: Any) -> None:
        transport = httpx.MockTransport(api.respond)
        self._client = Client("http://etude", token, transport=transport, sleep=api.pauses.append, **options)

    async def send(self, request: Request[T]) -> T:
        return await asyncio.to_thread(self._client.send, request)

    async def events(self, subscription: Subscription) -> Sequence[Event]:
        return await asyncio.to_thread(list, self._client.listen(subscription))

    async def answer(self, messages: Conversation) -> Sequence[ChatEvent]:
        return await asyncio.to_thread(list, self._client.stream_answer(messages))

    async def wait_for_job(self, job_id: str) -> Job:
        return await asyncio.to_thread(self._client.wait_for_job, job_id)

    async def wait_for_collection(self, collection_id: str) -> Collection:
        return await asyncio.to_thread(self._client.wait_for_collection, collection_id)


class AsyncCaller:
    def __init__(self, api: ScriptedApi, *, token: Token = "t", **options: Any) -> None:
        async def sleep(seconds: float) -> None:
            api.pauses.append(seconds)

        transport = httpx.MockTransport(api.respond)
        self._client = AsyncClient("http://etude", token, transport=transport, sleep=sleep, **options)
        self.send = self._client.send
        self.wait_for_job = self._client.wait_for_job
        self.wait_for_collection = self._client.wait_for_collection

    async def events(self, subscription: Subscription) -> Sequence[Event]:
        return [event async for event in self._client.listen(subscription)]

    async def answer(self, messages: Conversation) -> Sequence[ChatEvent]:
        return [event async for event in self._client.stream_answer(messages)]


Connect = Callable[..., Caller]
"""Makes a client of either kind for a `ScriptedApi`."""


def problem(status: int, code: str, *, headers: dict[str, str] | None = None, **more: Any) -> httpx.Response:
    body = {"title": "No", "detail": "Because.", "status": status, "code": code, **more}
    return httpx.Response(status, json=body, headers=headers)


def stream(*chunks: bytes, breaks: bool = False) -> httpx.Response:
    """An event stream in these pieces; with `breaks` the connection is lost after the last one."""

    return httpx.Response(200, headers={"Content-Type": "text/event-stream"}, stream=_Chunks(chunks, breaks))


class _Chunks(httpx.SyncByteStream, httpx.AsyncByteStream):
    def __init__(self, chunks: Sequence[bytes], breaks: bool) -> None:
        self._chunks = chunks
        self._breaks = breaks

    def __iter__(self) -> Iterator[bytes]:
        yield from self._chunks
        if self._breaks:
            raise httpx.ReadError("connection lost")

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self:
            yield chunk
