"""One client that listens to events: a connection and a position in the log, and nothing else while nothing happens."""

import asyncio
import math
from typing import Protocol

import structlog

from gateway.events.event_encoding import EXPIRED, encode
from shared.adapters.redis.jobs.event_log import parse_id
from shared.domain.jobs.events import LAST_EVENTS, Event
from shared.domain.jobs.job import JobId, UserId
from shared.runtime.http.handover import OnLost
from shared.runtime.http.sse import HEARTBEAT

MAX_BEHIND = 256 * 1024
"""A listener that has let so many bytes of events pass is disconnected. It may resume after its last event."""
STALLED_SECONDS = 60.0
"""A listener that has read nothing of a full buffer for so long is disconnected."""
CLOSE_SECONDS = 5.0
"""How long a listener may take to read what was sent before the end."""

log = structlog.get_logger()


class Hub(Protocol):
    """What all listeners share."""

    def read_for(self, listener: "Listener") -> None:
        """Read the log for the listener, soon."""
        ...

    def delivered(self, listener: "Listener", event: Event) -> None: ...
    def closed(self, listener: "Listener") -> None: ...


class Listener(asyncio.Protocol):
    """Writes events as they are delivered. When it cannot, it holds none of them: it reads the log again later.

    It is behind while the log may have events that it has not sent.
    """

    __slots__ = (
        "_end_at",
        "_hub",
        "_missed_bytes",
        "_on_lost",
        "_paused_at",
        "_transport",
        "_written_at",
        "is_behind",
        "job_id",
        "language",
        "last_id",
        "opened_at",
        "user",
    )

    def __init__(
        self,
        hub: Hub,
        user: UserId,
        job_id: JobId | None,
        *,
        after: str | None,
        language: str,
        opened_at: float,
        end_at: float,
    ) -> None:
        """`opened_at` is in Unix seconds, `end_at` on the monotonic clock."""
        self.user = user
        self.job_id = job_id
        self.last_id = after
        self.language = language
        self.opened_at = opened_at
        self.is_behind = True
        self._hub = hub
        self._end_at = end_at
        self._missed_bytes = 0
        self._paused_at = math.inf
        self._written_at = 0.0
        self._transport: asyncio.Transport | None = None
        self._on_lost: OnLost | None = None

    @property
    def is_readable(self) -> bool:
        """Whether events of the log are wanted now."""
        return self.is_behind and self._can_write

    @property
    def _can_write(self) -> bool:
        return self._is_open and self._paused_at == math.inf

    @property
    def _is_open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    def begin_reading(self) -> str | None:
        """The id after which the log is to be read. What is missed from now on has to be read once more."""
        self._missed_bytes = 0
        return self.last_id

    def take(self, events: list[Event], *, is_end: bool) -> None:
        """Send a page of the log, or as much of it as the client can take. `is_end`: the log has no more."""
        for event in events:
            if not self._can_write:
                return
            self._send(event)
        self.is_behind = not is_end or self._missed_bytes > 0

    def deliver(self, event: Event) -> None:
        if self.job_id is not None and event.job_id != self.job_id:
            return
        if self.is_behind or not self._can_write:
            self.is_behind = True
            self._missed_bytes += len(event.data) + 1
            if self._missed_bytes > MAX_BEHIND:
                self._drop("behind")
        elif parse_id(event.id) > parse_id(self.last_id):
            self._send(event)

    def catch_up(self) -> None:
        self.is_behind = True
        self._missed_bytes += 1
        self._hub.read_for(self)

    def check(self, now: float, heartbeat_seconds: float) -> None:
        """Called every second or so. `now` is on the monotonic clock."""
        if now >= self._end_at:
            self.end(EXPIRED)
        elif now - self._paused_at >= STALLED_SECONDS:
            self._drop("stalled")
        elif self._can_write and now - self._written_at >= heartbeat_seconds:
            self._write(HEARTBEAT)

    def end(self, last: bytes = b"") -> None:
        if self._transport is None or self._transport.is_closing():
            return
        self._transport.write(_chunk(last) + _chunk(b""))
        self._transport.close()
        asyncio.get_running_loop().call_later(CLOSE_SECONDS, self._transport.abort)

    def _send(self, event: Event) -> None:
        self._write(encode(event, self.language))
        self.last_id = event.id
        self._hub.delivered(self, event)
        if self.job_id is not None and event.name in LAST_EVENTS:
            self.end()

    def _write(self, content: bytes) -> None:
        assert self._transport is not None
        self._transport.write(_chunk(content))
        self._written_at = asyncio.get_running_loop().time()

    def _drop(self, reason: str) -> None:
        if self._transport is not None:
            log.info("events.listener_dropped", reason=reason)
            self._transport.abort()

    def take_over(self, transport: asyncio.Transport, on_lost: OnLost) -> None:
        self._transport, self._on_lost = transport, on_lost
        self._written_at = asyncio.get_running_loop().time()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._on_lost is not None:
            self._on_lost(exc)
        self._hub.closed(self)

    def pause_writing(self) -> None:
        self._paused_at = asyncio.get_running_loop().time()

    def resume_writing(self) -> None:
        self._paused_at = math.inf
        if self.is_behind:
            self._hub.read_for(self)

    def shutdown(self) -> None:
        self.end()


def _chunk(content: bytes) -> bytes:
    """Content in the chunked encoding of HTTP/1.1. An empty chunk ends the response."""
    return b"%x\r\n%b\r\n" % (len(content), content)
