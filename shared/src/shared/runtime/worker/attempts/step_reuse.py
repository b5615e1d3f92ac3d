"""Finds what the user has bought before, and lets one of several jobs buy what they all need."""

import asyncio
import hashlib
from typing import Protocol

from shared.adapters.redis.jobs.attempt_store import AttemptStore, Reservation
from shared.domain.jobs.bought_step import BoughtStep
from shared.domain.jobs.job import JobId, LeasedJob, UserId
from shared.domain.jobs.job_snapshot import JobSnapshot
from shared.domain.llm.provider import Content
from shared.domain.study.material import ItemCounts

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.1, 1.0
"""Pauses between two questions whether another job has bought a content; each is twice as long as the one before."""


class BoughtSteps(Protocol):
    """What final jobs bought and made: `shared.adapters.postgres.result_store.ResultStore`."""

    async def find_step(self, user: UserId, content: str, needed: ItemCounts) -> bytes | None: ...

    async def find_collection(self, user: UserId, job_id: JobId) -> JobSnapshot | None: ...


class StepReuse:
    """The purchases of one attempt. Every method raises `LeaseLost` and `StoreUnavailable`."""

    def __init__(self, job: LeasedJob, store: AttemptStore, bought: BoughtSteps, model: str) -> None:
        """`model` is the one that is asked first. Without one nothing costs anything, and nothing is reused."""
        self._job = job
        self._store = store
        self._bought = bought
        self._model = model
        self._steps: dict[str, BoughtStep] = {}

    @property
    def steps(self) -> tuple[BoughtStep, ...]:
        """What this attempt has bought, reused or found kept."""
        return tuple(self._steps.values())

    async def find(self, step: str, content: Content, asked: ItemCounts) -> bytes | None:
        """The encoded step to reuse, of an unfinished job or of a final one. None: this attempt is to buy it.

        While another job is buying it, this one waits: it would take as long to buy it itself.
        """
        if not self._model or not content.may_be_reused:
            return None
        digest = self._digest(content)
        pause = FIRST_PAUSE_SECONDS
        while True:
            found = await self._reserve(step, digest, content, asked)
            if found.completion is not None:
                return found.completion
            if found.is_ours:
                return await self._bought.find_step(self._job.user, digest, content.needed)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    async def _reserve(self, step: str, digest: str, content: Content, asked: ItemCounts) -> Reservation:
        return await self._store.reserve(self._job, step, digest, asked=asked, needed=content.needed)

    async def release(self, content: Content) -> None:
        """Nothing came of the purchase that another job could reuse."""
        if self._model and content.may_be_reused:
            await self._store.release(self._job, self._digest(content))

    def note(self, content: Content, asked: ItemCounts, completion: bytes) -> None:
        """What Postgres shall keep with the row of the job."""
        if self._model:
            digest = self._digest(content)
            self._steps[digest] = BoughtStep(content=digest, asked=asked, completion=completion)

    def _digest(self, content: Content) -> str:
        text = "\0".join((self._job.user, self._model, content.key))
        return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:32]
