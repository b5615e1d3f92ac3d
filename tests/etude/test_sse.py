"""Reading server-sent events from bytes that arrive in any pieces."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from etude.sse import ServerEvent, parse_events

STREAM = (
    b": hello\n\nretry: 2000\n\n"
    b'id: 1-0\nevent: status\ndata: {"status":"queued"}\n\n'
    b":\n\n"
    b"id: 2-0\r\nevent: done\r\ndata: one\r\ndata: two\r\n\r\n"
)
EVENTS = [
    ServerEvent("1-0", "status", b'{"status":"queued"}'),
    ServerEvent("2-0", "done", b"one\ntwo"),
]


@given(st.lists(st.integers(0, len(STREAM)), max_size=8).map(sorted))
def test_however_the_bytes_are_cut_the_events_are_the_same(cuts: list[int]):
    bounds = [0, *cuts, len(STREAM)]
    chunks = [STREAM[start:end] for start, end in itertools.pairwise(bounds)]

    assert list(parse_events(chunks)) == EVENTS


def test_an_event_that_the_end_of_the_stream_cut_off_is_none():
    assert list(parse_events([b"event: done\ndata: {}\n"])) == []


def test_a_line_separator_of_unicode_does_not_cut_a_line():
    data = "before\u2028after\x85end".encode()

    (event,) = parse_events([b"data: " + data + b"\n\n"])

    assert event.data == data


def test_an_event_without_an_id_keeps_the_last_one():
    events = list(parse_events([b"id: 7-0\ndata: a\n\ndata: b\n\n"]))

    assert [event.id for event in events] == ["7-0", "7-0"]
