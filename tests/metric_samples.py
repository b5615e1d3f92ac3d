"""Metrics as a scraper reads them."""

from collections.abc import Mapping

import httpx
from prometheus_client.parser import text_string_to_metric_families
from tests.deadline import DEADLINE_SECONDS

from shared.runtime.observability.metrics.meter import Meter

Sample = tuple[str, Mapping[str, str], float]


class MetricSamples:
    """What one process told at one moment."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.samples: list[Sample] = [
            (sample.name, sample.labels, float(sample.value))
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        ]

    def of(self, name: str, **labels: str) -> float:
        """The sum of the samples of this name that carry these labels; one at least there must be."""
        found = [value for one, has, value in self.samples if one == name and labels.items() <= has.items()]
        assert found, f"nothing tells {name} {labels}"
        return sum(found)

    @property
    def names(self) -> set[str]:
        return {line.split()[2] for line in self.text.splitlines() if line.startswith("# TYPE ")}

    @property
    def label_values(self) -> set[str]:
        return {value for _, labels, _ in self.samples for value in labels.values()}


def read(meter: Meter) -> MetricSamples:
    return MetricSamples(meter.expose("")[1].decode())


def scrape(url: str) -> MetricSamples:
    return MetricSamples(httpx.get(url, timeout=DEADLINE_SECONDS, trust_env=False).raise_for_status().text)
