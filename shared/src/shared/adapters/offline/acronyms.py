"""Finds the long forms of acronyms: `gross domestic product (GDP)`."""

import re
from collections.abc import Iterator

from shared.adapters.offline.document_view import Line, SourceView
from shared.adapters.offline.facts import AnswerType, Fact, capitalise
from shared.domain.text.language import Language
from shared.domain.text.words import ALL_STOP_WORDS, fold

_STANDS_FOR = {Language.FR: "Que signifie le sigle {} ?", Language.EN: "What does {} stand for?"}
_ACRONYM = re.compile(
    r"(?P<before>(?:[\w'-]+ ){1,9}?)\((?P<acronym>(?=(?:[a-z]*[A-Z]){2})[A-Za-z]{2,8})(?:[,;] [^()]*)?\)"
)


def read_acronyms(line: Line, view: SourceView) -> Iterator[Fact]:
    for match in _ACRONYM.finditer(line.text):
        long_form = _long_form(match["before"].split(), match["acronym"])
        if long_form:
            asked = _STANDS_FOR[view.language].format(match["acronym"])
            yield Fact(line, asked, capitalise(long_form), AnswerType.LONG_FORM, 0.8)


def _long_form(before: list[str], acronym: str) -> str:
    """The shortest run of words before the bracket that holds the letters of the acronym in order, and begins no other word."""
    letters = fold(acronym)
    for start in range(len(before) - 1, -1, -1):
        run = " ".join(before[start:])
        bare = re.sub(r"^(?:l|d)'", "", run)
        if (
            fold(bare)[:1] == letters[0]
            and _contains_in_order(fold(bare), letters)
            and _contains_in_order(letters, _initials(bare))
            and _is_as_long(bare, letters)
        ):
            return bare
    return ""


def _initials(text: str) -> str:
    """The first letters of the words, without small ones."""
    return "".join(
        word[0] for word in map(fold, re.split(r"[ '-]", text)) if word and word not in ALL_STOP_WORDS
    )


def _is_as_long(text: str, letters: str) -> bool:
    """Whether the text has a word, or part of a compound, for each other letter at least, and not only small words."""
    parts = [part for part in re.split(r"[ '-]", text) if fold(part) not in ALL_STOP_WORDS]
    return 2 * len(parts) >= len(letters) and len(text) > 2 * len(letters)


def _contains_in_order(text: str, letters: str) -> bool:
    position = -1
    for letter in letters:
        position = text.find(letter, position + 1)
        if position < 0:
            return False
    return True
