"""Finds lists of terms with their meanings, such as `cell: the smallest unit of life` or `heart – coeur`."""

import re
from collections.abc import Iterator, Sequence

from shared.domain.text.span import Span, line_start, trimmed
from shared.domain.text.structure.tables import Row

MIN_PAIRS = 3
"""Lines of one form from which they are a list of pairs."""
MIN_SHORT_PAIRS = 2
"""The same for pairs whose meanings have few words."""
MAX_TERM_WORDS, MAX_SHORT_WORDS = 6, 8
MAX_PAIR_CHARACTERS = 400
_PAIR = re.compile(
    r"(?:(?:[-*+•‣▪◦–—・]|\d{1,3}[.)]|[a-z]\))[ \t]+)?"
    r"(?P<term>[^\s:;.!?|<>=→#][^:;!?|<>=→\n]{0,60}?)\*{0,2}"
    r"(?P<separator>[ \u00a0\u202f\t]*:\*{0,2}(?=\s)|[ \t]+[–—-](?=[ \t])|[ \t]*(?:=>|->|→)|[ \t]+=(?=[ \t]))"
    r"\s*(?P<meaning>\S.*)"
)
_CONTINUATION = re.compile(r"[ \t\r]*\n[ \t]*[^\W\d_A-ZÀ-Þ][^\n|:=→–—\t]{0,200}(?=\n|\Z)")
MAX_CONTINUATIONS = 4
"""Further lines of one meaning."""


def pairs(text: str, lines: Sequence[Span]) -> Iterator[Row]:
    """The pairs of all such lists, in order. Blank lines may stand between them; a line in lower case goes on with a meaning."""
    run: list[Row] = []
    form = ""
    for line in lines:
        found = _pair(text, line)
        if found is None:
            continue
        row, separator = found
        if separator != form or not (run and _is_next(text, run[-1], row)):
            yield from _accepted(text, run)
            run, form = [], separator
        run.append(row)
    yield from _accepted(text, run)


def _pair(text: str, line: Span) -> tuple[Row, str] | None:
    """The pair of a line, with its separator."""
    if line.end - line.start > MAX_PAIR_CHARACTERS:
        return None
    match = _PAIR.match(text, line.start, line.end)
    if match is None or not _is_term(match["term"]):
        return None
    start, end = match.start("term"), _meaning_end(text, line.end)
    lead = len(match["term"]) - len(match["term"].lstrip("*_`"))
    cells = (trimmed(text, start + lead, match.end("term")), Span(match.start("meaning"), end))
    return Row(Span(start, end), cells, is_pair=True), match["separator"].strip(" \t\u00a0\u202f*")


def _is_term(term: str) -> bool:
    return len(term.split()) <= MAX_TERM_WORDS and any(char.isalnum() for char in term)


def _meaning_end(text: str, end: int) -> int:
    for _ in range(MAX_CONTINUATIONS):
        if (more := _CONTINUATION.match(text, end)) is None:
            break
        end = trimmed(text, more.start(), more.end()).end
    return end


def _is_next(text: str, row: Row, other: Row) -> bool:
    """Whether only blank lines stand between two pairs."""
    return text[row.span.end : line_start(text, other.span.start)].isspace()


def _accepted(text: str, run: Sequence[Row]) -> Sequence[Row]:
    """The run if it is a list: it is long enough, and no term comes twice, as a speaker does."""
    terms = {row.cells[0].of(text).casefold() for row in run}
    is_short = all(len(row.cells[1].of(text).split()) <= MAX_SHORT_WORDS for row in run)
    is_list = len(run) >= (MIN_SHORT_PAIRS if is_short else MIN_PAIRS)
    return run if is_list and len(terms) == len(run) else ()
