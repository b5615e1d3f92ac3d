"""A second worker that takes a job as soon as its lease is stale, while the owner's event loop is blocked."""

import asyncio
import threading

from tests.deadline import DEADLINE_SECONDS
from tests.job_harness import JobHarness

from shared.adapters.redis.jobs.job_stream import JobStream
from shared.domain.jobs.job import StreamName

ROUNDS = 3
POLL_SECONDS = 0.01


class LeaseThief:
    """In each round it lets the one lease run out, waits until the owner has renewed it, and tries to claim the job."""

    def __init__(self, harness: JobHarness) -> None:
        self._harness = harness
        self.claims: list[int] = []
        """Jobs claimed in each round."""

    def run(self) -> None:
        """Block the calling thread until all rounds are over; they run in a thread and an event loop of their own."""
        thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        thread.start()
        thread.join()

    async def _run(self) -> None:
        redis = self._harness.place.connect()
        own = JobHarness(self._harness.place, redis, policy=self._harness.policy)
        stream = JobStream(redis, redis, StreamName.AI, consumer="thief", shards=1, policy=own.policy)
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                for _ in range(ROUNDS):
                    await own.age_entry((await own.pending())[0].entry, StreamName.AI)
                    while (await own.pending())[0].idle_seconds >= own.policy.lease_seconds:  # noqa: ASYNC110 - Redis sends no event for a renewal
                        await asyncio.sleep(POLL_SECONDS)
                    self.claims.append(len(await stream.claim(0, 10)))
        finally:
            await redis.aclose()
