"""Spans as a collector gets them: named by the conventions, linked over attempts, without a word of anybody's text."""

import ast
import socket
import threading
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager

import pytest
from tests.factories import make_job
from tests.paths import ROOT
from tests.trace_collector import CollectedSpan, TraceCollector

from shared.adapters.otel.semantic_conventions import ATTRIBUTES
from shared.adapters.otel.tracer import MAX_ATTRIBUTE_CHARACTERS, OpenTelemetryTracer
from shared.domain.jobs.job import Kind, LeasedJob
from shared.domain.provider_errors import ProviderBusy
from shared.domain.tracing import SpanName

SENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
UNWANTED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"


def make_tracer(url: str, *, ratio: float = 1.0) -> OpenTelemetryTracer:
    return OpenTelemetryTracer(url, service="tests", version="1", ratio=ratio)


@asynccontextmanager
async def tracing(*, ratio: float = 1.0) -> AsyncGenerator[tuple[OpenTelemetryTracer, list[CollectedSpan]]]:
    """A tracer; after the block the list has what reached the collector."""
    arrived: list[CollectedSpan] = []
    with TraceCollector() as collector:
        tracer = make_tracer(collector.url, ratio=ratio)
        yield tracer, arrived
        await tracer.close()
        arrived += collector.spans


async def attempt_spans(*jobs: LeasedJob) -> list[CollectedSpan]:
    async with tracing() as (tracer, arrived):
        for job in jobs:
            with tracer.attempt(job):
                pass
    return arrived


async def test_a_request_is_a_child_of_its_caller_and_named_by_its_route() -> None:
    async with tracing() as (tracer, arrived):
        with tracer.span(SpanName.REQUEST, parent=SENT, method="GET") as span:
            span.set_attributes(route="/api/ai/{id}", status=200)
            told = span.traceparent

    (request,) = arrived
    assert (request.name, request.kind) == ("GET /api/ai/{id}", "SERVER")
    assert (request.trace_id, request.parent_id) == (SENT[3:35], SENT[36:52])
    assert told == f"00-{request.trace_id}-{request.span_id}-01"
    assert request.attributes == {
        "http.request.method": "GET",
        "http.route": "/api/ai/{id}",
        "http.response.status_code": 200,
    }


@pytest.mark.parametrize(
    "given", ["", "junk", SENT.upper(), SENT[:-3], "ff" + SENT[2:], f"00-{'0' * 32}-{'0' * 16}-01"]
)
async def test_an_invalid_traceparent_begins_a_new_trace(given: str) -> None:
    async with tracing() as (tracer, arrived):
        with tracer.span(SpanName.REQUEST, parent=given, method="GET"):
            pass
    assert (arrived[0].parent_id, arrived[0].trace_id != SENT[3:35]) == ("", True)


async def test_a_span_inside_another_is_its_child_except_inside_a_model_call() -> None:
    async with tracing() as (tracer, arrived):
        with (
            tracer.attempt(make_job()),
            tracer.span(SpanName.CALL, model="model-1"),
            tracer.span(SpanName.SAVE),
        ):
            pass

    save, call, attempt = arrived
    assert [save.parent_id, call.parent_id, attempt.parent_id] == [attempt.span_id, attempt.span_id, ""]
    assert [save.name, call.name, attempt.name] == ["INSERT async_jobs", "chat model-1", "process summary"]


async def test_an_attempt_is_part_of_the_trace_that_submitted_its_job() -> None:
    job = make_job(kind=Kind.QUIZ, traceparent=SENT)

    (attempt,) = await attempt_spans(job)

    assert (attempt.trace_id, attempt.parent_id) == (SENT[3:35], SENT[36:52])
    assert (attempt.name, attempt.kind, attempt.links) == ("process quiz", "CONSUMER", [])
    assert attempt.attributes["messaging.message.id"] == job.id
    assert attempt.attributes["etude.job.attempt"] == 1


@pytest.mark.parametrize("traceparent", [SENT, ""], ids=["submitted in a trace", "submitted in none"])
async def test_a_later_attempt_is_linked_to_the_one_before_in_the_same_trace(traceparent: str) -> None:
    first = make_job(traceparent=traceparent)
    second = make_job(id=first.id, traceparent=traceparent, attempt=2)
    another = make_job(traceparent=traceparent, attempt=2)

    before, after, elsewhere = await attempt_spans(first, second, another)

    assert after.links == [(before.trace_id, before.span_id)]
    assert after.trace_id == before.trace_id
    assert elsewhere.links != after.links


async def test_an_exception_in_a_span_is_recorded_by_its_code_without_its_message() -> None:
    with TraceCollector() as collector:
        tracer = make_tracer(collector.url)
        for error in (ValueError("the learner's words"), ProviderBusy()):
            with pytest.raises(type(error)), tracer.attempt(make_job()):
                raise error
        await tracer.close()

    assert [span.attributes["error.type"] for span in collector.spans] == ["ValueError", "provider_busy"]
    assert all(span.is_error for span in collector.spans)
    assert b"words" not in collector.received


async def test_an_unknown_attribute_is_dropped_and_a_long_one_is_cut() -> None:
    async with tracing() as (tracer, arrived):
        with tracer.span(SpanName.SAVE, text="the learner's words") as span:
            span.set_attributes(model="m" * 1_000)
    assert "the learner's words" not in arrived[0].attributes.values()
    assert arrived[0].attributes["gen_ai.request.model"] == "m" * MAX_ATTRIBUTE_CHARACTERS


@pytest.mark.slow
def test_every_attribute_that_is_set_has_an_opentelemetry_name() -> None:
    told: set[str] = set()
    for path in [*ROOT.glob("shared/src/**/*.py"), *ROOT.glob("services/*/src/**/*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Attribute(attr="span" | "set_attributes"), keywords=keywords):
                    told |= {keyword.arg for keyword in keywords if keyword.arg}
                case _:
                    pass
    assert len(told) > 10
    assert told - ATTRIBUTES.keys() == {"parent"}


@pytest.mark.parametrize(
    ("ratio", "parent", "count"), [(0.0, "", 0), (0.0, SENT, 1), (1.0, UNWANTED, 0), (1.0, "", 1)]
)
async def test_the_process_that_begins_a_trace_decides_whether_it_is_kept(
    ratio: float, parent: str, count: int
) -> None:
    async with tracing(ratio=ratio) as (tracer, arrived):
        with tracer.span(SpanName.REQUEST, parent=parent, method="GET"), tracer.span(SpanName.SAVE):
            pass
    assert len(arrived) == 2 * count


@pytest.fixture
def black_hole() -> Iterator[str]:
    """A collector that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.slow
async def test_closing_does_not_wait_for_a_collector_that_never_responds(black_hole: str) -> None:
    tracer = make_tracer(black_hole)
    with tracer.attempt(make_job()):
        pass

    await tracer.close()

    assert "flush-traces" in {
        thread.name for thread in threading.enumerate()
    }  # it still tries; we have gone on
