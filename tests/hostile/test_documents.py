"""A document that was made to harm costs its sender alone: it is answered within the deadline, and others do not wait for it."""

import asyncio
import time
from contextlib import suppress
from statistics import median

import psutil
import pytest
from tests.deadline import DEADLINE_SECONDS
from tests.hostile.hostile_documents import DOCUMENTS

from gateway.documents.document_reader import DEADLINE_SECONDS as READING_SECONDS
from gateway.documents.document_reader import DocumentReader
from gateway.documents.upload_limits import MAX_USER_UPLOADS
from shared.domain.document_limits import DocumentLimits
from shared.domain.errors import DocumentTooComplex, TooManyUploads

SLOW = "shared-stream.pdf"
HONEST = b"Plants make sugar from light. Chlorophyll absorbs the light."
READS = 5
MAX_RATIO = 4
"""Bound of what a reading takes beside hostile ones, as a ratio to alone: it was 40 when it waited for their end."""
REFUSALS = (
    *("broken_document", "document_too_complex", "empty_text", "invalid_encoding"),
    *("scanned_document", "text_too_long", "unsupported_document"),
)


async def read(reader: DocumentReader, user: str, name: str, content: bytes) -> str:
    with reader.upload(user):
        return (await reader.read(user, name, content, DocumentLimits())).text


def reading_processes() -> list[psutil.Process]:
    return [one for one in psutil.Process().children(recursive=True) if _reads(one)]


def _reads(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):  # it has ended meanwhile
        return "gateway.documents.reading_process" in process.cmdline()
    return False


async def until_reading() -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not reading_processes():  # noqa: ASYNC110 - a process sends no signal when it has started
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("name", list(DOCUMENTS))
async def test_a_hostile_document_is_read_or_refused_within_the_deadline(name: str):
    reader, started = DocumentReader(), time.monotonic()
    (outcome,) = await asyncio.gather(read(reader, "eve", name, DOCUMENTS[name]), return_exceptions=True)
    assert isinstance(outcome, str) or getattr(outcome, "code", "") in REFUSALS
    assert time.monotonic() - started < READING_SECONDS + DEADLINE_SECONDS
    assert not reading_processes()


async def test_others_do_not_wait_for_the_documents_of_one_user():
    reader = DocumentReader(deadline_seconds=DEADLINE_SECONDS)
    attacks = [
        asyncio.create_task(read(reader, "eve", SLOW, DOCUMENTS[SLOW])) for _ in range(MAX_USER_UPLOADS)
    ]
    await until_reading()
    for _ in range(READS):
        assert await read(reader, "ada", "a.txt", HONEST)
    assert not any(attack.done() for attack in attacks)
    for attack in attacks:
        attack.cancel()
    await asyncio.gather(*attacks, return_exceptions=True)
    assert not reading_processes()


async def test_two_users_with_slow_documents_slow_nobody_down():
    """They take both seats, for eight seconds each. A new reading has one of them within half a second."""
    reader = DocumentReader(deadline_seconds=DEADLINE_SECONDS)
    alone = [await seconds_of(reader, f"before-{number}") for number in range(READS)]
    attacks = [asyncio.create_task(read(reader, user, SLOW, DOCUMENTS[SLOW])) for user in ("eve", "mallory")]
    await until_reading()
    beside = [await seconds_of(reader, f"beside-{number}") for number in range(READS)]
    for attack in attacks:
        attack.cancel()
    await asyncio.gather(*attacks, return_exceptions=True)
    assert median(beside) < MAX_RATIO * median(alone)


async def seconds_of(reader: DocumentReader, user: str) -> float:
    started = time.monotonic()
    assert await read(reader, user, "a.txt", HONEST)
    return time.monotonic() - started


async def test_one_user_has_few_open_uploads():
    reader = DocumentReader()
    with reader.upload("eve"), reader.upload("eve"), reader.upload("eve"), reader.upload("eve"):
        with pytest.raises(TooManyUploads):
            await read(reader, "eve", "a.txt", HONEST)
        assert await read(reader, "ada", "a.txt", HONEST)
    assert await read(reader, "eve", "a.txt", HONEST)


async def test_a_process_that_is_over_its_time_is_ended():
    with pytest.raises(DocumentTooComplex):
        await read(DocumentReader(deadline_seconds=0.5), "eve", SLOW, DOCUMENTS[SLOW])
    assert not reading_processes()


async def test_a_reading_ends_when_its_request_does():
    reading = asyncio.create_task(read(DocumentReader(), "eve", SLOW, DOCUMENTS[SLOW]))
    await until_reading()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert not reading_processes()
