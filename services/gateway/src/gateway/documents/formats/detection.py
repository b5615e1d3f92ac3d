"""Tells the format of a file by its content; its name decides only between formats that are all text."""

import io
import re
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import PurePath

from gateway.documents.formats.document import Document, Recognition, Unreadable

Reader = Callable[[bytes], Document]

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
PICTURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")
"""How PNG and JPEG files begin."""
HEAD_BYTES = 4_096
BINARY_SUFFIXES = frozenset({".pdf", ".docx", ".pptx", ".odt", ".odp", ".epub"})
"""Names whose content is never plain text: such a file is damaged, or an error page that was saved under its name."""
_HTML = re.compile(
    rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b",
    re.IGNORECASE | re.DOTALL,
)


def reader_of(name: str, content: bytes, *, max_pages: int, recognition: Recognition | None = None) -> Reader:
    """Raises `Unreadable`. Readers are imported when they are needed: a child process reads one file."""
    from gateway.documents.formats import plain

    head, suffix = content[:HEAD_BYTES], PurePath(name).suffix.lower()
    stripped = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if b"%PDF-" in head[:1_024]:
        from gateway.documents.formats.pdf import read_pdf

        return partial(read_pdf, max_pages=max_pages, recognition=recognition)
    if head.startswith(PICTURES):
        return partial(_read_picture, recognition=recognition)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _archive_reader(content)
    if head.startswith(OLE):
        from gateway.documents.formats.word import refuse_ole

        refuse_ole(content)
    if stripped.startswith(b"{\\rtf"):
        return plain.read_rtf
    if suffix == ".ipynb" or (stripped.startswith(b"{") and b'"nbformat"' in content):
        return plain.read_notebook
    if stripped.startswith(b"WEBVTT") or suffix in (".srt", ".vtt"):
        return plain.read_subtitles
    if suffix in (".csv", ".tsv"):
        return plain.read_table
    if suffix in BINARY_SUFFIXES:
        raise Unreadable("broken_document")
    if suffix in (".html", ".htm", ".xhtml") or _HTML.match(stripped):
        return _read_html
    return plain.read_text


def _read_picture(content: bytes, *, recognition: Recognition | None) -> Document:
    from gateway.documents.formats.recognition import Recogniser

    if recognition is None:
        raise Unreadable("unsupported_document", [1])
    return Document("\n".join(Recogniser(recognition).read_picture(content)))


def _read_html(content: bytes) -> Document:
    from gateway.documents.formats import plain, web

    declared = re.search(
        rb"<meta[^>]{0,200}charset|<\?xml[^>]{0,100}encoding", content[:HEAD_BYTES], re.IGNORECASE
    )
    return web.read_html(content, None if declared else plain.encoding_of(content).replace("-sig", ""))


def _archive_reader(content: bytes) -> Reader:
    from gateway.documents.formats.opendocument import read_opendocument
    from gateway.documents.formats.slides import read_slides
    from gateway.documents.formats.web import read_epub
    from gateway.documents.formats.word import read_word

    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
        names = set(archive.namelist())
        mimetype = (
            archive.read("mimetype")[:100]
            if "mimetype" in names and archive.getinfo("mimetype").file_size < 200
            else b""
        )
        types = archive.read("[Content_Types].xml")[:1_000_000] if "[Content_Types].xml" in names else b""
    except (zipfile.BadZipFile, ValueError, OSError, RuntimeError, NotImplementedError):
        raise Unreadable("broken_document") from None
    if b"epub" in mimetype or "META-INF/container.xml" in names:
        return read_epub
    if b"opendocument" in mimetype:
        return read_opendocument
    if b"wordprocessingml" in types:
        return read_word
    if b"presentationml" in types:
        return read_slides
    raise Unreadable("unsupported_document")
