"""Reads pictures of text with tesseract, one process for each page."""

import ctypes
import os
import resource
import signal
import subprocess
import time
from typing import Protocol, cast

import pypdfium2  # pyright: ignore[reportMissingTypeStubs] - it has annotations, and no marker that says so

from gateway.documents.formats.document import Recognition

LANGUAGES = ("fra", "eng")
"""Models of tesseract that are used where they are installed."""
DOTS_PER_INCH, POINTS_PER_INCH = 200, 72
MAX_PIXELS = 6_000_000
"""Limit of a picture that is made of a page: half as much again as A4 has."""
PAGE_CPU_SECONDS, PAGE_SECONDS = 6, 15.0
"""Processor time and time for one page. One that needs more stays unread."""
RENDER_SECONDS = 5.0
"""Time in which a page is drawn. Its alarm ends the process, because pdfium cannot be interrupted."""
_PR_SET_PDEATHSIG = 1


class _Bitmap(Protocol):
    """A picture as pdfium makes it: a byte for each pixel, in rows of `stride` bytes."""

    buffer: bytes
    width: int
    height: int
    stride: int


MIN_PICTURE_BYTES = 256
"""A smaller file holds no letter that can be read; starting the program for it takes seconds on a busy machine."""


class Recogniser:
    """Reads as many pictures as `recognition` allows, in the time that it allows."""

    def __init__(self, recognition: Recognition) -> None:
        self._command = recognition.command
        self._left = recognition.pages
        self._ends_at = time.monotonic() + recognition.seconds
        self._languages = self._installed_languages()

    def read_page(self, page: pypdfium2.PdfPage) -> list[str]:
        """The lines of the page; none if it cannot be read."""
        return self.read_picture(_picture_of(page)) if self._left > 0 else []

    def read_picture(self, picture: bytes) -> list[str]:
        """`picture` is a PNG, JPEG or PGM file."""
        if (
            len(picture) < MIN_PICTURE_BYTES
            or self._left <= 0
            or time.monotonic() >= self._ends_at
            or not self._languages
        ):
            return []
        self._left -= 1
        text = self._run("stdin", "stdout", "-l", "+".join(self._languages), "--psm", "1", picture=picture)
        return [line.strip() for line in text.strip().split("\n")] if text.strip() else []

    def _installed_languages(self) -> list[str]:
        installed = self._run("--list-langs").split("\n")
        return [language for language in LANGUAGES if language in installed]

    def _run(self, *args: str, picture: bytes = b"") -> str:
        try:
            done = subprocess.run(
                [self._command, *args],
                input=picture,
                capture_output=True,
                timeout=min(PAGE_SECONDS, max(0.0, self._ends_at - time.monotonic())),
                env={"OMP_THREAD_LIMIT": "1"},
                cwd="/",
                preexec_fn=_end_with_parent,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return ""
        return done.stdout.decode(errors="replace") if done.returncode == 0 else ""


def _end_with_parent() -> None:
    """A page has its own processor time, and ends when the reading process is ended."""
    resource.setrlimit(resource.RLIMIT_CPU, (PAGE_CPU_SECONDS, PAGE_CPU_SECONDS))
    if os.uname().sysname == "Linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _picture_of(page: pypdfium2.PdfPage) -> bytes:
    """The page in grey, as PGM."""
    width, height = page.get_size()
    scale = DOTS_PER_INCH / POINTS_PER_INCH
    scale *= min(1.0, (MAX_PIXELS / max(1.0, width * height * scale * scale)) ** 0.5)
    signal.setitimer(signal.ITIMER_REAL, RENDER_SECONDS)
    bitmap = cast(_Bitmap, page.render(scale=scale, grayscale=True))  # pyright: ignore[reportUnknownMemberType, reportArgumentType] - it has no types, and takes a fraction
    signal.setitimer(signal.ITIMER_REAL, 0)
    rows = memoryview(bitmap.buffer).cast("B")
    starts = range(0, bitmap.stride * bitmap.height, bitmap.stride)
    pixels = b"".join(rows[start : start + bitmap.width] for start in starts)
    return b"P5 %d %d 255\n" % (bitmap.width, bitmap.height) + pixels
