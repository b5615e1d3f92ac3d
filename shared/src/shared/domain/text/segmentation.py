"""Finds the blocks, sentences and sections of a text, as spans of its code points."""

import itertools
import re
from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

from shared.domain.text.scripts import is_caseless, is_lower_case, is_mark
from shared.domain.text.span import Span, line_start, trimmed
from shared.domain.text.structure.html import without_tags
from shared.domain.text.structure.lines import FENCE
from shared.domain.text.structure.rows import is_prose, rows
from shared.domain.text.structure.tables import Row
from shared.domain.text.structure.turns import turns
from shared.domain.text.words import ALL_STOP_WORDS, fold, is_unspaced, listed, word_count, words


class BlockKind(StrEnum):
    HEADING = "heading"
    PARAGRAPH = "paragraph"
    ITEM = "item"
    """An entry of a list, without its bullet."""
    ROW = "row"
    """A row of a table, or a term with its meaning."""
    OTHER = "other"
    """Code, the heads of a table or a horizontal rule, which contain no sentences."""


class Block(NamedTuple):
    kind: BlockKind
    span: Span


MIN_WORDS, MAX_WORDS = 5, 60
"""Limits for the words of a usable sentence."""
FEW_WORDS = 3
"""Limit for the words of a usable sentence in other languages than French and English, of which many join words into one."""
MAX_SENTENCE_CHARACTERS = 500
_JOINERS = "\u00ad\u200c\u200d"
"""The soft hyphen, and the characters that join or part letters in Persian and Indic scripts."""
_MIN_LETTERS = 0.6
_MAX_TOKEN = 45
_MAX_HEADING = 80
_MAX_RUN_IN_HEADING = 60
"""Limit of a heading that is not followed by a blank line."""
MIN_SECTION_WORDS = 40
_CASELESS_RATIO = 4
"""Without capitals a heading is known by its length alone, so that its limit is this many times lower."""
_ENOUGH_HEADINGS = 2
"""Headings from which a text is divided at them; a single one is the title."""

_HEADING = re.compile(r"\s{0,3}#{1,6}\s+(?=\S)")
_UNDERLINE = re.compile(r"\s{0,3}(?:=+|-+)\s*\Z")
_BULLET = re.compile(r"\s*(?:[-*+•‣▪◦–—・]|\d{1,3}[.)]|[a-z]\))\s+(?=\S)")
_QUOTED = re.compile(r"\s{0,3}>+\s?")
_TABLE = re.compile(r"\s*\|")
_RULE = re.compile(r"[\s*_=\-–—~·.•]*\Z")

_FULL_STOPS = "。！？｡।॥۔።፧။។៕"
"""Marks that end a sentence wherever they stand: Chinese and Japanese, Indic, Urdu, Ethiopic, Burmese, Khmer."""
_TERMINATOR = re.compile(
    r"[.!?…؟։]+[\"'’”)\]*_]{0,4}(?:[ \u00a0\u202f]?»)?(?P<marks>(?:\[(?:\d{1,4}|[a-z]{1,2}|note \d+)\]|[¹²³⁰-⁹])*)(?=\s|\Z)"
    rf"|(?P<full>[{_FULL_STOPS}]+[\"'’”)\]」』）》】]{{0,4}})"
)
_NEXT_WORD = re.compile(r"[\s\"'«“‘(\[*_\-–—¿¡„]*([^\W_]+)")
_SPACED_CLAUSE = re.compile(r"[\u0e00-\u0eff][^\S\n]+(?=[\u0e00-\u0eff])")
"""Thai and Lao have no full stop: a space ends a sentence or a clause."""
_MIN_CLAUSES = 60
"""Characters from which the clauses of Thai or Lao make a sentence."""
_ABBREVIATIONS = frozenset(
    listed("""m mm mme mmes mlle mlles me dr drs pr prof st ste cf p pp vol chap fig art env av apr no nos n° ed éd ex al mr mrs
    ms vs approx ca jr sr inc ltd gen col rev hon sen gov capt lt e.g i.e viz resp i.e. par ibid op eq éq tab sect
    bzw bspw ca evtl ggf inkl nr sog usw vgl z.b d.h u.a hr sra srta dra ud uds pág núm p.ej sig dott
    """)
)
_ABBREVIATION_REACH = 14
_AFTER_ORDINALS = frozenset(
    listed(
        "Januar Februar März April Mai Juni Juli August September Oktober November Dezember Jahrhundert Jahrhunderts"
    )
)
"""German writes an ordinal with a full stop, and these with a capital."""


def blocks(text: str) -> list[Block]:
    """Headings, list items, rows, paragraphs and other blocks, in order. A heading is one of Markdown or HTML, or a short line of
    its own."""
    return list(_Blocks(without_tags(text)))


def sentences(text: str) -> list[Span]:
    """The sentences of paragraphs and list items, without surrounding white space, in order."""
    readable = (BlockKind.PARAGRAPH, BlockKind.ITEM)
    plain = without_tags(text)
    return [
        span for block in _Blocks(plain) if block.kind in readable for span in split_block(plain, block.span)
    ]


def sections(text: str) -> list[Span]:
    """The text divided at its headings or, with fewer than two headings, between its paragraphs. A short section is joined to
    the next one.

    The spans are in order, do not overlap, and cover everything but white space.
    """
    plain = without_tags(text)
    found = list(_Blocks(plain))
    starts = [block.span.start for block in found if block.kind is BlockKind.HEADING]
    if len(starts) < _ENOUGH_HEADINGS:
        starts = [block.span.start for block in found if block.kind not in (BlockKind.ITEM, BlockKind.ROW)]
    return _join_short(plain, starts, found)


def is_usable(sentence: str, *, needs_stop_word: bool = True) -> bool:
    """Whether study material can be made from a sentence: it is a statement of reasonable length that consists of words. The
    stop words are those of French and English, so that a sentence of another language needs none."""
    stripped = sentence.strip()
    if not stripped or len(stripped) > MAX_SENTENCE_CHARACTERS or stripped[-1] in "?:？：؟":
        return False
    found = words(stripped)
    if any(_is_no_word(token) for token in stripped.split()):
        return False
    letters = sum(char.isalpha() or char == " " or is_mark(char) for char in stripped)
    return (
        letters >= _MIN_LETTERS * len(stripped)
        and (MIN_WORDS if needs_stop_word else FEW_WORDS) <= word_count(stripped) <= MAX_WORDS
        and not _repeats_itself(found)
        and (not needs_stop_word or any(word in ALL_STOP_WORDS for word in found))
        and all(char.isprintable() or char.isspace() or char in _JOINERS for char in stripped)
    )


def _is_no_word(token: str) -> bool:
    is_long = len(token) > _MAX_TOKEN and not any(is_unspaced(char) for char in token)
    return is_long or "://" in token or "@" in token


def _repeats_itself(found: tuple[str, ...]) -> bool:
    """Whether the words are mostly the same few. Of characters without spaces, the pairs are compared."""
    parts = list(itertools.pairwise(found)) if any(map(is_unspaced, found)) else found
    return 2 * len(set(parts)) < len(parts)


class _Blocks:
    """Reads the lines once. A paragraph stays open until another block or a blank line closes it."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._rows = {line_start(text, row.span.start): row for row in rows(text)}
        self._heads = {
            line_start(text, row.heads[0].start): row for row in reversed([*self._rows.values()]) if row.heads
        }
        self._said = {turn.span.start: turn.said for turn in turns(text)}
        self._read_until = 0
        self._open: tuple[BlockKind, int, int, int] | None = None  # kind, start, end, lines

    def __iter__(self) -> Iterator[Block]:
        start = 0
        is_fenced = False
        for line in self._text.splitlines(keepends=True):
            end = start + len(line.rstrip())
            if FENCE.match(line):
                is_fenced = not is_fenced
                yield from self._close()
            elif is_fenced:
                yield from _other(line, start, end)
            elif start >= self._read_until:
                yield from self._read(line, start, end)
            start += len(line)
        yield from self._close()

    def _read(self, line: str, start: int, end: int) -> Iterator[Block]:
        if end <= start:
            yield from self._close()
        elif row := self._rows.get(start):
            yield from self._close()
            yield from self._read_row(row)
        elif first_row := self._heads.get(start):
            yield from self._close()
            yield from _other(line, start, end)
            self._read_until = line_start(self._text, first_row.span.start)
        elif said := self._said.get(start):
            yield from self._close()
            if said.end > said.start:
                self._open = (BlockKind.PARAGRAPH, said.start, said.end, 2)
        elif _UNDERLINE.match(line) and self._is_open_heading():
            yield from self._close(BlockKind.HEADING)
        elif _RULE.match(line) or _TABLE.match(line):
            yield from self._close()
            yield from _other(line, start, end)
        elif heading := _HEADING.match(line):
            yield from self._close()
            yield Block(BlockKind.HEADING, Span(start + heading.end(), end))
        elif bullet := _BULLET.match(line):
            yield from self._close()
            self._open = (BlockKind.ITEM, start + bullet.end(), end, 1)
        else:
            yield from self._continue(line, start, end)

    def _read_row(self, row: Row) -> Iterator[Block]:
        """A row of prose is read cell by cell."""
        self._read_until = row.span.end
        if not is_prose(self._text, row):
            yield Block(BlockKind.ROW, row.span)
        elif row.is_pair:
            yield Block(BlockKind.PARAGRAPH, row.span)
        else:
            yield from (Block(BlockKind.PARAGRAPH, cell) for cell in row.cells if cell.end > cell.start)

    def _continue(self, line: str, start: int, end: int) -> Iterator[Block]:
        quoted = _QUOTED.match(line)
        lead = quoted.end() if quoted else len(line) - len(line.lstrip())
        if start + lead >= end:
            yield from self._close()
            return
        if self._is_open_heading(_MAX_RUN_IN_HEADING, any_kind=lead == 0) and _starts_sentence(line):
            yield from self._close(BlockKind.HEADING)
        if self._open is None:
            self._open = (BlockKind.PARAGRAPH, start + lead, end, 1)
        else:
            kind, opened, _, lines = self._open
            self._open = (kind, opened, end, lines + 1)

    def _is_open_heading(self, longest: int = _MAX_HEADING, *, any_kind: bool = False) -> bool:
        """`any_kind` includes list items: `2) The causes` is a heading if an unindented sentence follows it."""
        if self._open is None:
            return False
        kind, start, end, lines = self._open
        if is_caseless(self._text[start]):
            longest //= _CASELESS_RATIO
        return (
            (any_kind or kind is BlockKind.PARAGRAPH)
            and lines == 1
            and end - start <= longest
            and _looks_like_heading(self._text[start:end])
        )

    def _close(self, kind: BlockKind | None = None) -> Iterator[Block]:
        if self._open is not None:
            opened, start, end, _ = self._open
            is_heading = self._is_open_heading()
            self._open = None
            if end > start:
                yield Block(kind or (BlockKind.HEADING if is_heading else opened), Span(start, end))


def _other(line: str, start: int, end: int) -> Iterator[Block]:
    first = start + len(line) - len(line.lstrip())
    if first < end:
        yield Block(BlockKind.OTHER, Span(first, end))


def _looks_like_heading(line: str) -> bool:
    first, last = line[0], line[-1]
    return (
        (first.isupper() or first.isdigit() or is_caseless(first) or first in "«*_")
        and last not in '.!?…,;»"؟։،，、' + _FULL_STOPS
        and line.count(" ") < 12
    )


def _starts_sentence(line: str) -> bool:
    first = line.lstrip(" \t\"'«“*_")[:1]
    return first.isupper() or first.isdigit() or (first != "" and is_caseless(first))


def split_block(text: str, block: Span) -> Iterator[Span]:
    """The sentences of a paragraph or list item. The marks of notes after a full stop belong to none."""
    start = block.start
    for end in _TERMINATOR.finditer(text, block.start, block.end):
        if _ends_sentence(text, end, block):
            yield from _clauses(text, start, end.start("marks") if end["marks"] else end.end())
            start = end.end()
    yield from _clauses(text, start, block.end)


def _clauses(text: str, start: int, end: int) -> Iterator[Span]:
    """The sentence, or its groups of clauses if it is in Thai or Lao."""
    for space in _SPACED_CLAUSE.finditer(text, start, end):
        if space.end() - start >= _MIN_CLAUSES <= end - space.end():
            yield from _nonempty(text, start, space.end())
            start = space.end()
    yield from _nonempty(text, start, end)


def _ends_sentence(text: str, terminator: re.Match[str], block: Span) -> bool:
    """A full stop ends a sentence unless the next word is in lower case or an abbreviation precedes it."""
    following = _NEXT_WORD.match(text, terminator.end(), block.end)
    if following is None or terminator["full"]:
        return True
    if is_lower_case(following[1][0]):
        return False
    if terminator[0].removesuffix(terminator["marks"] or "") != ".":
        return True
    before = text[max(block.start, terminator.start() - _ABBREVIATION_REACH) : terminator.start()]
    token = before.split()[-1].lstrip("(«“\"'") if before.split() else ""
    if len(token) == 1 and token.isupper():
        return fold(following[1]) in ALL_STOP_WORDS
    if token.isdigit() and following[1] in _AFTER_ORDINALS:
        return False
    if len(token) == len(following[1]) == 1:
        return False  # `z. B.`
    return token.lower() not in _ABBREVIATIONS


def _nonempty(text: str, start: int, end: int) -> Iterator[Span]:
    if (span := trimmed(text, start, end)).end > span.start:
        yield span


def _join_short(text: str, starts: list[int], found: list[Block]) -> list[Span]:
    if not found:
        return []
    first, end = line_start(text, found[0].span.start), found[-1].span.end
    bounds = sorted({first, *(line_start(text, start) for start in starts)})
    joined: list[Span] = []
    opened, counted = first, 0
    for start, stop in zip(bounds, [*bounds[1:], end], strict=True):
        counted += word_count(text[start:stop])
        if counted >= MIN_SECTION_WORDS or stop == end:
            joined.extend(_nonempty(text, opened, stop))
            opened, counted = stop, 0
    return joined
