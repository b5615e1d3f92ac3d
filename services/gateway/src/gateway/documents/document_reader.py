"""Reads uploaded documents in processes of their own, a few at a time, and one at a time for each user.

A parser may need any time and any memory for a file that somebody made for that. Such a process can be ended; a thread cannot.
"""

import asyncio
import shutil
import sys
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager

import msgspec
import structlog
from msgspec.structs import replace

from gateway.documents.formats.document import Recognition
from gateway.documents.reading_process import CPU_SECONDS, Reading, ReadingRequest
from gateway.documents.reading_seats import RETRY_SECONDS, ReadingSeats
from gateway.documents.reading_turn import Turn
from gateway.documents.upload_limits import OpenUploads, ReadingTime
from shared.adapters.cpu_pool import run_in_cpu_pool
from shared.domain.document_limits import DocumentLimits
from shared.domain.errors import (
    BrokenDocument,
    DocumentTooComplex,
    EmptyText,
    InvalidEncoding,
    LockedDocument,
    Overloaded,
    RequestError,
    ScannedDocument,
    TextTooLong,
    TooManyPages,
    UnsupportedDocument,
)

log = structlog.get_logger()

RECOGNITIONS = 1
"""Documents whose pictures are read at a time: they take half a minute, and others do not wait for them."""
RECOGNITION_SECONDS = 40.0
"""Time that a document gets beside that for its reading: about a second for a page."""
DEADLINE_SECONDS = 10.0
"""Time that one document gets. The reading process also has a limit of processor time."""
MAX_ESCAPE_BYTES = 6
"""Bytes of the longest escape of one byte of text in JSON."""
MAX_PLACES_BYTES = 1_048_576
"""Limit of what a reading answers beside the text: the places and the unread pages."""
COMMAND = (sys.executable, "-I", "-m", "gateway.documents.reading_process")

_ERRORS: dict[str, type[RequestError]] = {
    error.code: error
    for error in (
        BrokenDocument,
        DocumentTooComplex,
        EmptyText,
        InvalidEncoding,
        LockedDocument,
        ScannedDocument,
        UnsupportedDocument,
    )
}


class DocumentReader:
    """`tesseract` is the path of the program that recognises text in pictures; empty if there is none."""

    def __init__(
        self,
        *,
        deadline_seconds: float = DEADLINE_SECONDS,
        tesseract: str = shutil.which("tesseract") or "",
        reading_time: ReadingTime | None = None,
    ) -> None:
        self._deadline_seconds = deadline_seconds
        self._tesseract = tesseract
        self._reading_time = reading_time or ReadingTime()
        self._turns = ReadingSeats(self._reading_time.used)
        self._recognitions = asyncio.Semaphore(RECOGNITIONS)
        self._seats: dict[str, asyncio.Lock] = {}
        self._uploads = OpenUploads()

    @contextmanager
    def upload(self, user: str) -> Generator[Callable[[int], None]]:
        """As `OpenUploads.open`."""
        with self._uploads.open(user) as receive:
            yield receive
        if not self._uploads.has_open(user):
            self._seats.pop(user, None)

    async def read(self, user: str, name: str, content: bytes, limits: DocumentLimits) -> Reading:
        """The text of a document, whose format is told by its content, and its places. It is called inside `upload`.

        Raises `UnsupportedDocument`, `BrokenDocument`, `LockedDocument`, `ScannedDocument`, `DocumentTooComplex`,
        `InvalidEncoding`, `TextTooLong`, `TooManyPages`, `EmptyText`, `TooMuchReading` and `Overloaded`. Cancelling it ends the
        process.
        """
        request = ReadingRequest(name, limits.text_bytes, limits.pages)
        async with self._seats.setdefault(user, asyncio.Lock()):
            async with self._turns.turn(user) as turn:
                reading = await self._run(user, request, content, self._deadline_seconds, turn)
            if reading.unread_pages and self._tesseract and limits.scanned_pages:
                reading = await self._recognise(user, request, content, reading, limits.scanned_pages)
        return _checked(reading, limits)

    async def _recognise(
        self, user: str, request: ReadingRequest, content: bytes, reading: Reading, most: int
    ) -> Reading:
        """Read the document again with the text of its pictures. What was read without them stays if that fails."""
        pages = min(len(reading.unread_pages), most)
        request = replace(request, recognition=Recognition(self._tesseract, pages, RECOGNITION_SECONDS))
        seconds = self._deadline_seconds + RECOGNITION_SECONDS
        async with self._recognitions:
            found = await self._run(user, request, content, seconds)
        if found.code in (EmptyText.code, DocumentTooComplex.code):
            return reading
        return found

    async def _run(
        self, user: str, request: ReadingRequest, content: bytes, seconds: float, turn: Turn | None = None
    ) -> Reading:
        """Run one process. One that is over its limits, or that crashes, has met a document that is too complex."""
        self._reading_time.require(user)
        try:
            async with asyncio.timeout(seconds) as deadline, _process() as process:
                if turn:
                    turn.hold(process, deadline)
                output = await _exchange(process, request, content)
            reading = await run_in_cpu_pool(_decode, output)
        except (TimeoutError, msgspec.DecodeError):
            if turn and turn.is_paused:
                self._reading_time.add(user, turn.ran)
                raise Overloaded(retry_after=RETRY_SECONDS) from None
            log.info("document.abandoned", bytes=len(content))
            reading = Reading(code=DocumentTooComplex.code, seconds=CPU_SECONDS)
        self._reading_time.add(user, reading.seconds)
        return reading


def _checked(reading: Reading, limits: DocumentLimits) -> Reading:
    if reading.code == TextTooLong.code:
        raise TextTooLong(limit=limits.text_bytes)
    if reading.code == TooManyPages.code:
        raise TooManyPages(limit=limits.pages)
    if reading.code:
        raise _ERRORS.get(reading.code, BrokenDocument)()
    return reading


@asynccontextmanager
async def _process() -> AsyncGenerator[asyncio.subprocess.Process]:
    """A reading process without our environment, which holds secrets. It is gone when the block ends."""
    pipe, nothing = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(
        *COMMAND, stdin=pipe, stdout=pipe, stderr=nothing, env={}, cwd="/"
    )
    try:
        yield process
        await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def _decode(output: bytes) -> Reading:
    return msgspec.json.decode(output, type=Reading)


async def _exchange(process: asyncio.subprocess.Process, request: ReadingRequest, content: bytes) -> bytes:
    """Raises `TimeoutError` for an answer that is longer than any reading of such a document."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(msgspec.json.encode(request) + b"\n")
    process.stdin.write(content)
    process.stdin.write_eof()
    limit, output = MAX_ESCAPE_BYTES * request.text_bytes + MAX_PLACES_BYTES, bytearray()
    while piece := await process.stdout.read(65_536):
        output += piece
        if len(output) > limit:
            raise TimeoutError
    return bytes(output)
