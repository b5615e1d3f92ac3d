"""The meter of one process: creates its metrics, and renders them in Prometheus' format."""

import platform
from collections.abc import Callable, Iterator
from importlib.metadata import version
from threading import Lock
from typing import Any, cast

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric as PrometheusFamily

from shared.runtime.observability.metrics.catalogue import BY_NAME, Metric, Type
from shared.runtime.observability.metrics.instruments import Counter, Family, Gauge, Histogram

AnyFamily = Family[Counter] | Family[Gauge] | Family[Histogram]


class Meter:
    """The composition root passes it to everything that counts."""

    def __init__(self, service: str) -> None:
        self._registry = CollectorRegistry()
        self._families: dict[str, AnyFamily] = {}
        self._before_scrape: list[Callable[[], None]] = []
        self._scraping = Lock()
        self._registry.register(cast(Any, self))
        ProcessCollector(registry=self._registry)
        self.gauge("etude_build_info").of(service, version("shared"), platform.python_version()).set(1)

    def counter(self, name: str) -> Family[Counter]:
        return self._made(name, Type.COUNTER, lambda _: Family(Counter))

    def gauge(self, name: str) -> Family[Gauge]:
        return self._made(name, Type.GAUGE, lambda _: Family(Gauge))

    def histogram(self, name: str) -> Family[Histogram]:
        return self._made(name, Type.HISTOGRAM, lambda metric: Family(lambda: Histogram(metric.bounds)))

    def of_type(self, name: str) -> Family[Counter] | Family[Gauge]:
        """A counter or a gauge, as the catalogue says."""
        return self.counter(name) if BY_NAME[name].type is Type.COUNTER else self.gauge(name)

    def _made(self, name: str, kind: Type, make: Callable[[Metric], Any]) -> Any:
        """The family of this name. The catalogue must have the name with this type."""
        if name not in self._families:
            metric = BY_NAME[name]
            assert metric.type is kind, name
            self._families[name] = make(metric)
            if not metric.labels:
                self._families[name].of()
        return self._families[name]

    def before_each_scrape(self, refresh: Callable[[], None]) -> None:
        """Call `refresh` in the server's thread before each scrape reads the values."""
        self._before_scrape.append(refresh)

    def expose(self, accept: str) -> tuple[str, bytes]:
        """The content type and text of all metrics now, in the format that `accept` asks for."""
        encode, content_type = cast(Any, choose_encoder)(accept)
        with self._scraping:
            return content_type, encode(self._registry)

    def collect(self) -> Iterator[PrometheusFamily]:
        """Called by the registry at each scrape."""
        for refresh in self._before_scrape:
            refresh()
        for name, family in list(self._families.items()):
            yield _to_prometheus(BY_NAME[name], family)


def _to_prometheus(metric: Metric, family: AnyFamily) -> PrometheusFamily:
    exposed: Any = _FAMILIES[metric.type](metric.name, metric.help, labels=metric.labels)
    for labels, instrument in family.instruments():
        if isinstance(instrument, Histogram):
            exposed.add_metric(labels, *_cumulate(instrument))
        else:
            exposed.add_metric(labels, instrument.value)
    return exposed


_FAMILIES: dict[Type, Any] = {
    Type.COUNTER: CounterMetricFamily,
    Type.GAUGE: GaugeMetricFamily,
    Type.HISTOGRAM: HistogramMetricFamily,
}


def _cumulate(histogram: Histogram) -> tuple[list[tuple[str, float]], float]:
    """The buckets of a histogram as Prometheus expects them, each with the counts of all lower ones."""
    below, buckets = 0, list[tuple[str, float]]()
    for bound, count in zip((*histogram.bounds, float("inf")), list(histogram.counts), strict=True):
        below += count
        buckets.append(("+Inf" if bound == float("inf") else str(bound), below))
    return buckets, histogram.sum
