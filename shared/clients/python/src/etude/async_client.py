"""The asynchronous client: the same operations, awaited."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from typing import Self, TypeVar

import httpx
from httpx_sse import EventSource

from etude import api_requests as api
from etude.api_models import Collection, Conversation, Job
from etude.connection import Token, connection_options, new_key
from etude.errors import ApiError, Unreachable
from etude.events import ChatEvent, Event, read_chat_event
from etude.operation import Operations
from etude.request import Request, read_response, require_event_stream
from etude.retries import DEFAULT_RETRIES, RetryPolicy, translated
from etude.subscription import Subscription

T = TypeVar("T")


class AsyncClient(Operations):
    """Etude as one user sees it. Methods raise the errors of `etude.errors`. Close it, or use it in `async with`."""

    def __init__(
        self,
        url: str,
        token: Token,
        *,
        language: str = "en",
        retries: RetryPolicy = DEFAULT_RETRIES,
        new_key: Callable[[], str] = new_key,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """`token` is a JWT or an API key, or a function that gives the current one, so that streams outlive a token.
        `language` (`en` or `fr`) is that of problems. Raises `InvalidUrl`."""
        self._url = url
        self._retries = retries
        self._new_key = new_key
        self._sleep = sleep
        self._http = httpx.AsyncClient(transport=transport, **connection_options(url, token, language))

    async def send(self, request: Request[T], /) -> T:
        """As `Client.send`."""
        request, retry = request.with_key(self._new_key), 0
        while True:
            try:
                return read_response(request, await self._http.send(request.build(self._http)))
            except (httpx.TransportError, ApiError) as error:
                retry += 1
                delay = self._retries.delay(request, error, retry)
                if delay is None:
                    raise translated(error, self._url) from None
            await self._sleep(delay)

    async def listen(self, subscription: Subscription, /) -> AsyncGenerator[Event]:
        """Each event once and in order, across dropped connections."""
        while not subscription.is_over:
            with suppress(httpx.TransportError):  # counted below, like a connection that ends early
                async with aclosing(self._connect(subscription)) as events:
                    async for event in events:
                        yield event
            if not subscription.is_over:
                await self._sleep(subscription.pause(self._url))

    async def wait_for_job(self, job_id: str) -> Job:
        """As `Client.wait_for_job`; `asyncio.timeout` bounds it."""
        async for _ in self.job_events(job_id):
            pass
        return await self.get_job(job_id)

    async def wait_for_collection(self, collection_id: str) -> Collection:
        """As `Client.wait_for_collection`; `asyncio.timeout` bounds it."""
        async for _ in self.collection_events(collection_id):
            pass
        return await self.get_collection(collection_id)

    async def stream_answer(
        self,
        messages: Conversation,
        *,
        collection_id: str = "",
        language: str | None = None,
        model: str = "",
    ) -> AsyncGenerator[ChatEvent]:
        """As `Client.stream_answer`."""
        request = api.stream_answer(messages, collection_id=collection_id, language=language, model=model)
        try:
            async with self._open(request) as response:
                require_event_stream(response)
                async with aclosing(EventSource(response).aiter_sse()) as stream:
                    async for sent in stream:
                        if event := read_chat_event(sent):
                            yield event
        except httpx.TransportError:
            raise Unreachable(self._url) from None

    async def aclose(self) -> None:
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def _connect(self, subscription: Subscription) -> AsyncGenerator[Event]:
        async with self._open(subscription.request()) as response:
            if not subscription.accept(response):
                return
            async with aclosing(EventSource(response).aiter_sse()) as stream:
                async for sent in stream:
                    if event := subscription.receive(sent):
                        yield event
                    if subscription.is_over:
                        return

    @asynccontextmanager
    async def _open(self, request: Request[object]) -> AsyncGenerator[httpx.Response]:
        """A response whose body is still to be read; a refusal has been read."""
        response = await self._http.send(request.build(self._http), stream=True)
        try:
            if not response.is_success:
                await response.aread()
            yield response
        finally:
            await response.aclose()
