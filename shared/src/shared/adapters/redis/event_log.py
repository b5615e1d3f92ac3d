"""Event logs as listeners see them: first what was missed, then what happens, without a gap and without a repeat.

A listener never polls: every script that appends an event also publishes it, and one connection of the process hears
the channels of all users who listen here. The log is the truth and the channel only the bell: after a reconnect, or
when a listener was too slow for its queue, it reads the log on from the last event it told.
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
"""Events read from a log at a time."""
QUEUE = 1_000
"""Published events a listener may lag behind before it goes back to the log."""
PING_SECONDS = 5.0
"""A connection that hears nothing for this long is asked whether it lives."""
RECONNECT_SECONDS = 0.5

_CATCH_UP = Event("", "", "", b"")
"""In a queue: something may have been missed, read the log."""


class EventLog:
    """All event logs. `run` must be running while anybody listens."""

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
        """Own the one listening connection, until cancelled: reconnects, and tells listeners to catch up."""
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
            for heard in self._subscribed.values():
                heard.clear()
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _listen(self) -> None:
        pubsub = self._redis.pubsub()
        try:
            # Nobody listens yet: wait without a connection.
            while not self._queues:
                self._changed.clear()
                await self._changed.wait()
            await pubsub.subscribe(*self._queues)
            self._pubsub = pubsub
            await self._hear(pubsub)
        finally:
            self._pubsub = None
            await pubsub.aclose()

    async def _hear(self, pubsub: Any) -> None:
        is_asked = False
        while True:
            message = await pubsub.get_message(timeout=PING_SECONDS)
            if message is None:
                if is_asked:
                    raise ConnectionError("no answer to a ping")
                await pubsub.ping()
                is_asked = True
                continue
            is_asked = False
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
        """The events of a user, or of one job of theirs, after the one with id `after` (all when None), then the live
        ones as they happen. None is a heartbeat: nothing happened for that long. A job's tail ends after its `done`.

        Raises `StoreUnavailable` when Redis is away at the start, `ValueError` when `after` is no event id.
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
                        async for event in self._read_on(source, last):
                            last = _parse_id(event.id)
                            yield event
                            if job_id and event.name == EventName.DONE:
                                return
                    except StoreUnavailable:
                        if not has_begun:
                            raise
                        # The bell rings at one node of a cluster before the log is back at another.
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

    async def _read_on(self, source: str, last: tuple[int, int]) -> AsyncGenerator[Event]:
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
    """`<event id> <job id> <name> <data>`, as prelude.lua's tell publishes it."""
    event_id, job_id, name, data = published.split(b" ", 3)
    return Event(event_id.decode(), job_id.decode(), name.decode(), data)


def _parse_id(event_id: str | None) -> tuple[int, int]:
    """Stream ids compare as numbers, not as text."""
    if not event_id:
        return (0, 0)
    milliseconds, _, sequence = event_id.partition("-")
    return int(milliseconds), int(sequence or 0)
