"""HTTP connections to one OpenAI-compatible server, spread over several pools."""

import ssl
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import contextmanager
from functools import lru_cache

import httpx2
from openai import AsyncOpenAI, DefaultAsyncHttpxClient

CONNECT_SECONDS = 20.0
"""Time limit for opening a connection. A healthy server needs less, even when this process starts thousands of calls at once."""
CALLS_PER_POOL = 50
"""Concurrent calls per connection pool. A pool scans all of its connections on each call: 2,000 calls in one pool take more
than twice the processor time that they take in forty."""
IDLE_CONNECTIONS_PER_POOL = 10
"""Idle connections that a pool keeps open: a handshake costs more than the memory."""
MAX_RESPONSE_BYTES = 8_000_000
"""Size of a response, errors included, beyond which it is not read: 100 times the longest completion that is asked for."""


class OpenAIClient:
    """All connections of this process to one server. Calls use the first pool; further pools open when it is full.

    The client never retries: the job counts its attempts.
    """

    def __init__(self, make_client: Callable[[], AsyncOpenAI]) -> None:
        self._make_client = make_client
        self._clients: list[AsyncOpenAI] = []
        self._calls: list[int] = []
        """Calls under way, by client."""

    @contextmanager
    def lend(self) -> Generator[AsyncOpenAI]:
        """Lend the first client that has room for one more call."""
        index = next((i for i, calls in enumerate(self._calls) if calls < CALLS_PER_POOL), len(self._calls))
        if index == len(self._clients):
            self._clients.append(self._make_client())
            self._calls.append(0)
        self._calls[index] += 1
        try:
            yield self._clients[index]
        finally:
            self._calls[index] -= 1

    async def close(self) -> None:
        for client in self._clients:
            await client.close()


class BoundedTransport(httpx2.AsyncHTTPTransport):
    """Ends a response that is longer than anything a model can say. Compressed responses, whose size tells nothing, are
    neither asked for nor taken."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await super().handle_async_request(request)
        if response.headers.get("content-encoding", "identity") != "identity":
            await response.aclose()
            raise httpx2.RemoteProtocolError("the response is compressed")
        response.stream = BoundedStream(response.stream)
        return response


class BoundedStream(httpx2.AsyncByteStream):
    """The bytes of another stream, up to `MAX_RESPONSE_BYTES`."""

    def __init__(self, stream: object) -> None:
        assert isinstance(stream, httpx2.AsyncByteStream)
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for piece in self._stream:
            size += len(piece)
            if size > MAX_RESPONSE_BYTES:
                raise httpx2.RemoteProtocolError("the response is too long")
            yield piece

    async def aclose(self) -> None:
        await self._stream.aclose()


@lru_cache(maxsize=1)
def _tls_context() -> ssl.SSLContext:
    """One for the process: it reads the system's certificates, which takes 20 ms and a megabyte."""
    return httpx2.create_ssl_context()


def connect(api_key: str, *, base_url: str | None = None) -> OpenAIClient:
    """Make the client of one server. Several models may share it; no connection opens before the first call."""
    tls = _tls_context()
    limits = httpx2.Limits(max_keepalive_connections=IDLE_CONNECTIONS_PER_POOL)
    timeout = httpx2.Timeout(
        None, connect=CONNECT_SECONDS
    )  # each call has a deadline of its own for the rest

    def make_client() -> AsyncOpenAI:
        transport = BoundedTransport(verify=tls, limits=limits)
        http_client = DefaultAsyncHttpxClient(
            transport=transport, verify=tls, timeout=timeout, headers={"accept-encoding": "identity"}
        )
        return AsyncOpenAI(
            api_key=api_key, base_url=base_url, timeout=timeout, max_retries=0, http_client=http_client
        )

    return OpenAIClient(make_client)
