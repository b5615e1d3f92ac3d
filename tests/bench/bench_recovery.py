"""What a `kill -9` of a worker costs: seconds until its job runs elsewhere, seconds until it is done, calls bought again.

Two workers, a simulated model that answers in 3 s. Each job has four calls: three are answered and kept, the fourth hangs, and
then the worker that owns the job is killed. The stack starts killed workers again; the other one may be first.
"""

# ruff: noqa: T201 - a bench prints what it measured

from contextlib import closing
from time import monotonic

import httpx
import psutil
from msgspec import Struct
from tests.bench.stack import find_servers, headers_of, running_stack
from tests.e2e.running import events_until_done
from tests.paths import read_text
from tests.simulators.provider_process import ProviderProcess

from shared.adapters.redis import keys
from shared.adapters.redis.client import SyncRedisClient
from shared.adapters.redis.connection import connect_sync
from shared.domain.jobs.job import JobId

KILLS = 10
LATENCY_SECONDS = 3.0
BODY = {
    "kind": "flashcards",
    "input": {
        "text": "\n\n".join(read_text(name) for name in ("solar_system.en.txt", "water_cycle.en.txt") * 3)
    },
}
"""About 3,800 words: four calls."""


class Recovery(Struct):
    started_seconds: float
    """From the kill to the next attempt."""
    done_seconds: float
    attempts: int
    status: str


def main() -> None:
    with (
        ProviderProcess(latency_seconds=LATENCY_SECONDS) as provider,
        running_stack({**provider.environ, "ETUDE_AI_WORKERS": "2"}) as stack,
        httpx.Client(
            base_url=stack.url, headers=headers_of(stack, "learner", "unlimited"), timeout=60, trust_env=False
        ) as client,
        closing(connect_sync(find_servers(stack).redis_url, name="bench", timeout_seconds=5.0)) as redis,
    ):
        recoveries = [_kill_in_mid_job(client, redis, provider) for _ in range(KILLS)]
        states = list(provider.states().values())
    _print_line("kill to running elsewhere", [one.started_seconds for one in recoveries], "(goal 15)")
    _print_line(
        "kill to done", [one.done_seconds for one in recoveries], "(the call cut by the kill takes 3 s again)"
    )
    succeeded = sum(one.status == "succeeded" and one.attempts == 2 for one in recoveries)
    print(f"succeeded at the second attempt: {succeeded} of {KILLS} jobs")
    print(
        f"{len(states)} steps: {sum(max(0, each.count('answered') - 1) for each in states)} bought twice (goal 0),"
        f" {sum(each.count('hung_up') for each in states)} calls in flight cut off by the {KILLS} kills"
    )


def _kill_in_mid_job(client: httpx.Client, redis: SyncRedisClient, provider: ProviderProcess) -> Recovery:
    provider.let_next_call_hang()
    job_id = JobId(client.post("/api/ai", json=BODY).raise_for_status().json()["id"])
    killed_at, recovery = 0.0, Recovery(0.0, 0.0, 0, "")
    for name, data in events_until_done(client, f"/api/ai/{job_id}/events"):
        now = monotonic()
        if name == "status" and data["status"] == "running":
            recovery.attempts = data["attempt"]
            recovery.started_seconds = now - killed_at
        elif name == "progress" and data["done"] == data["total"] - 1 and not killed_at:
            psutil.Process(_owner_of(redis, job_id)).kill()
            killed_at = monotonic()
        elif name == "done":
            recovery.done_seconds = now - killed_at
            recovery.status = data["status"]
    return recovery


def _owner_of(redis: SyncRedisClient, job_id: JobId) -> int:
    """The process that has its lease: an owner is called service-host-process-chance."""
    owner = redis.execute_command("HGET", keys.record(0, job_id), "owner")
    assert isinstance(owner, bytes)
    return int(owner.decode().split("-")[-2])


def _print_line(what: str, seconds: list[float], remark: str) -> None:
    ordered = sorted(seconds)
    print(
        f"{what:<26} p50 {ordered[len(ordered) // 2]:5.1f} s  min {ordered[0]:5.1f} s  max {ordered[-1]:5.1f} s"
        f"  {len(ordered)} kills  {remark}"
    )


if __name__ == "__main__":
    main()
