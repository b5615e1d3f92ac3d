"""Reads one document in a process of its own: the file on standard input, the reading as JSON on standard output.

Its limits end it whatever the file makes a parser do: processor time, memory, no files, no environment. It ends with its
parent. It reads the name of the file from the first line.
"""

import os
import resource
import sys
from contextlib import suppress
from pathlib import Path

import msgspec

from gateway.documents.formats.detection import reader_of
from gateway.documents.formats.document import MAX_CHARACTERS, Document, Unreadable

CPU_SECONDS = 8
MEMORY_BYTES = 384 * 1024 * 1024
"""Address space. Two readings and a gateway fit into the memory that a container gets (768 MB)."""
MAX_OUTPUT_BYTES = 8 * MAX_CHARACTERS
"""Largest answer: JSON writes a character in six bytes at most."""
FIRST_TO_END = "1000"
"""A container that is short of memory ends a reading, and not the gateway."""
NICENESS = 10
"""A reader yields the processor to whatever serves requests."""


class Reading(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a reading process answers: a text, or why there is none."""

    text: str = ""
    unread_pages: list[int] = []
    code: str = ""


def main() -> None:
    limit_process()
    name = sys.stdin.buffer.readline().decode(errors="replace").strip()
    sys.stdout.buffer.write(msgspec.json.encode(read(name, sys.stdin.buffer.read())))


def limit_process() -> None:
    os.nice(NICENESS)
    with suppress(OSError), Path("/proc/self/oom_score_adj").open("w") as score:  # Linux
        score.write(FIRST_TO_END)
    limits = {
        resource.RLIMIT_CPU: CPU_SECONDS,
        resource.RLIMIT_AS: MEMORY_BYTES,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
    }
    for kind, most in limits.items():
        resource.setrlimit(kind, (most, most))


def read(name: str, content: bytes) -> Reading:
    try:
        document: Document = reader_of(name, content)(content)
    except Unreadable as error:
        return Reading(code=error.code)
    except (MemoryError, RecursionError):
        return Reading(code="document_too_complex")
    except Exception:  # noqa: BLE001 - the parsers raise any exception on a broken file
        return Reading(code="broken_document")
    return _as_reading(document)


def _as_reading(document: Document) -> Reading:
    """Characters that the stores cannot keep are replaced: a user cannot edit a PDF."""
    text = document.text.replace("\0", "\ufffd").encode(errors="replace").decode()
    if len(text.encode()) > MAX_CHARACTERS:
        return Reading(code="too_large")
    return Reading(text, document.unread_pages, "" if text.strip() else "empty_text")


if __name__ == "__main__":
    main()
