"""The consumer: takes no more jobs than it has free slots, owns each until it is settled, and gives back what it cannot finish."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress

import structlog
from redis.exceptions import ResponseError

from shared.adapters.redis.attempt_store import AttemptStore
from shared.adapters.redis.connection import is_away
from shared.adapters.redis.job_stream import Entry, JobStream
from shared.domain.errors import LeaseLost, StoreUnavailable, Unexpected
from shared.domain.generation.handler import Handler
from shared.domain.jobs.job import Kind, LeasedJob
from shared.domain.jobs.job_policy import JobPolicy
from shared.domain.jobs.job_snapshot import JobSnapshot
from shared.domain.jobs.outcome import Outcome, Retry
from shared.domain.jobs.settlement import Settlement
from shared.domain.tracing import NO_TRACER, Span, Tracer
from shared.domain.usage import Usage
from shared.runtime.observability.logging_setup import current_job
from shared.runtime.observability.metrics.job_metrics import JobMetrics
from shared.runtime.worker.attempt import FencedAttemptContext, ProviderFor, attempt
from shared.runtime.worker.lease_renewer import LeaseRenewer
from shared.runtime.worker.settler import Settler

log = structlog.get_logger()

RETRY_READ_SECONDS = 1.0
"""After a read that failed: no hot loop, one log line a second at most, and back within two."""


AT_ONCE = 64
"""Jobs read and leased together: they begin while the next ones are read."""
HAND_BACK_SECONDS = 2.0


class _Running:
    """An attempt under way. It may be interrupted until it settles; from then on its fate is the script's."""

    def __init__(self, job: LeasedJob) -> None:
        self.job = job
        self.is_lost = False
        self.is_interrupted = False
        self.is_settling = False
        self.task: asyncio.Task[None] | None = None

    def lose(self) -> None:
        if self.is_settling:
            return  # the settlement finds out by itself, or was what ended the lease
        job = self.job
        log.warning("job.lease_lost", job_id=job.id, kind=job.kind, attempt=job.attempt)
        self.is_lost = True
        self.hand_back()

    def hand_back(self) -> None:
        if self.task is not None and not self.is_settling:
            self.is_interrupted = True
            self.task.cancel()


class Consumer:
    """Runs the jobs of one stream with `concurrency` slots."""

    def __init__(
        self,
        stream: JobStream,
        steps: AttemptStore,
        settler: Settler,
        heartbeat: LeaseRenewer,
        handlers: Mapping[Kind, Handler],
        provider_for: ProviderFor,
        *,
        concurrency: int,
        policy: JobPolicy,
        jitter: Callable[[], float],
        watch: JobMetrics,
        on_suspect_gone: Callable[[], None] = lambda: None,
        claim_first: Callable[[], Awaitable[None]] | None = None,
        tracer: Tracer = NO_TRACER,
    ) -> None:
        self._stream = stream
        self._steps = steps
        self._settler = settler
        self._heartbeat = heartbeat
        self._handlers = handlers
        self._provider_for = provider_for
        self._concurrency = concurrency
        self._policy = policy
        self._jitter = jitter
        self._watch = watch
        watch.look_at(slots=concurrency, busy=lambda: self.running)
        self._on_suspect_gone = on_suspect_gone
        self._claim_first = claim_first
        self._tracer = tracer
        self._running: set[_Running] = set()
        self._in_hand: list[Entry] = []
        """Read and not leased yet. A lease whose answer got lost is asked again: it is ours, and nobody renews it."""
        self._freed = asyncio.Event()
        self.ready = asyncio.Event()
        """Set when it reads for the first time."""
        self.has_read = asyncio.Event()
        """Set when Redis answered a read."""
        self._stopping = asyncio.Event()
        self._is_away = False

    @property
    def free(self) -> int:
        """Slots without a job."""
        return self._concurrency - len(self._running)

    @property
    def running(self) -> int:
        return len(self._running)

    @property
    def has_suspect(self) -> bool:
        """Whether a job runs here that may be what killed its owners."""
        return any(self._policy.is_suspect(run.job) for run in self._running)

    def stop(self) -> None:
        """Read no more. `run` returns when what runs is finished or handed back."""
        self._stopping.set()

    async def run(self) -> None:
        """Read and run until `stop`. A Redis that is away never ends it."""
        reading = asyncio.create_task(self._read_on())
        try:
            await self._stopping.wait()
        finally:
            self._stopping.set()
            await self._end_reading(reading)
            await self._finish()

    async def drain(self) -> int:
        """Run what is queued until nothing is left; returns how many attempts that took. Makes tests deterministic."""
        await self._stream.ensure_groups()
        attempts = 0
        while entries := await self._stream.read(self._concurrency, block=False):
            leased = await self._stream.lease(entries)
            self._begin(leased)
            attempts += len(leased)
            await self.idle()
        return attempts

    async def idle(self) -> None:
        """Wait until nothing runs."""
        while self._running:
            await asyncio.wait([run.task for run in self._running if run.task])

    def take_over(self, claimed: Sequence[LeasedJob]) -> None:
        """Run jobs of dead workers, which this process owns now."""
        self._watch.reclaimed(claimed)
        self.start(claimed)

    def _begin(self, leased: Sequence[LeasedJob]) -> None:
        self._watch.leased(leased)
        self.start(leased)

    def start(self, leased: Sequence[LeasedJob]) -> None:
        """Run jobs this process owns now."""
        for one in leased:
            if one.attempt > 1:
                self._lose_earlier(one)
            running = _Running(one)
            self._running.add(running)
            self._heartbeat.hold(one, running.lose)
            running.task = asyncio.create_task(self._run(running))

    def _not_running(self, leased: Sequence[LeasedJob]) -> list[LeasedJob]:
        """Without the very attempts that run here: claimed by this process while its lease was not answered."""
        running = {(run.job.id, run.job.attempt) for run in self._running}
        return [one for one in leased if (one.id, one.attempt) not in running]

    def _lose_earlier(self, job: LeasedJob) -> None:
        """A process may claim its own stale lease: the attempt under way here is then over."""
        for running in self._running:
            if running.job.id == job.id:
                running.lose()

    # -- reading ------------------------------------------------------------------------------------------------

    async def _read_on(self) -> None:
        with suppress(StoreUnavailable):  # the first read heals what is missing then
            await self._stream.ensure_groups()
        while not self._stopping.is_set():
            await self._wait_for_slot()
            self.ready.set()
            try:
                if not self._in_hand:
                    self._in_hand = await self._read()
                leased = await self._stream.lease(self._in_hand) if self._in_hand else ()
                self._in_hand = []
                self._begin(self._not_running(leased))
                self._say_back()
            except Exception as error:  # noqa: BLE001 - nothing that goes wrong with a read may end the reading
                await self._heal(error)

    async def _read(self) -> list[Entry]:
        """What is new, into the slots that the jobs of dead workers leave."""
        if self._claim_first:
            await self._claim_first()
        if self.free <= 0:
            return []
        entries = await self._stream.read(min(self.free, AT_ONCE), block=True)
        self._watch.polled()
        return entries

    async def _wait_for_slot(self) -> None:
        while self.free <= 0 and not self._stopping.is_set():
            self._freed.clear()
            await self._freed.wait()

    async def _heal(self, error: Exception) -> None:
        """A group that is gone is made again; a server that is away is waited for; each is said once."""
        if isinstance(error, ResponseError) and str(error).startswith("NOGROUP"):
            log.warning("consumer.group_missing", stream=self._stream.stream)
        elif isinstance(error, StoreUnavailable) or is_away(error):
            if not self._is_away:
                log.warning("consumer.redis_away", error_type=type(error).__name__)
            self._is_away = True
        else:
            log.error("consumer.read_failed", exc_info=error)
        with suppress(StoreUnavailable):
            await self._stream.ensure_groups()
        await self._pause(RETRY_READ_SECONDS)

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            pass

    def _say_back(self) -> None:
        self.has_read.set()
        if self._is_away:
            log.info("consumer.redis_back")
        self._is_away = False

    async def _end_reading(self, reading: asyncio.Task[None]) -> None:
        """Ends a blocked read from the outside: cancelling it could lose the entries it was about to be given."""
        self._freed.set()
        while not reading.done():
            try:
                await self._stream.wake()
            except Exception:  # noqa: BLE001 - not allowed, or away: the read ends by itself after its block time
                log.info("consumer.not_woken")
            await asyncio.wait([reading], timeout=0.2)

    # -- running ------------------------------------------------------------------------------------------------

    async def _run(self, running: _Running) -> None:
        job = running.job
        current_job.set(job)
        with self._tracer.attempt(job) as span:
            try:
                await self._attempt(running, span)
            except Exception:
                span.fail(Unexpected.code)
                log.exception("job.left")  # a bug of ours; the lease runs out, and the next attempt goes on
            finally:
                self._heartbeat.let_go(job)
                self._running.discard(running)
                self._freed.set()
                if self._policy.is_suspect(job):
                    self._on_suspect_gone()

    async def _attempt(self, running: _Running, span: Span) -> None:
        job = running.job
        began = time.monotonic()
        context = FencedAttemptContext(
            job,
            self._steps,
            self._provider_for(job),
            self._policy,
            self._watch,
            may_spend=lambda: self._heartbeat.is_certain(job),
        )
        try:
            saved = await self._settler.find_saved(job)
            outcome = None if saved else await attempt(context, self._handlers, self._policy)
        except StoreUnavailable as error:
            saved, outcome = None, Retry(error.problem, after=error.retry_after, counted=False)
        except LeaseLost:
            self._watch.lost(job)
            span.fail(LeaseLost.code)
            return
        except asyncio.CancelledError:
            if not running.is_interrupted:
                raise
            if running.is_lost:
                self._watch.lost(job)
                span.fail(LeaseLost.code)
                return
            saved, outcome = None, None
        running.is_settling = True
        settled = await self._settle(job, saved, outcome, context.usage)
        if settled is None:
            span.fail(LeaseLost.code)
            return
        self._watch.settled(settled, seconds=time.monotonic() - began)
        if settled.problem:
            span.fail(settled.problem.code)

    async def _settle(
        self, job: LeasedJob, saved: JobSnapshot | None, outcome: Outcome | None, usage: Usage
    ) -> Settlement | None:
        """What was settled; None when nothing was, and another attempt goes on."""
        if saved:
            return await self._settler.adopt(job, saved)
        if outcome:
            return await self._settler.close(job, outcome, usage)
        return await self._settler.give_back(job, usage)

    async def _finish(self) -> None:
        """What a stopping worker does with what still runs: wait for it, then hand it back."""
        tasks = [run.task for run in self._running if run.task]
        if tasks:
            log.info("consumer.draining", jobs=len(tasks))
            await asyncio.wait(tasks, timeout=self._policy.drain_seconds)
        while left := list(self._running):
            log.info("consumer.handing_back", jobs=len(left))
            for running in left:
                running.hand_back()
            # Said again if need be: a cancellation that meets a lost connection can get lost with it.
            await asyncio.wait([run.task for run in left if run.task], timeout=HAND_BACK_SECONDS)
