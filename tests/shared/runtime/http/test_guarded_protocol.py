"""What one connection may cost: the size and time of a request, and how many connections there are."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import pytest
from starlette.types import Receive, Scope, Send
from tests.app_server import serving
from tests.deadline import DEADLINE_SECONDS
from tests.metric_samples import read

from shared.runtime.http.connection_guard import ConnectionGuard, ConnectionLimits
from shared.runtime.http.request_body import read_body
from shared.runtime.observability.metrics.meter import Meter

SOON = ConnectionLimits(
    head_seconds=0.5, body_seconds=0.5, write_seconds=0.5, linger_seconds=0.5, idle_seconds=1
)
GET = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Responds with the length of the body, or with as many bytes as the path asks for."""

    async def chunks() -> AsyncIterator[bytes]:
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ConnectionError
            yield message["body"]
            if not message["more_body"]:
                return

    try:
        body = await read_body(chunks(), limit=10**9)
    except ConnectionError:
        return
    size = scope["path"].strip("/")
    content = b"x" * int(size) if size else b"%d" % len(body)
    headers = [(b"content-length", b"%d" % len(content))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": content})


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def send(self, data: bytes) -> None:
        self._writer.write(data)

    @asynccontextmanager
    async def dripping(self, data: bytes) -> AsyncGenerator[None]:
        """Meanwhile, send a byte every tenth of a second."""
        drip = asyncio.create_task(self._drip(data))
        try:
            yield
        finally:
            drip.cancel()

    async def _drip(self, data: bytes) -> None:
        for number in range(len(data)):
            self._writer.write(data[number : number + 1])
            await asyncio.sleep(0.1)

    async def response(self) -> tuple[int, bytes]:
        """The status and the whole response."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            head = await self._reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            body = await self._reader.readexactly(length)
        return int(head.split()[1]), head + body

    async def until_closed(self) -> bytes:
        """What the server still sends before it closes."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            try:
                return await self._reader.read()
            except ConnectionResetError:
                return b""

    async def close(self) -> None:
        self._writer.close()


class Server:
    def __init__(self, url: str, meter: Meter) -> None:
        self._host, _, self._port = url.removeprefix("http://").partition(":")
        self._meter = meter
        self._clients: list[Client] = []

    async def connect(self) -> Client:
        client = Client(*await asyncio.open_connection(self._host, int(self._port)))
        self._clients.append(client)
        return client

    def refused(self, reason: str) -> float:
        return read(self._meter).of("etude_http_connections_refused_total", reason=reason)

    def active(self) -> float:
        return read(self._meter).of("etude_http_connections_active")

    async def close(self) -> None:
        for client in self._clients:
            await client.close()


@asynccontextmanager
async def running(limits: ConnectionLimits) -> AsyncGenerator[Server]:
    meter = Meter("tests")
    async with serving(app, limits=limits, meter=meter) as url:
        server = Server(url, meter)
        try:
            yield server
        finally:
            await server.close()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """Its deadlines are short."""
    async with running(SOON) as server:
        yield server


@pytest.fixture
async def patient() -> AsyncIterator[Server]:
    """Its deadlines are those of a real server."""
    async with running(ConnectionLimits()) as server:
        yield server


def head(size: int, *, path: str = "/", more: str = "") -> bytes:
    """A head of exactly this size."""
    start, end = f"GET {path} HTTP/1.1\r\nHost: here\r\n{more}X-Long: ".encode(), b"\r\n\r\n"
    return start + b"a" * (size - len(start) - len(end)) + end


async def test_requests_one_after_another_are_answered(patient: Server):
    client = await patient.connect()
    for size in (0, 1, 200_000):
        client.send(b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size)
        status, response = await client.response()
        assert (status, response.rpartition(b"\n")[2]) == (200, b"%d" % size)


async def test_a_few_requests_sent_ahead_are_answered_in_order(patient: Server):
    client = await patient.connect()
    client.send(
        b"".join(b"GET /%d HTTP/1.1\r\nHost: here\r\n\r\n" % (number * 10_000) for number in range(1, 6))
    )
    sizes = [len((await client.response())[1].partition(b"\r\n\r\n")[2]) for _ in range(5)]
    assert sizes == [10_000, 20_000, 30_000, 40_000, 50_000]


async def test_many_requests_sent_ahead_close_the_connection(patient: Server):
    client = await patient.connect()
    client.send(GET * 5_000)
    await client.until_closed()
    assert patient.refused("invalid_request") == 1


async def test_the_first_of_many_requests_sent_ahead_is_answered_and_ends_the_connection(patient: Server):
    """If it was closed at once, a client whose refusal is held back would not have to wait for it."""
    client = await patient.connect()
    client.send(GET * 5_000)
    status, response = await client.response()
    assert status == 200
    assert b"connection: close" in response
    assert await client.until_closed() == b""


async def test_the_largest_head_is_accepted_and_one_byte_more_is_not(patient: Server):
    client = await patient.connect()
    client.send(head(32_768))
    assert (await client.response())[0] == 200
    client.send(head(32_769))
    status, response = await client.response()
    assert status == 431
    assert b'"code":"head_too_large"' in response
    assert b"content-type: application/problem+json" in response
    assert b"32768" in response
    assert await client.until_closed() == b""


@pytest.mark.parametrize(
    "endless",
    [
        b"GET /" + b"a" * 4_000_000,
        b"GET / HTTP/1.1\r\nX: " + b"a" * 4_000_000,
        b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 500_000,
        b"GET / HTTP/1.1\r\n" + b"a" * 4_000_000,
    ],
    ids=["path", "value", "headers", "name"],
)
async def test_a_head_that_does_not_end_is_refused(patient: Server, endless: bytes):
    client = await patient.connect()
    client.send(endless)
    assert (await client.response())[0] == 431
    assert patient.refused("head_too_large") == 1


async def test_more_headers_than_anybody_needs_are_refused(patient: Server):
    client = await patient.connect()
    client.send(b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 101 + b"\r\n")
    assert (await client.response())[0] == 431


async def test_a_refusal_is_in_the_language_of_the_client(patient: Server):
    client = await patient.connect()
    client.send(head(40_000, more="Accept-Language: fr\r\n"))
    _, response = await client.response()
    assert b"volumineux" in response


async def test_a_body_after_a_large_head_is_no_part_of_it(patient: Server):
    client = await patient.connect()
    client.send(head(32_700, more="Content-Length: 70000\r\n").replace(b"GET", b"PUT") + b"x" * 70_000)
    status, response = await client.response()
    assert (status, response[-5:]) == (200, b"70000")


@pytest.mark.parametrize("garbage", [b"\x16\x03\x01\x02\x00", b"HELLO\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"])
async def test_what_is_no_http_gets_a_problem(patient: Server, garbage: bytes):
    client = await patient.connect()
    client.send(garbage)
    status, response = await client.response()
    assert (status, b'"code":"invalid_request"' in response) == (400, True)


async def test_a_silent_connection_is_closed_without_a_response(server: Server):
    client = await server.connect()
    assert await client.until_closed() == b""
    assert server.refused("silent") == 1


async def test_line_breaks_do_not_keep_a_connection_open(server: Server):
    client = await server.connect()
    async with client.dripping(b"\r\n" * 100):
        assert await client.until_closed() == b""


async def test_line_breaks_do_not_keep_an_idle_connection_open(server: Server):
    client = await server.connect()
    client.send(GET)
    await client.response()
    async with client.dripping(b"\r\n" * 100):
        assert await client.until_closed() == b""


async def test_an_idle_connection_is_closed(server: Server):
    client = await server.connect()
    client.send(GET)
    await client.response()
    assert await client.until_closed() == b""
    assert server.active() == 0


@pytest.mark.parametrize("start", [b"GET /", b"GET / HTTP/1.1\r\nHost: here\r\nX: "])
async def test_a_head_that_drips_is_timed_out(server: Server, start: bytes):
    client = await server.connect()
    client.send(start)
    async with client.dripping(b"a" * 100):
        status, response = await client.response()
        assert (status, b'"code":"request_timed_out"' in response) == (408, True)


async def test_a_body_that_drips_is_timed_out(server: Server):
    client = await server.connect()
    client.send(b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 1000\r\n\r\n")
    async with client.dripping(b"x" * 100):
        assert (await client.response())[0] == 408
        assert server.refused("request_timed_out") == 1


async def test_a_body_in_chunks_that_drips_is_timed_out(server: Server):
    client = await server.connect()
    client.send(b"POST / HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n")
    async with client.dripping(b"1\r\nx\r\n" * 20):
        assert (await client.response())[0] == 408


async def test_a_large_body_may_take_as_long_as_its_size_buys(server: Server):
    client, size = await server.connect(), 400_000
    began = time.monotonic()
    client.send(b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: %d\r\n\r\n" % size)
    for _ in range(20):
        client.send(b"x" * (size // 20))
        await asyncio.sleep(0.1)
    status, response = await client.response()
    assert (status, response[-6:]) == (200, b"%d" % size)
    assert time.monotonic() - began > SOON.body_seconds + 1


async def test_a_client_that_does_not_read_is_dropped(server: Server):
    client = await server.connect()
    client.send(b"GET /50000000 HTTP/1.1\r\nHost: here\r\n\r\n")
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not server.refused("not_reading"):  # noqa: ASYNC110 - a counter sends no signal
            await asyncio.sleep(0.05)
    assert len(await client.until_closed()) < 50_000_000


async def test_connections_are_bounded():
    async with running(ConnectionLimits(connections=2)) as server:
        first, second, third = [await server.connect() for _ in range(3)]
        status, response = await third.response()
        assert (status, b"too_many_connections" in response) == (503, True)
        assert b"retry-after: 5" in response
        for client in (first, second):
            client.send(GET)
            assert (await client.response())[0] == 200
        await first.close()
        async with asyncio.timeout(DEADLINE_SECONDS):
            while server.active() > 1:  # noqa: ASYNC110 - a gauge sends no signal
                await asyncio.sleep(0.01)
        fourth = await server.connect()
        fourth.send(GET)
        assert (await fourth.response())[0] == 200


class Connection:
    def expire(self, now: float) -> None: ...


def test_connections_of_one_address_are_bounded():
    guard = ConnectionGuard(ConnectionLimits(per_address=2), Meter("tests"))
    admitted = [guard.admit(Connection(), "192.0.2.7") for _ in range(3)]
    assert admitted == [True, True, False]
    assert guard.admit(Connection(), "192.0.2.8")


def test_connections_of_an_ipv6_network_count_together_and_leave_together():
    guard = ConnectionGuard(ConnectionLimits(per_address=1), Meter("tests"))
    connection = Connection()
    assert guard.admit(connection, "2001:db8::1")
    assert not guard.admit(Connection(), "2001:db8::2")
    guard.release(connection, "2001:db8::1")
    assert guard.admit(Connection(), "2001:db8::2")


async def test_a_client_that_leaves_with_requests_sent_ahead_disconnects_the_one_under_way(patient: Server):
    client = await patient.connect()
    client.send(b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 1\r\n\r\nx" * 5)
    await client.response()
    await client.close()
    async with asyncio.timeout(DEADLINE_SECONDS):
        while patient.active():  # noqa: ASYNC110 - a gauge sends no signal
            await asyncio.sleep(0.01)
