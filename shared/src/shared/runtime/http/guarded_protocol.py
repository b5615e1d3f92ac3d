"""uvicorn's HTTP/1.1 protocol with limits: how large a head is, how long a request takes, and how long a client may not read.

uvicorn's own limits do not fit: `h11_max_incomplete_event_size` is for its slower parser, `limit_concurrency` refuses probes too,
and `timeout_keep_alive` is reset by every byte. A middleware comes too late: it is called once a head is complete.
"""

import asyncio
import math
from typing import Any

import httptools
import structlog
import uvicorn
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from shared.domain.errors import HeadTooLarge, RequestError, RequestTimedOut, StudyError, TooManyConnections
from shared.runtime.http.client_address import peer_of
from shared.runtime.http.connection_guard import NOT_READING, SILENT, ConnectionGuard
from shared.runtime.http.middleware import SAFE_HEADERS, new_request_id
from shared.runtime.http.problem_details import problem_response_parts

SLICE_BYTES = 16_384
"""Received data is parsed in slices of this size, so that a head is refused before more of it is parsed."""
MAX_PIPELINED = 8
"""Most requests of a connection that wait for the one before them. Browsers and clients send none ahead."""
LINGER_BYTES = 4_194_304
RETRY_SECONDS = 5.0
NEVER = math.inf

log = structlog.get_logger()


class GuardedConfig(uvicorn.Config):
    """A configuration whose connections are guarded."""

    def __init__(self, app: Any, guard: ConnectionGuard, **options: Any) -> None:
        super().__init__(app, http=GuardedProtocol, timeout_keep_alive=guard.limits.idle_seconds, **options)
        self.guard = guard


class _Refused(Exception):
    """Ends the parsing of a request that is refused; the parser passes it on as an error of its own."""


class GuardedProtocol(HttpToolsProtocol):
    """One connection. It has a deadline for what it waits for; the guard looks at the deadlines every second."""

    def __init__(
        self,
        config: GuardedConfig,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._guard = config.guard
        self._limits = config.guard.limits
        self._running: RequestResponseCycle | None = None
        self._deadline = NEVER
        self._write_deadline = NEVER
        self._unwritten = 0
        self._is_in_message = False
        self._is_in_head = False
        self._is_refused = False
        self._head_bytes = 0
        """Received bytes of the head that is incomplete."""
        self._slice_bytes = 0
        self._discarded = 0
        self._refusal: StudyError = RequestError()

    # -- the transport's callbacks

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self._deadline = self.loop.time() + self._limits.head_seconds
        if not self._guard.admit(self, peer_of(self.client)):
            self._refuse(TooManyConnections(retry_after=RETRY_SECONDS))
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._guard.release(self, peer_of(self.client))
        self._disconnect_application()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        for start in range(0, len(data), SLICE_BYTES):
            if self._is_refused:
                self._discard(len(data) - start)
                return
            self._parse(data[start : start + SLICE_BYTES])

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unwritten = self.transport.get_write_buffer_size()
        self._write_deadline = self.loop.time() + self._limits.write_seconds

    def resume_writing(self) -> None:
        super().resume_writing()
        self._write_deadline = NEVER

    # -- the parser's callbacks

    def on_message_begin(self) -> None:
        self._unset_keepalive_if_required()
        self._is_in_message = self._is_in_head = True
        self._head_bytes = 0
        self._deadline = self.loop.time() + self._limits.head_seconds
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._is_in_head = False
        if self._is_head_too_large():
            self._refusal = HeadTooLarge(limit=self._limits.head_bytes)
            raise _Refused
        if len(self.pipeline) >= MAX_PIPELINED:
            raise _Refused
        self._unset_keepalive_if_required()
        self._deadline = self.loop.time() + self._limits.body_seconds
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._deadline += len(body) / self._limits.body_rate
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._is_in_message = False
        self._deadline = NEVER
        super().on_message_complete()

    def on_response_complete(self) -> None:
        if self._running is not None:
            self._running.body = bytearray()  # what the application has not read of a request that it refused
        super().on_response_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    # -- limits

    def expire(self, now: float) -> None:
        """Called by the guard every second."""
        if now >= self._write_deadline:
            self._require_progress(now)
        if now < self._deadline:
            return
        if self._is_refused:
            self.transport.abort()
        elif self.flow.read_paused:
            return  # the application has not taken what is here, so the client cannot send more
        elif self._is_in_message:
            self._refuse(RequestTimedOut())
        else:
            self._guard.refused(SILENT)
            self.transport.close()

    def _require_progress(self, now: float) -> None:
        """Close the connection of a client that has taken nothing of a response for as long as it may."""
        unwritten = self.transport.get_write_buffer_size()
        if unwritten >= self._unwritten:
            self._guard.refused(NOT_READING)
            self.transport.abort()
        self._unwritten = unwritten
        self._write_deadline = now + self._limits.write_seconds

    def _parse(self, data: bytes) -> None:
        assert self.parser is not None  # it is, until the connection is lost
        self._slice_bytes = len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            return  # the request is answered as one of HTTP/1.1
        except httptools.HttpParserError:
            self._refuse(self._refusal)
            return
        if self._is_in_head:
            self._head_bytes += len(data)
            if self._head_bytes > self._limits.head_bytes:
                self._refuse(HeadTooLarge(limit=self._limits.head_bytes))

    def _is_head_too_large(self) -> bool:
        if len(self.headers) > self._limits.headers:
            return True
        if self._head_bytes + self._slice_bytes <= self._limits.head_bytes:
            return False  # the usual case: nothing has to be added up
        assert self.parser is not None
        line = len(self.parser.get_method()) + len(self.url) + len(b"  HTTP/1.1\r\n\r\n")
        headers = sum(len(name) + len(value) + len(b": \r\n") for name, value in self.headers)
        return line + headers > self._limits.head_bytes

    def _refuse(self, error: StudyError) -> None:
        """Respond in place of the application, then read on for a moment. No response is written where another one is due.

        A response that is due may be a refusal that is held back: closing at once would let its client go on without the wait.
        """
        self._is_refused = True
        self._deadline = self.loop.time() + self._limits.linger_seconds
        self._guard.refused(error.code)
        if self.transport.is_closing():
            return
        due = self._unanswered()
        if due and not due.more_body and not due.response_started:
            due.keep_alive = False  # the connection ends with this response
            self.pipeline.clear()
            return
        self._disconnect_application()
        if due and due.response_started:
            self.transport.close()
            return
        self.transport.write(self._refusal_bytes(error))
        self.transport.write_eof()

    def _unanswered(self) -> RequestResponseCycle | None:
        """The request that the application works on, if any."""
        cycle = self._running
        return None if cycle is None or cycle.response_complete else cycle

    def _disconnect_application(self) -> None:
        """Tell the application that nobody waits for its response any more.

        uvicorn tells it for the last request that was received, which need not be the one that the application works on.
        """
        if cycle := self._unanswered():
            cycle.disconnected = True
            cycle.message_event.set()

    def _refusal_bytes(self, error: StudyError) -> bytes:
        given = dict(self.headers or ())
        request_id = new_request_id()
        status, headers, body = problem_response_parts(
            error,
            accept_language=given.get(b"accept-language", b"").decode("latin-1"),
            request_id=request_id,
            instance="",
        )
        log.info("http.connection_refused", code=error.code, status=status, request_id=request_id)
        lines = [
            *self.server_state.default_headers,
            *((name.lower().encode(), value.encode()) for name, value in headers.items()),
            *SAFE_HEADERS,
            (b"x-request-id", request_id.encode()),
            (b"content-length", b"%d" % len(body)),
            (b"connection", b"close"),
        ]
        return b"".join([STATUS_LINE[status], *(b"%s: %s\r\n" % line for line in lines), b"\r\n", body])

    def _discard(self, size: int) -> None:
        self._discarded += size
        if self._discarded > LINGER_BYTES:
            self.transport.abort()
