"""The slots of a worker: which attempts run, and whether there is room for more."""

import asyncio
from collections.abc import Iterator

import structlog

from shared.domain.jobs.job import LeasedJob
from shared.domain.jobs.job_policy import JobPolicy

log = structlog.get_logger()


class RunningAttempt:
    """An attempt under way. It may be interrupted until it settles; then the settle script alone decides its fate."""

    def __init__(self, job: LeasedJob) -> None:
        self.job = job
        self.is_lost = False
        self.is_interrupted = False
        self.is_settling = False
        self.task: asyncio.Task[None] | None = None

    def lose(self) -> None:
        """Stop, because another attempt owns the job or the job is over."""
        if self.is_settling:
            return  # the settle script finds out by itself, or is what ended the lease
        log.warning("job.lease_lost", job_id=self.job.id, kind=self.job.kind, attempt=self.job.attempt)
        self.is_lost = True
        self.interrupt()

    def interrupt(self) -> None:
        """Stop the handler. An attempt that still owns its job then hands it back."""
        if self.task is not None and not self.is_settling:
            self.is_interrupted = True
            self.task.cancel()


class Slots:
    """At most `concurrency` attempts at a time."""

    def __init__(self, concurrency: int, policy: JobPolicy) -> None:
        self.concurrency = concurrency
        self._policy = policy
        self._running: set[RunningAttempt] = set()
        self._freed = asyncio.Event()
        self._is_closed = False

    def __len__(self) -> int:
        """How many attempts run."""
        return len(self._running)

    def __iter__(self) -> Iterator[RunningAttempt]:
        return iter(list(self._running))

    @property
    def free(self) -> int:
        """How many more attempts may be started; none once the slots are closed."""
        return 0 if self._is_closed else self.concurrency - len(self._running)

    @property
    def has_suspect(self) -> bool:
        """Whether one of the running jobs may be what killed its earlier owners."""
        return any(self._policy.is_suspect(run.job) for run in self._running)

    def runs(self, job: LeasedJob) -> bool:
        """Whether this very attempt runs here."""
        return any((run.job.id, run.job.attempt) == (job.id, job.attempt) for run in self._running)

    def occupy(self, run: RunningAttempt) -> None:
        self._running.add(run)

    def release(self, run: RunningAttempt) -> None:
        self._running.discard(run)
        self._freed.set()

    def close(self) -> None:
        """The worker stops: what runs goes on, and no slot is free any more."""
        self._is_closed = True
        self._freed.set()

    async def wait_for_free(self) -> None:
        """Wait for a free slot, or until the slots are closed."""
        while self.free <= 0 and not self._is_closed:
            self._freed.clear()
            await self._freed.wait()

    async def wait_until_idle(self, *, seconds: float | None = None) -> None:
        """Wait until nothing runs, or for `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                while tasks := [run.task for run in self._running if run.task]:
                    await asyncio.wait(tasks)
        except TimeoutError:
            pass
