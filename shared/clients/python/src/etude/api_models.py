"""What the API answers, as far as the command shows it. Unknown fields are ignored: an older command reads a newer API."""

from datetime import datetime

import msgspec
from msgspec import Struct, field

from shared.domain.study.material import Flashcard, Quality, QuizQuestion


class FieldFault(Struct, frozen=True):
    pointer: str
    detail: str


class ProblemView(Struct, frozen=True):
    """`application/problem+json`, already in the reader's language."""

    title: str
    code: str = ""
    detail: str = ""
    request_id: str = ""
    errors: list[FieldFault] = field(default_factory=list[FieldFault])

    def __str__(self) -> str:
        faults = " ".join(f"{fault.pointer or '/'}: {fault.detail}" for fault in self.errors)
        return f"{self.title}. {faults or self.detail}".strip()


class Progress(Struct, frozen=True):
    done: int = 0
    total: int = 0


class UsageView(Struct, frozen=True):
    prompt_tokens: int = 0
    completion_tokens: int = 0
    held_tokens: int = 0


class JobView(Struct, frozen=True):
    id: str
    status: str
    kind: str = ""
    created_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    attempts: int = 0
    progress: Progress | None = None
    model: str | None = None
    generated_by: str | None = None
    usage: UsageView | None = None
    result: msgspec.Raw = field(default_factory=lambda: msgspec.Raw(b"null"))
    """JSON of a `shared.domain.study.material.Result`, or of null."""
    error: ProblemView | None = None

    @property
    def has_result(self) -> bool:
        return bytes(self.result) != b"null"


class CollectionView(Struct, frozen=True):
    id: str
    status: str
    title: str | None = None
    language: str | None = None
    created_at: datetime | None = None
    flashcards: list[Flashcard] = field(default_factory=list[Flashcard])
    quiz: list[QuizQuestion] = field(default_factory=list[QuizQuestion])
    quality: Quality | None = None
    usage: UsageView | None = None
    generated_by: str | None = None
    error: ProblemView | None = None


class JobPage(Struct, frozen=True):
    data: list[JobView]


class CollectionPage(Struct, frozen=True):
    data: list[CollectionView]


class WindowView(Struct, frozen=True):
    name: str
    limit: int
    used: int
    held: int
    left: int
    resets_at: datetime


class UsagePage(Struct, frozen=True):
    plan: str
    windows: list[WindowView]
