"""What a learner hands in: a file, or `-` for what is piped in."""

from pathlib import Path
from typing import BinaryIO

from msgspec import Struct

from etude.errors import ExitCode, Failure

STDIN = "-"
DOCUMENTS = {
    ".pdf": "application/pdf",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}
"""Sent as they are: the server knows how to read them."""


class Document(Struct, frozen=True):
    name: str
    media_type: str
    content: bytes


def read_text(file: str, stdin: BinaryIO) -> str:
    try:
        return _read(file, stdin).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Failure(ExitCode.USAGE, f"{file} is not UTF-8 text") from None


def read_source(file: str, stdin: BinaryIO) -> str | Document:
    """The text of the file, or the file itself when it is a document."""
    media_type = DOCUMENTS.get(Path(file).suffix.lower())
    if media_type is None:
        return read_text(file, stdin)
    return Document(Path(file).name, media_type, _read(file, stdin))


def _read(file: str, stdin: BinaryIO) -> bytes:
    if file == STDIN:
        return stdin.read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise Failure(ExitCode.USAGE, f"{file} cannot be read ({error.strerror})") from None
