"""Parses JSON as models write it: as forgiving as a reader who looks for what was meant, and linear in the text's length.

It accepts trailing commas, comments, single quotes, Python's literals, raw line breaks and unescaped quotes inside strings, and
a text that ends too early, of which it keeps every complete element.
"""

import re
from typing import NoReturn

from shared.adapters.llm.token_counter import without_surrogates

MAX_DEPTH = 64
"""Nesting that is read. No schema here is deeper than 5; a model that repeats `[` must not exhaust the stack."""

_BLANK = re.compile(r"(?:[\s\ufeff\u200b]+|\\[nrt]|(?://|#)[^\n]*|/\*(?s:.{0,100}?)\*/|\.\.\.|…)*")
"""Blanks, escaped ones too, comments, and an ellipsis in place of items."""
_NUMBER = re.compile(r"[-+]?\d[\d_]*(?:\.\d+)?(?:[eE][-+]?\d+)?")
_NAME = re.compile(r"[^\W\d][\w$-]*")
_LITERALS = {
    "true": True,
    "True": True,
    "false": False,
    "False": False,
    "null": None,
    "None": None,
    **dict.fromkeys(("NaN", "Infinity", "-Infinity", "undefined")),
}
_LITERAL = re.compile(r"-?[^\W\d]\w*")
_QUOTES = {'"': '"', "'": "'", "“": "”", "”": "”"}
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", '"': '"', "\\": "\\", "/": "/", "'": "'"}
_AFTER_STRING = re.compile(r"(?:[\s\ufeff]|\\[nrt])*(?:[,:}\]]|$|//|/\*|[\"'][\w -]{1,40}[\"']\s*:)")
"""What may follow a string; the last is a key before which a comma is missing."""
_HEX = re.compile(r"[0-9a-fA-F]{4}")


class UnreadableJson(ValueError):
    """No JSON value starts here, even with goodwill."""

    position = 0
    """How far the text was read."""


class TooDeep(UnreadableJson):
    """Nested beyond `MAX_DEPTH`."""


class EndOfText(UnreadableJson):
    """The text ends inside a value."""


def parse_value(text: str, start: int) -> tuple[object, int]:
    """Parse the value that begins at `start`. Returns the value and the position after it. Raises `UnreadableJson`."""
    parser = _Parser(text, start)
    try:
        return parser.value(MAX_DEPTH), parser.position
    except UnreadableJson as error:
        error.position = parser.position
        raise


class _Parser:
    def __init__(self, text: str, start: int) -> None:
        self._text = text
        self.position = start

    def value(self, depth: int) -> object:
        if depth == 0:
            raise TooDeep("nested too deeply")
        match self._next():
            case "{":
                return self._object(depth)
            case "[":
                return self._array(depth)
            case quote if quote in _QUOTES:
                return self._string(_QUOTES[quote])
            case _:
                return self._number_or_literal()

    def _object(self, depth: int) -> dict[str, object]:
        found: dict[str, object] = {}
        self.position += 1
        try:
            while self._next() != "}":
                key = self._key()
                if self._next() != ":":
                    self._fail("no colon after a key")
                self.position += 1
                value = self.value(depth - 1)
                if (
                    value is not None or key not in found
                ):  # a null says nothing that takes back what was there
                    found[key] = value
                self._separator("}")
            self.position += 1
        except EndOfText:
            self.position = len(self._text)
        return found

    def _array(self, depth: int) -> list[object]:
        found: list[object] = []
        self.position += 1
        try:
            while self._next() != "]":
                found.append(self.value(depth - 1))
                self._separator("]")
            self.position += 1
        except EndOfText:
            self.position = len(self._text)
        return found

    def _separator(self, end: str) -> None:
        """Pass over a comma. A missing one is forgiven where the next value cannot be mistaken."""
        following = self._next()
        if following == ",":
            self.position += 1
        elif following != end and following not in '{["':
            self._fail("neither a comma nor an end after a value")

    def _key(self) -> str:
        quote = self._next()
        if quote in _QUOTES:
            return self._string(_QUOTES[quote])
        name = _NAME.match(self._text, self.position)
        if name is None:
            self._fail("no key")
        self.position = name.end()
        return name[0]

    def _string(self, end: str) -> str:
        """A quote ends the string only where JSON may go on after it, so an unescaped quote inside is kept."""
        pieces: list[str] = []
        special = re.compile(rf"[{end}\\]")
        start = self.position + 1
        while (found := special.search(self._text, start)) is not None:
            pieces.append(self._text[start : found.start()])
            if found[0] == "\\":
                piece, start = self._escape(found.end())
                pieces.append(piece)
            elif _AFTER_STRING.match(self._text, found.end()):
                self.position = found.end()
                return without_surrogates("".join(pieces))
            else:
                pieces.append(found[0])
                start = found.end()
        self.position = len(self._text)
        raise EndOfText("a string does not end")

    def _escape(self, at: int) -> tuple[str, int]:
        """The escaped character and the position after it. An unknown escape keeps its backslash, as in formulas."""
        mark = self._text[at : at + 1]
        if mark == "u" and (code := _HEX.match(self._text, at + 1)):
            return chr(int(code[0], 16)), code.end()
        return _ESCAPES.get(mark, f"\\{mark}"), at + len(mark)

    def _number_or_literal(self) -> object:
        if number := _NUMBER.match(self._text, self.position):
            self.position = number.end()
            return _to_number(number[0])
        name = _LITERAL.match(self._text, self.position)
        if name is None or name[0] not in _LITERALS:
            self._fail("no value")
        self.position = name.end()
        return _LITERALS[name[0]]

    def _next(self) -> str:
        """The next character that means something, which is not passed over."""
        blank = _BLANK.match(self._text, self.position)
        self.position = blank.end() if blank else self.position
        if self.position >= len(self._text):
            raise EndOfText("the text ends inside a value")
        return self._text[self.position]

    def _fail(self, reason: str) -> NoReturn:
        raise UnreadableJson(reason)


def _to_number(text: str) -> object:
    plain = text.replace("_", "")
    try:
        return int(plain)
    except ValueError:
        return float(plain)
