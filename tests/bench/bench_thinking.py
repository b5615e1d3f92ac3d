"""Checking the drafts of a hundred collections at once: what a Redis command of the same process waits meanwhile."""

# ruff: noqa: T201 - a bench prints what it measured

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import uvloop
from tests.paths import read_text

from local.servers.redis_server import RedisServer
from shared.adapters.cpu_pool import run_in_cpu_pool
from shared.adapters.offline.provider import OfflineProvider
from shared.adapters.redis.connection import call, connect
from shared.domain.generation.call_plan import plan_steps
from shared.domain.jobs.job import Kind
from shared.domain.jobs.payload import CollectionInput
from shared.domain.study.material import QuestionDrafts
from shared.domain.study.validation import check_questions
from shared.domain.text.language import Language

TEXT = read_text("photosynthese.fr.txt")
COLLECTIONS = 100
ROUNDS = 5
"""Of checks, each collection."""

Work = Callable[[], object]


async def on_the_loop(work: Work) -> None:
    work()
    await asyncio.sleep(0)


async def in_six_threads(work: Work) -> None:
    await asyncio.to_thread(work)  # as many as there are cores and four


async def beside_the_loop(work: Work) -> None:
    await run_in_cpu_pool(work)


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="etude-bench-") as folder, RedisServer(Path(folder)) as server:
        # the last one changes how often the interpreter switches
        for where in (on_the_loop, in_six_threads, beside_the_loop):
            waits, seconds = uvloop.run(measure(server.url, where))
            waits.sort()
            p50, p99 = (1000 * waits[int(share * (len(waits) - 1))] for share in (0.5, 0.99))
            name = where.__name__.replace("_", " ")
            print(f"{name:<16} PING p50 {p50:>8.1f} ms, p99 {p99:>8.1f} ms; all checked in {seconds:.1f} s")


async def measure(url: str, where: Callable[[Work], Awaitable[None]]) -> tuple[list[float], float]:
    """Seconds of each PING while the checks went on, and how long they took."""
    redis, work, waits = connect(url, name="bench"), await _make_work(), list[float]()
    await call(redis, "PING")
    started = time.perf_counter()
    checking = [asyncio.create_task(_check_on(where, work)) for _ in range(COLLECTIONS)]
    while not all(one.done() for one in checking):
        asked = time.perf_counter()
        await call(redis, "PING")
        waits.append(time.perf_counter() - asked)
    await redis.aclose()
    return waits, time.perf_counter() - started


async def _check_on(where: Callable[[Work], Awaitable[None]], work: Work) -> None:
    for _ in range(ROUNDS):
        await where(work)


async def _make_work() -> Work:
    """Checking the questions of one collection."""
    steps = plan_steps(Kind.COLLECTION, CollectionInput(text=TEXT))
    (step,) = (step for step in steps if step.schema is QuestionDrafts)
    made = await OfflineProvider().complete(step.prompt, QuestionDrafts)
    return lambda: check_questions(made.value.questions, text=TEXT, language=Language(step.prompt.language))


if __name__ == "__main__":
    main()
