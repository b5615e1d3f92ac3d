"""Event logs for listeners: first the missed events, then live ones, without a gap and without a repeat.

Listeners do not poll. Every script that appends an event also publishes it, and one connection per process subscribes
to the channels of all listening users. Published events can be lost, so after a reconnect, or when its queue
overflowed, a listener reads the stream from the last event it yielded.
"""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import structlog

from shared.adapters.redis import keys
from shared.adapters.redis.client import RedisClient
from shared.adapters.redis.connection import COMMAND_SECONDS, RETRY_AFTER_SECONDS, call, end, is_away
from shared.domain.errors import StoreUnavailable
from shared.domain.jobs.events import Event, EventName
from shared.domain.jobs.job import JobId, UserId

log = structlog.get_logger()

PAGE = 500
"""Events read from a stream per call."""
QUEUE = 1_000
"""Published events queued per listener. A listener that overflows its queue reads the stream again."""
PING_SECONDS = 5.0
"""Seconds of silence after which the connection is pinged. After as long again without a reply it counts as lost."""
RECONNECT_SECONDS = 0.5
"""Pause before a reconnect, or before a failed read is tried again, in seconds."""

_CATCH_UP = Event("", "", "", b"")
"""Queue marker: events may have been missed, so read the stream."""


class EventLog:
    """Event logs of all users. `run` must be running while anybody listens."""

    def __init__(self, redis: RedisClient, *, shards: int) -> None:
        self._redis = redis
        self._shards = shards
        self._queues: dict[str, set[asyncio.Queue[Event]]] = {}
        self._subscribed: dict[str, asyncio.Event] = {}
        self._pubsub: Any = None
        self._changed = asyncio.Event()

    @property
    def listeners(self) -> int:
        return sum(len(queues) for queues in self._queues.values())

    async def run(self) -> None:
        """Keep the subscribed connection open until cancelled. After a reconnect, listeners catch up from the stream."""
        listening = asyncio.create_task(self._listen_on())
        try:
            await asyncio.wait([listening])
            listening.result()
        finally:
            await end(listening)

    async def _listen_on(self) -> None:
        while True:
            try:
                await self._listen()
            except Exception as error:
                if not is_away(error):
                    raise
                log.warning("events.disconnected", error_type=type(error).__name__)
            for subscribed in self._subscribed.values():
                subscribed.clear()
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _listen(self) -> None:
        pubsub = self._redis.pubsub()
        try:
            # While nobody listens, no connection is held.
            while not self._queues:
                self._changed.clear()
                await self._changed.wait()
            await pubsub.subscribe(*self._queues)
            self._pubsub = pubsub
            await self._receive(pubsub)
        finally:
            self._pubsub = None
            await pubsub.aclose()

    async def _receive(self, pubsub: Any) -> None:
        is_pinged = False
        while True:
            message = await pubsub.get_message(timeout=PING_SECONDS)
            if message is None:
                if is_pinged:
                    raise ConnectionError("no answer to a ping")
                await pubsub.ping()
                is_pinged = True
                continue
            is_pinged = False
            channel = (message["channel"] or b"").decode()
            if message["type"] == "subscribe":
                self._catch_up(channel)
            elif message["type"] == "message":
                self._deliver(channel, _to_event(message["data"]))

    def _catch_up(self, channel: str) -> None:
        if channel in self._subscribed:
            self._subscribed[channel].set()
        self._deliver(channel, _CATCH_UP)

    def _deliver(self, channel: str, event: Event) -> None:
        for queue in self._queues.get(channel, ()):
            if queue.full():
                _empty(queue)
                queue.put_nowait(_CATCH_UP)
            else:
                queue.put_nowait(event)

    async def _register(self, channel: str, queue: asyncio.Queue[Event]) -> None:
        is_first = channel not in self._queues
        self._queues.setdefault(channel, set()).add(queue)
        self._subscribed.setdefault(channel, asyncio.Event())
        self._changed.set()
        if is_first and self._pubsub is not None:
            await self._pubsub.subscribe(channel)

    async def _wait_subscribed(self, channel: str) -> None:
        try:
            async with asyncio.timeout(COMMAND_SECONDS):
                await self._subscribed[channel].wait()
        except TimeoutError:
            raise StoreUnavailable(retry_after=RETRY_AFTER_SECONDS) from None

    async def _leave(self, channel: str, queue: asyncio.Queue[Event]) -> None:
        queues = self._queues.get(channel, set())
        queues.discard(queue)
        if queues or channel not in self._queues:
            return
        del self._queues[channel], self._subscribed[channel]
        if self._pubsub is not None and self._queues:
            await self._pubsub.unsubscribe(channel)

    async def tail(
        self,
        user: UserId,
        *,
        job_id: JobId | None = None,
        after: str | None = None,
        heartbeat_seconds: float,
    ) -> AsyncGenerator[Event | None]:
        """Yield the stored events of a user, or of one of their jobs, that follow the event with id `after` (all if None),
        then live events. Yields None as a heartbeat after `heartbeat_seconds` without an event. The tail of a job ends
        after its `done` event.

        Raises `StoreUnavailable` if Redis is unreachable at the start, `ValueError` if `after` is not an event id.
        """
        shard = keys.shard_of(user, self._shards)
        channel = keys.user_events(shard, user)
        source = keys.job_events(shard, job_id) if job_id else channel
        last = _parse_id(after)
        queue: asyncio.Queue[Event] = asyncio.Queue(QUEUE)
        try:
            await self._register(channel, queue)
            await self._wait_subscribed(channel)
            is_behind, has_begun = True, False
            while True:
                if is_behind:
                    try:
                        async for event in self._read_after(source, last):
                            last = _parse_id(event.id)
                            yield event
                            if job_id and event.name == EventName.DONE:
                                return
                    except StoreUnavailable:
                        if not has_begun:
                            raise
                        # In a cluster, pub/sub can be back on one node before the stream is back on another.
                        await asyncio.sleep(RECONNECT_SECONDS)
                        continue
                    has_begun = True
                try:
                    async with asyncio.timeout(heartbeat_seconds):
                        event = await queue.get()
                except TimeoutError:
                    is_behind = False
                    yield None
                    continue
                is_behind = event is _CATCH_UP
                if is_behind or (job_id and event.job_id != job_id) or _parse_id(event.id) <= last:
                    continue
                last = _parse_id(event.id)
                yield event
                if job_id and event.name == EventName.DONE:
                    return
        finally:
            await self._leave(channel, queue)

    async def _read_after(self, source: str, last: tuple[int, int]) -> AsyncGenerator[Event]:
        while True:
            start = f"({last[0]}-{last[1]}"
            page = await call(self._redis, "XRANGE", source, start, "+", "COUNT", PAGE)
            for entry, fields in page:
                event = _to_event(entry + b" " + fields[b"event"])
                last = _parse_id(event.id)
                yield event
            if len(page) < PAGE:
                return


def _empty(queue: asyncio.Queue[Event]) -> None:
    while not queue.empty():
        queue.get_nowait()


def _to_event(published: bytes) -> Event:
    """Parse `<event id> <job id> <name> <data>`, the format that `tell` in prelude.lua publishes."""
    event_id, job_id, name, data = published.split(b" ", 3)
    return Event(event_id.decode(), job_id.decode(), name.decode(), data)


def _parse_id(event_id: str | None) -> tuple[int, int]:
    """Parse a stream id into two numbers, because ids compare as numbers and not as text."""
    if not event_id:
        return (0, 0)
    milliseconds, _, sequence = event_id.partition("-")
    return int(milliseconds), int(sequence or 0)
