"""Reads ODT and ODP: paragraphs, headings, lists, tables, notes after their paragraph, slides with their notes."""

from collections.abc import Iterator

from gateway.documents.formats.archive import Archive, Element, local_name, outermost
from gateway.documents.formats.document import Document, Section, Unreadable, as_table, join, join_sections
from shared.domain.study.places import PlaceKind

TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
DRAW = "{urn:oasis:names:tc:opendocument:xmlns:drawing:1.0}"
BLOCKS = ("p", "h", "table")
MAX_SPACES = 100
NOT_TEXT = frozenset({"note", "annotation", "tracked-changes", "ruby-text"})


def read_opendocument(content: bytes) -> Document:
    archive = Archive(content)
    if "META-INF/manifest.xml" in archive.names and b"encryption-data" in archive.read(
        "META-INF/manifest.xml"
    ):
        raise Unreadable("locked_document")
    mimetype = archive.read("mimetype") if "mimetype" in archive.names else b""
    if b"presentation" in mimetype:
        return join_sections(PlaceKind.SLIDE, _slides(archive))
    return Document(join(_text_blocks(archive)))


def _slides(archive: Archive) -> Iterator[Section]:
    for number, slide in enumerate(archive.elements("content.xml", f"{DRAW}page"), 1):
        yield Section(number, [block for one in outermost(slide, *BLOCKS) for block in _blocks(one)])


def _text_blocks(archive: Archive) -> Iterator[str]:
    tags = [f"{TEXT}p", f"{TEXT}h", f"{TEXT}tracked-changes", f"{TABLE}table"]
    for element in archive.elements("content.xml", *tags):
        yield from _blocks(element)


def _blocks(element: Element) -> Iterator[str]:
    """A paragraph, a heading or a table, and the notes to it."""
    name = local_name(element)
    if name == "table":
        yield as_table([[_cell(cell) for cell in _cells(row)] for row in element.iter(f"{TABLE}table-row")])
    elif name == "h":
        level = element.get(f"{TEXT}outline-level", "1")
        yield "#" * min(int(level) if level.isdigit() else 1, 6) + " " + _text(element)
    elif name == "p":
        parent = element.getparent()
        is_item = parent is not None and local_name(parent) == "list-item"
        yield ("- " if is_item else "") + _text(element)
    notes = element.iter(f"{TEXT}note-body")
    yield from dict.fromkeys(" ".join(_text(one) for one in note.iter(f"{TEXT}p")) for note in notes)


def _cell(cell: Element) -> str:
    return " ".join(_text(one) for one in outermost(cell, "p", "h"))


def _cells(row: Element) -> Iterator[Element]:
    return row.iterchildren(f"{TABLE}table-cell")


def _text(element: Element) -> str:
    return "".join(_pieces(element)).strip()


def _pieces(element: Element) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        name = local_name(child)
        if name == "s":
            count = child.get(f"{TEXT}c", "1")
            yield " " * min(int(count) if count.isdigit() else 1, MAX_SPACES)
        elif name == "tab":
            yield "\t"
        elif name == "line-break":
            yield "\n"
        elif name not in NOT_TEXT:
            yield from _pieces(child)
        yield child.tail or ""
