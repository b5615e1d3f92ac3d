"""The port of a job handler: its signature, and what it may do during one attempt."""

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar
from uuid import UUID

from shared.domain.jobs.job import LeasedJob
from shared.domain.jobs.outcome import Outcome
from shared.domain.jobs.payload import JobInput
from shared.domain.llm.provider import Completion, Prompt
from shared.domain.study.material import CollectionItems, Flashcard, QuizQuestion

T = TypeVar("T")


class AttemptContext(Protocol):
    """What a handler may do during one attempt. All writes are fenced: they raise `LeaseLost` once the lease is lost."""

    @property
    def job(self) -> LeasedJob: ...

    async def complete(self, step: str, prompt: Prompt, schema: type[T]) -> Completion[T]:
        """Return the kept completion of `step` if an earlier attempt paid for it; otherwise ask the provider and keep it.

        `step` names one paid call within the job (`cards/0`) and must depend on nothing but the job's input.
        """
        ...

    async def find_items(self, collection: UUID) -> CollectionItems:
        """The items of a collection of the job's user; none if it is removed or has none."""
        ...

    async def progress(self, done: int, total: int) -> None:
        """Publish how many of the job's steps are done."""
        ...

    async def item(self, item: Flashcard | QuizQuestion) -> None:
        """Publish one checked item before the whole result is ready."""
        ...


Handler = Callable[[JobInput, AttemptContext], Awaitable[Outcome]]
"""A plain function from input and context to an outcome. It returns expected failures. The attempt turns an escaped
`StudyError` into Retry or Fail by its `is_retryable`; any other exception is a bug and becomes Retry."""
