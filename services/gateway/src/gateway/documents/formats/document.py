"""What a reader makes of a file: its text, in parts that have a place, and what it could not read."""

from collections.abc import Iterable, Iterator

from msgspec import Struct

MAX_CHARACTERS = 1_048_576
"""Length limit of a document's text: more than a job takes, so that the reading can stop."""


class Unreadable(Exception):
    """The file cannot be read. `code` is that of an API error."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Document(Struct, frozen=True):
    """The reading of one file."""

    text: str
    unread_pages: list[int] = []
    """Numbers of pages that are broken or have no text layer, from 1."""


def join(blocks: Iterable[str]) -> str:
    """The blocks as paragraphs. Raises `Unreadable` once the text is too long, before the rest is read."""
    return "\n\n".join(_bounded(blocks))


def _bounded(blocks: Iterable[str]) -> Iterator[str]:
    length = 0
    for block in blocks:
        if text := block.strip():
            length += len(text) + 2
            if length > MAX_CHARACTERS:
                raise Unreadable("too_large")
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
