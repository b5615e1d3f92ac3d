"""The one log: names, colours, and a reader that goes away."""

import contextlib
import io
import os

from local.console import Console


def test_every_line_starts_with_the_name_it_came_from() -> None:
    stream = io.StringIO()
    console = Console(stream, is_coloured=False)
    console.write("gateway", "hello")
    console.write("collection-worker-2", "bonjour")
    assert stream.getvalue() == "            gateway │ hello\ncollection-worker-2 │ bonjour\n"


def test_lines_of_the_stack_itself_have_no_name() -> None:
    stream = io.StringIO()
    Console(stream, is_coloured=True).say("ready: http://127.0.0.1:8000")
    assert stream.getvalue() == "ready: http://127.0.0.1:8000\n"


def test_a_name_keeps_its_colour() -> None:
    stream = io.StringIO()
    console = Console(stream, is_coloured=True)
    for name in ("gateway", "chat", "gateway"):
        console.write(name, "x")
    first, second, third = (line.split("m")[0] for line in stream.getvalue().splitlines())
    assert first == third != second


def test_a_closed_pipe_does_not_stop_the_stack() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    stream = os.fdopen(writing, "w", buffering=1)
    console = Console(stream, is_coloured=False)
    console.write("gateway", "nobody reads this")
    console.write("gateway", "nor this")
    with contextlib.suppress(BrokenPipeError):  # what could not be written is still in the buffer
        stream.close()
