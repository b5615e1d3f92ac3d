"""How much memory a worker process takes while it holds 2,000 provider calls of a second each."""

# ruff: noqa: T201 - a bench prints what it measured

import asyncio
import subprocess
import sys
from time import monotonic

import psutil
import uvloop

import shared.runtime.worker as _worker  # what a worker has loaded counts too
from shared.adapters.openai_provider import OpenAIProvider, connect
from shared.domain.job import Kind
from shared.domain.planning import plan_steps
from shared.domain.wire import AiInput

CALLS = 2_000
ROUNDS = 2
"""The second finds everything loaded, and shows what is kept."""
LATENCY_SECONDS = 1.0
SENTENCE = "Photosynthesis is the process by which plants turn light into sugar in their leaves. "
TEXT = SENTENCE * 40
"""About 600 words."""


def main() -> None:
    simulator = subprocess.Popen(
        [sys.executable, "-m", "tests.simulators.provider", "--latency", str(LATENCY_SECONDS)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert simulator.stdout is not None
        url = simulator.stdout.readline().removeprefix("ready: ").strip()
        uvloop.run(_measure(url))
    finally:
        simulator.kill()
        simulator.communicate()


async def _measure(url: str) -> None:
    process = psutil.Process()
    print(f"RSS with a worker's imports: {_megabytes(process)} MB ({_worker.__name__})")
    provider = OpenAIProvider(connect("key", base_url=url), model="model-1")
    (step,) = plan_steps(Kind.SUMMARY, AiInput(text=TEXT))
    for number in range(1, ROUNDS + 1):
        peak = asyncio.create_task(_watch(process))
        started = monotonic()
        async with asyncio.TaskGroup() as group:
            for _ in range(CALLS):
                group.create_task(provider.complete(step.prompt, step.schema))
        seconds = monotonic() - started
        peak.cancel()
        print(
            f"round {number}: {CALLS} concurrent calls of {LATENCY_SECONDS:.0f} s in {seconds:.1f} s,"
            f" peak RSS {_peak[0]} MB"
        )
    await provider.close()


_peak = [0]


async def _watch(process: psutil.Process) -> None:
    while True:
        _peak[0] = max(_peak[0], _megabytes(process))
        await asyncio.sleep(0.02)


def _megabytes(process: psutil.Process) -> int:
    return process.memory_info().rss // 2**20
