"""The synchronous client."""

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
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


class Client(Operations):
    """Etude as one user sees it. Methods raise the errors of `etude.errors`. Close it, or use it in `with`."""

    def __init__(
        self,
        url: str,
        token: Token,
        *,
        language: str = "en",
        retries: RetryPolicy = DEFAULT_RETRIES,
        new_key: Callable[[], str] = new_key,
        sleep: Callable[[float], None] = time.sleep,  # noqa: TID251 - a pause before a retry has nothing to listen to
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """`token` is a JWT or an API key, or a function that gives the current one, so that streams outlive a token.
        `language` (`en` or `fr`) is that of problems. Raises `InvalidUrl`."""
        self._url = url
        self._retries = retries
        self._new_key = new_key
        self._sleep = sleep
        self._http = httpx.Client(transport=transport, **connection_options(url, token, language))

    def send(self, request: Request[T], /) -> T:
        """Send a request of `etude.api_requests`, again where that is safe and promising, and decode its response."""
        request, retry = request.with_key(self._new_key), 0
        while True:
            try:
                return read_response(request, self._http.send(request.build(self._http)))
            except (httpx.TransportError, ApiError) as error:
                retry += 1
                delay = self._retries.delay(request, error, retry)
                if delay is None:
                    raise translated(error, self._url) from None
            self._sleep(delay)

    def listen(self, subscription: Subscription, /) -> Iterator[Event]:
        """Each event once and in order, across dropped connections."""
        while not subscription.is_over:
            with suppress(httpx.TransportError):  # counted below, like a connection that ends early
                yield from self._connect(subscription)
            if not subscription.is_over:
                self._sleep(subscription.pause(self._url))

    def wait_for_job(self, job_id: str) -> Job:
        """Listen until the job is final, and return it: `status` says how it ended."""
        for _ in self.job_events(job_id):
            pass
        return self.get_job(job_id)

    def wait_for_collection(self, collection_id: str) -> Collection:
        """Listen until the collection is ready or failed, and return it."""
        for _ in self.collection_events(collection_id):
            pass
        return self.get_collection(collection_id)

    def stream_answer(
        self,
        messages: Conversation,
        *,
        collection_id: str = "",
        language: str | None = None,
        model: str = "",
    ) -> Iterator[ChatEvent]:
        """The answer piece by piece. It is not retried: what was lost was paid for."""
        request = api.stream_answer(messages, collection_id=collection_id, language=language, model=model)
        try:
            with self._open(request) as response:
                require_event_stream(response)
                for sent in EventSource(response).iter_sse():
                    if event := read_chat_event(sent):
                        yield event
        except httpx.TransportError:
            raise Unreachable(self._url) from None

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _connect(self, subscription: Subscription) -> Iterator[Event]:
        with self._open(subscription.request()) as response:
            if subscription.accept(response):
                for sent in EventSource(response).iter_sse():
                    if event := subscription.receive(sent):
                        yield event
                    if subscription.is_over:
                        return

    @contextmanager
    def _open(self, request: Request[object]) -> Generator[httpx.Response]:
        """A response whose body is still to be read; a refusal has been read."""
        response = self._http.send(request.build(self._http), stream=True)
        try:
            if not response.is_success:
                response.read()
            yield response
        finally:
            response.close()
