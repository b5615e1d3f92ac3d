"""Reads what the command line names as input: a file, or `-` for stdin."""

from contextlib import suppress
from mimetypes import guess_type
from pathlib import Path
from typing import BinaryIO

from etude.api_models import File
from etude.cli.failure import ExitCode, Failure

STDIN = "-"
TEXT_SUFFIXES = frozenset({"", ".txt", ".text", ".md", ".markdown"})
"""Names of files that are sent as text if they are UTF-8. Others are uploaded unread: the server extracts their text."""


def read_text(file: str, stdin: BinaryIO) -> str:
    try:
        return _read(file, stdin).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Failure(ExitCode.USAGE, f"{file} is not UTF-8 text") from None


def read_source(file: str, stdin: BinaryIO) -> str | File:
    """The text of the file, or the file itself when it is a document."""
    content, name = _read(file, stdin), Path(file).name
    if file == STDIN or Path(file).suffix.lower() in TEXT_SUFFIXES:
        with suppress(UnicodeDecodeError):
            return content.decode("utf-8-sig")
    media_type, _ = guess_type(name)
    return File("stdin" if file == STDIN else name, content, media_type or "application/octet-stream")


def _read(file: str, stdin: BinaryIO) -> bytes:
    if file == STDIN:
        return stdin.read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise Failure(ExitCode.USAGE, f"{file} cannot be read ({error.strerror})") from None
