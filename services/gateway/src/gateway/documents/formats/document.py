"""What a reader makes of a file: its text, the places that its parts have, and what it could not read."""

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from shared.domain.study.places import PlaceKind, PlaceMarks

MAX_CHARACTERS = 8 * 1_048_576
"""Length at which a reading stops: more than any plan allows."""
PARAGRAPH = "\n\n"
"""What stands between two paragraphs."""
MAX_CHAPTER_TITLE = 80
"""Longest title of a chapter, in characters."""


class Unreadable(Exception):
    """The file cannot be read. `code` is that of an API error; `unread_pages` are pictures that might be recognised."""

    def __init__(self, code: str, unread_pages: Sequence[int] = ()) -> None:
        super().__init__(code)
        self.code = code
        self.unread_pages = list(unread_pages)


class Recognition(Struct, frozen=True):
    """How text in pictures is recognised."""

    command: str
    """Path of tesseract."""
    pages: int
    """Most pages of one document."""
    seconds: float
    """Time for all of them."""


class Document(Struct, frozen=True):
    """The reading of one file."""

    text: str
    unread_pages: list[int] = []
    """Numbers of pages that are broken or have no text layer, from 1."""
    places: PlaceMarks | None = None


class Section(Struct, frozen=True):
    """The blocks of one page, slide, chapter or moment."""

    number: int
    blocks: Iterable[str]
    gap: str = PARAGRAPH
    """What stands between its first block and the last block before it."""


def join(blocks: Iterable[str]) -> str:
    """The blocks as paragraphs. Raises `Unreadable` once the text is too long, before the rest is read."""
    return PARAGRAPH.join(_bounded(blocks))


def join_sections(kind: PlaceKind, sections: Iterable[Section]) -> Document:
    """The sections as paragraphs, with the offsets at which they begin. Raises as `join` does."""
    text = _MarkedText(kind)
    for section in sections:
        text.add(section)
    return text.to_document()


class _MarkedText:
    def __init__(self, kind: PlaceKind) -> None:
        self._pieces: list[str] = []
        self._length = 0
        self._marks = PlaceMarks(kind, [], [], [])

    def add(self, section: Section) -> None:
        blocks = list(_bounded(section.blocks))
        for index, block in enumerate(blocks):
            self._append((PARAGRAPH if index else section.gap) if self._length else "")
            if not index:
                self._mark(section.number, blocks)
            self._append(block)

    def to_document(self) -> Document:
        return Document("".join(self._pieces), places=self._marks if self._marks.starts else None)

    def _append(self, piece: str) -> None:
        self._pieces.append(piece)
        self._length += len(piece)
        if self._length > MAX_CHARACTERS:
            raise Unreadable("text_too_long")

    def _mark(self, number: int, blocks: list[str]) -> None:
        self._marks.starts.append(self._length)
        self._marks.numbers.append(number)
        if self._marks.kind is PlaceKind.CHAPTER:
            heading = next((block for block in blocks if block.startswith("#")), "")
            self._marks.titles.append(heading.lstrip("# ")[:MAX_CHAPTER_TITLE])


def _bounded(blocks: Iterable[str]) -> Iterator[str]:
    length = 0
    for block in blocks:
        if text := block.strip():
            length += len(text) + 2
            if length > MAX_CHARACTERS:
                raise Unreadable("text_too_long")
            yield text


def as_table(rows: list[list[str]]) -> str:
    """Rows as a Markdown table; a table of one column as paragraphs."""
    cells = [[" ".join(cell.split()).replace("|", "\\|") for cell in row] for row in rows]
    cells = [row for row in cells if any(row)]
    width = max((len(row) for row in cells), default=0)
    if width <= 1:
        return "\n\n".join(row[0] for row in cells)
    lines = ["| " + " | ".join([*row, *[""] * (width - len(row))]) + " |" for row in cells]
    return "\n".join([lines[0], "|" + " --- |" * width, *lines[1:]])
