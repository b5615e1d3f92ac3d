"""The port through which all text generation goes: one prompt in, one checked completion out."""

from collections.abc import AsyncIterator, Callable, Sequence
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

from msgspec import Struct

from shared.domain.usage import Usage

T = TypeVar("T")


class Task(StrEnum):
    """What a prompt asks for. Online it chooses words; offline it chooses rules."""

    CARDS = "cards"
    QUESTIONS = "questions"
    SUMMARY = "summary"
    EXPLANATION = "explanation"
    OUTLINE = "outline"
    TEXT = "text"
    CHAT = "chat"


def _always() -> bool:
    return True


class Prompt(Struct, frozen=True, kw_only=True):
    """One paid question. `source` is data and is fenced as such: nothing in it is ever an instruction."""

    task: Task
    instructions: str
    """Ours: the system message."""
    source: str
    """The learner's text, verbatim."""
    language: str
    """Of the answer: `fr` or `en`."""
    count: int = 0
    """How many items are wanted, for the tasks that make items."""
    difficulty: str = "medium"
    max_output_tokens: int
    """A bound, not a wish: it is part of what the budget holds."""
    cache_key: str = ""
    """Same for all prompts over one source, so that the provider may reuse its work."""
    safety_id: str = ""
    """A hash of the user id: one abuser does not block everybody."""
    call_id: str = ""
    """Names the call in the provider's logs, and ours: `<job id>/<step>`."""
    job_kind: str = ""
    """The kind of the job that pays for the call: a label of the cost metric."""
    may_spend: Callable[[], bool] = _always
    """Asked right before each call is paid for. An attempt answers False once its lease may be over: the fence keeps a
    late owner from writing, but not from buying."""


class Completion(Struct, Generic[T], frozen=True, kw_only=True):
    """What a prompt came back with, decoded and validated. Kept as a step."""

    value: T
    usage: Usage
    model: str
    generated_by: str
    """`openai` or `offline`."""
    fallback_used: bool = False


class Message(Struct, frozen=True):
    """One turn of a chat."""

    role: str
    """`system`, `user` or `assistant`."""
    content: str


class Delta(Struct, frozen=True, kw_only=True):
    """A piece of a streamed answer. The last one carries `usage` and an empty `text`."""

    text: str = ""
    usage: Usage | None = None
    model: str = ""
    generated_by: str = ""


class Provider(Protocol):
    """Raises only `shared.domain.errors.ProviderError` and its kinds; never retries a failed call by itself
    (one re-ask after an answer that does not fit the schema is part of a call, and of its usage)."""

    async def complete(self, prompt: Prompt, schema: type[T]) -> Completion[T]: ...

    def stream(
        self, messages: Sequence[Message], *, sources: Sequence[str], language: str, max_output_tokens: int
    ) -> AsyncIterator[Delta]:
        """Answer a chat. `sources` are the passages the answer may quote, already fenced as data by the provider."""
        ...

    async def close(self) -> None: ...
