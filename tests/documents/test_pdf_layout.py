"""The text of a PDF is that of its author: in reading order, with whole words, without what every page repeats."""

import pytest
from tests.documents.typeset import book, paragraphs
from tests.pdf_file import FONT, make_pdf, stream

from gateway.documents.reading_process import Reading, ReadingRequest, read

TEXTS = paragraphs(24)


def read_pdf(content: bytes) -> Reading:
    return read(ReadingRequest("a.pdf", 5_242_880, 1_000), content)


@pytest.mark.parametrize("columns", [1, 2])
def test_words_and_sentences_are_read_in_order_and_whole(columns: int):
    reading = read_pdf(book(TEXTS, columns=columns))
    assert " ".join(reading.text.split()) == " ".join(TEXTS)
    assert reading.places is not None
    assert reading.places.numbers == list(range(1, len(reading.places.numbers) + 1))
    assert len(reading.places.numbers) > 2


def test_paragraphs_are_kept_apart():
    blocks = read_pdf(book(TEXTS)).text.split("\n\n")
    assert sum(block in TEXTS for block in blocks) >= 0.5 * len(TEXTS)


def test_one_bad_page_is_skipped_and_told():
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 200] /Contents %d 0 R /Resources << /Font << /F1 3 0 R >> >> >>"
    pages = [page % 7, b"null", page % 8]
    content = make_pdf(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [4 0 R 5 0 R 6 0 R] /Count 3 >>",
            FONT,
            *pages,
            stream(b"BT /F1 24 Tf 40 100 Td (The first page.) Tj ET"),
            stream(b"BT /F1 24 Tf 40 100 Td (The third page.) Tj ET"),
        ]
    )
    reading = read_pdf(content)
    assert reading.text == "The first page.\n\nThe third page."
    assert reading.unread_pages == [2]


def page_of(*lines: str) -> str:
    drawn = b" ".join(
        b"1 0 0 1 40 %d Tm (%s) Tj" % (700 - 30 * index, line.encode()) for index, line in enumerate(lines)
    )
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 900 800] /Contents 5 0 R /Resources << /Font << /F1 3 0 R >> >> >>"
    kids = b"<< /Type /Pages /Kids [4 0 R] /Count 1 >>"
    catalog = b"<< /Type /Catalog /Pages 2 0 R >>"
    return read_pdf(make_pdf([catalog, kids, FONT, page, stream(b"BT /F1 24 Tf " + drawn + b" ET")])).text


def test_a_short_line_is_no_heading_where_its_sentence_goes_on():
    wide = [
        "The lines of this page are wide, and some are not as wide as the others.",
        "They all belong to one text that",
    ]
    assert page_of("Substances", "that are narrow", "", *wide * 3, "goes on.").startswith(
        "Substances that are narrow"
    )


def letters(number: int) -> bytes:
    """Digits would make the first lines of all pages look like running heads."""
    return bytes(97 + int(digit) for digit in str(number))


def test_a_book_of_a_thousand_pages_is_read_within_its_limits():
    """The reading has 8 s of processor time."""
    kids = b" ".join(b"%d 0 R" % (4 + 2 * index) for index in range(1_000))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [%s] /Count 1000 >>" % kids,
        FONT,
    ]
    for index in range(1_000):
        lines = b" 0 -14 Td ".join(
            b"(Line %d%s says that plants make sugar from light, water and air.) Tj" % (line, letters(index))
            for line in range(60)
        )
        objects += [
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 900] /Contents %d 0 R"
            b" /Resources << /Font << /F1 3 0 R >> >> >>" % (5 + 2 * index),
            stream(b"BT /F1 10 Tf 40 860 Td " + lines + b" ET"),
        ]
    reading = read_pdf(make_pdf(objects))
    assert len(reading.text) > 3_900_000
    assert reading.places is not None
    assert reading.places.numbers == list(range(1, 1_001))
    offset = reading.text.index(f"Line 0{letters(776).decode()} ")
    assert str(reading.places.at(offset)) == "page 777"
