"""Reads the worked examples of CONTRIBUTING.md and applies them to a copy of the repository."""

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

HEADING = re.compile(r"^## (?P<title>.+)$", re.MULTILINE)
BLOCK = re.compile(
    r"^(?P<sentence>[^\n]*)\n\n?```(?P<syntax>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
CREATE = re.compile(r"^Create `(?P<path>[^`]+)`:$")
CHANGE = re.compile(
    r"^In `(?P<path>[^`]+)`, (?P<place>above|below|in place of) (?:the (?P<which>first|second) )?"
    r"(?:`` ?(?P<quoted>.+?) ?``|`(?P<plain>[^`]+)`):$"
)
COMMAND = re.compile(r"^\$ make test TESTS=(?:'(?P<many>[^']+)'|(?P<one>\S+))$", re.MULTILINE)
ORDINALS = {None: 0, "first": 0, "second": 1}


class UnclearExample(Exception):
    """The page asks for a change that cannot be made to the tree as it is."""


class Edit(Struct, frozen=True):
    """One code block, and the place that the sentence above it names."""

    path: str
    place: str
    """`create`, `above`, `below` or `in place of`."""
    anchor: str
    """The line next to which the block goes, without its indentation."""
    which: int
    """Which of several such lines is meant, from 0; -1 means that there must be only one."""
    text: str

    def apply(self, root: Path) -> None:
        """Raises `UnclearExample`."""
        path = root / self.path
        if self.place == "create":
            path.write_text(self.text, encoding="utf-8")
            return
        lines = path.read_text(encoding="utf-8").splitlines()
        at = self._line_of(lines)
        added = _indent(self.text, like=lines[at]).splitlines()
        start = at + 1 if self.place == "below" else at
        end = at + 1 if self.place == "in place of" else start
        lines[start:end] = added
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def _line_of(self, lines: list[str]) -> int:
        found = [number for number, line in enumerate(lines) if line.strip() == self.anchor]
        if not found or (self.which < 0 and len(found) > 1) or self.which >= len(found):
            raise UnclearExample(f"{self.path} has {len(found)} lines {self.anchor!r}")
        return found[max(self.which, 0)]


class Example(Struct, frozen=True):
    """The section of one worked example."""

    title: str
    edits: tuple[Edit, ...]
    tests: tuple[str, ...]
    """What its command passes to `make test`."""


def read_examples(page: str) -> list[Example]:
    """The sections that change files."""
    headings = [*HEADING.finditer(page)]
    ends = [heading.start() for heading in headings[1:]] + [len(page)]
    sections = [(one["title"], page[one.end() : end]) for one, end in zip(headings, ends, strict=True)]
    read = [Example(title, tuple(_edits(text)), tuple(_tests(text))) for title, text in sections]
    return [example for example in read if example.edits]


def _edits(section: str) -> Iterator[Edit]:
    for block in BLOCK.finditer(section):
        if created := CREATE.match(block["sentence"]):
            yield Edit(created["path"], "create", "", -1, block["text"])
        elif changed := CHANGE.match(block["sentence"]):
            which = -1 if changed["which"] is None else ORDINALS[changed["which"]]
            anchor = changed["quoted"] or changed["plain"]
            yield Edit(changed["path"], changed["place"], anchor, which, block["text"])
        elif block["syntax"] != "console":
            raise UnclearExample(f"no place for the block below {block['sentence']!r}")


def _tests(section: str) -> Iterator[str]:
    for command in COMMAND.finditer(section):
        yield from (command["many"] or command["one"]).split()


def _indent(text: str, *, like: str) -> str:
    """Indent a block like a line. Only its code is indented, not the lines inside a multi-line string."""
    margin = like[: len(like) - len(like.lstrip())]
    head, quotes, inside = text.partition('"""\\\n')
    return textwrap.indent(head + quotes.rstrip("\n"), margin) + ("\n" + inside if quotes else "")
