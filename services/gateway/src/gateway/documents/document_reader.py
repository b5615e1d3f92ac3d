"""Reads uploaded documents in processes of their own, a few at a time, and one at a time for each user.

A parser may need any time and any memory for a file that somebody made for that. Such a process can be ended; a thread cannot.
"""

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager

import msgspec
import structlog

from gateway.documents.reading_process import Reading, ReadingRequest
from shared.adapters.cpu_pool import run_in_cpu_pool
from shared.domain.document_limits import DocumentLimits
from shared.domain.errors import (
    BrokenDocument,
    DocumentTooComplex,
    EmptyText,
    InvalidEncoding,
    LockedDocument,
    RequestError,
    ScannedDocument,
    TextTooLong,
    TooManyPages,
    TooManyUploads,
    UnsupportedDocument,
)

log = structlog.get_logger()

PROCESSES = 2
"""Documents read at a time in one gateway."""
MAX_UPLOADS = 4
"""Uploads that one user may have open in one gateway: each needs memory and a place on the disk while it arrives."""
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
    def __init__(self, *, deadline_seconds: float = DEADLINE_SECONDS) -> None:
        self._deadline_seconds = deadline_seconds
        self._processes = asyncio.Semaphore(PROCESSES)
        self._seats: dict[str, asyncio.Lock] = {}
        self._uploads: Counter[str] = Counter()

    @contextmanager
    def upload(self, user: str) -> Generator[None]:
        """Count an upload while it is open. Raises `TooManyUploads`."""
        if self._uploads[user] >= MAX_UPLOADS:
            raise TooManyUploads(limit=MAX_UPLOADS, retry_after=1.0)
        self._uploads[user] += 1
        try:
            yield
        finally:
            self._uploads[user] -= 1
            if not self._uploads[user]:
                del self._uploads[user]
                self._seats.pop(user, None)

    async def read(self, user: str, name: str, content: bytes, limits: DocumentLimits) -> Reading:
        """The text of a document, whose format is told by its content, and its places. It is called inside `upload`.

        Raises `UnsupportedDocument`, `BrokenDocument`, `LockedDocument`, `ScannedDocument`, `DocumentTooComplex`,
        `InvalidEncoding`, `TextTooLong`, `TooManyPages` and `EmptyText`. Cancelling it ends the process.
        """
        async with self._seats.setdefault(user, asyncio.Lock()), self._processes:
            reading = await self._run(ReadingRequest(name, limits.text_bytes, limits.pages), content)
        if reading.code == TextTooLong.code:
            raise TextTooLong(limit=limits.text_bytes)
        if reading.code == TooManyPages.code:
            raise TooManyPages(limit=limits.pages)
        if reading.code:
            raise _ERRORS.get(reading.code, BrokenDocument)()
        return reading

    async def _run(self, request: ReadingRequest, content: bytes) -> Reading:
        """Run one process. One that is over its limits, or that crashes, has met a document that is too complex."""
        try:
            async with asyncio.timeout(self._deadline_seconds), _process() as process:
                output = await _exchange(process, request, content)
            return await run_in_cpu_pool(_decode, output)
        except (TimeoutError, msgspec.DecodeError):
            log.info("document.abandoned", bytes=len(content))
            return Reading(code=DocumentTooComplex.code)


@asynccontextmanager
async def _process() -> AsyncGenerator[asyncio.subprocess.Process]:
    """A reading process without our environment, which holds secrets. It is gone when the block ends."""
    pipe, nothing = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(
        *COMMAND, stdin=pipe, stdout=pipe, stderr=nothing, env={}, cwd="/"
    )
    try:
        yield process
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
