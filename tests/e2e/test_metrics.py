"""Metrics of the real processes, as Prometheus would scrape them."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.e2e.running import RunningStack, events_until_done, free_row, refused
from tests.metric_samples import MetricSamples, scrape

from local.ports import free_ports
from shared.runtime.observability.metrics.catalogue import METRICS, Process

pytestmark = pytest.mark.e2e
USER = "dev"
"""Of the development token."""
WITHOUT_CHAIN = "etude_llm_fallbacks_total"
"""Has no value where one provider is all there is."""
CANARY = "sub-marine-7431"
PROCESSES = {
    "gateway": Process.GATEWAY,
    "chat": Process.CHAT,
    "ai-worker": Process.WORKER,
    "collection-worker": Process.WORKER,
    "cron": Process.CRON,
}
TEXT = (
    "The mitochondrion is the organelle that produces most of the energy of a cell. "
    "Peter Mitchell described chemiosmosis in 1961. "
    "ATP synthase is the enzyme that makes ATP from ADP and phosphate."
)


class Measured:
    """A stack that tells its metrics, on ports of its own."""

    def __init__(self, stack: RunningStack) -> None:
        self.stack = stack
        self.urls: dict[str, str] = json.loads((stack.folder / "stack.json").read_text())["metrics"]
        self.at_first = self.scrape()

    def scrape(self) -> dict[str, MetricSamples]:
        return {name: scrape(url) for name, url in self.urls.items()}


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Measured]:
    port, base = free_ports(1)[0], free_row()
    with RunningStack(
        tmp_path_factory.mktemp("measured"), port, {"ETUDE_METRICS_BASE_PORT": str(base)}
    ) as stack:
        yield Measured(stack)


def promtool() -> str:
    """Its place; a machine that has none skips, one that promises all fails."""
    if found := shutil.which("promtool"):
        return found
    if os.environ.get("CI") == "true":  # noqa: TID251 - that machine has it
        pytest.fail("no promtool on this machine, which promises it: apt-get install prometheus")
    pytest.skip("no promtool on this machine: apt-get install prometheus")


def test_each_process_tells_exactly_what_the_catalogue_says_it_does(measured: Measured) -> None:
    assert set(measured.urls) == set(PROCESSES)
    for name, seen in measured.at_first.items():
        told = {one for one in seen.names if not one.startswith("process_")}
        assert told == {metric.name for metric in METRICS if PROCESSES[name] in metric.processes}, name


def test_every_label_is_as_the_catalogue_has_it_and_every_family_has_a_value(measured: Measured) -> None:
    for name, seen in measured.at_first.items():
        told = {one: set(labels) - {"le"} for one, labels, _ in seen.samples}
        for metric in METRICS:
            if PROCESSES[name] in metric.processes and metric.name != WITHOUT_CHAIN:
                sample = metric.name + ("_count" if metric.bounds else "")
                assert told[sample] == set(metric.labels), (name, metric.name)


def test_they_are_clean_by_prometheus_own_judgement(measured: Measured) -> None:
    for name, seen in measured.scrape().items():
        check = subprocess.run(
            [promtool(), "check", "metrics"], input=seen.text, capture_output=True, text=True, check=False
        )
        assert (check.returncode, check.stdout, check.stderr) == (0, "", ""), name


def test_the_public_port_tells_none(measured: Measured) -> None:
    for path in ("/metrics", "/metrics/"):
        assert httpx.get(measured.stack.url + path, trust_env=False).status_code == 404


def test_work_is_seen_and_no_user_is(measured: Measured) -> None:
    with measured.stack.client as client:
        path = client.post("/api/collections", json={"text": TEXT, "title": CANARY}).headers["Location"]
        *_, (_, end) = events_until_done(client, f"{path}/events")
        assert end["status"] == "succeeded"
        client.post("/api/ai", json={"kind": "summary"}, headers={"X-Request-Id": CANARY})
        client.get(f"/api/ai/{CANARY}")
        client.get(f"/{CANARY}")
        client.request(CANARY.upper(), "/api/ai")
        question = {"messages": [{"role": "user", "content": f"{CANARY}?"}], "stream": True}
        assert client.post("/api/chat", json=question).status_code == 200
    seen = measured.scrape()
    assert seen["gateway"].of("etude_jobs_accepted_total", kind="collection", tier="pro") == 1
    assert seen["gateway"].of("etude_jobs_rejected_total", kind="other", reason="invalid") == 1
    assert seen["gateway"].of("etude_event_delay_seconds_count") >= 1
    assert seen["gateway"].of("etude_event_streams_active") == 0
    assert seen["gateway"].of("http_server_request_duration_seconds_count", http_route="/api/ai/{id}") == 1
    worker = seen["collection-worker"]
    assert worker.of("etude_jobs_settled_total", kind="collection", tier="pro", outcome="succeeded") == 1
    assert worker.of("etude_job_end_to_end_seconds_count", kind="collection") == 1
    assert worker.of("etude_job_queue_wait_seconds_count", delivery="first") == 1
    assert worker.of("db_client_operation_duration_seconds_count", db_operation_name="save_jobs") == 1
    assert worker.of("gen_ai_client_inference_duration_seconds_count", gen_ai_provider_name="offline") >= 1
    assert seen["chat"].of("etude_chat_stream_seconds_count") == 1
    assert seen["chat"].of("gen_ai_client_inference_time_to_first_chunk_seconds_count") == 1
    cron = seen["cron"]
    assert cron.of("etude_ledger_jobs_total", state="succeeded") == 1
    assert cron.of("etude_ledger_unaccounted_jobs") == 0
    for name, readings in seen.items():
        for value in readings.label_values:
            assert value != USER, name
            assert CANARY not in value.lower(), name
        assert CANARY not in readings.text.lower()


def test_every_label_set_of_the_work_was_there_at_0(measured: Measured) -> None:
    """What `rate` could not see, if it began with its first one."""
    late = {
        (name, one, tuple(sorted(labels.items())))
        for name, seen in measured.scrape().items()
        for one, labels, _ in seen.samples
    } - {
        (name, one, tuple(sorted(labels.items())))
        for name, seen in measured.at_first.items()
        for one, labels, _ in seen.samples
    }
    routes = {dict(labels).get("http_route", one) for _, one, labels in late}
    assert routes <= {"-", "/api/ai"}, "unknown paths and methods come as they are asked for"


def test_a_metrics_port_that_is_taken_is_one_clear_line(measured: Measured, tmp_path: Path) -> None:
    taken = int(measured.urls["gateway"].split(":")[2].partition("/")[0])
    code, output = refused(tmp_path, free_ports(1)[0], {"ETUDE_METRICS_BASE_PORT": str(taken)})
    assert code == 1
    words = rf"etude: port {taken} cannot be used \(.+\): set ETUDE_METRICS_BASE_PORT to another\n"
    assert re.fullmatch(words, output)
