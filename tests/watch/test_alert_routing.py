"""Alertmanager itself, with our configuration: who is told, and what a cause keeps silent."""

import re
from collections.abc import Iterator
from time import monotonic
from typing import Any

import httpx
import pytest
from tests.conftest import skipped_without_server
from tests.deadline import DEADLINE_SECONDS
from tests.watch.programs import ALERTMANAGER, run, serving_alertmanager
from tests.watch.rule_files import alerts

PAST = "2020-01-01T00:00:00Z"

Labels = dict[str, str]


class Alertmanager:
    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def fire(self, raised: list[Labels]) -> None:
        self._client.post("/api/v2/alerts", json=[{"labels": one} for one in raised]).raise_for_status()

    def end(self, raised: list[Labels]) -> None:
        ended = [{"labels": one, "startsAt": PAST, "endsAt": PAST} for one in raised]
        self._client.post("/api/v2/alerts", json=ended).raise_for_status()

    def muted(self) -> list[Labels]:
        """Of those that fire, those that nobody hears."""
        shown: list[dict[str, Any]] = self._client.get("/api/v2/alerts").raise_for_status().json()
        return [alert["labels"] for alert in shown if alert["status"]["inhibitedBy"]]


@pytest.fixture(scope="module")
def alertmanager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alertmanager]:
    folder = tmp_path_factory.mktemp("alertmanager")
    with skipped_without_server(), serving_alertmanager(folder) as client:
        yield Alertmanager(client)


def named(name: str, **labels: str) -> Labels:
    return {"alertname": name, **labels}


OUTAGES: dict[str, tuple[Labels, list[Labels], list[Labels]]] = {
    "Redis is down": (
        named("RedisDown", node="r"),
        [
            named("NoActiveConsumers", stream="ai"),
            named("QueueWaitHigh", stream="ai"),
            named("RetryStorm"),
            named("ExporterStale", target="redis"),
            named("SloBurnFast", slo="accept"),
        ],
        [named("ExporterStale", target="postgres"), named("ProviderErrors"), named("BudgetRefusals")],
    ),
    "Postgres is down": (
        named("PostgresDown"),
        [
            named("DbPoolWait", job="ai-worker"),
            named("RetryStorm"),
            named("ExporterStale", target="postgres"),
            named("SloBurnFast", slo="read"),
        ],
        [named("SloBurnFast", slo="accept"), named("RedisSlow"), named("NoActiveConsumers", stream="ai")],
    ),
    "the provider is out": (
        named("ProviderCircuitOpen", model="m"),
        [
            named("ProviderErrors", gen_ai_request_model="m"),
            named("QueueWaitHigh", stream="ai"),
            named("DeadLetters"),
            named("SloBurnHigh", slo="done"),
        ],
        [named("SloBurnFast", slo="accept"), named("SloBurnFast", slo="read"), named("RedisSlow")],
    ),
    "the account is empty": (
        named("ProviderOutOfCredit", gen_ai_request_model="m"),
        [named("ProviderCircuitOpen", model="m"), named("ProviderErrors", gen_ai_request_model="m")],
        [named("ProviderMisconfigured", gen_ai_request_model="m"), named("SpendSpike")],
    ),
    "every ai-worker is gone": (
        named("ServiceMissing", job="ai-worker"),
        [
            named("TargetDown", job="ai-worker", instance="1"),
            named("NoActiveConsumers", stream="ai"),
            named("QueueWaitHigh", stream="ai"),
        ],
        [named("TargetDown", job="chat", instance="1"), named("NoActiveConsumers", stream="collection")],
    ),
    "a promise burns fast": (
        named("SloBurnFast", slo="accept"),
        [named("SloBurnHigh", slo="accept"), named("SloBurnSlow", slo="accept")],
        [named("SloBurnHigh", slo="chat")],
    ),
}


@pytest.mark.parametrize("outage", OUTAGES)
def test_a_cause_is_heard_and_what_follows_from_it_is_not(alertmanager: Alertmanager, outage: str) -> None:
    cause, followers, others = OUTAGES[outage]
    alertmanager.fire([cause, *followers, *others])
    try:
        until = monotonic() + DEADLINE_SECONDS
        while len(alertmanager.muted()) < len(followers) and monotonic() < until:
            pass  # it hears of them one after the other
        assert sorted(alertmanager.muted(), key=str) == sorted(followers, key=str)
    finally:
        alertmanager.end([cause, *followers, *others])


def test_every_name_in_the_configuration_is_an_alert() -> None:
    matchers = re.findall(r"alertname (=~|=) (.+?)(?:, \w+ =|\]|$)", ALERTMANAGER.read_text(), re.MULTILINE)
    assert len(matchers) > 2 * len(OUTAGES)
    for operator, value in matchers:
        pattern = value.strip('"')
        alternatives = re.split(r"\|(?![^(]*\))", pattern) if operator == "=~" else [pattern]
        for alternative in alternatives:
            assert any(re.fullmatch(alternative, name) for name in alerts()), alternative


def test_the_configuration_is_what_alertmanager_takes() -> None:
    with skipped_without_server():
        code, said = run("amtool", "check-config", str(ALERTMANAGER))
    assert code == 0, said


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        ("severity=page", "page"),
        ("severity=ticket", "ticket"),
        ("severity=info", "nobody"),
        ("alertname=Watchdog", "watchdog"),
    ],
)
def test_the_right_one_is_told(labels: str, receiver: str) -> None:
    with skipped_without_server():
        code, said = run("amtool", "config", "routes", "test", f"--config.file={ALERTMANAGER}", labels)
    assert (code, said.splitlines()[-1]) == (0, receiver)
