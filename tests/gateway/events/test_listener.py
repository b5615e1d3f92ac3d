"""What a listener writes, holds and gives up, on a transport that takes as much as the test says."""

import asyncio
import json
from typing import Any

from gateway.events.listener import MAX_BEHIND, STALLED_SECONDS, Listener
from shared.domain.jobs.events import Event
from shared.domain.jobs.job import JobId, UserId

HEARTBEAT_SECONDS = 15.0


class Transport:
    def __init__(self) -> None:
        self.written = b""
        self.is_closed = self.is_aborted = False

    def write(self, data: bytes) -> None:
        assert not self.is_closed
        self.written += data

    def close(self) -> None:
        self.is_closed = True

    def abort(self) -> None:
        self.is_closed = self.is_aborted = True

    def is_closing(self) -> bool:
        return self.is_closed


class Hub:
    def __init__(self) -> None:
        self.is_reading_wanted = False
        self.sent: list[str] = []
        self.is_left = False

    def read_for(self, listener: Listener) -> None:
        self.is_reading_wanted = True

    def delivered(self, listener: Listener, event: Event) -> None:
        self.sent.append(event.id)

    def closed(self, listener: Listener) -> None:
        self.is_left = True


class Setup:
    """A listener that has read its log to the end."""

    def __init__(self, *, job_id: str = "", seconds_left: float = 1e9) -> None:
        self.hub, self.transport = Hub(), Transport()
        self.lost: list[Exception | None] = []
        self.now = asyncio.get_running_loop().time()
        self.listener = Listener(
            self.hub,
            UserId("ada"),
            JobId(job_id) if job_id else None,
            after=None,
            language="en",
            opened_at=0,
            end_at=self.now + seconds_left,
        )
        self.listener.begin_reading()
        self.listener.take_over(as_transport(self.transport), self.lost.append)
        self.listener.take([], is_end=True)

    def check(self, *, after: float = 0) -> None:
        self.listener.check(self.now + after, HEARTBEAT_SECONDS)


def as_transport(transport: Transport) -> Any:
    """An `asyncio.Transport` that passes on to the double."""
    passed = {name: getattr(transport, name) for name in ("write", "close", "abort", "is_closing")}
    return type("Passing", (asyncio.Transport,), {k: staticmethod(v) for k, v in passed.items()})()


def make_event(number: int, *, job_id: str = "j", name: str = "item", size: int = 10) -> Event:
    return Event(f"{number}-0", job_id, name, json.dumps({"text": "x" * size}).encode())


async def test_an_event_is_sent_as_a_chunk() -> None:
    setup = Setup()
    setup.listener.deliver(make_event(1, size=1))
    event = b'id: 1-0\nevent: item\ndata: {"text": "x"}\n\n'
    assert setup.transport.written == b"%x\r\n%b\r\n" % (len(event), event)


async def test_events_are_sent_once_and_only_those_of_the_job() -> None:
    setup = Setup(job_id="j")
    for event in (make_event(1), make_event(1), make_event(2, job_id="other"), make_event(3)):
        setup.listener.deliver(event)
    assert setup.hub.sent == ["1-0", "3-0"]


async def test_events_that_come_while_the_log_is_read_are_read_once_more() -> None:
    setup = Setup()
    setup.listener.catch_up()
    assert setup.listener.begin_reading() is None
    setup.listener.deliver(make_event(2))
    setup.listener.take([make_event(1)], is_end=True)
    assert (setup.hub.sent, setup.listener.is_readable) == (["1-0"], True)
    assert setup.listener.begin_reading() == "1-0"
    setup.listener.take([make_event(2)], is_end=True)
    assert (setup.hub.sent, setup.listener.is_readable) == (["1-0", "2-0"], False)


async def test_a_slow_listener_holds_nothing_and_reads_the_log_once_it_can_write() -> None:
    setup = Setup()
    setup.listener.pause_writing()
    setup.listener.deliver(make_event(1))
    assert (setup.hub.sent, setup.listener.is_readable) == ([], False)
    setup.listener.resume_writing()
    assert setup.hub.is_reading_wanted
    assert setup.listener.is_readable


async def test_a_page_is_sent_as_far_as_the_client_takes_it() -> None:
    setup = Setup()
    setup.listener.catch_up()
    setup.listener.begin_reading()
    setup.transport.write = lambda data: setup.listener.pause_writing()  # pyright: ignore[reportAttributeAccessIssue] - a full buffer
    setup.listener.take_over(as_transport(setup.transport), setup.lost.append)
    setup.listener.take([make_event(1), make_event(2)], is_end=True)
    setup.listener.resume_writing()
    assert (setup.hub.sent, setup.listener.begin_reading()) == (["1-0"], "1-0")
    assert setup.listener.is_readable


async def test_a_listener_that_is_too_far_behind_is_disconnected() -> None:
    setup = Setup()
    setup.listener.pause_writing()
    for number in range(MAX_BEHIND // 1024):
        setup.listener.deliver(make_event(number, size=1000))
    assert not setup.transport.is_aborted
    for number in range(10):
        setup.listener.deliver(make_event(number, size=1000))
    assert setup.transport.is_aborted


async def test_a_listener_that_takes_nothing_for_a_minute_is_disconnected() -> None:
    setup = Setup()
    setup.listener.pause_writing()
    setup.check(after=STALLED_SECONDS - 1)
    assert not setup.transport.is_aborted
    setup.check(after=STALLED_SECONDS + 1)
    assert setup.transport.is_aborted


async def test_a_silent_stream_gets_a_comment_every_fifteen_seconds() -> None:
    setup = Setup()
    setup.check(after=HEARTBEAT_SECONDS - 1)
    assert setup.transport.written == b""
    setup.check(after=HEARTBEAT_SECONDS + 1)
    assert setup.transport.written == b"3\r\n:\n\n\r\n"


async def test_a_stream_ends_with_its_token() -> None:
    setup = Setup(seconds_left=5)
    setup.check(after=4)
    assert not setup.transport.is_closed
    setup.check(after=5)
    assert setup.transport.written == b"19\r\nevent: expired\ndata: {}\n\n\r\n0\r\n\r\n"
    assert setup.transport.is_closed


async def test_the_stream_of_a_job_ends_with_its_last_event() -> None:
    setup = Setup(job_id="j")
    done = {"job_id": "j", "kind": "summary", "status": "succeeded"}
    setup.listener.deliver(Event("1-0", "j", "done", json.dumps(done).encode()))
    assert setup.transport.written.endswith(b"\r\n0\r\n\r\n")
    assert setup.transport.is_closed
    setup.listener.deliver(make_event(2))
    setup.listener.connection_lost(None)
    assert (setup.hub.is_left, setup.lost) == (True, [None])
    assert setup.hub.sent == ["1-0"]
