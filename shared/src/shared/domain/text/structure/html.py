"""Blanks the tags of a text that is HTML, so that its blocks are found like those of plain text, at the same offsets."""

import re
from collections.abc import Callable, Iterator

_BLOCK_NAMES = (
    "address|article|aside|blockquote|body|center|dd|details|div|dl|dt|figcaption|figure|footer|h[1-6]|head|header|hr|html|"
    "li|main|nav|ol|p|pre|section|summary|table|tbody|td|tfoot|th|thead|title|tr|ul"
)
_INLINE_NAMES = (
    "a|abbr|b|big|br|cite|code|del|dfn|em|font|i|img|ins|kbd|label|link|mark|meta|q|s|script|small|span|strong|style|sub|sup|"
    "tt|u|var|wbr"
)
_TAG = re.compile(rf"<(?P<close>/?)(?P<name>{_BLOCK_NAMES}|{_INLINE_NAMES})(?:\s[^<>]*)?/?>|<![^<>]*>", re.I)
_BLOCK_START = re.compile(rf"(?:^[ \t]*|(?<=>)\s*)<(?:{_BLOCK_NAMES})(?:\s[^<>]*)?>", re.I | re.M)
_BLOCK_TAG = re.compile(rf"<(?:{_BLOCK_NAMES})(?:\s[^<>]*)?>", re.I)
_INVISIBLE = frozenset({"script", "style", "head"})
_IN_LINE = frozenset(_INLINE_NAMES.split("|")) - {"br"}
_BREAK = re.compile(r"[^\S ]")


def without_tags(text: str) -> str:
    """The text with white space, bullets and bars in place of tags, as long as before. A text that only mentions tags is left
    as it is."""
    return "".join(_Blanking(text)) if is_html(text) else text


def is_html(text: str) -> bool:
    """Whether most tags of blocks begin a line or follow another tag."""
    if "<" not in text:
        return False
    starts = sum(1 for _ in _BLOCK_START.finditer(text))
    return starts > 0 and 2 * starts >= sum(1 for _ in _BLOCK_TAG.finditer(text))


class _Blanking:
    """Walks over the tags once, and yields the text between them with their replacements."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._is_in_table = self._is_in_row = self._is_head_row = self._is_in_term = False

    def __iter__(self) -> Iterator[str]:
        done = 0
        for tag in _TAG.finditer(self._text):
            if tag.start() < done:
                continue
            yield self._between(self._text[done : tag.start()])
            name, length = (tag["name"] or "").lower(), tag.end() - tag.start()
            done = tag.end()
            if name in _INVISIBLE and not tag["close"]:
                end = re.compile(rf"</{name}\s*>", re.I).search(self._text, done)
                done = end.end() if end else len(self._text)
                length = done - tag.start()
            yield self._replacement(name, length, is_close=bool(tag["close"]))
        yield self._between(self._text[done:])

    def _between(self, piece: str) -> str:
        return _BREAK.sub(" ", piece) if self._is_flat else piece

    @property
    def _is_flat(self) -> bool:
        """Whether line ends have no meaning here, and only rows, cells and meanings begin something."""
        return self._is_in_table or self._is_in_row or self._is_in_term

    def _replacement(self, name: str, length: int, *, is_close: bool) -> str:
        if special := _SPECIAL.get(name):
            return special(self, length, is_close)
        if not name or name in _IN_LINE or self._is_flat:
            return " " * length
        if is_close or name == "br":
            return "\n".ljust(length)
        if name.startswith("h") and name[1:].isdigit():
            return "# ".rjust(length, "\n")
        return "- ".rjust(length - 1).rjust(length, "\n") if name == "li" else "\n\n".ljust(length)

    def row(self, length: int, is_close: bool) -> str:
        """A row of heads is followed by a line of dashes, as in Markdown."""
        was_open, self._is_in_row = self._is_in_row, not is_close
        if not is_close:
            self._is_head_row = False
            return ("\n" if was_open or not self._is_in_table else "").ljust(length)
        return "|\n|-\n".rjust(length) if self._is_head_row and length > 4 else "|\n".rjust(length)

    def cell(self, length: int, is_close: bool) -> str:
        self._is_in_row = True
        return " " * length if is_close else "| ".rjust(length)

    def head_cell(self, length: int, is_close: bool) -> str:
        self._is_head_row = True
        return self.cell(length, is_close)

    def data_cell(self, length: int, is_close: bool) -> str:
        self._is_head_row = False
        return self.cell(length, is_close)

    def term(self, length: int, is_close: bool) -> str:
        self._is_in_term = True
        return " " * length if is_close else "\n".ljust(length)

    def meaning(self, length: int, is_close: bool) -> str:
        self._is_in_term = not is_close
        return "\n".ljust(length) if is_close else ": ".rjust(length)

    def table(self, length: int, is_close: bool) -> str:
        self._is_in_table, self._is_in_row = not is_close, False
        return "\n\n".ljust(length)


_SPECIAL: dict[str, Callable[[_Blanking, int, bool], str]] = {
    "tr": _Blanking.row,
    "th": _Blanking.head_cell,
    "td": _Blanking.data_cell,
    "dt": _Blanking.term,
    "dd": _Blanking.meaning,
    "table": _Blanking.table,
    "dl": lambda blanking, length, is_close: _Blanking.meaning(blanking, length, True),
}
