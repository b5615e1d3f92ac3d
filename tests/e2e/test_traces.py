"""One trace from the request to its result, over every process that had a part in it."""

from collections.abc import Iterator, Sequence

import pytest
from tests.e2e.running import RunningStack, events_until_done
from tests.paths import read_text
from tests.simulators.provider_process import ProviderProcess
from tests.trace_collector import CollectedSpan, TraceCollector, family

from local.ports import free_ports

pytestmark = pytest.mark.e2e
TEXT = read_text("solar_system.en.txt")
TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


class Traced:
    """A stack that writes traces, and whoever it tells."""

    def __init__(self, stack: RunningStack, collector: TraceCollector, provider: ProviderProcess) -> None:
        self.stack = stack
        self.collector = collector
        self.provider = provider

    def wait(self, trace_id: str, *names: str) -> dict[str, CollectedSpan]:
        """The spans of a trace by name, once these are among them."""
        spans = self.collector.wait(
            lambda spans: set(names) <= {one.name for one in of_trace(spans, trace_id)}
        )
        return {one.name: one for one in of_trace(spans, trace_id)}


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traced]:
    with TraceCollector() as collector, ProviderProcess() as provider:
        environ = {**provider.environ, "ETUDE_OTLP_ENDPOINT": collector.url}
        with RunningStack(tmp_path_factory.mktemp("traced"), free_ports(1)[0], environ) as stack:
            yield Traced(stack, collector, provider)


def test_a_job_is_one_trace_from_its_request_to_its_settlement(traced: Traced) -> None:
    with traced.stack.client as client:
        headers = {"traceparent": f"00-{TRACE}-{CALLER}-01", "tracestate": "v=words", "baggage": "who=words"}
        accepted = client.post("/api/ai", json={"kind": "summary", "input": {"text": TEXT}}, headers=headers)
        list(events_until_done(client, f"{accepted.headers['Location']}/events"))

    spans = traced.wait(TRACE, "POST /api/ai", "process summary")
    request, submit, attempt = (spans[name] for name in ("POST /api/ai", "submit summary", "process summary"))
    call = spans["chat gpt-5.4-mini"]
    assert [request.service, submit.service, attempt.service] == ["gateway", "gateway", "ai-worker"]
    assert [request.parent_id, submit.parent_id, attempt.parent_id] == [
        CALLER,
        request.span_id,
        submit.span_id,
    ]
    assert family(list(spans.values()), attempt) == ["INSERT async_jobs", "chat gpt-5.4-mini", "settle ai"]
    assert accepted.headers["traceresponse"] == f"00-{TRACE}-{request.span_id}-01"
    assert call.attributes["gen_ai.provider.name"] == "openai"
    assert call.attributes["gen_ai.usage.input_tokens"] > 0
    assert b"words" not in traced.collector.received


def test_a_chat_is_one_trace_over_both_services(traced: Traced) -> None:
    with traced.stack.client as client:
        question = {"messages": [{"role": "user", "content": "Why is the sky blue?"}]}
        answer = client.post("/api/chat", json=question)

    trace_id = answer.headers["traceresponse"][3:35]
    spans = traced.collector.wait(lambda spans: len(of_trace(spans, trace_id)) == 4)
    way = in_order(of_trace(spans, trace_id))
    assert [(one.service, one.kind) for one in way] == [
        ("gateway", "SERVER"),
        ("gateway", "CLIENT"),
        ("chat", "SERVER"),
        ("chat", "CLIENT"),
    ]
    assert [one.name for one in way] == [*["POST /api/chat"] * 3, "chat gpt-5.4-mini"]


def test_who_takes_over_from_a_killed_worker_is_linked_to_its_attempt(traced: Traced) -> None:
    traced.provider.let_next_call_hang()
    killed = False
    with traced.stack.client as client:
        accepted = client.post("/api/ai", json={"kind": "outline", "input": {"text": TEXT}})
        for name, data in events_until_done(client, f"{accepted.headers['Location']}/events"):
            if name == "status" and data["status"] == "running" and not killed:
                traced.stack.process_of("ai_worker").kill()
                killed = True

    trace_id = accepted.headers["traceresponse"][3:35]
    attempt = traced.wait(trace_id, "process outline")["process outline"]
    (link,) = attempt.links
    # 2, but for a worker that was killed before its call left: then the next one's hangs
    assert attempt.attributes["etude.job.attempt"] >= 2
    assert link[0] == trace_id
    assert link[1] != attempt.span_id


def of_trace(spans: Sequence[CollectedSpan], trace_id: str) -> list[CollectedSpan]:
    return [span for span in spans if span.trace_id == trace_id]


def in_order(spans: Sequence[CollectedSpan]) -> list[CollectedSpan]:
    """From the first of a trace to the last, each the child of the one before."""
    by_parent = {span.parent_id: span for span in spans}
    way = [by_parent[""]]
    while following := by_parent.get(way[-1].span_id):
        way.append(following)
    return way
