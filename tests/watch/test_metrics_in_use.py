"""No metric is told that nobody looks at, and nobody looks at one that is not told: a typing error is not silence."""

import re

import pytest
from tests.watch.queries import every_query, grouped_by, panel_queries, rule_queries, selectors
from tests.watch.rule_files import rules

from shared.runtime.observability.metrics.catalogue import BY_NAME, Metric, Type

PROCESS = {"process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds"}
"""Told by the client library."""
PROMETHEUS = {"up", "ALERTS"}
"""Its own."""
SCRAPED = {"job", "instance"}
"""Labels that Prometheus adds to every series."""
OF_HISTOGRAM = re.compile(r"_(bucket|sum|count)$")

queries = pytest.mark.parametrize("query", {**panel_queries(), **rule_queries()}.values())


def asked(query: str) -> set[str]:
    """The names in a query, a histogram's without what makes it three."""
    return {told_as(selector.name or "") for selector in selectors(query)}


def told_as(name: str) -> str:
    base = OF_HISTOGRAM.sub("", name)
    return base if base in BY_NAME and BY_NAME[base].type is Type.HISTOGRAM else name


def records() -> dict[str, set[str]]:
    """What rules record, with its labels."""
    return {rule.record: set(rule.labels) for rule in rules() if rule.record}


def labels_of(name: str) -> set[str]:
    if name in records():
        return records()[name]
    metric = BY_NAME.get(told_as(name))
    return {*(metric.labels if metric else ()), *(bucket_label(metric, name)), *SCRAPED}


def bucket_label(metric: Metric | None, name: str) -> set[str]:
    return {"le"} if metric and metric.type is Type.HISTOGRAM and name.endswith("_bucket") else set()


def test_every_metric_is_looked_at() -> None:
    looked_at = set[str]().union(*map(asked, every_query()))
    assert BY_NAME.keys() - looked_at == set()


def test_every_metric_that_is_looked_at_is_told() -> None:
    looked_at = set[str]().union(*map(asked, every_query()))
    assert looked_at - BY_NAME.keys() - records().keys() - PROCESS - PROMETHEUS == set()


@queries
def test_a_query_tells_series_apart_by_labels_they_have(query: str) -> None:
    for selector in selectors(query):
        if selector.name not in PROMETHEUS:
            matched = {matcher.name for matcher in selector.matchers.matchers}
            assert matched <= labels_of(selector.name or ""), str(selector)


@queries
def test_a_query_keeps_labels_that_something_in_it_has(query: str) -> None:
    names = {selector.name or "" for selector in selectors(query)}
    if names & PROMETHEUS:
        return
    made = set(re.findall(r'label_replace\(.*?, "(\w+)", "\$1"', query, re.DOTALL))
    assert grouped_by(query) <= set[str]().union(made, *map(labels_of, names))
