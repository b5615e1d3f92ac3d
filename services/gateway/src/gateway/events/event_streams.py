"""Event streams of users and jobs: localised, resumable, bounded in number, and ended with the job or the token.

A stream costs a connection and a `Listener`. All listeners share one subscribed connection to Redis, a few readers of the log,
and one task that sends heartbeats and ends what is over.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.auth.authenticator import Caller
from gateway.events.event_encoding import encode_end
from gateway.events.listener import Listener
from gateway.metrics import GatewayMetrics
from shared.adapters.redis.jobs.event_log import PAGE, RECONNECT_SECONDS, EventLog
from shared.domain.errors import StoreUnavailable, StreamsExhausted, TooManyStreams
from shared.domain.jobs.events import Event
from shared.domain.jobs.job import UserId
from shared.domain.jobs.job_snapshot import JobSnapshot
from shared.runtime.http.handover import handover
from shared.runtime.http.sse import HEADERS, RECONNECT, EventWriter

READERS = 8
"""Listeners for which the log is read at the same time; the others wait in order."""
RETRY_SECONDS = 5.0
CHECK_SECONDS = 1.0
"""How often heartbeats and ends are looked for; more often when heartbeats are."""


class EventStreams:
    """Opens streams of the events of a user, and is what their listeners share."""

    def __init__(
        self,
        log: EventLog,
        *,
        heartbeat_seconds: float,
        max_streams: int,
        closing: asyncio.Event,
        clock: Callable[[], float],
        metrics: GatewayMetrics,
    ) -> None:
        """`max_streams` bounds the streams of the process; the plan bounds those of a user."""
        self._log = log
        self._heartbeat_seconds = heartbeat_seconds
        self._max_streams = max_streams
        self._closing = closing
        self._clock = clock
        self._metrics = metrics
        self._listeners: set[Listener] = set()
        self._by_user: Counter[UserId] = Counter()
        self._behind: dict[Listener, None] = {}
        """Listeners that wait for a reader, in order."""
        self._reading: set[Listener] = set()
        self._readers: set[asyncio.Task[None]] = set()
        self._checking: asyncio.Task[None] | None = None

    def follow(
        self, caller: Caller, job: JobSnapshot | None = None, *, after: str | None, language: str
    ) -> ASGIApp:
        """The events of one job up to its `done`, or of all jobs of the user, as a response.

        Without `after` the stream begins at the start of the log, so that nothing is missed. The response raises
        `TooManyStreams`, `StreamsExhausted` and `StoreUnavailable` before it begins.
        """

        async def respond(scope: Scope, receive: Receive, send: Send) -> None:
            if job and job.state.is_final and not await self._log.read(job.user, job.id, after):
                await _response_at_end(job, after, language)(scope, receive, send)
            elif scope["method"] == "HEAD":
                await Response(headers=HEADERS)(scope, receive, send)
            else:
                await self._begin(self._admit(caller, job, after, language), send)

        return respond

    def _admit(self, caller: Caller, job: JobSnapshot | None, after: str | None, language: str) -> Listener:
        if self._by_user[caller.user] >= caller.plan.event_streams:
            raise TooManyStreams(limit=caller.plan.event_streams, retry_after=RETRY_SECONDS)
        if len(self._listeners) >= self._max_streams:
            raise StreamsExhausted(retry_after=RETRY_SECONDS)
        now = self._clock()
        listener = Listener(
            self,
            caller.user,
            job.id if job else None,
            after=after,
            language=language,
            opened_at=now,
            end_at=asyncio.get_running_loop().time() + caller.expires_at - now,
        )
        self._listeners.add(listener)
        self._by_user[caller.user] += 1
        self._metrics.stream_opened()
        if self._checking is None:
            self._checking = asyncio.create_task(self._check())
        return listener

    async def _begin(self, listener: Listener, send: Send) -> None:
        """The first page is read before the response begins: an error can then still set the status."""
        is_subscribed = False
        try:
            await self._log.subscribe(listener.user, listener)
            is_subscribed = True
            events = await self._log.read(listener.user, listener.job_id, listener.begin_reading())
            await EventWriter(send).write(RECONNECT)
            await send(handover(listener))
        except BaseException:
            self._remove(listener, is_subscribed=is_subscribed)
            raise
        listener.take(events, is_end=len(events) < PAGE)
        self.read_for(listener)

    async def _check(self) -> None:
        """Runs while there are listeners."""
        seconds = min(CHECK_SECONDS, self._heartbeat_seconds / 2)
        while self._listeners:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._closing.wait()
            if self._closing.is_set():
                break
            now = asyncio.get_running_loop().time()
            for listener in [*self._listeners]:
                listener.check(now, self._heartbeat_seconds)
        self._checking = None
        for listener in [*self._listeners]:
            listener.end()

    def read_for(self, listener: Listener) -> None:
        """Read the log for the listener, in its turn."""
        if listener.is_readable and listener not in self._reading:
            self._behind[listener] = None
            if len(self._readers) < READERS:
                reader = asyncio.create_task(self._read_on())
                self._readers.add(reader)
                reader.add_done_callback(self._readers.discard)

    async def _read_on(self) -> None:
        while self._behind:
            listener = next(iter(self._behind))
            del self._behind[listener]
            self._reading.add(listener)
            try:
                await self._catch_up(listener)
            finally:
                self._reading.discard(listener)

    async def _catch_up(self, listener: Listener) -> None:
        while listener.is_readable:
            try:
                events = await self._log.read(listener.user, listener.job_id, listener.begin_reading())
            except (
                StoreUnavailable
            ):  # in a cluster, pub/sub can be back on one node before the log is on another
                await asyncio.sleep(RECONNECT_SECONDS)
            else:
                listener.take(events, is_end=len(events) < PAGE)

    def delivered(self, listener: Listener, event: Event) -> None:
        self._metrics.event_delivered(event.id, since=listener.opened_at)

    def closed(self, listener: Listener) -> None:
        self._remove(listener, is_subscribed=True)

    def _remove(self, listener: Listener, *, is_subscribed: bool) -> None:
        if listener not in self._listeners:
            return
        self._listeners.discard(listener)
        self._behind.pop(listener, None)
        self._by_user[listener.user] -= 1
        if not self._by_user[listener.user]:
            del self._by_user[listener.user]
        self._metrics.stream_closed()
        if is_subscribed:
            self._log.unsubscribe(listener.user, listener)


def _response_at_end(job: JobSnapshot, after: str | None, language: str) -> Response:
    """For a job that has ended: 204 once all events were received, which ends a browser's reconnects; else its `done`, though
    the log has expired."""
    if after is not None:
        return Response(status_code=204)
    return Response(RECONNECT + encode_end(job, language), headers=HEADERS)
