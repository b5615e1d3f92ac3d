"""Reads one document in a process of its own: the file on standard input, the reading as JSON on standard output.

Its limits end it whatever the file makes a parser do: processor time, memory, no files, no environment. It ends with its
parent. The first line of its input is the request, as JSON.
"""

import os
import resource
import sys
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec.structs import replace

from gateway.documents.formats.detection import reader_of
from gateway.documents.formats.document import Document, Recognition, Unreadable
from shared.domain.study.places import PlaceMarks

CPU_SECONDS = 8
MEMORY_BYTES = 384 * 1024 * 1024
"""Address space. Two readings and a gateway fit into the memory that a container gets (768 MB)."""
MAX_REQUEST_BYTES = 65_536
FIRST_TO_END = "1000"
"""A container that is short of memory ends a reading, and not the gateway."""
NICENESS = 10
"""A reader yields the processor to whatever serves requests."""


RECOGNITION_NICENESS = 9
"""What a reader of pictures yields beside that, to readers of text."""


class ReadingRequest(msgspec.Struct, frozen=True):
    """What a reading process is told about the file."""

    name: str
    text_bytes: int
    """Longest text, in bytes of UTF-8."""
    pages: int
    """Most pages."""
    recognition: Recognition | None = None
    """Without it pictures are left unread."""


class Reading(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a reading process answers: a text, or why there is none."""

    text: str = ""
    unread_pages: list[int] = []
    places: PlaceMarks | None = None
    code: str = ""
    seconds: float = 0.0
    """Processor time that the reading took."""


def main() -> None:
    limit_process()
    request = msgspec.json.decode(sys.stdin.buffer.readline(MAX_REQUEST_BYTES), type=ReadingRequest)
    if request.recognition:
        os.nice(RECOGNITION_NICENESS)
    reading = read(request, sys.stdin.buffer.read())
    sys.stdout.buffer.write(msgspec.json.encode(replace(reading, seconds=_processor_seconds())))


def _processor_seconds() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def limit_process() -> None:
    os.nice(NICENESS)
    with suppress(OSError), Path("/proc/self/oom_score_adj").open("w") as score:  # Linux
        score.write(FIRST_TO_END)
    limits = {
        resource.RLIMIT_CPU: CPU_SECONDS,
        resource.RLIMIT_AS: MEMORY_BYTES,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
    }
    for kind, most in limits.items():
        resource.setrlimit(kind, (most, most))


def read(request: ReadingRequest, content: bytes) -> Reading:
    try:
        document: Document = reader_of(
            request.name, content, max_pages=request.pages, recognition=request.recognition
        )(content)
    except Unreadable as error:
        return Reading(code=error.code, unread_pages=error.unread_pages)
    except (MemoryError, RecursionError):
        return Reading(code="document_too_complex")
    except Exception:  # noqa: BLE001 - the parsers raise any exception on a broken file
        return Reading(code="broken_document")
    return _as_reading(document, request.text_bytes)


def _as_reading(document: Document, limit: int) -> Reading:
    """Characters that the stores cannot keep are replaced: a user cannot edit a PDF."""
    text = document.text.replace("\0", "\ufffd").encode(errors="replace").decode()
    if len(text.encode()) > limit:
        return Reading(code="text_too_long")
    return Reading(text, document.unread_pages, document.places, "" if text.strip() else "empty_text")


if __name__ == "__main__":
    main()
