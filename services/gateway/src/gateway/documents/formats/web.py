"""Reads HTML and EPUB: what a reader of the page sees, with headings, lists and tables."""

import posixpath
from collections.abc import Iterator
from urllib.parse import unquote

from lxml import etree

from gateway.documents.formats.archive import Archive, Element, all_text, local_name
from gateway.documents.formats.document import Document, Section, Unreadable, as_table, join, join_sections
from shared.domain.study.places import PlaceKind

SKIPPED = frozenset(
    {"script", "style", "head", "noscript", "template", "nav", "svg", "iframe", "select", "button", "form"}
)
BLOCKS = frozenset(
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "body",
        "dd",
        "details",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "html",
        "li",
        "main",
        "ol",
        "p",
        "pre",
        "section",
        "summary",
        "table",
        "td",
        "th",
        "tr",
        "ul",
    ]
)
HEADINGS = {f"h{level}": "#" * level + " " for level in range(1, 7)}
MAX_DEPTH = 200
"""Elements inside one another that are read; deeper ones are left out."""
MAX_FILES = 2_000


def read_html(content: bytes, encoding: str | None = None) -> Document:
    root = _parse(content, encoding)
    return Document(join(_blocks(root)) if root is not None else "")


def read_epub(content: bytes) -> Document:
    archive = Archive(content)
    package = next(
        (one.get("full-path", "") for one in archive.parse("META-INF/container.xml").iter("{*}rootfile")), ""
    )
    if "META-INF/encryption.xml" in archive.names and b"EncryptedData" in archive.read(
        "META-INF/encryption.xml"
    ):
        _refuse_protected(archive)
    root, folder = archive.parse(package), posixpath.dirname(package)
    files = {one.get("id", ""): unquote(one.get("href", "")) for one in root.iter("{*}item")}
    spine = [files.get(one.get("idref", ""), "") for one in root.iter("{*}itemref")][:MAX_FILES]
    chapters = [posixpath.normpath(posixpath.join(folder, name)) for name in spine if name]
    return join_sections(PlaceKind.CHAPTER, _chapters(archive, chapters))


def _chapters(archive: Archive, names: list[str]) -> Iterator[Section]:
    for number, name in enumerate(names, 1):
        if name in archive.names and (root := _parse(archive.read(name), None)) is not None:
            yield Section(number, _blocks(root))


def _refuse_protected(archive: Archive) -> None:
    """Fonts are often obfuscated; a protected book encrypts its chapters."""
    encrypted = archive.read("META-INF/encryption.xml")
    if b".xhtml" in encrypted or b".html" in encrypted:
        raise Unreadable("locked_document")


def _parse(content: bytes, encoding: str | None) -> Element | None:
    try:
        return etree.fromstring(
            content,
            etree.HTMLParser(encoding=encoding, no_network=True, remove_comments=True, huge_tree=False),
        )
    except (etree.XMLSyntaxError, LookupError):
        return None


class _Text:
    """The text of the block that is being read."""

    def __init__(self) -> None:
        self.pieces: list[str] = []

    def take(self, prefix: str = "") -> str:
        text = " ".join("".join(self.pieces).split())
        self.pieces.clear()
        return prefix + text if text else ""


def _blocks(root: Element) -> Iterator[str]:
    text = _Text()
    yield from _walk(root, text, "", 0)
    yield text.take()


def _walk(element: Element, text: _Text, prefix: str, depth: int) -> Iterator[str]:
    name = local_name(element).lower()
    if not name or name in SKIPPED or depth > MAX_DEPTH:
        return
    if name == "table" and not any(True for _ in element.iterdescendants("table")):
        yield text.take(prefix)
        yield as_table([[all_text(cell) for cell in row.iter("td", "th")] for row in element.iter("tr")])
        return
    if name == "pre":
        yield text.take(prefix)
        yield "```\n" + all_text(element).strip("\n") + "\n```"
        return
    is_block = name in BLOCKS
    if is_block:
        yield text.take(prefix)
    inner = HEADINGS.get(name, "- " if name == "li" else prefix if not is_block else "")
    text.pieces.append("\n" if name == "br" else element.text or "")
    for child in element:
        yield from _walk(child, text, inner, depth + 1)
        text.pieces.append(child.tail or "")
    if is_block:
        yield text.take(inner)
