"""The metrics port: of its own, answered whatever the event loop does, gone with the process."""

import asyncio
import socket
import threading

import httpx
import pytest
from tests.deadline import DEADLINE_SECONDS
from tests.metric_samples import MetricSamples, scrape

from local.ports import free_ports
from shared.runtime.config.settings import CommonSettings, InvalidSettings
from shared.runtime.observability.metrics.meter import Meter
from shared.runtime.observability.metrics.server import serving_metrics


def on(port: int) -> tuple[CommonSettings, str]:
    return CommonSettings(metrics_port=port), f"http://127.0.0.1:{port}"


async def test_the_server_runs_only_inside_the_block() -> None:
    settings, url = on(free_ports(1)[0])
    async with serving_metrics(Meter("tests"), settings):
        seen = await asyncio.to_thread(scrape, f"{url}/metrics")
        other = await asyncio.to_thread(httpx.get, f"{url}/", trust_env=False)
    assert seen.of("etude_build_info", service="tests") == 1
    assert other.status_code == 404
    with pytest.raises(httpx.ConnectError):
        await asyncio.to_thread(scrape, f"{url}/metrics")
    assert "metrics" not in {thread.name for thread in threading.enumerate()}


async def test_a_busy_event_loop_does_not_delay_a_scrape() -> None:
    settings, url = on(free_ports(1)[0])
    async with serving_metrics(Meter("tests"), settings):
        seen = scrape(f"{url}/metrics")  # the loop is held for as long as this takes
    assert seen.of("etude_build_info") == 1


async def test_a_stalled_scraper_does_not_block_the_event_loop() -> None:
    settings, url = on(free_ports(1)[0])
    async with serving_metrics(Meter("tests"), settings):
        with socket.create_connection(("127.0.0.1", settings.metrics_port)):
            assert (await asyncio.to_thread(scrape, f"{url}/metrics")).samples


async def test_a_busy_port_names_the_variable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(
            InvalidSettings, match=rf"^ETUDE_METRICS_PORT: port {port} cannot be used \(.+\)$"
        ):
            async with serving_metrics(Meter("tests"), on(port)[0]):
                pass


async def test_without_a_port_nothing_listens() -> None:
    before = threading.active_count()
    async with serving_metrics(Meter("tests"), CommonSettings()):
        assert threading.active_count() == before


@pytest.mark.slow
async def test_a_blocked_event_loop_shows_its_lag() -> None:
    settings, url = on(free_ports(1)[0])
    async with serving_metrics(Meter("tests"), settings), asyncio.timeout(DEADLINE_SECONDS):
        while not lags_above_a_quarter(scrape(f"{url}/metrics")):
            await asyncio.to_thread(threading.Event().wait, 0.1)
            threading.Event().wait(0.8)  # what a handler of ours must never do


def lags_above_a_quarter(seen: MetricSamples) -> bool:
    name = "etude_event_loop_lag_seconds"
    return seen.of(f"{name}_count") > seen.of(f"{name}_bucket", le="0.25")
