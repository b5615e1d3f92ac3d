"""The responses that servers make in the background for one step, kept in Redis under the attempt's fence."""

from collections.abc import Awaitable, Callable

import msgspec

from shared.adapters.redis.jobs.attempt_store import AttemptStore
from shared.domain.jobs.job import LeasedJob
from shared.domain.llm.provider import KeptResponse

PREFIX = "response:"
"""Begins the names of responses, which are stored beside the steps of the job."""
Write = Callable[[Callable[[], Awaitable[None]]], Awaitable[None]]


class StepResponses:
    """A `ResponseKeeper`."""

    def __init__(self, job: LeasedJob, step: str, store: AttemptStore, write_fenced: Write) -> None:
        self._job = job
        self._step = step
        self._store = store
        self._write_fenced = write_fenced
        self._kept: dict[str, KeptResponse] = {}
        """What this attempt kept."""

    def find(self, call: str) -> KeptResponse | None:
        return self._kept.get(call) or self._decode(self._job.steps.get(self._name(call)))

    async def keep(self, call: str, response: KeptResponse) -> None:
        data = msgspec.json.encode(response)
        await self._write_fenced(lambda: self._store.keep_response(self._job, self._name(call), data))
        self._kept[call] = response

    async def is_cancelled(self) -> bool:
        return await self._store.is_cancelled(self._job)

    def _name(self, call: str) -> str:
        return f"{PREFIX}{self._step}:{call}"

    def _decode(self, data: bytes | None) -> KeptResponse | None:
        """One that cannot be read is made again, as a step is."""
        try:
            return msgspec.json.decode(data, type=KeptResponse) if data else None
        except msgspec.DecodeError:
            return None
