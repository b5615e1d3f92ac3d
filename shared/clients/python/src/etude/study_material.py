"""What Etude makes of a text. Unknown fields are ignored, so that an older client reads a newer API."""

from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct, field


class Language(StrEnum):
    """Tags of two languages. The API takes any BCP 47 tag, as text."""

    FR = "fr"
    EN = "en"


class Level(StrEnum):
    """For whom a model writes the material."""

    PRIMARY = "primary"
    SECONDARY = "secondary"
    UNIVERSITY = "university"
    PROFESSIONAL = "professional"


class Difficulty(StrEnum):
    EASY = "easy"
    MEDIUM = "medium"
    HARD = "hard"


class PlaceKind(StrEnum):
    PAGE = "page"
    SLIDE = "slide"
    CHAPTER = "chapter"
    TIME = "time"


class Place(Struct, frozen=True):
    """A place in a document. Pages, slides and chapters count from 1; a time is in seconds from the beginning."""

    kind: PlaceKind
    number: int
    title: str = ""
    """The first heading of a chapter."""

    def __str__(self) -> str:
        if self.kind is PlaceKind.TIME:
            return str(timedelta(seconds=self.number))
        return f"{self.kind} {self.number}" + (f": {self.title}" if self.title else "")


class Source(Struct, frozen=True):
    """Where an item comes from: `text[start:end] == quote`, in code points of the submitted text."""

    quote: str
    start: int
    end: int
    place: Place | None = None
    """Where in the document the quote begins; None if it has no pages, slides, chapters or times."""


class Origin(StrEnum):
    """What a person did to the words of an item."""

    EDITED = "edited"
    OWN = "own"


class Flashcard(Struct, frozen=True, kw_only=True):
    id: str
    front: str
    back: str
    source: Source
    difficulty: Difficulty = Difficulty.MEDIUM
    language: str = "en"
    origin: Origin | None = None
    """None if its words are as a machine made them."""
    hidden: bool = False
    """Exports leave it out."""
    flagged: bool = False
    edited_at: datetime | None = None
    """When its user wrote or changed it last."""


class Choice(Struct, frozen=True, kw_only=True):
    id: str
    """`a`, `b`, `c`, `d` or `e`: the position."""
    text: str
    correct: bool


class QuizQuestion(Struct, frozen=True, kw_only=True):
    id: str
    question: str
    options: list[Choice]
    explanation: str
    source: Source
    difficulty: Difficulty = Difficulty.MEDIUM
    language: str = "en"
    origin: Origin | None = None
    hidden: bool = False
    flagged: bool = False
    edited_at: datetime | None = None


class MapEntry(Struct, frozen=True, kw_only=True):
    """What became of a section, a place or a row of the source, or of several neighbours."""

    kind: str
    """`section`, `page`, `slide`, `chapter`, `time`, `row`, or `part` for the drafts of a part whose quote was not found."""
    start: int
    end: int
    """The text of the entry is `text[start:end]`."""
    number: int = 0
    """Of a place: its number, or that of the first place."""
    count: int = 1
    """How many sections, places or rows share the entry."""
    asked: int = 0
    """Drafts that were requested of it: its share, by length, of those requested of its part."""
    items: int = 0
    dropped: dict[str, int] = field(default_factory=dict[str, int])
    """Reason code to count."""
    left_out: int = 0
    """How many of its sections, places or rows could teach something and have no item."""
    failed: bool = False
    """Whether a call on it failed for good."""


class Quality(Struct, frozen=True, kw_only=True):
    """What was requested, what was delivered, and why the rest was dropped."""

    requested: dict[str, int] = field(default_factory=dict[str, int])
    """Item kind (`flashcards`, `questions`) to the requested count."""
    delivered: dict[str, int] = field(default_factory=dict[str, int])
    drafted: dict[str, int] = field(default_factory=dict[str, int])
    dropped: dict[str, int] = field(default_factory=dict[str, int])
    """Reason code to count."""
    coverage: float = 0.0
    """Share of the source's sections that an item quotes, from 0 to 1."""
    sections_failed: int = 0
    """Sections that no item could be made of, because the model failed on them."""
    checks_off: list[str] = field(default_factory=list[str])
    """Reason codes whose checks know only French and English, and were off or compared less."""
    unread_pages: list[int] = field(default_factory=list[int])
    """Pages of the document that could not be read."""
    map: list[MapEntry] = field(default_factory=list[MapEntry])
    """What became of each section, place and row; empty in material that an older release made."""


class NoteQuality(Struct, frozen=True, kw_only=True):
    """What a reader should know about a note. It is absent when there is nothing."""

    language_differs: bool = False
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
    quality: NoteQuality | None = None


class Term(Struct, frozen=True):
    term: str
    meaning: str


class Explanation(Struct, frozen=True, kw_only=True, tag="explanation", tag_field="object"):
    language: str
    explanation: str
    terms: list[Term]
    quality: NoteQuality | None = None


class OutlineSection(Struct, frozen=True):
    heading: str
    points: list[str]


class Outline(Struct, frozen=True, kw_only=True, tag="outline", tag_field="object"):
    language: str
    title: str
    sections: list[OutlineSection]
    quality: NoteQuality | None = None


class Text(Struct, frozen=True, kw_only=True, tag="text", tag_field="object"):
    language: str
    text: str
    quality: NoteQuality | None = None


class AddedItems(Struct, frozen=True, kw_only=True, tag="added_items", tag_field="object"):
    """What a job has added to a collection, which has the items themselves."""

    collection_id: str
    language: str
    item_ids: list[str]
    quality: Quality


Result = Flashcards | Quiz | Summary | Explanation | Outline | Text | AddedItems
"""The result of a job. A collection is not among them: it has its own type and its own endpoints."""
