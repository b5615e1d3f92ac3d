"""Documents that other programs write become text: nothing is lost, and nothing is added."""

import io
import itertools
import json
import zipfile
from typing import Any, cast

import docx
import pytest
from ebooklib import epub  # pyright: ignore[reportMissingTypeStubs] - it has none
from pptx import Presentation
from pptx.util import Inches

from gateway.documents.reading_process import Reading, ReadingRequest
from gateway.documents.reading_process import read as read_file

FRENCH = "L’été, la forêt s’éveille : des œufs éclosent, et le garçon naïf s’étonne de tant de beauté."


def read(name: str, content: bytes, *, text_bytes: int = 1_048_576, pages: int = 100) -> Reading:
    return read_file(ReadingRequest(name, text_bytes, pages), content)


def text_of(name: str, content: bytes) -> str:
    reading = read(name, content)
    assert not reading.code
    return reading.text


def zipped(files: dict[str, str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


# -- DOCX -------------------------------------------------------------------------------------------------------------


def word(body: str, notes: str = "") -> bytes:
    """A DOCX with this body, in the namespace that Word writes."""
    namespaces = (
        'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
        ' xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'
        ' xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
    )
    relation = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    head = '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    return zipped(
        {
            "[Content_Types].xml": '<Types><Override ContentType="x.wordprocessingml.document.main+xml"/></Types>',
            "_rels/.rels": f'{head}<Relationship Id="r1" Type="{relation}/officeDocument" Target="odd/main.xml"/></Relationships>',
            "odd/_rels/main.xml.rels": f'{head}<Relationship Id="r1" Type="{relation}/footnotes" Target="notes.xml"/></Relationships>',
            "odd/main.xml": f"<w:document {namespaces}><w:body>{body}</w:body></w:document>",
            "odd/notes.xml": f"<w:footnotes {namespaces}>{notes}</w:footnotes>",
        }
    )


def run(text: str) -> str:
    return f"<w:r><w:t>{text}</w:t></w:r>"


def test_word_writes_headings_lists_and_tables():
    document, out = docx.Document(), io.BytesIO()
    document.add_heading("Plants", level=1)
    document.add_paragraph("Plants make sugar from light.")
    document.add_paragraph("chlorophyll", style="List Bullet")
    table = document.add_table(rows=2, cols=2)
    for cell, text in zip([cell for row in table.rows for cell in row.cells], "ABCD", strict=True):
        cell.text = text
    document.save(out)
    assert text_of("a.docx", out.getvalue()).split("\n\n") == [
        "# Plants",
        "Plants make sugar from light.",
        "chlorophyll",
        "| A | B |\n| --- | --- |\n| C | D |",
    ]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (f"<w:sdt><w:sdtContent><w:p>{run('In a control.')}</w:p></w:sdtContent></w:sdt>", "In a control."),
        (
            f"<w:p><w:ins>{run('Kept')}</w:ins><w:del><w:r><w:delText>gone</w:delText></w:r></w:del></w:p>",
            "Kept",
        ),
        (f"<w:p>{run('E = ')}<m:oMath><m:r><m:t>mc²</m:t></m:r></m:oMath></w:p>", "E = mc²"),
        (
            f"<w:p><mc:AlternateContent><mc:Choice><w:txbxContent><w:p>{run('In a box.')}</w:p></w:txbxContent></mc:Choice>"
            f"<mc:Fallback><w:txbxContent><w:p>{run('In a box.')}</w:p></w:txbxContent></mc:Fallback></mc:AlternateContent></w:p>",
            "In a box.",
        ),
        (
            f"<w:tbl><w:tr><w:tc><w:tbl><w:tr><w:tc><w:p>{run('Inner')}</w:p></w:tc></w:tr></w:tbl></w:tc></w:tr></w:tbl>",
            "Inner",
        ),
        (
            f"<w:p>{run('one')}<w:r><w:tab/></w:r>{run('two')}<w:r><w:br/></w:r>{run('three')}</w:p>",
            "one\ttwo\nthree",
        ),
    ],
    ids=["control", "tracked", "equation", "text-box", "nested-table", "tab"],
)
def test_word_s_less_common_places_of_text_are_read_once(body: str, text: str):
    assert text_of("a.docx", word(body)).strip() == text


def test_an_archive_that_only_repeats_an_element_is_refused_before_it_is_read():
    reading = read("a.docx", word("<w:p/>" * 400_000))
    assert reading.code == "document_too_complex"


M = "http://schemas.openxmlformats.org/officeDocument/2006/math"


def math(form: str, **arguments: str) -> str:
    inner = "".join(f"<m:{name}>{value}</m:{name}>" for name, value in arguments.items())
    return f"<m:{form}>{inner}</m:{form}>"


def letters(text: str) -> str:
    return f"<m:r><m:t>{text}</m:t></m:r>"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (letters("E=m") + math("sSup", e=letters("c"), sup=letters("2")), "E=mc²"),
        (math("sSub", e=letters("a"), sub=letters("k+n")), "a_{k+n}"),
        (math("f", num=letters("1"), den=letters("n")), "\\frac{1}{n}"),
        (math("rad", deg="", e=letters("x")), "\\sqrt{x}"),
        (
            math("nary", naryPr="<m:chr m:val='∑'/>", sub=letters("i=1"), sup=letters("n"), e=letters("i")),
            "∑_{i=1}^{n} i",
        ),
        (math("d", dPr="<m:begChr m:val='['/><m:endChr m:val=']'/>", e=letters("a")), "[a]"),
        (
            math("m", mr=f"<m:e>{letters('a')}</m:e><m:e>{letters('b')}</m:e>"),
            "\\begin{matrix} a & b \\end{matrix}",
        ),
        (math("func", fName=letters("cos"), e=letters("x")), "cos x"),
        (math("limLow", e=letters("lim"), lim=letters("n")), "lim_{n}"),
    ],
    ids=["power", "index", "fraction", "root", "sum", "bracket", "matrix", "function", "limit"],
)
def test_equations_keep_their_structure(body: str, text: str):
    paragraph = f"<w:p><m:oMath xmlns:m='{M}'>{body}</m:oMath></w:p>"
    assert text_of("a.docx", word(paragraph)) == text


@pytest.mark.parametrize(
    ("description", "text"),
    [
        ("A leaf in the sun", "A leaf in the sun"),
        ("Image", ""),
        ("A leaf. Description automatically generated", ""),
    ],
)
def test_what_an_author_says_about_a_picture_is_read(description: str, text: str):
    drawing = f"<w:r><w:drawing><docPr descr='{description}'/></w:drawing></w:r>"
    body = f"<w:p>{run('Before.')}{drawing}</w:p>"
    assert text_of("a.docx", word(body)).removeprefix("Before.").strip() == text


def test_the_title_of_a_text_is_its_first_heading():
    style = "<w:pPr><w:pStyle w:val='Title'/></w:pPr>"
    assert text_of("a.docx", word(f"<w:p>{style}{run('Plants')}</w:p>")) == "# Plants"


def test_a_footnote_follows_its_paragraph():
    body = f"<w:p>{run('Claim.')}<w:r><w:footnoteReference w:id='2'/></w:r></w:p><w:p>{run('Next.')}</w:p>"
    notes = f"<w:footnote w:id='2'><w:p>{run('Its source.')}</w:p></w:footnote>"
    assert text_of("a.docx", word(body, notes)).split("\n\n") == ["Claim.", "Its source.", "Next."]


# -- slides, OpenDocument, books ----------------------------------------------------------------------------------------


def test_slides_keep_titles_tables_and_notes():
    deck, out = Presentation(), io.BytesIO()
    slide = deck.slides.add_slide(deck.slide_layouts[1])
    assert slide.shapes.title is not None
    slide.shapes.title.text = "Cells"
    slide.placeholders[1].text = "A cell has a membrane."  # pyright: ignore[reportAttributeAccessIssue] - it has a text frame
    table = slide.shapes.add_table(1, 2, Inches(1), Inches(1), Inches(2), Inches(1)).table
    table.cell(0, 0).text, table.cell(0, 1).text = "nucleus", "DNA"
    notes = slide.notes_slide.notes_text_frame
    assert notes is not None
    notes.text = "Say it slowly."
    deck.save(out)
    text = text_of("a.pptx", out.getvalue())
    assert text.startswith("## Cells\n\nA cell has a membrane.")
    assert "| nucleus | DNA |" in text
    assert text.endswith("Say it slowly.")


def test_an_opendocument_text_keeps_notes_after_their_paragraph():
    content = (
        '<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
        ' xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:text>'
        '<text:h text:outline-level="2">Title</text:h><text:p>One<text:s text:c="2"/>two'
        "<text:note><text:note-body><text:p>A note.</text:p></text:note-body></text:note>.</text:p>"
        "<text:list><text:list-item><text:p>Item</text:p></text:list-item></text:list>"
        "</office:text></office:body></office:document-content>"
    )
    files = {"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": content}
    assert text_of("a.odt", zipped(files)).split("\n\n") == ["## Title", "One  two.", "A note.", "- Item"]


def test_a_note_in_a_table_of_an_opendocument_text_is_read_once():
    note = "<text:note><text:note-body><text:p>A note.</text:p></text:note-body></text:note>"
    cell = f"<table:table-cell><text:p>Leaf{note}</text:p></table:table-cell>"
    content = (
        '<office:text xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
        ' xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"'
        ' xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0">'
        f"<table:table><table:table-row>{cell * 2}</table:table-row></table:table></office:text>"
    )
    files = {"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": content}
    assert text_of("a.odt", zipped(files)) == "| Leaf | Leaf |\n| --- | --- |\n\nA note."


def test_a_book_is_read_in_the_order_of_its_spine(tmp_path: object):
    library = cast(Any, epub)
    book = library.EpubBook()
    chapters = [library.EpubHtml(title=name, file_name=f"{name}.xhtml") for name in ("b", "a")]
    for chapter, text in zip(chapters, ("First chapter.", "Second chapter."), strict=True):
        chapter.content = f"<html><body><h1>Title</h1><p>{text}</p></body></html>"
        book.add_item(chapter)
    book.spine = chapters
    book.add_item(library.EpubNcx())
    path = f"{tmp_path}/book.epub"
    library.write_epub(path, book)
    with open(path, "rb") as file:
        content = file.read()
    assert places_of("book.epub", content) == [
        ("chapter 1: Title", "# Title\n\nFirst chapter."),
        ("chapter 2: Title", "# Title\n\nSecond chapter."),
    ]


def test_a_page_is_what_its_reader_sees():
    page = (
        "<!DOCTYPE html><html><head><title>No</title><style>p{}</style></head><body><nav>Menu</nav><h2>Wine</h2>"
        "<p>Wine is made<br>from <b>grapes</b>.</p><script>x()</script><ul><li>red</li></ul>"
        "<table><tr><th>Year</th><th>Litres</th></tr><tr><td>2001</td><td>5</td></tr></table></body></html>"
    )
    assert text_of("page.html", page.encode()).split("\n\n") == [
        "## Wine",
        "Wine is made from grapes.",
        "- red",
        "| Year | Litres |\n| --- | --- |\n| 2001 | 5 |",
    ]


# -- places -----------------------------------------------------------------------------------------------------------


def places_of(name: str, content: bytes) -> list[tuple[str, str]]:
    """Each place of a document, and the text that begins there."""
    reading = read(name, content)
    assert reading.places is not None
    bounds = [*reading.places.starts, len(reading.text)]
    return [
        (str(reading.places.at(start)), reading.text[start:end].strip())
        for start, end in itertools.pairwise(bounds)
    ]


def test_subtitles_tell_the_time_of_each_cue():
    cues = [("00:00:01,000", "Plants are"), ("00:01:30,500", "green."), ("01:00:02,000", "Water is blue.")]
    srt = "\n\n".join(f"1\n{time} --> {time}\n{text}" for time, text in cues)
    assert places_of("a.srt", srt.encode()) == [
        ("0:00:01", "Plants are"),
        ("0:01:30", "green."),
        ("1:00:02", "Water is blue."),
    ]


def test_slides_are_numbered_as_in_the_deck():
    deck, out = Presentation(), io.BytesIO()
    for text in ("Cells", "", "Organs"):
        slide = deck.slides.add_slide(deck.slide_layouts[5])
        assert slide.shapes.title is not None
        slide.shapes.title.text = text
    deck.save(out)
    assert places_of("a.pptx", out.getvalue()) == [("slide 1", "## Cells"), ("slide 3", "## Organs")]


def test_slides_of_an_opendocument_presentation_are_numbered():
    pages = "".join(
        f"<draw:page><draw:frame><draw:text-box><text:p>{text}</text:p></draw:text-box></draw:frame></draw:page>"
        for text in ("Cells", "", "Organs")
    )
    content = (
        '<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
        ' xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0"'
        ' xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0">'
        f"<office:body>{pages}</office:body></office:document-content>"
    )
    files = {"mimetype": "application/vnd.oasis.opendocument.presentation", "content.xml": content}
    assert places_of("a.odp", zipped(files)) == [("slide 1", "Cells"), ("slide 3", "Organs")]


# -- plain text -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"]
)
def test_a_text_is_read_in_any_encoding(encoding: str):
    assert text_of("a.txt", (FRENCH * 5).encode(encoding)) == FRENCH * 5


def test_subtitles_are_running_text():
    srt = "1\n00:00:01,000 --> 00:00:02,000\n<i>Hello</i> there,\n\n2\n00:00:02,000 --> 00:00:03,000\ngeneral.\n"
    vtt = "WEBVTT\n\n00:01.000 --> 00:02.000\n<v Ada>Hello there,\n\n00:02.000 --> 00:03.000\ngeneral.\n"
    assert text_of("a.srt", srt.encode()) == "Hello there, general."
    assert text_of("a.vtt", vtt.encode()) == "Ada: Hello there, general."


def test_a_notebook_is_its_prose_and_code():
    cells = [
        {"cell_type": "markdown", "source": ["# Title\n", "Prose."]},
        {"cell_type": "code", "source": "x = 1", "outputs": [{"text": "secret"}]},
    ]
    content = json.dumps({"nbformat": 4, "cells": cells}).encode()
    assert text_of("a.ipynb", content) == "# Title\nProse.\n\n```\nx = 1\n```"


def test_a_table_of_two_columns_is_terms_and_meanings():
    assert (
        text_of("a.csv", b"osmosis;passage of water\nATP;energy\n")
        == "osmosis: passage of water\n\nATP: energy"
    )
    assert text_of("a.csv", b"a,b,c\n1,2,3\n") == "| a | b | c |\n| --- | --- | --- |\n| 1 | 2 | 3 |"


def test_rich_text_is_read():
    assert text_of("a.rtf", rb"{\rtf1\ansi Plants make \'e9nergie.\par}").strip() == "Plants make énergie."


# -- what is told -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1", "unsupported_document"),
        ("a.zip", zipped({"a.txt": "text"}), "unsupported_document"),
        ("a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "unsupported_document"),
        (
            "a.docx",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"),
            "locked_document",
        ),
        ("a.pdf", b"<html>Not found", "broken_document"),
        ("a.ipynb", b"{}", "broken_document"),
        ("a.txt", b"", "empty_text"),
        ("a.txt", b"a" * 1_048_577, "text_too_long"),
    ],
)
def test_what_cannot_be_read_says_why(name: str, content: bytes, code: str):
    assert read(name, content).code == code
