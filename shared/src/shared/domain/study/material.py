"""Study material: what learners get, and what a provider drafts before it is checked.

Drafts are what a model is asked for (strict schemas: every field required, no numeric or length limits).
Results are what Postgres keeps and the API answers with.
"""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct, field

from shared.domain.text.language import Language


class Difficulty(StrEnum):
    EASY = "easy"
    MEDIUM = "medium"
    HARD = "hard"


MAX_ITEMS = 100
"""Per kind of item and job: what one learner can review, and a bound on what one request can spend."""

ItemCount = Annotated[int, Meta(ge=0, le=MAX_ITEMS)]


class Options(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a learner may choose. Counts are wishes: a shortfall is said in the `quality` report."""

    language: Language | None = None
    """Of the material; the source's own when not given."""
    flashcards: ItemCount | None = None
    questions: ItemCount | None = None
    difficulty: Difficulty = Difficulty.MEDIUM


# -- drafts ---------------------------------------------------------------------------------------------------


class CardDraft(Struct, frozen=True):
    front: str
    back: str
    quote: str
    """Verbatim from the source."""


class CardDrafts(Struct, frozen=True):
    cards: list[CardDraft]


class QuestionDraft(Struct, frozen=True):
    question: str
    options: list[str]
    answer: int
    """Index of the key in `options`."""
    explanation: str
    quote: str


class QuestionDrafts(Struct, frozen=True):
    questions: list[QuestionDraft]


class SummaryDraft(Struct, frozen=True):
    summary: str
    key_points: list[str]


class Term(Struct, frozen=True):
    term: str
    meaning: str


class ExplanationDraft(Struct, frozen=True):
    explanation: str
    terms: list[Term]


class OutlineSection(Struct, frozen=True):
    heading: str
    points: list[str]


class OutlineDraft(Struct, frozen=True):
    title: str
    sections: list[OutlineSection]


class TextDraft(Struct, frozen=True):
    text: str


# -- results --------------------------------------------------------------------------------------------------


class Source(Struct, frozen=True):
    """Where an item comes from: `text[start:end] == quote`, in code points of the submitted text."""

    quote: str
    start: int
    end: int


class Flashcard(Struct, frozen=True, kw_only=True):
    id: str
    front: str
    back: str
    source: Source
    difficulty: Difficulty = Difficulty.MEDIUM
    language: str = "en"


class Choice(Struct, frozen=True, kw_only=True):
    id: str
    """`a`, `b`, `c`, `d`: the position after shuffling."""
    text: str
    correct: bool


class QuizQuestion(Struct, frozen=True, kw_only=True):
    id: str
    question: str
    options: list[Choice]
    explanation: str
    source: Source
    seed: int
    """What the options were shuffled with."""
    difficulty: Difficulty = Difficulty.MEDIUM
    language: str = "en"


class Quality(Struct, frozen=True, kw_only=True):
    """What the checks did, said openly: what was wanted, what was made, what was dropped and why."""

    requested: dict[str, int] = field(default_factory=dict[str, int])
    """Item kind (`flashcards`, `questions`) to the count wished for."""
    delivered: dict[str, int] = field(default_factory=dict[str, int])
    drafted: dict[str, int] = field(default_factory=dict[str, int])
    dropped: dict[str, int] = field(default_factory=dict[str, int])
    """Reason code to count."""
    coverage: float = 0.0
    """Share of the source's sections that an item quotes."""
    sections_failed: int = 0
    """Sections whose provider call failed for good: the rest is delivered, and this says so."""


class Flashcards(Struct, frozen=True, kw_only=True, tag="flashcards", tag_field="object"):
    language: str
    flashcards: list[Flashcard]
    quality: Quality


class Quiz(Struct, frozen=True, kw_only=True, tag="quiz", tag_field="object"):
    language: str
    quiz: list[QuizQuestion]
    quality: Quality


class Summary(Struct, frozen=True, kw_only=True, tag="summary", tag_field="object"):
    language: str
    summary: str
    key_points: list[str]


class Explanation(Struct, frozen=True, kw_only=True, tag="explanation", tag_field="object"):
    language: str
    explanation: str
    terms: list[Term]


class Outline(Struct, frozen=True, kw_only=True, tag="outline", tag_field="object"):
    language: str
    title: str
    sections: list[OutlineSection]


class Text(Struct, frozen=True, kw_only=True, tag="text", tag_field="object"):
    language: str
    text: str


class Collection(Struct, frozen=True, kw_only=True, tag="collection", tag_field="object"):
    """A whole study collection. `text` is the source the offsets refer to."""

    title: str
    language: str
    flashcards: list[Flashcard]
    quiz: list[QuizQuestion]
    quality: Quality
    text: str


Result = Flashcards | Quiz | Summary | Explanation | Outline | Text | Collection
