"""Every panel and every alert, asked on the real thing: one that would show nothing whatever happens is no use to anybody."""

import math
from pathlib import Path
from time import monotonic

import pytest
from tests.conftest import skipped_without_server
from tests.deadline import DEADLINE_SECONDS
from tests.watch.load import Traffic, smoke
from tests.watch.monitored_stack import MonitoredStack, monitored_stack
from tests.watch.queries import operands, panel_queries, rule_queries

pytestmark = pytest.mark.e2e


def test_after_a_little_of_everything_every_panel_and_every_alert_has_data(tmp_path: Path) -> None:
    with (
        skipped_without_server(),
        monitored_stack(tmp_path) as monitored,
        Traffic(monitored.client_of("eve", "pro"), pause_seconds=0.2),
    ):
        smoke(monitored)
        assert still_unanswered(monitored, everything()) == {}


def everything() -> dict[str, str]:
    """By where it is asked: what a panel shows, what an alert compares, what a rule records."""
    parts = {
        f"{name} {number}": part
        for name, query in rule_queries().items()
        for number, part in enumerate(operands(query), start=1)
    }
    return {**panel_queries(), **parts}


def still_unanswered(monitored: MonitoredStack, queries: dict[str, str]) -> dict[str, str]:
    until = monotonic() + DEADLINE_SECONDS
    while queries and monotonic() < until:
        queries = {name: query for name, query in queries.items() if not has_data(monitored, query)}
    return queries


def has_data(monitored: MonitoredStack, query: str) -> bool:
    """A 0 is data: whoever writes `or vector(0)` claims that it is true."""
    return any(not math.isnan(value) for value in monitored.ask(query))
