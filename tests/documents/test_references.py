"""What is read of a document has the words that other tools read: pandoc for office formats, poppler for PDF.

They run as programs of their own. Where one is not installed its tests are skipped, and fail where CI promises it.
"""

import os
import re
import shutil
import subprocess
import unicodedata
from collections import Counter
from pathlib import Path

import pytest
from tests.documents.typeset import HEAD, book, paragraphs
from tests.paths import TEXTS

from gateway.documents.reading_process import ReadingRequest, read

PANDOC, PDFTOTEXT = shutil.which("pandoc") or "", shutil.which("pdftotext") or ""
IS_PROMISED = os.environ.get("CI") == "true"  # noqa: TID251 - what this machine promises
with_pandoc = pytest.mark.skipif(not (PANDOC or IS_PROMISED), reason="pandoc is not installed")
with_pdftotext = pytest.mark.skipif(not (PDFTOTEXT or IS_PROMISED), reason="pdftotext is not installed")
MAX_DIFFERENCE = 0.05
"""Share of the reference's words that may be missing, and that may be there beside them."""
MARKDOWN = """# Plants

{text}

- chlorophyll is *green*
- stomata are **pores**[^1]

| organ | task |
|-------|------|
| leaf  | light |
| root  | water |

> A quotation of a botanist.

[^1]: Small openings of a leaf.
"""


def words(text: str) -> Counter[str]:
    return Counter(re.findall(r"\w{2,}", unicodedata.normalize("NFKC", text).lower()))


def assert_same_words(ours: str, reference: str) -> None:
    mine, theirs = words(ours), words(reference)
    missing, added = (theirs - mine).total(), (mine - theirs).total()
    assert max(missing, added) <= MAX_DIFFERENCE * theirs.total(), (theirs - mine, mine - theirs)


def text_of(path: Path) -> str:
    return read(ReadingRequest(path.name, 5_242_880, 1_000), path.read_bytes()).text


def run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


@with_pandoc
@pytest.mark.parametrize("suffix", ["docx", "odt", "epub", "rtf", "html", "ipynb"])
@pytest.mark.parametrize("source", sorted(TEXTS.glob("*.txt")), ids=lambda path: path.stem)
def test_what_pandoc_writes_has_the_words_of_its_source(suffix: str, source: Path, tmp_path: Path):
    markdown = tmp_path / "source.md"
    markdown.write_text(MARKDOWN.format(text=source.read_text()))
    path = tmp_path / f"document.{suffix}"
    run(PANDOC, "--standalone", "--metadata", "title= ", str(markdown), "-o", str(path))
    assert_same_words(text_of(path), run(PANDOC, "--to", "plain", "--wrap", "none", str(markdown)))


@with_pandoc
def test_slides_that_pandoc_writes_have_the_words_of_their_source(tmp_path: Path):
    markdown, path = tmp_path / "source.md", tmp_path / "deck.pptx"
    markdown.write_text("\n\n".join(f"# Slide {n}\n\n- {text}" for n, text in enumerate(paragraphs(8))))
    run(PANDOC, str(markdown), "-o", str(path))
    assert_same_words(text_of(path), markdown.read_text())


@with_pdftotext
@pytest.mark.parametrize("columns", [1, 2])
def test_a_pdf_has_the_words_that_poppler_reads(columns: int, tmp_path: Path):
    path = tmp_path / "book.pdf"
    path.write_bytes(book(paragraphs(30), columns=columns))
    reference = re.sub(r"(\w)[-‐\u00ad]\n(?=\w)", r"\1", run(PDFTOTEXT, str(path), "-").replace(HEAD, ""))
    assert_same_words(text_of(path), reference)
