"""HTTP connections to one OpenAI-compatible server, spread over several pools."""

from collections.abc import Callable, Generator
from contextlib import contextmanager

import httpx2
from openai import AsyncOpenAI, DefaultAsyncHttpxClient

CONNECT_SECONDS = 20.0
"""Time limit for opening a connection. A healthy server needs less, even when this process starts thousands of calls at once."""
CALLS_PER_POOL = 50
"""Concurrent calls per connection pool. A pool scans all of its connections on each call: 2,000 calls in one pool take more
than twice the processor time that they take in forty."""
IDLE_CONNECTIONS_PER_POOL = 10
"""Idle connections that a pool keeps open: a handshake costs more than the memory."""


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


def connect(api_key: str, *, base_url: str | None = None) -> OpenAIClient:
    """Make the client of one server. Several models may share it; no connection opens before the first call."""
    tls = httpx2.create_ssl_context()
    limits = httpx2.Limits(max_keepalive_connections=IDLE_CONNECTIONS_PER_POOL)
    timeout = httpx2.Timeout(
        None, connect=CONNECT_SECONDS
    )  # each call has a deadline of its own for the rest

    def make_client() -> AsyncOpenAI:
        http_client = DefaultAsyncHttpxClient(verify=tls, limits=limits, timeout=timeout)
        return AsyncOpenAI(
            api_key=api_key, base_url=base_url, timeout=timeout, max_retries=0, http_client=http_client
        )

    return OpenAIClient(make_client)
