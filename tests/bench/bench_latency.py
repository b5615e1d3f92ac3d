"""How soon an idle stack begins a job, and how soon a listening client hears of its end.

Twenty jobs a second at random moments, one worker, one client on `GET /api/events`. All clocks are this machine's; the
ids of events are Redis' milliseconds, rounded down. A job begins when its lease is written, and its handler is started
right after that; with the simulated model the arrival of the handler's first call bounds it from above.
"""

# ruff: noqa: T201 - a bench prints what it measured

import asyncio
import gc
import random
import time
from collections.abc import Mapping, Sequence

import httpx
import msgspec
import uvloop
from httpx_sse import EventSource
from msgspec import Struct, field
from tests.bench.stack import headers_of, percentile, running_stack
from tests.e2e.running import RunningStack
from tests.simulators.provider_process import ProviderProcess

WARM_UP_JOBS, JOBS, JOBS_PER_SECOND = 60, 800, 20.0
SEED = 1
TEXT = "Photosynthesis is the process by which plants turn light into sugar in their leaves. " * 2
BODY = {"kind": "summary", "input": {"text": TEXT}}
END_SECONDS = 60.0
HANDLER_GOAL, CLIENT_GOAL = "goal 5 and 15", "goal of p99 15"


class Times(Struct):
    """Of one job, in Unix seconds."""

    posted: float = 0.0
    """Just before the request is sent."""
    queued: float = 0.0
    leased: float = 0.0
    settled: float = 0.0
    heard: float = 0.0
    """When the client had the line that says it is done."""


class Told(Struct):
    """What is read of an event's data."""

    job_id: str
    status: str = ""


class Heard(Struct):
    """What the client knows, by job."""

    jobs: dict[str, Times] = field(default_factory=dict[str, Times])
    done: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def of(self, job_id: str) -> Times:
        return self.jobs.setdefault(job_id, Times())

    async def until_done(self, count: int) -> None:
        async with asyncio.timeout(END_SECONDS):
            while self.done < count:
                self.changed.clear()
                await self.changed.wait()


def main() -> None:
    with running_stack() as stack:
        _print("no key", uvloop.run(_measure(stack)))
    with ProviderProcess() as provider, running_stack(provider.environ) as stack:
        times = uvloop.run(_measure(stack))
        calls = {call["call_id"].split("/")[0]: call["started_at"] for call in reversed(provider.calls())}
    _print("simulated model", times)
    _print_line(
        "simulated model",
        "POST to the handler's call reaching the model",
        [calls[job_id] - job.posted for job_id, job in times.items()],
        "with SDK and HTTP; no goal",
    )


async def _measure(stack: RunningStack) -> Mapping[str, Times]:
    heard = Heard()
    headers = headers_of(stack, "listener", "unlimited")
    async with httpx.AsyncClient(
        base_url=stack.url, headers=headers, timeout=END_SECONDS, trust_env=False
    ) as client:
        listening = asyncio.create_task(_listen(client, heard))
        await _submit_many(client, heard, WARM_UP_JOBS)
        warm = set(heard.jobs)
        gc.freeze()
        await _submit_many(client, heard, JOBS)
        listening.cancel()
        await asyncio.wait([listening])
    return {job_id: times for job_id, times in heard.jobs.items() if job_id not in warm}


async def _submit_many(client: httpx.AsyncClient, heard: Heard, count: int) -> None:
    """One after another at random moments, whatever became of the last; until all are done."""
    chance = random.Random(SEED)
    wanted = heard.done + count
    async with asyncio.TaskGroup() as group:
        for _ in range(count):
            group.create_task(_submit(client, heard))
            await asyncio.sleep(chance.expovariate(JOBS_PER_SECOND))
    await heard.until_done(wanted)


async def _submit(client: httpx.AsyncClient, heard: Heard) -> None:
    posted = time.time()
    answer = await client.post("/api/ai", json=BODY)
    heard.of(answer.raise_for_status().json()["id"]).posted = posted


async def _listen(client: httpx.AsyncClient, heard: Heard) -> None:
    async with client.stream("GET", "/api/events") as answer:
        async for event in EventSource(answer).aiter_sse():
            if event.data:
                _note(heard, event.event, int(event.id.split("-")[0]) / 1000, event.data)


def _note(heard: Heard, name: str, at: float, data: str) -> None:
    now = time.time()
    told = msgspec.json.decode(data, type=Told)
    job = heard.of(told.job_id)
    match name, told.status:
        case "status", "queued":
            job.queued = at
        case "status", _:
            job.leased = at
        case "done", _:
            job.settled, job.heard = at, now
            heard.done += 1
            heard.changed.set()
        case _:
            pass


def _print(label: str, times: Mapping[str, Times]) -> None:
    jobs = list(times.values())
    _print_line(label, "POST to lease", [job.leased - job.posted for job in jobs], HANDLER_GOAL)
    _print_line(label, "entry to lease", [job.leased - job.queued for job in jobs], "")
    _print_line(label, "settle to client", [job.heard - job.settled for job in jobs], CLIENT_GOAL)


def _print_line(label: str, what: str, seconds: Sequence[float], goal: str) -> None:
    p50, p99, most = (1000 * percentile(seconds, share) for share in (0.5, 0.99, 1.0))
    print(
        f"{label:<15} {what:<45} p50 {p50:5.1f} ms  p99 {p99:5.1f} ms  max {most:5.1f} ms"
        f"  {len(seconds)} jobs{f'  ({goal})' if goal else ''}"
    )


if __name__ == "__main__":
    main()
