"""The port for all text generation: a prompt in, a validated completion out; or a chat in, a stream of text out."""

from collections.abc import AsyncGenerator, Callable, Sequence
from enum import StrEnum
from hashlib import sha256
from typing import Generic, Protocol, TypeVar

from msgspec import Struct

from shared.domain.study.material import NO_ITEMS, ItemCounts
from shared.domain.usage import Usage

T = TypeVar("T")


class Task(StrEnum):
    """What a prompt asks for. It selects the instructions for a model, and the rules of the offline generator."""

    CARDS = "cards"
    QUESTIONS = "questions"
    ITEMS = "items"
    """Cards and questions in one completion."""
    SUMMARY = "summary"
    EXPLANATION = "explanation"
    OUTLINE = "outline"
    TEXT = "text"
    CHAT = "chat"


def safety_id_of(user: str) -> str:
    """A hash that tells users apart without naming them."""
    return sha256(f"etude:{user}".encode()).hexdigest()[:32]


def _always() -> bool:
    return True


class KeptResponse(Struct, frozen=True, omit_defaults=True):
    """A response that a server makes in the background: for a call that the job pays for once, whatever becomes of its
    attempts."""

    id: str
    """The server's id of it."""
    is_spent: bool = False
    """Whether it was charged and could not be used. Then it is not waited for again."""


class ResponseKeeper(Protocol):
    """Remembers the responses of one step beyond the attempt. Raises `LeaseLost` and `StoreUnavailable`."""

    def find(self, call: str) -> KeptResponse | None:
        """What this attempt or an earlier one kept. `call` tells the calls of the step apart."""
        ...

    async def keep(self, call: str, response: KeptResponse) -> None:
        """Write under the attempt's fence."""
        ...

    async def is_cancelled(self) -> bool:
        """Whether the job was cancelled, so that nobody will ask for its responses."""
        ...


class Content(Struct, frozen=True, kw_only=True):
    """What a call buys. Completions of the same content can stand for one another."""

    key: str
    """Digest of the source, the task, the options and our prompt texts."""
    needed: ItemCounts
    """A completion that was asked for fewer items does not serve."""
    may_be_reused: bool
    """Whether a completion that was bought before is taken."""


class Prompt(Struct, frozen=True, kw_only=True):
    """One paid request. `source` is data and is fenced as such: nothing in it is ever an instruction."""

    task: Task
    instructions: str
    """The system message, which we wrote."""
    source: str
    """The learner's text, verbatim."""
    numbered_source: str = ""
    """The same text with a number before each sentence and row, for the tasks that make items."""
    known_items: str = ""
    """Questions that other parts of the text have already, one a line. They are fenced as data too."""
    known_fronts: Sequence[str] = ()
    """All of them, for the generator that makes the same items of the same text each time."""
    request: str = ""
    """What this call asks for, after the source. We wrote it."""
    language: str
    """Language of the completion, as a BCP 47 tag."""
    counts: ItemCounts = NO_ITEMS
    """How many items are asked for, for the tasks that make items."""
    difficulty: str = "medium"
    max_output_tokens: int
    """Hard limit of the completion; the budget's hold includes it."""
    cache_key: str = ""
    """The same for all prompts on one source, so that the provider can reuse its prompt cache."""
    safety_id: str = ""
    """A hash of the user id (`safety_id_of`), so that a provider blocks one abuser and not all users."""
    content: Content | None = None
    """What is bought; None for a call that is always made."""
    call_id: str = ""
    """Identifies the call in the provider's logs and in ours: `<job id>/<step>`."""
    job_kind: str = ""
    """The kind of the job that pays for the call: a label of the cost metric."""
    may_spend: Callable[[], bool] = _always
    """Asked right before each call is paid for. An attempt answers False once its lease may be over: the fence keeps a
    late owner from writing, but not from buying."""
    keeper: ResponseKeeper | None = None
    """Where a provider keeps what it waits for; without one, nothing outlives the call."""


class Completion(Struct, Generic[T], frozen=True, kw_only=True):
    """The decoded and validated result of a prompt. It is kept as a step."""

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


class ChatRequest(Struct, frozen=True, kw_only=True):
    """A chat that one streamed reply continues."""

    messages: Sequence[Message]
    sources: Sequence[str] = ()
    """Passages that the reply may quote. The provider fences them as data."""
    language: str
    """Tag of the reply's language."""
    max_output_tokens: int
    safety_id: str = ""
    """As `Prompt.safety_id`."""
    on_call: Callable[[str], None] = lambda _: None
    """Called with who is asked now, as in `Delta.generated_by`. The call may cost something even if nothing comes of it."""


class Delta(Struct, frozen=True, kw_only=True):
    """A piece of a streamed reply. The last one carries `usage` and an empty `text`."""

    text: str = ""
    usage: Usage | None = None
    model: str = ""
    generated_by: str = ""
    was_cut: bool = False
    """Whether the reply stopped at the length limit."""


class Provider(Protocol):
    """Raises only `ProviderError` and its kinds. A provider does not retry a failed call by itself; one re-ask after a response
    that does not fit the schema is part of a call and of its usage."""

    @property
    def paid_model(self) -> str:
        """The model that is asked first. Empty if its calls cost nothing, so that they need not be reused."""
        ...

    async def complete(self, prompt: Prompt, schema: type[T]) -> Completion[T]: ...

    def stream(self, request: ChatRequest) -> AsyncGenerator[Delta]:
        """Stream the reply to a chat. Closing the generator ends the call."""
        ...

    async def abandon(self, prompt: Prompt) -> None:
        """End what was begun for the prompt and goes on without us, because another provider has answered it. Raises nothing."""
        ...

    async def close(self) -> None: ...
