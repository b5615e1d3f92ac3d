"""Documents of a few kilobytes, each of which costs a careless reader minutes or gigabytes."""

import io
import struct
import zipfile
import zlib

from tests.pdf_file import FONT, make_pdf, stream

MEDIA = "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>"


def pages_that_share_a_stream(pages: int, operators: int) -> bytes:
    """Every page draws the same text thousands of times."""
    kids = b" ".join(b"%d 0 R" % (number + 6) for number in range(pages))
    content = b"BT /F1 1 Tf " + b"(a) Tj " * operators + b"ET"
    return make_pdf(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, pages),
            b"null",
            stream(content),
            FONT,
            *[MEDIA.encode()] * (pages + 1),
        ]
    )


def form_that_draws_itself() -> bytes:
    page = MEDIA.replace("/Font", "/XObject << /X 6 0 R >> /Font").encode()
    form = b"<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X 6 0 R >> >> /Length 14 >>\nstream\n/X Do /X Do   \nendstream"
    kids = b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>"
    return make_pdf([b"<< /Type /Catalog /Pages 2 0 R >>", kids, page, stream(b"/X Do"), FONT, form])


def pages_that_contain_themselves() -> bytes:
    kids = b"<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 9 >>"
    return make_pdf([b"<< /Type /Catalog /Pages 2 0 R >>", kids])


def word(document: bytes, content_types: bytes = b"", packing: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", packing, compresslevel=9) as archive:
        archive.writestr("[Content_Types].xml", content_types or b"<Types>wordprocessingml</Types>")
        archive.writestr("word/document.xml", document)
    return out.getvalue()


W = b'<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>'


def empty_paragraphs(count: int) -> bytes:
    return word(W + b"<w:p/>" * count + b"</w:body></w:document>")


def nested_elements(depth: int) -> bytes:
    return word(W + b"<w:p>" * depth + b"</w:p>" * depth + b"</w:body></w:document>")


def billion_laughs() -> bytes:
    entities = b"".join(
        b'<!ENTITY e%d "%s">' % (level, b"&e%d;" % (level - 1) * 10 if level else b"ha")
        for level in range(12)
    )
    return word(
        b"<!DOCTYPE d ["
        + entities
        + b"]>"
        + W
        + b"<w:p><w:r><w:t>&e11;</w:t></w:r></w:p></w:body></w:document>"
    )


def unpacks_to(megabytes: int) -> bytes:
    return word(W + b" " * (megabytes * 1_000_000) + b"</w:body></w:document>")


def deep_notebook(depth: int) -> bytes:
    return b'{"nbformat":4,"cells":' + b"[" * depth + b"]" * depth + b"}"


def deep_page(depth: int) -> bytes:
    return b"<!DOCTYPE html><html><body>" + b"<div>" * depth + b"deep" + b"</div>" * depth


def package(kind: str, files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr("mimetype", kind)
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


OPENDOCUMENT = (
    b'<d xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"'
    b' xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"'
    b' xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0">%s</d>'
)


def opendocument(body: bytes, kind: str = "text") -> bytes:
    return package(
        f"application/vnd.oasis.opendocument.{kind}", {"content.xml": OPENDOCUMENT.replace(b"%s", body)}
    )


def book_of_one_chapter(times: int) -> bytes:
    items = b'<item id="a" href="a.xhtml"/>'
    spine = b'<itemref idref="a"/>' * times
    return package(
        "application/epub+zip",
        {
            "META-INF/container.xml": b'<c><rootfile full-path="o.opf"/></c>',
            "o.opf": b"<p>" + items + spine + b"</p>",
            "a.xhtml": b"<html><body>" + b"<p>Again and again.</p>" * 5_000 + b"</body></html>",
        },
    )


def page_of(content: bytes, media: str = MEDIA) -> bytes:
    kids = b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>"
    return make_pdf([b"<< /Type /Catalog /Pages 2 0 R >>", kids, media.encode(), stream(content), FONT])


def picture_of(width: int, height: int) -> bytes:
    """A PNG that unpacks to so many white pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compress((b"\0" + b"\xff" * (width // 8)) * height, 9)
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


DOCUMENTS: dict[str, bytes] = {
    "shared-stream.pdf": pages_that_share_a_stream(pages=900, operators=20_000),
    "form-in-itself.pdf": form_that_draws_itself(),
    "pages-in-themselves.pdf": pages_that_contain_themselves(),
    "paragraphs.docx": empty_paragraphs(1_600_000),
    "nested.docx": nested_elements(100_000),
    "laughs.docx": billion_laughs(),
    "unpacked.docx": unpacks_to(300),
    "deep.ipynb": deep_notebook(100_000),
    "deep.html": deep_page(100_000),
    "brackets.rtf": b"{\\rtf1" + b"{" * 200_000 + b"}" * 200_000 + b"}",
    "quotes.csv": b'"' * 2_000_000,
    "marks.html": b"<!DOCTYPE html>" + b"<!-- -- " * 200_000,
    "tables.html": b"<!DOCTYPE html><html><body>" + b"<table><tr><td>a" * 5_000,
    "attributes.html": b"<!DOCTYPE html><html><body><p " + b"a=b " * 500_000 + b">text</p>",
    "entities.html": b"<!DOCTYPE html><html><body>" + b"&amp;" * 1_000_000,
    "nested.odt": opendocument(b"<text:p>" * 50_000 + b"</text:p>" * 50_000),
    "spaces.odt": opendocument(b"<text:p>" + b'<text:s text:c="999999999"/>' * 100_000 + b"</text:p>"),
    "cells.odt": opendocument(
        b"<table:table><table:table-row>"
        + b"<table:table-cell/>" * 500_000
        + b"</table:table-row></table:table>"
    ),
    "slides.odp": opendocument(b"<draw:page/>" * 1_000_000, "presentation"),
    "one-slide.odp": opendocument(
        b"<draw:page>" + b"<text:p>a</text:p>" * 500_000 + b"</draw:page>", "presentation"
    ),
    "chapters.epub": book_of_one_chapter(100_000),
    "loop.epub": package(
        "application/epub+zip", {"META-INF/container.xml": b'<c><rootfile full-path="mimetype"/></c>'}
    ),
    "no-content.odt": package("application/vnd.oasis.opendocument.text", {}),
    "table.docx": word(
        W + b"<w:tbl><w:tr>" + b"<w:tc/>" * 500_000 + b"</w:tr></w:tbl></w:body></w:document>",
        packing=zipfile.ZIP_STORED,
    ),
    "nested-tables.docx": word(W + b"<w:tbl><w:tr><w:tc>" * 20_000),
    "runs.docx": word(
        W + b"<w:p>" + b"<w:r><w:t>a</w:t></w:r>" * 400_000 + b"</w:p></w:body></w:document>",
        packing=zipfile.ZIP_STORED,
    ),
    "states.pdf": page_of(b"q " * 2_000_000),
    "huge-page.pdf": page_of(b"BT /F1 1 Tf (a) Tj ET", MEDIA.replace("600 800", "1000000000 1000000000")),
    "no-page.pdf": page_of(b"", MEDIA.replace("600 800", "0 0")),
    "paths.pdf": page_of(b"0 0 m 600 800 l S " * 500_000),
    "backwards.pdf": page_of(b"BT /F1 -1 Tf " + b"(a) Tj " * 100_000 + b"ET"),
    "picture.png": picture_of(40_000, 40_000),
    "not-a-picture.png": b"\x89PNG\r\n\x1a\n" + bytes(1_000_000),
    "not-a-picture.jpg": b"\xff\xd8\xff" + bytes(1_000_000),
    "cues.srt": b"1\n00:00:01,000 --> 00:00:02,000\n\n" * 200_000,
    "times.vtt": b"WEBVTT\n\n" + b"99:99:99.999 --> " * 200_000,
    "tags.vtt": b"WEBVTT\n\n00:01.000 --> 00:02.000\n" + b"<v " * 500_000,
    "sources.ipynb": b'{"nbformat":4,"cells":[{"source":[' + b'"a",' * 1_000_000 + b'"a"]}]}',
    "encoding.txt": bytes(range(128, 256)) * 20_000,
    "columns.csv": b";" * 3_000_000,
}
