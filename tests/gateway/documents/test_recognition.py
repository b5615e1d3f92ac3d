"""Pages that are pictures are read by tesseract where it is installed, and named as unread where it is not."""

import io
import os
import shutil
import time
import zlib
from collections.abc import Sequence
from typing import Any, cast

import pypdfium2  # pyright: ignore[reportMissingTypeStubs] - it has none
import pytest
from tests.pdf_file import FONT, make_pdf, stream

from gateway.documents.document_reader import DocumentReader
from gateway.documents.reading_process import Reading
from shared.domain.document_limits import DocumentLimits
from shared.domain.errors import ScannedDocument, UnsupportedDocument

TESSERACT = shutil.which("tesseract") or ""
with_tesseract = pytest.mark.skipif(
    not TESSERACT and os.environ.get("CI") != "true",  # noqa: TID251 - CI promises it
    reason="tesseract is not installed",
)
SENTENCE = "Plants make sugar from light and water."
MEDIA = "/Type /Page /Parent 2 0 R /MediaBox [0 0 600 200]"


def page_with_text(text: str) -> list[bytes]:
    content = stream(f"BT /F1 24 Tf 40 100 Td ({text}) Tj ET".encode())
    return [b"<< %s /Contents %%d 0 R /Resources << /Font << /F1 3 0 R >> >> >>" % MEDIA.encode(), content]


def pdf_of(*pages: Sequence[bytes]) -> bytes:
    """Each page is its dictionary, in which `%d` is the number of its next object, and that object."""
    kids = b" ".join(b"%d 0 R" % (4 + 2 * index) for index in range(len(pages)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, len(pages)),
        FONT,
    ]
    for index, (page, part) in enumerate(pages):
        objects += [page % (5 + 2 * index), part]
    return make_pdf(objects)


def rendered(text: str) -> Any:
    page = cast(Any, pypdfium2.PdfDocument(pdf_of(page_with_text(text)))[0])
    return page.render(scale=200 / 72, grayscale=True)


def page_with_picture(text: str) -> list[bytes]:
    """A page whose content is a picture of the text."""
    bitmap = rendered(text)
    rows = [
        bytes(bitmap.buffer)[start : start + bitmap.width]
        for start in range(0, bitmap.stride * bitmap.height, bitmap.stride)
    ]
    data = zlib.compress(b"".join(rows))
    inline = b"600 0 0 200 0 0 cm BI /W %d /H %d /BPC 8 /CS /G /F /Fl ID %s EI" % (
        bitmap.width,
        bitmap.height,
        data,
    )
    return [b"<< %s /Contents %%d 0 R >>" % MEDIA.encode(), stream(inline)]


SCAN = page_with_picture(SENTENCE)
BLANK = [b"<< %s /Contents %%d 0 R >>" % MEDIA.encode(), stream(b"")]


async def read(
    content: bytes, *, tesseract: str = TESSERACT, pages: int = 20, name: str = "a.pdf"
) -> Reading:
    reader = DocumentReader(tesseract=tesseract)
    with reader.upload("ada"):
        return await reader.read("ada", name, content, DocumentLimits(scanned_pages=pages))


@with_tesseract
async def test_a_scanned_page_is_read_beside_pages_with_text():
    reading = await read(pdf_of(page_with_text("Water boils."), SCAN))
    assert reading.text == f"Water boils.\n\n{SENTENCE}"
    assert reading.places is not None
    assert reading.places.numbers == [1, 2]
    assert reading.unread_pages == []


@with_tesseract
async def test_pages_beyond_the_plan_s_number_stay_unread():
    reading = await read(pdf_of(SCAN, SCAN, SCAN), pages=1)
    assert reading.text == SENTENCE
    assert reading.unread_pages == [2, 3]


@with_tesseract
async def test_a_photograph_of_a_page_is_read():
    picture = rendered(SENTENCE).to_pil()
    assert (await read(png_of(picture), name="photo.png")).text == SENTENCE


def png_of(picture: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


async def test_without_tesseract_the_pages_that_are_pictures_are_named():
    reading = await read(pdf_of(SCAN, page_with_text("Water boils."), BLANK), tesseract="")
    assert reading.text == "Water boils."
    assert reading.unread_pages == [1]


async def test_without_tesseract_a_scan_is_refused():
    with pytest.raises(ScannedDocument):
        await read(pdf_of(SCAN), tesseract="")
    with pytest.raises(UnsupportedDocument):
        await read(b"\x89PNG\r\n\x1a\n" + bytes(100), tesseract="")


@pytest.mark.parametrize("command", ["/bin/false", "/nowhere/tesseract"])
async def test_a_tesseract_that_fails_leaves_what_was_read_without_it(command: str):
    reading = await read(pdf_of(SCAN, page_with_text("Water boils.")), tesseract=command)
    assert (reading.text, reading.unread_pages) == ("Water boils.", [1])


@pytest.mark.slow
async def test_a_tesseract_that_hangs_is_ended_after_the_time_of_a_page(tmp_path: Any):
    command = tmp_path / "tesseract"
    command.write_text('#!/bin/sh\n[ "$1" = --list-langs ] && echo eng || sleep 60\n')
    command.chmod(0o755)
    started = time.monotonic()
    reading = await read(pdf_of(SCAN, page_with_text("Water boils.")), tesseract=str(command))
    assert (reading.text, reading.unread_pages) == ("Water boils.", [1])
    assert time.monotonic() - started < 50
