"""What a user has bought is not bought again: by jobs at the same time, by later jobs, and by jobs of a changed text."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest
from tests.factories import ADA, BOB, make_collection, make_final_job
from tests.fakes import FakeProvider
from tests.job_harness import JobHarness, settled, succeed

from ai_worker.handlers import HANDLERS
from shared.adapters.redis import keys
from shared.adapters.redis.connection import end
from shared.adapters.redis.jobs.attempt_store import Reservation
from shared.domain.errors import LeaseLost, Problem
from shared.domain.generation.handler import AttemptContext
from shared.domain.jobs.job import JobId, JobState, Kind, LeasedJob, UserId
from shared.domain.jobs.outcome import Outcome
from shared.domain.jobs.payload import AiInput, JobInput, encode_input
from shared.domain.llm.provider import Completion, Prompt
from shared.domain.provider_errors import ProviderRefused
from shared.domain.study.material import CollectionItems, ItemCounts, Options
from shared.domain.usage import Usage
from shared.runtime.worker.worker import Worker

TEXT = " ".join(
    f"The planet number {word} travels around its star in exactly {days} days."
    for word, days in zip(("alpha", "beta", "gamma", "delta", "omega"), range(31, 200, 31), strict=False)
)


class HeldProvider(FakeProvider):
    """Answers no call before it is released."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.called = asyncio.Event()
        self.released = asyncio.Event()

    async def complete(self, prompt: Prompt, schema: type[Any]) -> Completion[Any]:
        self.called.set()
        await self.released.wait()
        return await super().complete(prompt, schema)


@pytest.fixture
def provider() -> HeldProvider:
    return HeldProvider()


async def submit(
    harness: JobHarness, text: str = TEXT, user: UserId = ADA, kind: Kind = Kind.FLASHCARDS, **options: Any
) -> JobId:
    payload = encode_input(AiInput(text=text, options=Options(**options)))
    return (await harness.submit(user=user, kind=kind, payload=payload, hold_tokens=10_000)).id


@asynccontextmanager
async def working(
    harness: JobHarness, provider: FakeProvider, consumer: str = "w1"
) -> AsyncGenerator[Worker]:
    worker = harness.worker(handlers=HANDLERS, provider=provider, consumer=consumer)
    running = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        worker.consumer.stop()
        await end(running)


async def run(harness: JobHarness, *ids: JobId, user: UserId = ADA) -> list[Usage]:
    """Run the jobs with a provider that answers. Returns what each has used."""
    provider = FakeProvider()
    async with working(harness, provider):
        for job_id in ids:
            assert (await harness.final(job_id, user)).state is JobState.SUCCEEDED
    return [harness.results.rows[job_id].usage for job_id in ids]


async def test_a_hundred_identical_uploads_make_one_call(harness: JobHarness, provider: HeldProvider):
    ids = [await submit(harness) for _ in range(100)]
    async with working(harness, provider), working(harness, provider, "w2"):
        await provider.called.wait()
        provider.released.set()
        for job_id in ids:
            assert (await harness.final(job_id)).state is JobState.SUCCEEDED

    assert len(provider.prompts) == 1
    rows = [harness.results.rows[job_id] for job_id in ids]
    assert len({row.result for row in rows}) == 1
    assert Counter((row.usage.total, row.usage.reused) for row in rows) == {(110, 0): 1, (0, 1): 99}
    assert await harness.budget() == [(110, 0)] * 2
    assert not await harness.command("EXISTS", keys.contents(0, ADA))


async def test_the_same_text_again_costs_nothing_and_the_job_says_so(harness: JobHarness):
    first = await submit(harness)
    await run(harness, first)
    second = await submit(harness)

    assert await run(harness, second) == [Usage(reused=1)]
    assert (await harness.record(second)).usage == Usage(reused=1)
    assert harness.results.rows[first].result == harness.results.rows[second].result


async def test_fewer_items_of_the_same_text_cost_nothing_and_more_items_are_bought(harness: JobHarness):
    await run(harness, await submit(harness, flashcards=2))

    assert await run(harness, await submit(harness, flashcards=1)) == [Usage(reused=1)]
    assert await run(harness, await submit(harness, flashcards=5)) == [Usage(100, 10)]


@pytest.mark.parametrize(
    "other",
    [
        {"user": BOB},
        {"text": TEXT.replace("31 days", "30 days")},
        {"kind": Kind.SUMMARY},
        {"difficulty": "hard"},
        {"level": "university"},
        {"regenerate": True},
    ],
    ids=lambda other: next(iter(other)),
)
async def test_another_content_is_bought(harness: JobHarness, other: dict[str, Any]):
    await run(harness, await submit(harness))
    user = other.get("user", ADA)

    assert await run(harness, await submit(harness, **other), user=user) == [Usage(100, 10)]


async def test_what_was_made_anew_is_what_is_reused_afterwards(harness: JobHarness):
    await run(harness, await submit(harness))
    anew = await submit(harness, regenerate=True)
    await run(harness, anew)
    harness.results.rows = {anew: harness.results.rows[anew]}

    assert await run(harness, await submit(harness)) == [Usage(reused=1)]


async def test_what_was_removed_is_not_reused(harness: JobHarness):
    first = await submit(harness)
    await run(harness, first)
    await harness.results.remove(ADA, first)

    assert await run(harness, await submit(harness)) == [Usage(100, 10)]


async def test_what_cost_nothing_is_made_again(harness: JobHarness):
    offline = FakeProvider(generated_by="offline")
    async with working(harness, offline):
        for _ in range(2):
            await harness.final(await submit(harness))

    assert len(offline.prompts) == 2
    assert [row.steps for row in harness.results.rows.values()] == [(), ()]


async def test_a_job_waits_for_nobody_who_is_cancelled(harness: JobHarness, provider: HeldProvider):
    ids = {await submit(harness), await submit(harness)}
    async with working(harness, provider):
        await provider.called.wait()
        buyer = await _buyer(harness)
        (waiting,) = ids - {buyer}
        await harness.store.cancel(ADA, buyer)
        provider.released.set()
        assert (await harness.final(waiting)).state is JobState.SUCCEEDED

    assert harness.results.rows[waiting].usage == Usage(100, 10)


async def _buyer(harness: JobHarness) -> JobId:
    (known,) = (await harness.command("HGETALL", keys.contents(0, ADA))).values()
    return JobId(known.decode().split(" ")[0])


async def test_the_buyer_is_an_attempt_and_no_job(harness: JobHarness):
    """A dead buyer's content is bought by whoever asks first: another job, or the next attempt."""
    stream = harness.stream("w1")
    await harness.submit()
    dead = await harness.lease_one(stream)
    await harness.submit()
    second = await harness.lease_one(stream)
    await reserve(harness, dead)
    waits = await reserve(harness, second)
    await harness.swept_just_now()
    await harness.age(dead)
    (alive,) = await harness.stream("w2").claim(0, 1)

    assert alive.id == dead.id
    assert (waits.is_ours, (await reserve(harness, second)).is_ours) == (False, True)
    assert await reserve(harness, alive) == waits
    with pytest.raises(LeaseLost):
        await reserve(harness, dead)


async def reserve(harness: JobHarness, job: LeasedJob) -> Reservation:
    counts = ItemCounts(cards=1)
    return await harness.attempts.reserve(job, "cards/0", "content", asked=counts, needed=counts)


async def test_a_refused_call_is_no_reason_to_wait(harness: JobHarness):
    """Two jobs, of which the first is refused: the second asks for itself."""
    refusals = iter([ProviderRefused(), None])
    provider = FakeProvider(faults=lambda prompt: next(refusals))
    ids = [await submit(harness), await submit(harness)]
    async with working(harness, provider):
        states = Counter([(await harness.final(job_id)).state for job_id in ids])

    assert states == {JobState.FAILED: 1, JobState.SUCCEEDED: 1}


async def test_a_failed_job_leaves_what_it_bought(harness: JobHarness):
    text = "\n\n".join(f"## Chapter {n}\n\n" + f"{TEXT} And so it is in chapter {n}. " * 16 for n in range(9))
    provider = FakeProvider(faults=_refuse_the_last_chapter)
    failed = await submit(harness, text, kind=Kind.SUMMARY)
    async with working(harness, provider):
        assert (await harness.final(failed)).state is JobState.FAILED
    bought = len(provider.prompts) - 1

    (usage,) = await run(harness, await submit(harness, text, kind=Kind.SUMMARY))

    assert usage.reused == bought > 0


def _refuse_the_last_chapter(prompt: Prompt) -> Exception | None:
    return ProviderRefused() if "Chapter 8" in prompt.source else None


async def test_a_changed_paragraph_of_thirty_pages_buys_at_most_two_parts(harness: JobHarness):
    paragraphs = [
        f"The moon of planet {n} needs {n + 3} days for its way around it. It was found in the year {1600 + n}. "
        * 3
        for n in range(150)
    ]
    (whole,) = await run(harness, await submit(harness, "\n\n".join(paragraphs)))
    paragraphs[70] = (
        "Nobody knows how old the seventieth moon of this long list of moons really is today. " * 4
    )
    (changed,) = await run(harness, await submit(harness, "\n\n".join(paragraphs)))

    calls = whole.total // 110
    assert calls >= 5
    assert changed.total <= 2 * 110
    assert changed.reused >= calls - 2


async def test_nobody_waits_for_a_job_that_waits_for_its_retry(harness: JobHarness):
    stream = harness.stream("w1")
    await harness.submit()
    first = await harness.lease_one(stream)
    await reserve(harness, first)
    retry = settled(first, state=JobState.QUEUED, retry_at=time.time() + 3_600, problem=Problem("x"))
    await stream.settle([retry], now=time.time())
    await harness.submit()

    assert (await reserve(harness, await harness.lease_one(stream))).is_ours


async def test_a_handler_reads_the_items_of_its_users_collections_alone(harness: JobHarness):
    mine, foreign = [make_final_job(kind=Kind.COLLECTION, user=user) for user in (ADA, BOB)]
    await harness.results.save([mine, foreign])
    found: list[CollectionItems] = []

    async def read(job_input: JobInput, context: AttemptContext) -> Outcome:
        found.extend([await context.find_items(UUID(job.id)) for job in (mine, foreign)])
        return await succeed(job_input, context)

    worker = harness.worker(handlers={Kind.FLASHCARDS: read}, provider=FakeProvider())
    job_id = await submit(harness)
    running = asyncio.create_task(worker.run())
    try:
        await harness.final(job_id, ADA)
    finally:
        worker.consumer.stop()
        await end(running)

    collection = make_collection()
    assert found == [
        CollectionItems(flashcards=collection.flashcards, quiz=collection.quiz),
        CollectionItems(),
    ]
