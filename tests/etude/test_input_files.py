"""Reading what a learner hands in."""

from io import BytesIO
from pathlib import Path

import pytest

from etude.api_models import File
from etude.cli.failure import ExitCode, Failure
from etude.cli.input_files import read_source, read_text


def test_a_text_file_is_read_as_utf_8_without_its_byte_order_mark(tmp_path: Path):
    file = tmp_path / "notes.md"
    file.write_bytes("\ufeffL’été".encode())

    assert read_source(str(file), BytesIO()) == "L’été"


def test_a_dash_reads_what_is_piped_in():
    assert read_text("-", BytesIO(b"piped")) == "piped"


def test_a_document_is_sent_as_it_is(tmp_path: Path):
    file = tmp_path / "Course.PDF"
    file.write_bytes(b"%PDF-1.7")

    assert read_source(str(file), BytesIO()) == File("Course.PDF", b"%PDF-1.7", "application/pdf")


def test_a_missing_file_is_a_usage_error(tmp_path: Path):
    with pytest.raises(Failure, match="No such file") as failure:
        read_text(str(tmp_path / "absent.txt"), BytesIO())

    assert failure.value.code is ExitCode.USAGE


def test_text_in_another_encoding_is_refused(tmp_path: Path):
    file = tmp_path / "latin.txt"
    file.write_bytes("été".encode("latin-1"))

    with pytest.raises(Failure, match="UTF-8"):
        read_text(str(file), BytesIO())
