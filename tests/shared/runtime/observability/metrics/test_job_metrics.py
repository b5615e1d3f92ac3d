"""What a worker tells of its jobs: each counter by a real path that leads to it."""

import asyncio
import zlib

import pytest
from tests.factories import ADA, SUMMARY_PROMPT
from tests.fakes import FakeProvider
from tests.job_harness import SUMMARY, JobHarness, settled, succeed
from tests.log_lines import kept_log
from tests.metric_samples import MetricSamples, read
from tests.servers import WHEEL

from shared.domain.errors import NoUsableText
from shared.domain.generation.handler import AttemptContext
from shared.domain.jobs.job import StreamName
from shared.domain.jobs.outcome import Done, Fail, Outcome, Retry
from shared.domain.jobs.payload import JobInput
from shared.domain.provider_errors import ProviderBusy
from shared.domain.study.material import Flashcards, NoteQuality, Quality, Summary, SummaryDraft
from shared.runtime.observability.metrics.job_metrics import OUTCOMES, JobMetrics
from shared.runtime.observability.metrics.model_metrics import ModelMetrics

pytestmark = pytest.mark.parametrize("redis_place", [WHEEL], indirect=True)


def seen(harness: JobHarness) -> MetricSamples:
    return read(harness.meter)


async def test_a_job_that_succeeds(harness: JobHarness) -> None:
    await harness.submit()
    before = seen(harness)
    await harness.consumer(succeed).drain()
    after = seen(harness)

    def grown(name: str, **labels: str) -> float:
        return after.of(name, **labels) - before.of(name, **labels)

    assert grown("etude_jobs_settled_total", kind="summary", tier="pro", outcome="succeeded") == 1
    assert grown("etude_jobs_settled_total") == 1
    assert grown("etude_job_attempts_total", kind="summary", result="done", error_type="") == 1
    assert grown("etude_job_queue_wait_seconds_count", kind="summary", delivery="first") == 1
    shard = str(zlib.crc32(ADA.encode()) % 16)
    assert grown("etude_job_fairness_wait_seconds_count", tenant_shard=shard) == 1
    assert grown("etude_job_processing_seconds_count", kind="summary", outcome="succeeded") == 1
    assert grown("etude_job_end_to_end_seconds_count", kind="summary", tier="pro") == 1
    assert grown("etude_job_deliveries_sum", stream="ai") == 1
    assert after.of("etude_worker_slots", stream="ai") == 100


async def test_an_attempt_that_is_retried_and_one_that_gives_up(harness: JobHarness) -> None:
    outcomes: list[Outcome] = [Retry(ProviderBusy().problem), SUMMARY, Fail(NoUsableText().problem)]

    async def handle(job_input: JobInput, context: AttemptContext) -> Outcome:
        return outcomes.pop(0)

    await harness.submit()
    await harness.consumer(handle).drain()
    await harness.submit(plan_name="of another release")
    await harness.consumer(handle).drain()
    told = seen(harness)
    assert told.of("etude_job_attempts_total", result="retry", error_type="provider_busy") == 1
    assert told.of("etude_job_attempts_total", result="done") == 1
    assert told.of("etude_job_attempts_total", result="fail", error_type="no_usable_text") == 1
    counted = {outcome: told.of("etude_jobs_settled_total", outcome=outcome) for outcome in OUTCOMES}
    assert counted == {"succeeded": 1, "failed": 1, "dead_lettered": 0, "retried": 1}
    assert told.of("etude_jobs_settled_total", tier="other", outcome="failed") == 1
    assert told.of("etude_job_queue_wait_seconds_count", delivery="first") == 2
    assert told.of("etude_job_queue_wait_seconds_count", delivery="redelivery") == 1
    assert told.of("etude_job_deliveries_sum") == 3


async def test_a_job_that_fails_too_often_is_a_dead_letter(harness: JobHarness) -> None:
    async def refuse(job_input: JobInput, context: AttemptContext) -> Outcome:
        return Retry(ProviderBusy().problem)

    await harness.submit()
    attempts = await harness.consumer(refuse).drain()
    told = seen(harness)
    assert told.of("etude_jobs_settled_total", outcome="dead_lettered") == 1
    assert told.of("etude_jobs_settled_total", outcome="retried") == attempts - 1
    assert told.of("etude_job_attempts_total", result="fail", error_type="provider_busy") == 1


async def test_a_late_owner_is_fenced_and_its_lease_counted_as_lost(harness: JobHarness) -> None:
    await harness.submit()

    async def outlive_the_lease(job_input: JobInput, context: AttemptContext) -> Outcome:
        await harness.age(context.job)
        (theirs,) = await harness.stream("w2").claim(0, 10)
        await harness.stream("w2").settle([settled(theirs)], now=0.0)
        return SUMMARY

    await harness.consumer(outlive_the_lease).drain()
    told = seen(harness)
    assert told.of("etude_fenced_writes_total", kind="summary") == 1
    assert told.of("etude_job_lease_lost_total", kind="summary") == 1
    assert told.of("etude_job_attempts_total", result="lost", error_type="lease_lost") == 1
    assert told.of("etude_jobs_settled_total") == 0


async def test_an_answer_that_comes_after_the_lease_is_lost_is_wasted(harness: JobHarness) -> None:
    models = ModelMetrics(harness.meter, [("openai", "model-1")], {}, kinds=["summary"])
    harness.metrics = JobMetrics(harness.meter, StreamName.AI, [], models)
    await harness.submit()

    async def ask(job_input: JobInput, context: AttemptContext) -> Outcome:
        await harness.store.cancel(context.job.user, context.job.id)
        await context.complete("summary", SUMMARY_PROMPT, SummaryDraft)
        raise AssertionError("the fence is open")

    await harness.consumer(ask, provider=FakeProvider()).drain()
    told = seen(harness)
    assert told.of("etude_llm_wasted_tokens_total", model="model-1", reason="lost") == 110
    assert told.of("etude_fenced_writes_total", kind="summary") == 1
    assert told.of("etude_job_lease_lost_total", kind="summary") == 1


async def test_jobs_of_a_dead_worker_are_reclaimed(harness: JobHarness) -> None:
    await harness.submit()
    job = await harness.lease_one(harness.stream("dead"))
    await harness.age(job, owner="dead")
    worker = harness.worker(succeed)
    await harness.swept_just_now()
    await worker.maintenance.sweep()
    await worker.slots.wait_until_idle()
    told = seen(harness)
    assert told.of("etude_jobs_reclaimed_total", stream="ai") == 1
    assert told.of("etude_jobs_settled_total", outcome="succeeded") == 1
    assert told.of("etude_job_deliveries_sum") == 2


async def test_a_job_that_is_handed_back(harness: JobHarness) -> None:
    begun = asyncio.Event()

    async def hang(job_input: JobInput, context: AttemptContext) -> Outcome:
        begun.set()
        await asyncio.Event().wait()
        return SUMMARY

    await harness.submit()
    consumer = harness.consumer(hang)
    live = asyncio.create_task(consumer.run())
    await begun.wait()
    assert seen(harness).of("etude_worker_slots_busy", stream="ai") == 1
    assert seen(harness).of("etude_worker_last_poll_timestamp_seconds", stream="ai") > 1_700_000_000
    consumer.stop()
    await live
    told = seen(harness)
    assert told.of("etude_worker_slots_busy", stream="ai") == 0
    assert told.of("etude_job_attempts_total", result="handed_back", error_type="handed_back") == 1
    assert told.of("etude_jobs_settled_total", outcome="retried") == 1


async def test_what_the_checks_dropped_is_counted_by_reason(harness: JobHarness) -> None:
    quality = Quality(dropped={"quote_not_found": 3, "duplicate": 1})

    async def make_cards(job_input: JobInput, context: AttemptContext) -> Outcome:
        return Done(Flashcards(language="en", flashcards=[], quality=quality), "model-1", "openai")

    await harness.submit()
    await harness.consumer(make_cards).drain()
    told = seen(harness)
    assert told.of("etude_items_rejected_total", kind="summary", reason="quote_not_found") == 3
    assert told.of("etude_items_rejected_total") == 4


async def test_a_note_in_another_language_is_counted_like_any_job(harness: JobHarness) -> None:
    async def make_summary(job_input: JobInput, context: AttemptContext) -> Outcome:
        quality = NoteQuality(language_differs=True)
        summary = Summary(language="fr", summary="In English.", key_points=[], quality=quality)
        return Done(summary, "model-1", "openai")

    await harness.submit()
    with kept_log() as log:
        await harness.consumer(make_summary).drain()
    assert seen(harness).of("etude_jobs_settled_total", outcome="succeeded") == 1
    assert "job.abandoned" not in log.getvalue()
