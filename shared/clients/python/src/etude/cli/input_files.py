"""Reads what the command line names as input: a file, or `-` for stdin."""

from pathlib import Path
from typing import BinaryIO

from etude.api_models import File
from etude.cli.failure import ExitCode, Failure

STDIN = "-"
DOCUMENTS = {
    ".pdf": "application/pdf",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}
"""File name suffix to media type of the documents that are uploaded unread: the server extracts their text."""


def read_text(file: str, stdin: BinaryIO) -> str:
    try:
        return _read(file, stdin).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Failure(ExitCode.USAGE, f"{file} is not UTF-8 text") from None


def read_source(file: str, stdin: BinaryIO) -> str | File:
    """The text of the file, or the file itself when it is a document."""
    media_type = DOCUMENTS.get(Path(file).suffix.lower())
    if media_type is None:
        return read_text(file, stdin)
    return File(Path(file).name, _read(file, stdin), media_type)


def _read(file: str, stdin: BinaryIO) -> bytes:
    if file == STDIN:
        return stdin.read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise Failure(ExitCode.USAGE, f"{file} cannot be read ({error.strerror})") from None
