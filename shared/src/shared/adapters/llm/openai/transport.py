"""The HTTP transport under the OpenAI client: aiohttp, which parses in C and keeps one pool for any number of calls.

A chat's learner waits for every millisecond before the first token, and the client's own transport takes one more.
"""

import ssl
from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager

import aiohttp
import httpx2
from yarl import URL

CONNECT_SECONDS = 20.0
"""Time limit for opening a connection. A healthy server needs less, even when this process starts thousands of calls at once."""
MAX_RESPONSE_BYTES = 8_000_000
"""Size of a response, errors included, beyond which it is not read: 100 times the longest completion that is asked for."""
IDLE_SECONDS = 30.0
"""How long an idle connection stays open: a handshake costs more than the memory."""


class AiohttpTransport(httpx2.AsyncBaseTransport):
    """Ends a response that is longer than anything a model can say. Compressed responses, whose size tells nothing, are neither
    asked for nor taken. Each call has a deadline of its own, so nothing but connecting has a time limit here."""

    def __init__(self, tls: ssl.SSLContext) -> None:
        self._tls = tls
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Raises errors of httpx2, as every transport does."""
        with _translated():
            response = await self._open().request(
                request.method,
                URL(str(request.url), encoded=True),
                headers=request.headers.multi_items(),
                data=await request.aread(),
                allow_redirects=False,
            )
        if response.headers.get("content-encoding", "identity") != "identity":
            response.close()
            raise httpx2.RemoteProtocolError("the response is compressed")
        return httpx2.Response(
            response.status,
            headers=list(response.raw_headers),
            stream=_BoundedStream(response),
            request=request,
        )

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        """The session, which can be made only while an event loop runs."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, ssl=self._tls, keepalive_timeout=IDLE_SECONDS),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
                skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
                max_field_size=65_536,
                max_line_size=65_536,
            )
        return self._session


class _BoundedStream(httpx2.AsyncByteStream):
    """The bytes of a response, up to `MAX_RESPONSE_BYTES`."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        with _translated():
            async for piece in self._response.content.iter_any():
                size += len(piece)
                if size > MAX_RESPONSE_BYTES:
                    raise httpx2.RemoteProtocolError("the response is too long")
                yield piece

    async def aclose(self) -> None:
        """A response that was read whole gives its connection back; any other closes it."""
        self._response.close()


@contextmanager
def _translated() -> Generator[None]:
    try:
        yield
    except TimeoutError as error:
        raise httpx2.ConnectTimeout(str(error)) from error
    except aiohttp.ClientConnectorError as error:
        raise httpx2.ConnectError(str(error)) from error
    except (aiohttp.ClientError, OSError) as error:
        raise httpx2.RemoteProtocolError(str(error)) from error
