"""Exports beside one another: those of one user wait, those of others do not."""

import asyncio
import threading

import msgspec
from tests.factories import ADA, BOB, make_collection, make_final_job

from gateway.exports.exported_collection import ExportedCollection
from gateway.exports.exporter import Exporter
from gateway.exports.formats import Export
from shared.domain.jobs.job import Kind, UserId
from shared.domain.jobs.job_snapshot import JobSnapshot

RESULT = msgspec.json.encode(make_collection())


def job_of(user: UserId) -> JobSnapshot:
    return make_final_job(user=user, kind=Kind.COLLECTION)


async def test_a_slow_export_delays_only_its_own_user():
    begun, may_end = threading.Event(), threading.Event()

    def write_slowly(_: ExportedCollection) -> bytes:
        begun.set()
        assert may_end.wait(30)
        return b"slow"

    def write_quickly(_: ExportedCollection) -> bytes:
        return b"quick"

    exporter = Exporter()
    slow, quick = Export("x", "text/plain", write_slowly), Export("x", "text/plain", write_quickly)
    first = asyncio.create_task(exporter.write(slow, job_of(ADA), RESULT))
    await asyncio.to_thread(begun.wait, 30)
    second = asyncio.create_task(exporter.write(quick, job_of(ADA), RESULT))

    assert await exporter.write(quick, job_of(BOB), RESULT) == b"quick"
    assert not second.done()
    may_end.set()
    assert [await first, await second] == [b"slow", b"quick"]
