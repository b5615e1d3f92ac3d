"""The rows of a text: lines that hold cells and not sentences, in tables and in lists of terms with their meanings."""

import re
from functools import lru_cache

from shared.domain.text.span import Span, line_start
from shared.domain.text.structure.html import without_tags
from shared.domain.text.structure.lines import marked_lines
from shared.domain.text.structure.pairs import pairs
from shared.domain.text.structure.tables import Row, table_rows
from shared.domain.text.structure.turns import turns

MAX_ROW_CHARACTERS = 500
MIN_STATEMENT_WORDS = 4
"""Words of a meaning that ends with a full stop from which it is read as a sentence."""
_MIN_LETTERS = 2
_SENTENCES = re.compile(r"[^\W\d_]{3}[.!?]\s+[^\W\d_a-z]")


def rows(text: str) -> list[Row]:
    """All rows of tables and lists of pairs, in order, without overlap."""
    plain = without_tags(text)
    lines = list(marked_lines(plain))
    tables = list(table_rows(plain, lines))
    taken = {line_start(plain, span.start) for span, *_ in [*tables, *turns(plain)]}
    left = [line for line in lines if line_start(plain, line.start) not in taken]
    return sorted([*tables, *pairs(plain, left)])


@lru_cache(maxsize=2)
def row_spans(text: str) -> tuple[Span, ...]:
    """The spans of all rows. They are kept, because each short quote of a text asks for them."""
    return tuple(row.span for row in rows(text))


def is_prose(text: str, row: Row) -> bool:
    """Whether sentences are to be looked for in a row: it is long, or a cell consists of some, or a meaning ends like one."""
    if row.span.end - row.span.start > MAX_ROW_CHARACTERS:
        return True
    cells = [cell.of(text) for cell in row.cells]
    ends = any(_SENTENCES.search(cell) for cell in cells)
    return ends or (row.is_pair and cells[1][-1] in ".!?" and len(cells[1].split()) >= MIN_STATEMENT_WORDS)


def is_usable_row(text: str, row: Row) -> bool:
    """Whether study material can be made from a row: its cells say what something is, and not only numbers."""
    cells = [found for cell in row.cells if (found := cell.of(text))]
    return (
        len(set(cells)) > 1
        and len(row.span.of(text)) <= MAX_ROW_CHARACTERS
        and any(sum(map(str.isalpha, cell)) >= _MIN_LETTERS for cell in cells)
        and all(cell.isprintable() and "://" not in cell and "@" not in cell for cell in cells)
    )
