"""The meter: what is counted, in the words of Prometheus."""

import pytest
from tests.metric_samples import MetricSamples, read

from shared.runtime.observability.metrics.catalogue import METRICS, Type
from shared.runtime.observability.metrics.meter import Meter


def test_a_histogram_counts_what_fell_up_to_each_bound() -> None:
    meter = Meter("tests")
    deliveries = meter.histogram("etude_job_deliveries").of("ai")
    for attempts in (1, 1, 2, 5, 9):
        deliveries.observe(attempts)
    seen = read(meter)
    counts = {
        bound: seen.of("etude_job_deliveries_bucket", stream="ai", le=bound)
        for bound in ("1.0", "2.0", "4.0", "5.0", "8.0", "+Inf")
    }
    assert counts == {"1.0": 2, "2.0": 3, "4.0": 3, "5.0": 4, "8.0": 4, "+Inf": 5}
    assert seen.of("etude_job_deliveries_sum", stream="ai") == 18
    assert seen.of("etude_job_deliveries_count", stream="ai") == 5


def test_expected_series_start_at_0() -> None:
    meter = Meter("tests")
    meter.counter("etude_jobs_rejected_total").expect(["quiz", "text"], ["budget", "rate"])
    seen = read(meter)
    assert seen.of("etude_jobs_rejected_total", kind="text", reason="rate") == 0
    assert len([name for name, *_ in seen.samples if name == "etude_jobs_rejected_total"]) == 4


def test_a_gauge_may_be_read_at_scrape_time() -> None:
    meter, busy = Meter("tests"), list[int]()
    meter.gauge("etude_worker_slots_busy").of("ai").read_from(lambda: len(busy))
    assert read(meter).of("etude_worker_slots_busy", stream="ai") == 0
    busy.append(1)
    assert read(meter).of("etude_worker_slots_busy", stream="ai") == 1


def test_every_process_exposes_process_metrics_but_no_python_internals() -> None:
    names = read(Meter("tests")).names
    assert {"etude_build_info", "process_cpu_seconds_total", "process_resident_memory_bytes"} <= names
    assert not [name for name in names if name.startswith("python_")]


def test_a_scraper_that_asks_for_openmetrics_gets_it() -> None:
    content_type, body = Meter("tests").expose("application/openmetrics-text; version=1.0.0")
    assert content_type.startswith("application/openmetrics-text")
    assert body.endswith(b"# EOF\n")


def test_a_metric_outside_the_catalogue_is_refused() -> None:
    with pytest.raises(KeyError):
        Meter("tests").counter("etude_jobs_imagined_total")
    with pytest.raises(AssertionError):
        Meter("tests").gauge("etude_jobs_accepted_total")


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_the_catalogue_is_in_order(metric: object) -> None:
    (one,) = [known for known in METRICS if known is metric]
    assert (one.type is Type.COUNTER) == one.name.endswith("_total")
    assert (one.type is Type.HISTOGRAM) == bool(one.bounds)
    assert list(one.bounds) == sorted(set(one.bounds))
    assert not {"user", "user_id", "job_id", "tenant", "id"} & set(one.labels)
    assert [known.name for known in METRICS].count(one.name) == 1


def test_readings_say_when_nothing_is_told() -> None:
    with pytest.raises(AssertionError, match="nothing tells"):
        MetricSamples("").of("etude_jobs_accepted_total")
