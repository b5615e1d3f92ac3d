"""Reads PDF page by page with pdfium, which undoes ligatures and marks hyphens at line ends."""

import itertools
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import cast

import pypdfium2  # pyright: ignore[reportMissingTypeStubs] - it has annotations, and no marker that says so
from msgspec.structs import replace

from gateway.documents.formats.document import (
    MAX_CHARACTERS,
    PARAGRAPH,
    Document,
    Recognition,
    Section,
    Unreadable,
    join_sections,
)
from gateway.documents.formats.recognition import Recogniser
from shared.domain.study.places import PlaceKind

MIN_REPEATS = 3
"""Pages on which a line stands at the same edge before it counts as a running head."""
REPEATED_SHARE = 0.4
EDGE_LINES = 2
"""Lines at the top and the bottom of a page that may be running heads."""
MIN_LETTER_SHARE = 0.5
"""Share of characters with a meaning, below which the font has no table of letters and the page counts as unread."""
WIDTH_QUANTILE = 0.8
SENTENCE_SHARE, HEADING_SHARE = 0.9, 0.75
"""Shares of a full line below which the end of a sentence ends its paragraph, and a first line is a heading."""
_HYPHEN = "\u0002"
"""Marks a word that is divided at the end of a line."""
_LINE_HYPHEN = re.compile("[\u0002\ufffe]\n?")
_PRESENTATION_FORMS = re.compile("[\ufb00-\ufdff\ufe70-\ufefc]+")
"""Ligatures, and Arabic letters as they are drawn."""
_BETWEEN_DIRECTIONS = re.compile("(?<=[A-Za-z])(?=[\u0590-\u06ff])|(?<=[\u0590-\u06ff])(?=[A-Za-z])")
"""Where a Latin word meets one that runs from right to left: pdfium leaves out the space."""
_PARAGRAPH_END = re.compile(r"[.!?:;…»”\"')\]]$")
_NUMBER = re.compile(r"\d+")
_MEANINGLESS = re.compile("[\ufffd\ufffe\uffff\ue000-\uf8ff\x00-\x08\x0b-\x1f]")


def read_pdf(content: bytes, *, max_pages: int, recognition: Recognition | None = None) -> Document:
    try:
        pdf = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        raise Unreadable("locked_document" if "assword" in str(error) else "broken_document") from None
    if len(pdf) > max_pages:
        raise Unreadable("too_many_pages")
    pages = [_read_page(pdf, index) for index in range(len(pdf))]
    if recognition is not None:
        _recognise(pdf, pages, recognition)
    unread = [number for number, lines in enumerate(pages, 1) if lines is None]
    kept = _without_running_heads([lines or [] for lines in pages])
    document = join_sections(PlaceKind.PAGE, _sections(kept))
    if not document.text and pages:
        raise Unreadable("scanned_document", unread)
    return replace(document, unread_pages=unread)


def _recognise(pdf: pypdfium2.PdfDocument, pages: list[list[str] | None], recognition: Recognition) -> None:
    """Fill in the pages that were not read."""
    recogniser = Recogniser(recognition)
    for index, lines in enumerate(pages):
        if lines is None:
            with suppress(pypdfium2.PdfiumError):  # the page is broken
                pages[index] = recogniser.read_page(pdf[index]) or None


def _sections(pages: Iterable[list[str]]) -> Iterator[Section]:
    """The pages with their paragraphs. A sentence or a word that runs on to the next page is not cut."""
    last = ""
    for number, lines in enumerate(pages, 1):
        paragraphs = [one for one in _paragraphs(lines) if one]
        if paragraphs:
            yield Section(
                number, [one.removesuffix(_HYPHEN) for one in paragraphs], _gap(last, paragraphs[0])
            )
            last = paragraphs[-1]


def _gap(last: str, first: str) -> str:
    """What stands between the last paragraph of a page and the first of the next."""
    if not last or _PARAGRAPH_END.search(last) or not first[0].islower():
        return PARAGRAPH
    return "" if last.endswith(_HYPHEN) else " "


def _read_page(pdf: pypdfium2.PdfDocument, index: int) -> list[str] | None:
    """The lines of a page, none for a blank one; None if it is broken, a picture, or has letters without a meaning."""
    try:
        page = pdf[index]
        text = page.get_textpage().get_text_range()
    except (pypdfium2.PdfiumError, UnicodeDecodeError):
        return None
    if len(text) > MAX_CHARACTERS:
        raise Unreadable("text_too_long")
    if len(_MEANINGLESS.findall(_LINE_HYPHEN.sub("", text).replace("\r", ""))) > len(text) * MIN_LETTER_SHARE:
        return None
    text = _PRESENTATION_FORMS.sub(_normalised, text.replace("\r\n", "\n"))
    text = _LINE_HYPHEN.sub(_HYPHEN + "\n", _BETWEEN_DIRECTIONS.sub(" ", text)).strip()
    if not text:
        return None if _draws_anything(page) else []
    return [line.strip() for line in text.split("\n")]


def _normalised(forms: re.Match[str]) -> str:
    return unicodedata.normalize("NFKC", forms[0])


def _draws_anything(page: pypdfium2.PdfPage) -> bool:
    objects = cast(Iterator[object], page.get_objects(max_depth=1))  # pyright: ignore[reportUnknownMemberType] - it has no types
    return next(objects, None) is not None


def _without_running_heads(pages: Sequence[list[str]]) -> list[list[str]]:
    """The pages without the lines that most of them repeat at an edge, apart from their numbers."""
    edges = Counter(key for lines in pages for key in {_key(line) for _, line in _edges(lines)})
    least = max(MIN_REPEATS, REPEATED_SHARE * len(pages))
    repeated = {key for key, count in edges.items() if count >= least}
    return [
        [line for index, line in enumerate(lines) if not _is_edge(index, lines) or _key(line) not in repeated]
        for lines in pages
    ]


def _edges(lines: list[str]) -> Iterator[tuple[int, str]]:
    return ((index, line) for index, line in enumerate(lines) if _is_edge(index, lines) and line)


def _is_edge(index: int, lines: list[str]) -> bool:
    return index < EDGE_LINES or index >= len(lines) - EDGE_LINES


def _key(line: str) -> str:
    return _NUMBER.sub("#", line)


def _paragraphs(lines: list[str]) -> Iterator[str]:
    """Lines of a paragraph joined: a line that is not full ends its paragraph if it ends a sentence, or stands alone as a heading
    that no lower case follows."""
    width = _usual_width(lines)
    paragraph: list[str] = []
    for line, following in itertools.zip_longest(lines, lines[1:], fillvalue=""):
        if not line:
            yield _joined(paragraph)
            paragraph = []
            continue
        paragraph.append(line)
        is_sentence_end = _PARAGRAPH_END.search(line) and len(line) < SENTENCE_SHARE * width
        is_heading = (
            len(paragraph) == 1
            and len(line) < HEADING_SHARE * width
            and not (line.endswith(_HYPHEN) or following[:1].islower())
        )
        if is_sentence_end or is_heading:
            yield _joined(paragraph)
            paragraph = []
    yield _joined(paragraph)


def _usual_width(lines: list[str]) -> int:
    """The length of a full line, in characters. A few lines, such as a title across two columns, are longer."""
    lengths = sorted(map(len, lines))
    return lengths[int(WIDTH_QUANTILE * len(lengths))] if lengths else 0


def _joined(lines: list[str]) -> str:
    """The lines with spaces between them. A word that a hyphen divides is joined; one at the end keeps its mark."""
    return " ".join(lines).replace(_HYPHEN + " ", "")
