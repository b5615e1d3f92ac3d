"""Reads ODT and ODP: paragraphs, headings, lists, tables, notes after their paragraph, slides with their notes."""

from collections.abc import Iterator

from gateway.documents.formats.archive import Archive, Element, local_name
from gateway.documents.formats.document import Document, Unreadable, as_table, join

TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
MAX_SPACES = 100
NOT_TEXT = frozenset({"note", "annotation", "tracked-changes", "ruby-text"})


def read_opendocument(content: bytes) -> Document:
    archive = Archive(content)
    if "META-INF/manifest.xml" in archive.names and b"encryption-data" in archive.read(
        "META-INF/manifest.xml"
    ):
        raise Unreadable("locked_document")
    return Document(join(_blocks(archive)))


def _blocks(archive: Archive) -> Iterator[str]:
    tags = [f"{TEXT}p", f"{TEXT}h", f"{TEXT}tracked-changes", f"{TABLE}table"]
    for element in archive.elements("content.xml", *tags):
        name = local_name(element)
        if name == "table":
            yield as_table(
                [
                    [
                        " ".join(_text(one) for one in cell.iter(f"{TEXT}p", f"{TEXT}h"))
                        for cell in _cells(row)
                    ]
                    for row in element.iter(f"{TABLE}table-row")
                ]
            )
        elif name == "h":
            level = element.get(f"{TEXT}outline-level", "1")
            yield "#" * min(int(level) if level.isdigit() else 1, 6) + " " + _text(element)
        elif name == "p":
            is_item = element.getparent() is not None and local_name(element.getparent()) == "list-item"  # pyright: ignore[reportArgumentType] - it is not None
            yield ("- " if is_item else "") + _text(element)
        for note in element.iter(f"{TEXT}note-body"):
            yield " ".join(_text(one) for one in note.iter(f"{TEXT}p"))


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
