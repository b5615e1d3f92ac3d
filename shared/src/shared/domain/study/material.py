"""Study material: the drafts of a provider, and the results that learners get.

The schemas of drafts are strict: every field is required but the quote, for which numbers are asked, and there are no limits on numbers or lengths. Postgres stores
results, and the API returns them.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType, field
from msgspec.structs import force_setattr

from shared.domain.llm.model_choice import ModelName
from shared.domain.study.places import Place
from shared.domain.text.language_tag import LanguageTag, canonical_tag


class Difficulty(StrEnum):
    EASY = "easy"
    MEDIUM = "medium"
    HARD = "hard"


class Level(StrEnum):
    """For whom the material is written."""

    PRIMARY = "primary"
    SECONDARY = "secondary"
    UNIVERSITY = "university"
    PROFESSIONAL = "professional"


MAX_ITEMS = 500
"""Limit for each kind of item in one job, whatever the plan: what a book has for one learner, and a bound on the size of a result."""

ItemCount = Annotated[int, Meta(ge=0, le=MAX_ITEMS)]

MAX_KNOWN = 10
"""Limit of the collections whose facts a job leaves out: a worker reads them all, and compares each item with theirs."""


class Options(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a learner may choose. A result may have fewer items than requested; its `quality` report says so."""

    language: LanguageTag | None = None
    """Language of the material, in canonical case; the language of the source if it is not given."""
    flashcards: ItemCount | None = None
    questions: ItemCount | None = None
    difficulty: Difficulty = Difficulty.MEDIUM
    level: Level | None = None
    """What the learner knows already. A model writes for that level; the offline generator takes the words of the source."""
    model: ModelName | None = None
    """Name of a model that the user's plan allows; the plan's own choice if it is not given."""
    regenerate: bool = False
    """Whether everything is bought anew, also what the user has bought before from the same text with the same options."""
    known: Annotated[list[UUID], Meta(max_length=MAX_KNOWN)] = []
    """Ids of collections of the user. What they ask is not asked again."""

    @property
    def may_reuse(self) -> bool:
        """Whether earlier purchases may serve again. Those of the same text would only repeat what known collections have."""
        return not self.regenerate and not self.known

    def __post_init__(self) -> None:
        if self.language is not None:
            force_setattr(self, "language", canonical_tag(self.language))


class ItemCounts(Struct, frozen=True):
    """A number of cards and a number of questions."""

    cards: int = 0
    questions: int = 0

    @property
    def total(self) -> int:
        return self.cards + self.questions


NO_ITEMS = ItemCounts()


# -- drafts ---------------------------------------------------------------------------------------------------


class CardDraft(Struct, frozen=True, omit_defaults=True):
    front: str
    back: str
    quote: str | None = None
    """A sentence of the source, verbatim, if the draft has no numbers."""
    numbers: list[int] | None = None
    """Numbers of the sentences or rows of the source that state the answer."""

    def __post_init__(self) -> None:
        _require_quote(self.quote, self.numbers)


def _require_quote(quote: str | None, numbers: Sequence[int] | None) -> None:
    """Raises `ValueError`, which makes a draft without a source unreadable, so that the model is asked again."""
    if quote is None and numbers is None:
        raise ValueError("Object missing required field `numbers`")


class CardDrafts(Struct, frozen=True):
    cards: list[CardDraft]


class QuestionDraft(Struct, frozen=True, omit_defaults=True):
    question: str
    options: list[str]
    answer: int
    """Index of the right option."""
    explanation: str
    quote: str | None = None
    numbers: list[int] | None = None
    """As those of a card."""

    def __post_init__(self) -> None:
        _require_quote(self.quote, self.numbers)


class QuestionDrafts(Struct, frozen=True):
    questions: list[QuestionDraft]


class ItemDrafts(Struct, frozen=True):
    """Cards and questions of one part."""

    cards: list[CardDraft]
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


def is_empty_draft(draft: object) -> bool:
    """Whether a model wrote the right shape with nothing in it."""
    match draft:
        case CardDrafts(cards=[]) | QuestionDrafts(questions=[]) | ItemDrafts(cards=[], questions=[]):
            return True
        case OutlineDraft(sections=sections):
            return not any(section.points for section in sections)
        case SummaryDraft(summary=text) | ExplanationDraft(explanation=text) | TextDraft(text=text):
            return not text.strip()
        case _:
            return False


# -- results --------------------------------------------------------------------------------------------------


class Source(Struct, frozen=True):
    """The quote that supports an item: `text[start:end] == quote`, in code points of the submitted text."""

    quote: str
    start: int
    end: int
    place: Place | UnsetType = UNSET
    """Where in the document the quote begins; absent if the text has no pages, slides, chapters or times."""


class Origin(StrEnum):
    """What a person did to the words of an item."""

    EDITED = "edited"
    """A machine made it, and a person has changed it."""
    OWN = "own"
    """A person wrote it."""


class Flashcard(Struct, frozen=True, kw_only=True):
    id: str
    front: str
    back: str
    source: Source
    """In a card that a person wrote the quote may be empty."""
    difficulty: Difficulty = Difficulty.MEDIUM
    language: str = "en"
    origin: Origin | UnsetType = UNSET
    """Absent if its words are as a machine made them."""
    hidden: bool | UnsetType = UNSET
    """Whether its user has hidden it: exports leave it out. Absent if not."""
    flagged: bool | UnsetType = UNSET
    """Whether its user has flagged it. Absent if not."""
    edited_at: str | UnsetType = UNSET
    """When its user wrote, changed, hid or flagged it last (RFC 3339). Absent if never."""


class Choice(Struct, frozen=True, kw_only=True):
    id: str
    """The position: `a`, `b`, `c` and so on."""
    text: str
    correct: bool


class QuizQuestion(Struct, frozen=True, kw_only=True):
    id: str
    question: str
    options: list[Choice]
    explanation: str
    source: Source
    seed: int
    """The seed of the order of options that are no numbers; numbers rise."""
    difficulty: Difficulty = Difficulty.MEDIUM
    language: str = "en"
    origin: Origin | UnsetType = UNSET
    """These four are as in a card."""
    hidden: bool | UnsetType = UNSET
    flagged: bool | UnsetType = UNSET
    edited_at: str | UnsetType = UNSET


class MapEntry(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of a section, a place or a row of the source, or of several neighbours. Fields that are 0 or empty are absent."""

    kind: str
    """`section`, `page`, `slide`, `chapter`, `time`, `row`, or `part` for the drafts of a part whose quote was not found."""
    start: int
    end: int
    """The text of the entry is `text[start:end]`."""
    number: int = 0
    """Of a place: its number, or that of the first place."""
    count: int = 1
    """How many sections, places or rows share the entry; absent if it is one."""
    asked: int = 0
    """Drafts that were requested of it: its share, by length, of those requested of its part."""
    items: int = 0
    """Items whose quote begins in it."""
    dropped: dict[str, int] = {}
    """Drafts whose quote begins in it and which became no item, by reason code."""
    left_out: int = 0
    """How many of its sections, places or rows could teach something and have no item."""
    failed: bool = False
    """Whether a call on it failed for good."""


class Quality(Struct, frozen=True, kw_only=True):
    """The report of the checks: the number of items requested, drafted, dropped and delivered."""

    requested: dict[str, int] = field(default_factory=dict[str, int])
    """Requested items by kind (`flashcards`, `questions`)."""
    delivered: dict[str, int] = field(default_factory=dict[str, int])
    drafted: dict[str, int] = field(default_factory=dict[str, int])
    dropped: dict[str, int] = field(default_factory=dict[str, int])
    """Dropped drafts by reason code."""
    coverage: float = 0.0
    """Share of the sections of the source that at least one item quotes."""
    sections_failed: int = 0
    """Parts of the source whose call failed for good. The result has the items of the others."""
    checks_off: list[str] | UnsetType = UNSET
    """Reason codes whose checks know only French and English, and were off or compared less; absent in those languages."""
    unread_pages: list[int] | UnsetType = UNSET
    """Pages of the document that could not be read, from 1; absent if all were read."""
    map: list[MapEntry] | UnsetType = UNSET
    """What became of each section, place and row, 500 entries at most; absent in material that an older release made."""


class NoteQuality(Struct, frozen=True, kw_only=True):
    """What a reader should know about a note. It is absent when there is nothing."""

    language_differs: bool
    """Whether the model wrote in another language than was wanted, twice."""


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
    quality: NoteQuality | UnsetType = UNSET


class Explanation(Struct, frozen=True, kw_only=True, tag="explanation", tag_field="object"):
    language: str
    explanation: str
    terms: list[Term]
    quality: NoteQuality | UnsetType = UNSET


class Outline(Struct, frozen=True, kw_only=True, tag="outline", tag_field="object"):
    language: str
    title: str
    sections: list[OutlineSection]
    quality: NoteQuality | UnsetType = UNSET


class Text(Struct, frozen=True, kw_only=True, tag="text", tag_field="object"):
    language: str
    text: str
    quality: NoteQuality | UnsetType = UNSET


class Collection(Struct, frozen=True, kw_only=True, tag="collection", tag_field="object"):
    """A complete study collection. `text` is the source to which the offsets refer."""

    title: str
    language: str
    flashcards: list[Flashcard]
    quiz: list[QuizQuestion]
    quality: Quality
    text: str


class CollectionItems(Struct, frozen=True, kw_only=True):
    """What a stored collection asks. Its other fields are not read."""

    flashcards: list[Flashcard] = []
    quiz: list[QuizQuestion] = []


class MadeItems(Struct, frozen=True, kw_only=True):
    """Items for a collection, as a job makes them. Postgres adds them to the collection and keeps `AddedItems` of the job."""

    collection_id: str
    language: str
    flashcards: list[Flashcard]
    quiz: list[QuizQuestion]
    quality: Quality


class AddedItems(Struct, frozen=True, kw_only=True, tag="added_items", tag_field="object"):
    """What a job has added to a collection, which has the items themselves."""

    collection_id: str
    language: str
    item_ids: list[str]
    quality: Quality


Result = Flashcards | Quiz | Summary | Explanation | Outline | Text | AddedItems | Collection
