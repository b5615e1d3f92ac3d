"""What the API takes and returns. Unknown fields are ignored, so that an older client reads a newer API."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Generic, TypeVar

from msgspec import Struct, field

from etude.study_material import Difficulty, Flashcard, Level, Quality, QuizQuestion, Result, Source

T = TypeVar("T")


class JobKind(StrEnum):
    """What a job can make of a text."""

    FLASHCARDS = "flashcards"
    QUIZ = "quiz"
    SUMMARY = "summary"
    EXPLANATION = "explanation"
    OUTLINE = "outline"
    TEXT = "text"


class ExportFormat(StrEnum):
    """What a collection can be taken to."""

    JSON = "json"
    CSV = "csv"
    ANKI_TEXT = "tsv"
    APKG = "apkg"
    QUIZLET = "quizlet"
    GIFT = "gift"
    MOODLE = "moodle"
    QTI = "qti"
    MARKDOWN = "markdown"
    PDF = "pdf"

    @property
    def suffix(self) -> str:
        """What the name of such a file ends with."""
        return _SUFFIXES.get(self, self.value)


_SUFFIXES = {
    ExportFormat.QUIZLET: "txt",
    ExportFormat.GIFT: "gift.txt",
    ExportFormat.MOODLE: "xml",
    ExportFormat.QTI: "zip",
    ExportFormat.MARKDOWN: "md",
}


class Options(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a learner may choose. Counts are wishes: `Quality` reports a shortfall."""

    language: str | None = None
    """BCP 47 tag of the material's language (`fr`, `pt-BR`); None keeps the language of the source."""
    flashcards: int | None = None
    questions: int | None = None
    difficulty: Difficulty | None = None
    level: Level | None = None
    model: str | None = None
    """Name of a model that your plan allows; None leaves the choice to the plan."""
    regenerate: bool = False
    """Whether everything is bought anew, also what you have bought before from the same text with the same options."""
    known: Sequence[str] = ()
    """Ids of your collections. What they ask is not asked again."""


class FieldError(Struct, frozen=True):
    pointer: str
    """JSON Pointer (RFC 6901) to the invalid field."""
    detail: str


class Problem(Struct, frozen=True, kw_only=True):
    """`application/problem+json`, in the language that the client asked for."""

    title: str
    status: int = 0
    code: str = ""
    detail: str = ""
    retryable: bool = False
    retry_after: int | None = None
    """Seconds."""
    request_id: str = ""
    errors: list[FieldError] = field(default_factory=list[FieldError])

    def __str__(self) -> str:
        errors = " ".join(f"{error.pointer or '/'}: {error.detail}" for error in self.errors)
        return f"{self.title}. {errors or self.detail}".strip()


class Progress(Struct, frozen=True):
    """Finished parts and all parts. Both are 0 until the number of parts is known."""

    done: int = 0
    total: int = 0


class TokenUsage(Struct, frozen=True):
    """Tokens spent so far, and tokens still held for the rest of the job."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    held_tokens: int = 0
    cached_tokens: int = 0
    """How many of the prompt tokens the model server read from its prompt cache."""
    reasoning_tokens: int = 0
    """How many of the completion tokens the model spent on thinking."""
    reused: int = 0
    """How many calls were not made, because you had bought the same before. They cost no tokens."""

    @property
    def spent(self) -> int:
        return self.prompt_tokens + self.completion_tokens


class Job(Struct, frozen=True, kw_only=True):
    id: str
    status: str
    """`queued`, `running`, `succeeded`, `failed` or `cancelled`."""
    kind: str = ""
    created_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    attempts: int = 0
    progress: Progress = Progress()
    model: str | None = None
    generated_by: str | None = None
    """`openai`, or `offline` for the generator that needs no model."""
    usage: TokenUsage = TokenUsage()
    result: Result | None = None
    """None until the job has succeeded, and in lists."""
    error: Problem | None = None


class Collection(Struct, frozen=True, kw_only=True):
    id: str
    status: str
    """`processing`, `ready` or `failed`."""
    etag: str | None = None
    """Names this state of the collection, and what a change of it starts from. None while it is being made."""
    title: str = ""
    language: str | None = None
    created_at: datetime | None = None
    finished_at: datetime | None = None
    progress: Progress = Progress()
    flashcards: list[Flashcard] = field(default_factory=list[Flashcard])
    quiz: list[QuizQuestion] = field(default_factory=list[QuizQuestion])
    quality: Quality | None = None
    text: str | None = None
    """The source that the offsets of every quote refer to."""
    model: str | None = None
    generated_by: str | None = None
    usage: TokenUsage = TokenUsage()
    error: Problem | None = None


class CollectionItem(Struct, frozen=True, kw_only=True):
    """An item of a collection, after a change: one of the two."""

    collection_id: str
    etag: str
    """That of the collection now."""
    flashcard: Flashcard | None = None
    question: QuizQuestion | None = None


class Option(Struct, frozen=True):
    """One option of a question that a person writes."""

    text: str
    correct: bool = False


class ItemChanges(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What to change in an item. None leaves a field as it is. A card has `front` and `back`, a question the three after them."""

    front: str | None = None
    back: str | None = None
    question: str | None = None
    options: list[Option] | None = None
    """All options, in the order in which they are shown."""
    explanation: str | None = None
    hidden: bool | None = None
    """Exports leave a hidden item out."""
    flagged: bool | None = None


class OwnCard(Struct, frozen=True, kw_only=True, tag_field="type", tag="flashcard"):
    """A card that a person wrote."""

    front: str
    back: str
    quote: str = ""
    """A passage of the collection's text that supports it."""
    difficulty: Difficulty = Difficulty.MEDIUM


class OwnQuestion(Struct, frozen=True, kw_only=True, tag_field="type", tag="question"):
    """A question that a person wrote."""

    question: str
    options: list[Option]
    explanation: str = ""
    quote: str = ""
    difficulty: Difficulty = Difficulty.MEDIUM


class MoreItems(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="more"):
    """What more to make of a collection's text."""

    options: Options = Options()
    start: int | None = None
    """The part of the text to make it of, in code points; the whole text if not given."""
    end: int | None = None
    item: str | None = None
    """Id of an item: one more of its type from the same section."""


class CollectionStatus(StrEnum):
    PROCESSING = "processing"
    READY = "ready"
    FAILED = "failed"


class ItemKind(StrEnum):
    FLASHCARDS = "flashcards"
    QUIZ = "quiz"


class Page(Struct, Generic[T], frozen=True, kw_only=True):
    """One page of a list, newest first."""

    data: list[T]
    has_more: bool = False
    next_cursor: str | None = None
    """The `after` of the next page; None on the last one."""


class Erasure(Struct, frozen=True, kw_only=True):
    """How much of a user one request erased."""

    records: int
    """Jobs in Redis."""
    rows: int
    """Jobs in Postgres, with what was made of them."""
    keys: int
    """Event log and budgets."""
    holds: int
    """Chats under way."""
    is_complete: bool
    """False if jobs are left, which the next request erases."""


class BudgetWindow(Struct, frozen=True, kw_only=True):
    """The tokens of one window, such as `day`."""

    name: str
    limit: int
    used: int
    held: int
    """Held for unfinished work; the unused part comes back."""
    left: int
    resets_at: datetime


class RequestAllowance(Struct, frozen=True, kw_only=True):
    """Submissions per minute."""

    limit: int
    left: int
    resets_at: datetime


class UnfinishedJobs(Struct, frozen=True, kw_only=True):
    limit: int
    count: int


class Usage(Struct, frozen=True, kw_only=True):
    """What is left of the user's plan."""

    plan: str
    windows: list[BudgetWindow]
    requests: RequestAllowance | None = None
    unfinished_jobs: UnfinishedJobs | None = None


class Estimate(Struct, frozen=True, kw_only=True):
    tokens: int
    """The most that the request can cost."""
    is_covered: bool
    """Whether the budget covers it now."""
    windows: list[BudgetWindow]


class File(Struct, frozen=True):
    """A document to upload, whose format the server tells by its content."""

    name: str
    content: bytes
    media_type: str = "application/octet-stream"


class ChatMessage(Struct, frozen=True):
    role: str
    """`user` or `assistant`."""
    content: str


Conversation = Sequence[ChatMessage]
"""The turns so far, oldest first; the last one is the user's."""


class ChatAnswer(Struct, frozen=True, kw_only=True):
    id: str
    message: ChatMessage
    quotes: list[Source] = field(default_factory=list[Source])
    """The passages of the collection that the answer quotes."""
    model: str = ""
    generated_by: str = ""
    usage: TokenUsage = TokenUsage()
    truncated: bool = False
    """Whether the answer stopped at the length limit."""
    retrieval: str = ""
    """How the passages of the collection were found: `lexical` or `rewritten`; empty without a collection."""
