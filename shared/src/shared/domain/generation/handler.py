"""What a handler is given to work with: the provider through kept steps, and a way to tell how far it is."""

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from shared.domain.jobs.job import Job
from shared.domain.jobs.outcome import Outcome
from shared.domain.jobs.payload import JobInput
from shared.domain.llm.provider import Completion, Prompt
from shared.domain.study.material import Flashcard, QuizQuestion

T = TypeVar("T")


class Work(Protocol):
    """One attempt's hands. Everything here is fenced: after the lease is lost each call raises `LeaseLost`."""

    @property
    def job(self) -> Job: ...

    async def complete(self, step: str, prompt: Prompt, schema: type[T]) -> Completion[T]:
        """The kept completion of `step` when an earlier attempt already paid for it; else ask the provider and keep it.

        `step` names one paid call within the job (`cards/0`) and must not depend on anything but the job's input.
        """
        ...

    async def progress(self, done: int, total: int) -> None: ...

    async def item(self, item: Flashcard | QuizQuestion) -> None:
        """Tell listeners of one checked item, before the whole is ready."""
        ...


Handler = Callable[[JobInput, Work], Awaitable[Outcome]]
"""A plain function: input and hands in, outcome out. Expected trouble is returned; a `StudyError` that escapes is
turned into Retry or Fail by the consumer, as its `is_retryable` says; anything else is a bug and becomes Retry."""
