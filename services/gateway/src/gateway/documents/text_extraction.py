"""Extracts the text of uploaded documents: plain text, Markdown, PDF, DOCX. Input and output are bounded."""

import asyncio
import io
import zipfile
from collections.abc import Callable, Iterable
from pathlib import PurePath

import docx
import pypdf

from shared.adapters.cpu_pool import run_in_cpu_pool
from shared.domain.errors import (
    EmptyText,
    FieldProblem,
    InvalidEncoding,
    InvalidFields,
    StudyError,
    TooLarge,
    UnsupportedDocument,
)
from shared.runtime.http.request_body import JSON_BYTES

DOCUMENT_BYTES = 10 * JSON_BYTES
"""Largest document, in bytes. Its text may be as long as that of a JSON body."""
UNPACKED_BYTES = 10 * DOCUMENT_BYTES
"""Largest unpacked size of a DOCX, in bytes: it is a ZIP archive, which can unpack to far more than its size."""
MAX_PAGES = 1_000
"""Most pages of a PDF."""
READERS = 2
"""Documents read at a time: parsing needs the CPU, which other requests need meanwhile."""


class DocumentReader:
    """Reads documents in threads, at most `READERS` at a time."""

    def __init__(self) -> None:
        self._slots = asyncio.Semaphore(READERS)

    async def read(self, name: str, content: bytes) -> str:
        """The text of a document, whose format is the suffix of its name.

        Raises `UnsupportedDocument`, `InvalidEncoding`, `TooLarge`, `EmptyText`, and `InvalidFields` for NUL characters.
        """
        async with self._slots:
            text = await run_in_cpu_pool(_read, name, content)
        if not text.strip():
            raise EmptyText
        return text


def _read(name: str, content: bytes) -> str:
    reader = _READERS.get(PurePath(name).suffix.lower())
    if reader is None:
        raise UnsupportedDocument
    try:
        text = reader(content)
    except StudyError:
        raise
    except Exception:  # noqa: BLE001 - the parsers raise any exception on a broken file
        raise UnsupportedDocument from None
    if len(text.encode()) > JSON_BYTES:
        raise TooLarge(limit=JSON_BYTES)
    return text


def _read_text(content: bytes) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidEncoding from None
    if "\0" in text:
        raise InvalidFields(FieldProblem("/file", "nul_character"))
    return text


def _read_pdf(content: bytes) -> str:
    pages = pypdf.PdfReader(io.BytesIO(content)).pages
    if len(pages) > MAX_PAGES:
        raise TooLarge(limit=JSON_BYTES)
    return _joined(page.extract_text() for page in pages)


def _read_docx(content: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > UNPACKED_BYTES:
            raise TooLarge(limit=UNPACKED_BYTES)
    return _joined(paragraph.text for paragraph in docx.Document(io.BytesIO(content)).paragraphs)


def _joined(parts: Iterable[str]) -> str:
    """Stops once the text is too long. Characters that the stores cannot keep are replaced: a user cannot edit a PDF."""
    text: list[str] = []
    length = 0
    for part in parts:
        text.append(part.replace("\0", "\ufffd").encode(errors="replace").decode())
        length += len(part)
        if length > JSON_BYTES:
            raise TooLarge(limit=JSON_BYTES)
    return "\n\n".join(text)


_READERS: dict[str, Callable[[bytes], str]] = {
    ".txt": _read_text,
    ".md": _read_text,
    ".markdown": _read_text,
    ".pdf": _read_pdf,
    ".docx": _read_docx,
}
