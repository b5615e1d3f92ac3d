"""Places in a document: the page, slide, chapter or moment in which a quote begins."""

from bisect import bisect_right
from datetime import timedelta
from enum import StrEnum

from msgspec import Struct


class PlaceKind(StrEnum):
    PAGE = "page"
    SLIDE = "slide"
    CHAPTER = "chapter"
    TIME = "time"


class Place(Struct, frozen=True, omit_defaults=True):
    """One place. Pages, slides and chapters count from 1 in the order of the file; a time is in seconds from the beginning."""

    kind: PlaceKind
    number: int
    title: str = ""
    """The first heading of a chapter; absent if there is none."""

    def __str__(self) -> str:
        if self.kind is PlaceKind.TIME:
            return str(timedelta(seconds=self.number))
        return f"{self.kind} {self.number}" + (f": {self.title}" if self.title else "")


class PlaceMarks(Struct, frozen=True, omit_defaults=True):
    """Where the places of a document begin in its text, as columns: a book of a thousand pages needs 12 kB of JSON."""

    kind: PlaceKind
    starts: list[int] = []
    """Offsets in code points, ascending."""
    numbers: list[int] = []
    titles: list[str] = []
    """Empty, or one for each place."""

    def at(self, offset: int) -> Place | None:
        """The place that an offset of the text lies in."""
        index = bisect_right(self.starts, offset) - 1
        if index < 0:
            return None
        return Place(self.kind, self.numbers[index], self.titles[index] if self.titles else "")
