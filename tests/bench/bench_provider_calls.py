"""How much memory a worker process takes while it holds 2,000 provider calls."""

# ruff: noqa: T201 - a bench prints what it measured

import asyncio
import subprocess
import sys
from itertools import accumulate
from time import monotonic

import httpx
import msgspec
import psutil
import uvloop
from msgspec import Struct

import shared.runtime.worker.main as worker  # what a worker has loaded counts too
from shared.adapters.llm.openai.client import connect
from shared.adapters.llm.openai.provider import OpenAIProvider
from shared.domain.generation.call_plan import PlannedStep, plan_steps
from shared.domain.jobs.job import Kind
from shared.domain.jobs.payload import AiInput

CALLS = 2_000
LATENCIES = (1.0, 15.0)
"""Seconds. Beginning so many calls takes a process some seconds: only slow ones are all open at one time."""
TEXT = "Photosynthesis is the process by which plants turn light into sugar in their leaves. " * 40
"""About 600 words."""
WATCH_SECONDS = 0.02


class Times(Struct):
    started_at: float
    ended_at: float


class Journal(Struct):
    calls: list[Times]


def main() -> None:
    simulator = subprocess.Popen(
        [sys.executable, "-m", "tests.simulators.provider"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert simulator.stdout is not None
        url = simulator.stdout.readline().removeprefix("ready: ").strip()
        uvloop.run(_measure(url))
    finally:
        simulator.kill()
        simulator.communicate()


async def _measure(url: str) -> None:
    print(f"RSS with the imports of {worker.__name__}: {_megabytes()} MB")
    provider = OpenAIProvider(connect("key", base_url=url), model="model-1")
    (step,) = plan_steps(Kind.SUMMARY, AiInput(text=TEXT))
    async with httpx.AsyncClient(base_url=url.removesuffix("/v1") + "/_control/", trust_env=False) as control:
        for latency in LATENCIES:
            await control.post("settings", json={"latency_seconds": latency})
            await control.delete("journal")
            peak = _Peak()
            seconds = await _call(provider, step, peak)
            answer = await control.get("journal")
            open_at_once = _open_at_once(msgspec.json.decode(answer.content, type=Journal).calls)
            print(
                f"{CALLS} calls of {latency:.0f} s in {seconds:.1f} s, {open_at_once} open at once:"
                f" peak RSS {peak.megabytes} MB"
            )
    await provider.close()


async def _call(provider: OpenAIProvider, step: PlannedStep, peak: "_Peak") -> float:
    """Make all the calls; the seconds that took."""
    watching = asyncio.create_task(peak.watch())
    started = monotonic()
    async with asyncio.TaskGroup() as group:
        for _ in range(CALLS):
            group.create_task(provider.complete(step.prompt, step.schema))
    watching.cancel()
    return monotonic() - started


class _Peak:
    def __init__(self) -> None:
        self.megabytes = 0

    async def watch(self) -> None:
        while True:
            self.megabytes = max(self.megabytes, _megabytes())
            await asyncio.sleep(WATCH_SECONDS)


def _open_at_once(calls: list[Times]) -> int:
    changes = sorted([(call.started_at, 1) for call in calls] + [(call.ended_at, -1) for call in calls])
    return max(accumulate(change for _, change in changes))


def _megabytes() -> int:
    return psutil.Process().memory_info().rss // 2**20
