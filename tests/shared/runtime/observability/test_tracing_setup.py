"""Traces of the job life: every attempt is told, also the ones that fail, are lost or end without a collector."""

import subprocess
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import pytest
from tests.deadline import DEADLINE_SECONDS
from tests.job_harness import SUMMARY, JobHarness, succeed
from tests.servers import MACHINE
from tests.trace_collector import CollectedSpan, TraceCollector, family

from local.ports import free_ports
from shared.adapters.otel.tracer import OpenTelemetryTracer
from shared.domain.errors import LeaseLost
from shared.domain.generation.handler import AttemptContext
from shared.domain.jobs.job import JobState
from shared.domain.jobs.outcome import Outcome
from shared.domain.jobs.payload import JobInput
from shared.domain.provider_errors import ProviderBusy
from shared.runtime.config.settings import CommonSettings
from shared.runtime.observability.tracing_setup import open_tracer

SUBMITTED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

on_one_redis = pytest.mark.parametrize("redis_place", [MACHINE], indirect=True, ids=[""])


@asynccontextmanager
async def tracing() -> AsyncGenerator[tuple[OpenTelemetryTracer, list[CollectedSpan]]]:
    """A tracer; after the block the list has what reached the collector, in the order in which it ended."""
    arrived: list[CollectedSpan] = []
    with TraceCollector() as collector:
        tracer = OpenTelemetryTracer(collector.url, service="tests", version="1", ratio=1.0)
        yield tracer, arrived
        await tracer.close()
        arrived += collector.spans


def attempts(spans: Sequence[CollectedSpan]) -> list[CollectedSpan]:
    return [span for span in spans if span.name == "process summary"]


async def busy_once(job_input: JobInput, context: AttemptContext) -> Outcome:
    if context.job.attempt == 1:
        raise ProviderBusy
    return SUMMARY


async def lose_lease(job_input: JobInput, context: AttemptContext) -> Outcome:
    raise LeaseLost


async def test_the_record_carries_the_trace_to_the_worker(harness: JobHarness) -> None:
    await harness.submit(traceparent=SUBMITTED)
    assert (await harness.lease_one(harness.stream())).traceparent == SUBMITTED


async def test_a_record_without_a_trace_is_processed(harness: JobHarness) -> None:
    submission = await harness.submit(traceparent=SUBMITTED)
    (key,) = {name for name in await harness.key_names() if name.endswith(f":job:{submission.id}")}
    await harness.command("HDEL", key, "traceparent")
    assert (await harness.lease_one(harness.stream())).traceparent == ""


@on_one_redis
async def test_a_retry_is_a_second_attempt_in_the_same_trace_linked_to_the_first(harness: JobHarness) -> None:
    await harness.submit(traceparent=SUBMITTED)
    async with tracing() as (tracer, arrived):
        assert await harness.consumer(busy_once, tracer=tracer).drain() == 2

    first, second = attempts(arrived)
    assert {span.trace_id for span in arrived} == {SUBMITTED[3:35]}
    assert (first.parent_id, second.parent_id) == (SUBMITTED[36:52], SUBMITTED[36:52])
    assert (first.links, second.links) == ([], [(first.trace_id, first.span_id)])
    assert (first.attributes["error.type"], second.is_error) == ("provider_busy", False)
    assert family(arrived, first) == ["settle ai"]
    assert family(arrived, second) == ["INSERT async_jobs", "settle ai"]


@on_one_redis
async def test_an_attempt_that_lost_its_lease_says_so(harness: JobHarness) -> None:
    await harness.submit()
    async with tracing() as (tracer, arrived):
        await harness.consumer(lose_lease, tracer=tracer).drain()
    (attempt,) = arrived
    assert attempt.attributes["error.type"] == "lease_lost"


@on_one_redis
async def test_an_unreachable_collector_does_not_affect_jobs(harness: JobHarness) -> None:
    jobs = [await harness.submit() for _ in range(20)]
    (nobody,) = free_ports(1)
    settings = CommonSettings(otlp_endpoint=f"http://127.0.0.1:{nobody}")
    tracer = open_tracer(settings, service="tests")

    await harness.consumer(succeed, tracer=tracer).drain()
    await tracer.close()

    assert {(await harness.record(job.id)).state for job in jobs} == {JobState.SUCCEEDED}


LOADED = """
import sys
import {module}
from shared.runtime.config.settings import CommonSettings
from shared.runtime.observability.tracing_setup import open_tracer

open_tracer(CommonSettings(otlp_endpoint={endpoint!r}), service="tests")
print(*sorted(name for name in sys.modules if name.startswith({library!r})))
"""


@pytest.mark.process
@pytest.mark.parametrize(
    ("module", "library"),
    [
        ("ai_worker.__main__", "opentelemetry"),
        ("collection_worker.__main__", "opentelemetry"),
        ("collection_worker.cron", "opentelemetry"),
        # FastAPI imports the API itself, which writes nothing
        ("gateway.__main__", "opentelemetry.sdk"),
        ("chat.__main__", "opentelemetry.sdk"),
    ],
)
def test_without_traces_the_sdk_is_not_loaded(module: str, library: str) -> None:
    assert loaded(module, library, endpoint="") == ""


@pytest.mark.process
def test_with_traces_the_sdk_is_loaded() -> None:
    assert "opentelemetry.sdk.trace" in loaded("ai_worker.__main__", "opentelemetry", endpoint="http://h:1")


def loaded(module: str, library: str, *, endpoint: str) -> str:
    program = LOADED.format(module=module, library=library, endpoint=endpoint)
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=DEADLINE_SECONDS
    )
    return ended.stdout.strip()
