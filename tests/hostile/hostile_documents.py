"""Documents of a few kilobytes, each of which costs a careless reader minutes or gigabytes."""

import io
import zipfile

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


def word(document: bytes, content_types: bytes = b"") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
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
}
