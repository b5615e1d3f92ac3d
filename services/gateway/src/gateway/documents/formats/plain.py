"""Reads files that are text: plain text, Markdown, RTF, notebooks, subtitles, tables of separated values."""

import codecs
import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, cast

import msgspec

from gateway.documents.formats.document import (
    PARAGRAPH,
    Document,
    Section,
    Unreadable,
    as_table,
    join,
    join_sections,
)
from shared.domain.study.places import PlaceKind

BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
SAMPLE_BYTES = 20_000
"""Bytes from which an encoding is guessed."""
MIN_WESTERN_SHARE = 0.9
"""Share of the characters outside ASCII that are letters and marks of western European languages in a text of cp1252."""
_WESTERN = frozenset("àâäáãåæçèéêëìîïíñòôöóõøœùûüúÿßÀÂÄÁÃÅÆÇÈÉÊËÌÎÏÍÑÒÔÖÓÕØŒÙÛÜÚŸ«»“”„‘’‚–—…€°§·¿¡²\u00a0")
MAX_CONTROL_SHARE = 0.02
"""Share of control characters from which a file counts as binary."""
MIN_PARAGRAPH_CUES = 5
"""Cues of subtitles in one paragraph, at least."""
_CUE_TIME = re.compile(
    r"^(?:(\d{1,4}):)?(\d{1,2}):(\d{2})[.,]\d{3}\s*-->\s*(?:\d+:)?\d{1,2}:\d{2}[.,]\d{3}.*$"
)
_VOICE = re.compile(r"<v(?:\.[\w.]+)?\s+([^>]{1,100})>")
_TAG = re.compile(r"</?[a-z][^<>]{0,100}>|\{\\[^{}]{0,100}\}", re.IGNORECASE)
_SENTENCE_END = re.compile(r"[.!?…。！？]['\"»”)]*$")


def decode(content: bytes) -> str:
    """The text of the bytes, whatever its encoding. Raises `Unreadable` for what is no text."""
    encoding = encoding_of(content)
    try:
        text = content.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        raise Unreadable("invalid_encoding") from None
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    controls = sum(char < " " and char not in "\n\t\f" for char in text)
    if controls > MAX_CONTROL_SHARE * len(text):
        raise Unreadable("unsupported_document")
    return text


def encoding_of(content: bytes) -> str:
    for mark, encoding in BYTE_ORDER_MARKS:
        if content.startswith(mark):
            return encoding
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return _without_mark(content)
    return _without_mark(content) if b"\0" in content[:SAMPLE_BYTES] else "utf-8"


def _without_mark(content: bytes) -> str:
    sample = content[:SAMPLE_BYTES]
    for offset, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        if sample[offset::2].count(0) > len(sample) // 5 > sample[1 - offset :: 2].count(0) * 4:
            return encoding
    if b"\0" in sample:
        raise Unreadable("unsupported_document")
    if _is_western(sample.decode("cp1252", errors="replace")):
        return "cp1252"
    from charset_normalizer import from_bytes  # it takes 50 ms to import, and few files need it

    best = from_bytes(sample, cp_isolation=["cp1252", "latin_1", "cp1250", "cp1251", "koi8_r", "cp866", "shift_jis",
                      "cp932", "euc_jp", "gb18030", "big5", "euc_kr", "iso8859_7", "cp1256", "cp1255"]).best()  # fmt: skip
    return best.encoding if best is not None else "cp1252"


def _is_western(text: str) -> bool:
    """Whether the letters outside ASCII are those of western European languages, which other encodings turn into signs."""
    others = [char for char in text if char > "\x7f"]
    return sum(char in _WESTERN for char in others) >= MIN_WESTERN_SHARE * len(others)


def read_text(content: bytes) -> Document:
    return Document(decode(content))


def read_rtf(content: bytes) -> Document:
    from striprtf import striprtf

    to_text = cast(Callable[..., str], striprtf.rtf_to_text)  # pyright: ignore[reportUnknownMemberType] - it has no types
    return Document(join(to_text(content.decode("latin-1"), errors="replace").split("\n\n")))


def read_notebook(content: bytes) -> Document:
    """The prose and the code of a notebook; outputs are left out."""
    try:
        book = msgspec.json.decode(content)
        cells = cast(
            list[dict[str, Any]], book["cells"] if "cells" in book else book["worksheets"][0]["cells"]
        )
        return Document(join(_cell(cell) for cell in cells))
    except (msgspec.DecodeError, KeyError, IndexError, TypeError, AttributeError):
        raise Unreadable("broken_document") from None


def _cell(cell: dict[str, Any]) -> str:
    source = cell.get("source", cell.get("input", ""))
    text = "".join(map(str, cast(list[object], source))) if isinstance(source, list) else str(source)
    if cell.get("cell_type") == "code":
        return f"```\n{text}\n```" if text.strip() else ""
    return text


def read_subtitles(content: bytes) -> Document:
    """What is said, as running text, without numbers and colours. Each cue has the time at which it begins."""
    return join_sections(PlaceKind.TIME, _paragraphs(_cues(decode(content))))


def _paragraphs(cues: Iterable[tuple[int, str]]) -> Iterator[Section]:
    """A paragraph ends with a sentence, after a few cues."""
    cues_in_paragraph = 0
    for seconds, spoken in cues:
        yield Section(seconds, [spoken], gap=" " if cues_in_paragraph else PARAGRAPH)
        cues_in_paragraph += 1
        if cues_in_paragraph >= MIN_PARAGRAPH_CUES and _SENTENCE_END.search(spoken):
            cues_in_paragraph = 0


def _cues(text: str) -> Iterator[tuple[int, str]]:
    """The time and the words of each cue. Captions that scroll repeat what they said before."""
    before = ""
    for cue in re.split(r"\n[ \t]*\n", text):
        lines = cue.strip().split("\n")
        times = [(index, time) for index, line in enumerate(lines) if (time := _CUE_TIME.match(line.strip()))]
        if not times:
            continue
        index, time = times[0]
        spoken = _VOICE.sub(r"\1: ", " ".join(lines[index + 1 :]))
        spoken = _TAG.sub("", spoken).strip()
        if spoken and spoken != before:
            yield _seconds(time), spoken
            before = spoken


def _seconds(time: re.Match[str]) -> int:
    hours, minutes, seconds = (int(part or 0) for part in time.groups())
    return hours * 3_600 + minutes * 60 + seconds


def read_table(content: bytes) -> Document:
    """Two columns as `term: meaning`, more as a Markdown table."""
    text = decode(content)
    try:
        dialect: type[csv.Dialect] | str = csv.Sniffer().sniff(text[:SAMPLE_BYTES], delimiters=",;\t|")
    except csv.Error:
        dialect = "excel"
    try:
        rows = [row for row in csv.reader(io.StringIO(text), dialect) if any(cell.strip() for cell in row)]
    except csv.Error:
        raise Unreadable("broken_document") from None
    if all(len(row) == 2 for row in rows):
        return Document(join(f"{term.strip()}: {meaning.strip()}" for term, meaning in rows))
    return Document(join([as_table(rows)]))
