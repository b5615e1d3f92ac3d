"""Finds the rows of tables: in Markdown, and in values separated by tabs, semicolons or commas."""

import itertools
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from shared.domain.text.span import Span, trimmed
from shared.domain.text.structure.lines import are_adjacent
from shared.domain.text.words import fold, listed

MIN_ROWS = {"\t": 2, ";": 3, ",": 3}
"""Lines with equally many separators from which they are a table."""
MAX_CELL_CHARACTERS = 200
"""Limit of a cell between separators; prose has longer ones."""
MAX_HEAD_WORDS = 5
_RULE = re.compile(r"\|?[ \t:|-]*-[ \t:|-]*\Z")
_BAR = re.compile(r"(?<!\\)\|")
_HEADS = frozenset(
    listed("""term word definition meaning translation front back question answer name date year event country capital
    mot terme traduction sens signification recto verso reponse nom annee evenement pays capitale francais anglais french
    english espagnol spanish allemand german""")
)
"""Words that name a column, folded."""


class Row(NamedTuple):
    """A line of a table, or a term with its meaning."""

    span: Span
    """From the first cell to the last one that are not empty."""
    cells: tuple[Span, ...]
    """Without surrounding white space; some may be empty. A pair has two: the term and its meaning."""
    heads: tuple[Span, ...] = ()
    """The names of the columns; none for a pair, and for a table without such."""
    is_pair: bool = False


def table_rows(text: str, lines: Sequence[Span]) -> Iterator[Row]:
    """The rows of all tables, in order, without their heads. `lines` are those of the text that contain separators."""
    index = 0
    while index < len(lines):
        found, index = _bar_table(text, lines, index) or _separated(text, lines, index) or ([], index + 1)
        yield from found


def _bar_table(text: str, lines: Sequence[Span], index: int) -> tuple[list[Row], int] | None:
    block = list(_bar_lines(text, lines, index))
    if not block:
        return None
    end = index + len(block)
    rows = [_split(line, [bar.start() for bar in _BAR.finditer(text, *line)], text) for line in block]
    if len(block) > 1 and _RULE.match(block[1].of(text)):
        heads, rows = rows[0].cells, rows[2:]
        return [row._replace(heads=heads) for row in rows if not _RULE.match(row.span.of(text))], end
    return (_with_heads(text, rows) if len(rows) > 1 else []), end


def _bar_lines(text: str, lines: Sequence[Span], index: int) -> Iterator[Span]:
    """The adjacent lines of a table with bars, which has one at the start of its lines or a line of dashes under its heads."""
    has_rule = _has_rule(text, lines, index)
    for position in range(index, len(lines)):
        line = lines[position]
        is_row = "|" in line.of(text) and (text[line.start] == "|" or has_rule)
        if not is_row or (position > index and not are_adjacent(text, lines[position - 1], line)):
            return
        yield line


def _has_rule(text: str, lines: Sequence[Span], index: int) -> bool:
    """Whether the line after the first one consists of dashes and bars."""
    if index + 1 >= len(lines) or not are_adjacent(text, lines[index], lines[index + 1]):
        return False
    rule = lines[index + 1].of(text)
    return "|" in rule and _RULE.match(rule) is not None


def _split(line: Span, cuts: Sequence[int], text: str) -> Row:
    bounds = [line.start - 1, *cuts, line.end]
    cells = [trimmed(text, start + 1, end) for start, end in itertools.pairwise(bounds)]
    if text[line.start] == "|":
        cells = cells[1:]
    if text[line.end - 1] == "|" and len(cells) > 1:
        cells = cells[:-1]
    full = [cell for cell in cells if cell.end > cell.start] or [line]
    return Row(Span(full[0].start, full[-1].end), tuple(cells))


def _separated(text: str, lines: Sequence[Span], index: int) -> tuple[list[Row], int] | None:
    for separator, least in MIN_ROWS.items():
        rows = list(_run(text, lines, index, separator))
        if len(rows) >= least:
            return _with_heads(text, rows), index + len(rows)
    return None


def _run(text: str, lines: Sequence[Span], index: int, separator: str) -> Iterator[Row]:
    """The rows from this line on that have equally many cells, none of them too long."""
    count = 0
    for position in range(index, len(lines)):
        cuts = _cuts(text, lines[position], separator)
        row = _split(lines[position], cuts, text) if cuts else None
        if row is None or (count and len(cuts) != count) or not _is_tabular(row):
            return
        if count and not are_adjacent(text, lines[position - 1], lines[position]):
            return
        count = len(cuts)
        yield row._replace(cells=tuple(_without_marks(cell, text) for cell in row.cells))


def _cuts(text: str, line: Span, separator: str) -> list[int]:
    """The separators outside quotation marks. A comma or semicolon of prose has a space after it."""
    found: list[int] = []
    is_quoted = False
    content = line.of(text)
    if separator not in content:
        return found
    for offset, char in enumerate(content):
        if char == '"':
            is_quoted = not is_quoted
        elif char == separator and not is_quoted:
            if separator == "," and content[offset + 1 : offset + 2] == " ":
                return []
            found.append(line.start + offset)
    return found


def _is_tabular(row: Row) -> bool:
    return all(cell.end - cell.start <= MAX_CELL_CHARACTERS for cell in row.cells)


def _without_marks(cell: Span, text: str) -> Span:
    is_marked = cell.end - cell.start > 1 and text[cell.start] == text[cell.end - 1] == '"'
    return Span(cell.start + 1, cell.end - 1) if is_marked else cell


def _with_heads(text: str, rows: list[Row]) -> list[Row]:
    """Take the first row for the heads if a column below it has numbers or it consists of names for columns."""
    first, *rest = rows
    return [row._replace(heads=first.cells) for row in rest] if _are_heads(text, first, rest) else rows


def _are_heads(text: str, first: Row, rest: Sequence[Row]) -> bool:
    names = [cell.of(text) for cell in first.cells]
    if any(any(char.isdigit() for char in name) or len(name.split()) > MAX_HEAD_WORDS for name in names):
        return False
    if any(_HEADS.intersection(fold(name).split()) for name in names):
        return True
    return any(
        name and all(row.cells[column].of(text)[:1].isdigit() for row in rest if column < len(row.cells))
        for column, name in enumerate(names)
    )
