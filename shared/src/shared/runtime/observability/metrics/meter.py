"""The meter of one process: makes the metrics it tells, and puts them into the words of Prometheus."""

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
    """Handed to whatever counts, by the composition root."""

    def __init__(self, service: str) -> None:
        self._registry = CollectorRegistry()
        self._families: dict[str, AnyFamily] = {}
        self._before: list[Callable[[], None]] = []
        self._looking = Lock()
        self._registry.register(cast(Any, self))
        ProcessCollector(registry=self._registry)
        self.gauge("etude_build_info").of(service, version("shared"), platform.python_version()).set(1)

    def counter(self, name: str) -> Family[Counter]:
        return self._made(name, Type.COUNTER, lambda _: Family(Counter))

    def gauge(self, name: str) -> Family[Gauge]:
        return self._made(name, Type.GAUGE, lambda _: Family(Gauge))

    def histogram(self, name: str) -> Family[Histogram]:
        return self._made(name, Type.HISTOGRAM, lambda metric: Family(lambda: Histogram(metric.bounds)))

    def _made(self, name: str, kind: Type, make: Callable[[Metric], Any]) -> Any:
        """The family of this name, which the catalogue must know as of this type."""
        if name not in self._families:
            metric = BY_NAME[name]
            assert metric.type is kind, name
            self._families[name] = make(metric)
            if not metric.labels:
                self._families[name].of()
        return self._families[name]

    def before_each_look(self, refresh: Callable[[], None]) -> None:
        """Called in the thread that answers, before anything is read."""
        self._before.append(refresh)

    def expose(self, accept: str) -> tuple[str, bytes]:
        """All of it now, in the format that is accepted: its content type, and its text."""
        encode, content_type = cast(Any, choose_encoder)(accept)
        with self._looking:
            return content_type, encode(self._registry)

    def collect(self) -> Iterator[PrometheusFamily]:
        """What the registry asks for."""
        for refresh in self._before:
            refresh()
        for name, family in list(self._families.items()):
            yield _put(BY_NAME[name], family)


def _put(metric: Metric, family: AnyFamily) -> PrometheusFamily:
    told: Any = _FAMILIES[metric.type](metric.name, metric.help, labels=metric.labels)
    for labels, cell in family.cells():
        if isinstance(cell, Histogram):
            told.add_metric(labels, *_add_up(cell))
        else:
            told.add_metric(labels, cell.value)
    return told


_FAMILIES: dict[Type, Any] = {
    Type.COUNTER: CounterMetricFamily,
    Type.GAUGE: GaugeMetricFamily,
    Type.HISTOGRAM: HistogramMetricFamily,
}


def _add_up(cell: Histogram) -> tuple[list[tuple[str, float]], float]:
    """Its buckets as Prometheus wants them, each with all below it."""
    below, buckets = 0, list[tuple[str, float]]()
    for bound, count in zip((*cell.bounds, float("inf")), list(cell.counts), strict=True):
        below += count
        buckets.append(("+Inf" if bound == float("inf") else str(bound), below))
    return buckets, cell.sum
