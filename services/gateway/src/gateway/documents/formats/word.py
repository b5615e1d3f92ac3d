"""Reads DOCX: paragraphs, headings, lists, tables, text boxes, equations, content controls, insertions, footnotes."""

import re
from collections.abc import Iterator
from typing import NoReturn

from gateway.documents.formats.archive import Archive, Element, local_name, outermost
from gateway.documents.formats.document import Document, Unreadable, as_table, join
from gateway.documents.formats.equations import equation

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
STRICT_W = "{http://purl.oclc.org/ooxml/wordprocessingml/main}"
TITLE = "title"
HEADINGS = tuple(f"heading{number}" for number in range(1, 7))
SKIPPED = frozenset({"del", "moveFrom", "Fallback", "instrText", "pPr", "rPr", "sectPr"})
"""Elements without text of the document: what was deleted, the copy of a drawing for old programs, field codes."""

_GUESSED = re.compile(
    r"automatically generated|générée? automatiquement|automatisch generiert|^https?:|\.\w{3,4}$",
    re.IGNORECASE,
)


def read_word(content: bytes) -> Document:
    archive = Archive(content)
    main = next(
        (target for kind, target in archive.relations("").values() if kind == "officeDocument"),
        "word/document.xml",
    )
    notes = _read_notes(archive, main)
    tags = [f"{namespace}{name}" for namespace in (W, STRICT_W) for name in ("p", "tbl")]
    return Document(join(_blocks(archive, main, tags, notes)))


def _blocks(archive: Archive, main: str, tags: list[str], notes: dict[str, str]) -> Iterator[str]:
    for element in archive.elements(main, *tags):
        if not len(element):
            continue
        yield _table(element) if local_name(element) == "tbl" else _paragraph(element)
        for reference in element.iter("{*}footnoteReference", "{*}endnoteReference"):
            yield notes.get(local_name(reference)[:3] + _value(reference, "id"), "")


def _read_notes(archive: Archive, main: str) -> dict[str, str]:
    """Footnotes and endnotes by kind and id."""
    notes: dict[str, str] = {}
    for kind, target in archive.relations(main).values():
        if kind in ("footnotes", "endnotes") and target in archive.names:
            for note in archive.parse(target).iter("{*}footnote", "{*}endnote"):
                if not _value(note, "type"):
                    text = " ".join(_text(paragraph) for paragraph in note.iter("{*}p"))
                    notes[local_name(note)[:3] + _value(note, "id")] = text
    return notes


def _paragraph(element: Element) -> str:
    text = _text(element)
    style = next((_value(one, "val") for one in element.iter("{*}pStyle")), "").lower().replace(" ", "")
    if style == TITLE and text.strip():
        return "# " + " ".join(text.split())
    if style in HEADINGS and text.strip():
        return "#" * int(style[-1]) + " " + text.strip()
    if element.find("{*}pPr/{*}numPr") is not None and text.strip():
        return "- " + text.strip()
    return text


def _table(element: Element) -> str:
    rows: list[list[str]] = []
    for row in outermost(element, "tr"):
        rows.append([_cell(cell) for cell in outermost(row, "tc")])
    return as_table(rows)


def _cell(cell: Element) -> str:
    blocks = outermost(cell, "p", "tbl")
    return " ".join(_table(one) if local_name(one) == "tbl" else _text(one) for one in blocks)


def _text(element: Element) -> str:
    return "".join(_pieces(element))


def _pieces(element: Element) -> Iterator[str]:
    for child in element:
        name = local_name(child)
        if name == "t":
            yield child.text or ""
        elif name in ("tab", "ptab"):
            yield "\t"
        elif name in ("br", "cr"):
            yield "\n"
        elif name == "oMath":
            yield equation(child)
        elif name == "noBreakHyphen":
            yield "\u2011"
        elif name == "docPr" and (description := _description(child)):
            yield f"\n\n{description}\n\n"
        elif name == "txbxContent":
            yield "\n\n" + "\n\n".join(_text(paragraph) for paragraph in outermost(child, "p")) + "\n\n"
        elif name not in SKIPPED:
            yield from _pieces(child)


def _description(drawing: Element) -> str:
    """What an author says about a picture; a single word and what a program guessed say nothing."""
    text = " ".join(drawing.get("descr", "").split())
    return text if " " in text and not _GUESSED.search(text) else ""


def _value(element: Element, name: str) -> str:
    """An attribute, whose namespace differs between the two forms of the format."""
    return element.get(f"{W}{name}") or element.get(f"{STRICT_W}{name}") or ""


def refuse_ole(content: bytes) -> NoReturn:
    """Raise `Unreadable` for an OLE container: a file of a former format, or an encrypted one, which has a stream of this name in
    UTF-16."""
    if "EncryptedPackage".encode("utf-16-le") in content:
        raise Unreadable("locked_document")
    raise Unreadable("unsupported_document")
