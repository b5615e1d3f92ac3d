"""Event logs for listeners: first the missed events, then live ones, without a gap and without a repeat.

Listeners do not poll. Every script that appends an event also publishes it, and one connection per process subscribes
to the channels of all listening users. Published events can be lost, so after a reconnect, or when its queue
overflowed, a listener reads the stream from the last event it yielded.
"""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any, Protocol

import msgspec
import structlog

from shared.adapters.redis import keys, scripts
from shared.adapters.redis.client import RedisClient
from shared.adapters.redis.connection import COMMAND_SECONDS, RETRY_AFTER_SECONDS, call, end, is_away
from shared.domain.errors import StoreUnavailable
from shared.domain.jobs.events import LAST_EVENTS, Changed, Event
from shared.domain.jobs.job import JobId, UserId

log = structlog.get_logger()

PAGE = 100
"""Events read from a stream per call."""
QUEUE = 1_000
"""Published events queued per listener. A listener that overflows its queue reads the stream again."""
PING_SECONDS = 5.0
"""Seconds of silence after which the connection is pinged. After as long again without a reply it counts as lost."""
RECONNECT_SECONDS = 0.5
"""Pause before a reconnect, or before a failed read is tried again, in seconds."""

_CATCH_UP = Event("", "", "", b"")
"""Queue marker: events may have been missed, so read the stream."""


class Subscriber(Protocol):
    """Receives the events of a user while it is subscribed. Its methods are called on the event loop and must not block."""

    def deliver(self, event: Event) -> None: ...

    def catch_up(self) -> None:
        """Events may have been missed: read the log."""
        ...


class _Channel:
    """The subscribers to the events of one user. `confirmed` is done once Redis has confirmed the subscription."""

    __slots__ = ("confirmed", "subscribers")

    def __init__(self) -> None:
        self.subscribers: list[Subscriber] = []
        self.confirmed = asyncio.get_running_loop().create_future()


class EventLog:
    """Event logs of all users. `run` must be running while anybody listens."""

    def __init__(self, redis: RedisClient, *, shards: int) -> None:
        self._redis = redis
        self._shards = shards
        self._channels: dict[str, _Channel] = {}
        self._abandoned: set[str] = set()
        """Channels without subscribers that Redis still sends."""
        self._dropping: asyncio.Task[None] | None = None
        self._pubsub: Any = None
        self._changed = asyncio.Event()

    @property
    def listeners(self) -> int:
        return sum(len(channel.subscribers) for channel in self._channels.values())

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
            for channel in self._channels.values():
                if channel.confirmed.done():
                    channel.confirmed = asyncio.get_running_loop().create_future()
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _listen(self) -> None:
        pubsub = self._redis.pubsub()
        try:
            # While nobody listens, no connection is held.
            while not self._channels:
                self._changed.clear()
                await self._changed.wait()
            names = set(self._channels)
            await pubsub.subscribe(*names)
            self._pubsub = pubsub  # from here on, `subscribe` sends what comes
            if came_meanwhile := self._channels.keys() - names:
                await pubsub.subscribe(*came_meanwhile)
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
            channel = self._channels.get((message["channel"] or b"").decode())
            if channel and message["type"] == "subscribe":
                _confirm(channel)
            elif channel and message["type"] == "message":
                event = _to_event(message["data"])
                for subscriber in [*channel.subscribers]:
                    subscriber.deliver(event)

    async def subscribe(self, user: UserId, subscriber: Subscriber) -> None:
        """Returns once Redis sends the events of the user; what was before is to be read from the log.

        Raises `StoreUnavailable`, and then nothing is subscribed.
        """
        name = self._channel_of(user)
        is_first = name not in self._channels
        channel = self._channels.setdefault(name, _Channel()) if is_first else self._channels[name]
        channel.subscribers.append(subscriber)
        self._changed.set()
        try:
            if is_first and self._pubsub is not None:
                await self._pubsub.subscribe(name)
            if not channel.confirmed.done():
                await asyncio.wait([channel.confirmed], timeout=COMMAND_SECONDS)
            if not channel.confirmed.done():
                raise StoreUnavailable(retry_after=RETRY_AFTER_SECONDS)
        except BaseException as error:
            self.unsubscribe(user, subscriber)
            if is_away(error):
                raise StoreUnavailable(retry_after=RETRY_AFTER_SECONDS) from error
            raise

    def unsubscribe(self, user: UserId, subscriber: Subscriber) -> None:
        name = self._channel_of(user)
        channel = self._channels[name]
        channel.subscribers.remove(subscriber)
        if channel.subscribers:
            return
        del self._channels[name]
        self._abandoned.add(name)
        if self._dropping is None:
            self._dropping = asyncio.create_task(self._drop_abandoned())

    async def _drop_abandoned(self) -> None:
        """Many listeners leave at once when a proxy restarts: their channels are unsubscribed with one command."""
        try:
            while names := self._abandoned - self._channels.keys():
                self._abandoned.clear()
                if self._pubsub is not None and self._channels:
                    await self._pubsub.unsubscribe(*names)
        except Exception as error:
            if not is_away(error):
                raise  # the connection is gone, and its subscriptions are with it
        finally:
            self._dropping = None

    async def read(self, user: UserId, job_id: JobId | None, after: str | None) -> list[Event]:
        """A page of at most PAGE stored events of a user, or of one of their jobs, that follow the event with id `after`.

        Raises `StoreUnavailable`, and `ValueError` if `after` is not an event id.
        """
        milliseconds, sequence = parse_id(after)
        shard = keys.shard_of(user, self._shards)
        source = keys.job_events(shard, job_id) if job_id else keys.user_events(shard, user)
        page = await call(self._redis, "XRANGE", source, f"({milliseconds}-{sequence}", "+", "COUNT", PAGE)
        return [_to_event(entry + b" " + fields[b"event"]) for entry, fields in page]

    async def tell_change(self, user: UserId, change: Changed) -> None:
        """Append `changed` to the log of a user. Raises `StoreUnavailable`."""
        key = keys.user_events(keys.shard_of(user, self._shards), user)
        await scripts.run(self._redis, scripts.TELL_CHANGE, key, change.job_id, msgspec.json.encode(change))

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
        after its `done` or `removed` event.

        Raises `StoreUnavailable` if Redis is unreachable at the start, `ValueError` if `after` is not an event id.
        """
        last = parse_id(after)
        queue = _Queue()
        await self.subscribe(user, queue)
        try:
            is_behind, has_begun = True, False
            while True:
                if is_behind:
                    try:
                        events = await self.read(user, job_id, after)
                    except StoreUnavailable:
                        if not has_begun:
                            raise
                        # In a cluster, pub/sub can be back on one node before the stream is back on another.
                        await asyncio.sleep(RECONNECT_SECONDS)
                        continue
                    has_begun = True
                    is_behind = len(events) == PAGE
                else:
                    event = await queue.next(heartbeat_seconds)
                    if event is None:
                        yield None
                        continue
                    is_behind = event is _CATCH_UP
                    events = [] if is_behind or (job_id and event.job_id != job_id) else [event]
                for event in events:
                    if parse_id(event.id) <= last:
                        continue
                    last, after = parse_id(event.id), event.id
                    yield event
                    if job_id and event.name in LAST_EVENTS:
                        return
        finally:
            self.unsubscribe(user, queue)

    def _channel_of(self, user: UserId) -> str:
        return keys.user_events(keys.shard_of(user, self._shards), user)


class _Queue:
    """The published events that a tail has not taken yet."""

    def __init__(self) -> None:
        self._events: asyncio.Queue[Event] = asyncio.Queue(QUEUE)

    def deliver(self, event: Event) -> None:
        if self._events.full():
            while not self._events.empty():
                self._events.get_nowait()
            event = _CATCH_UP
        self._events.put_nowait(event)

    def catch_up(self) -> None:
        self.deliver(_CATCH_UP)

    async def next(self, seconds: float) -> Event | None:
        """None if no event comes within so many seconds."""
        try:
            async with asyncio.timeout(seconds):
                return await self._events.get()
        except TimeoutError:
            return None


def _confirm(channel: _Channel) -> None:
    if not channel.confirmed.done():
        channel.confirmed.set_result(None)
    for subscriber in [*channel.subscribers]:
        subscriber.catch_up()


def _to_event(published: bytes) -> Event:
    """Parse `<event id> <job id> <name> <data>`, the format that `tell` in prelude.lua publishes."""
    event_id, job_id, name, data = published.split(b" ", 3)
    return Event(event_id.decode(), job_id.decode(), name.decode(), data)


def parse_id(event_id: str | None) -> tuple[int, int]:
    """Parse a stream id into two numbers, because ids compare as numbers and not as text."""
    if not event_id:
        return (0, 0)
    milliseconds, _, sequence = event_id.partition("-")
    return int(milliseconds), int(sequence or 0)
