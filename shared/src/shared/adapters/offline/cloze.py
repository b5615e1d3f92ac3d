"""Finds facts without grammar: sentences with a number, date or name left out, and the long forms of initials."""

import re
from collections.abc import Iterator

from shared.adapters.offline.document_view import Line, SourceView, word_count
from shared.adapters.offline.english import lexicon as lexicon_en
from shared.adapters.offline.facts import AnswerType, Fact, capitalise
from shared.adapters.offline.french import lexicon as lexicon_fr
from shared.domain.text.language import Language
from shared.domain.text.words import ALL_STOP_WORDS, fold, listed, stem, words

GAP = "____"
_MAX_GAPPED_WORDS = 34
_FRAME = {Language.FR: "Complétez : « {} »", Language.EN: "Complete: “{}”"}
_STANDS_FOR = {Language.FR: "Que signifie le sigle {} ?", Language.EN: "What does {} stand for?"}
_SYMBOL = {
    Language.FR: "Que désigne le symbole {} ?",
    Language.EN: "What does the symbol {} stand for?",
}
_LEXICON = {Language.FR: lexicon_fr, Language.EN: lexicon_en}

_OPENING_WORDS = 7
_PRONOUN = re.compile(r"\b(?:it|they|he|she|ils?|elles?)\b(?! (?:faut|existe|y a)\b)", re.IGNORECASE)
_POINTING = re.compile(
    r"\b(?:this|these|those|here|later|earlier|afterwards|that (?:year|day|time|period)|ce|cet|cette|ces|cela|"
    r"plus tard|lendemain|auparavant|ici|au-dessus|au-dessous)\b(?!-)",
    re.IGNORECASE,
)

_INITIALS = re.compile(r"(?P<before>(?:[\w'-]+ ){1,8}?)\((?P<initials>(?=[a-z]*[A-Z])[A-Za-z]{2,8})\)")
_QUANTITY = re.compile(
    r"(?<![\w.,/-])\d{1,3}(?:[ ,.]\d{3})+(?:[.,]\d+)?(?![\w/])|(?<![\w.,/-])\d+(?:[.,]\d+)?(?![\w/]|[.,]\d)"
)
_MONTH = re.compile(rf"\s?(?:er)? ?(?:{lexicon_fr.MONTHS}|{lexicon_en.MONTHS})\b")
_AFTER_MONTH = re.compile(rf"(?:{lexicon_fr.MONTHS}|{lexicon_en.MONTHS}) \Z")
_UNIT = re.compile(
    r" ?(?:%|°|percent|pour cent|[kcm]?m\b|kilo|mill|mètre|meter|degr|lit|tonn|ton\b|ans\b|années|years|days|jours|hours|heures|astro)"
)
_OLD_YEAR = re.compile(r"\b(?:AD|[Ii]n|[Bb]y|[Ss]ince|[Ee]n|l'an) \Z")
_KEY_WORD = {
    Language.FR: re.compile(
        r"(?:\b(?:les?|la|une?|du|des)\s|\b[ld]')(?P<word>[a-zà-ÿ]{6,})(?=[ ,.;)]|$)", re.IGNORECASE
    ),
    Language.EN: re.compile(
        r"\b(?:the|an?|of)\s(?P<word>[a-z]{6,})(?=[,.;)]|$| (?:of|in|on|at|by|for|from|to|and|or|is|are|was|were|that|which|with)\b)",
        re.IGNORECASE,
    ),
}
"""A word after an article is usually a noun; in English, if no other noun follows."""
_NO_KEY_WORDS = ALL_STOP_WORDS | set(
    listed(
        "environ milliers millions milliards majorité plupart thousand million billion majority number amount largest"
    )
)
_CALLED = re.compile(
    r"(?:called|known as|named(?! after| for| by| in)|appelée?s?|nommée?s?|(?:que l'on|qu'on|l'on) appelle) (?P<name>(?:(?:the|le|la|les|l'|a|an|un|une) ?)?[\w-]+(?: (?!and\b|et\b|in\b|dans\b|qui\b|that\b|is\b|est\b)(?:de |d'|du |of )?[\w-]+){0,2})(?=[.,;]|$)"
)


def stands_alone(line: Line, language: Language) -> bool:
    """Whether a sentence can be understood without the one before it."""
    first = line.text.replace("'", "' ").split()[0].lower().strip('«“"(')
    return first.rstrip("',") not in _LEXICON[language].ANAPHORS


def is_clear(line: Line, language: Language) -> bool:
    """Whether a sentence stands alone and refers to nothing before it."""
    opening = " ".join(line.text.split()[:_OPENING_WORDS])
    return (
        stands_alone(line, language)
        and _POINTING.search(line.text) is None
        and _PRONOUN.search(opening) is None
    )


def read_gaps(line: Line, view: SourceView) -> Iterator[Fact]:
    yield from _initials(line, view)
    if word_count(line.text) > _MAX_GAPPED_WORDS or not is_clear(line, view.language):
        return
    yield from _quantity(line, view)
    yield from _called(line, view)


def _initials(line: Line, view: SourceView) -> Iterator[Fact]:
    for match in _INITIALS.finditer(line.text):
        long_form = _long_form(match["before"].split(), match["initials"])
        if long_form:
            asked = _STANDS_FOR if match["initials"].isupper() else _SYMBOL
            yield Fact(
                line,
                asked[view.language].format(match["initials"]),
                capitalise(long_form),
                AnswerType.CLAUSE,
                0.8,
            )


def _long_form(before: list[str], initials: str) -> str:
    """The shortest run of words before the bracket that begins with the first initial and contains the others in order."""
    letters = fold(initials)
    for start in range(len(before) - 1, -1, -1):
        run = " ".join(before[start:])
        bare = re.sub(r"^(?:l|d)'", "", run)
        if (
            fold(bare)[:1] == letters[0]
            and _contains_in_order(fold(bare), letters)
            and len(bare.split()) * 4 >= len(letters)
        ):
            return bare
    return ""


def _contains_in_order(text: str, letters: str) -> bool:
    position = -1
    for letter in letters:
        position = text.find(letter, position + 1)
        if position < 0:
            return False
    return True


def quantities(text: str, language: Language) -> list[re.Match[str]]:
    """The numbers that count or measure something, without years and days of a month."""
    words_for_numbers = re.compile(rf"\b(?:{'|'.join(_LEXICON[language].NUMBER_WORDS)})\b", re.IGNORECASE)
    found = [match for match in _QUANTITY.finditer(text) if not _is_date(text, match)]
    return found or list(words_for_numbers.finditer(text))


def _is_date(text: str, match: re.Match[str]) -> bool:
    if _MONTH.match(text, match.end()) or _AFTER_MONTH.search(text[: match.start()]):
        return True
    return (
        len(match[0]) == 4
        and match[0].isdigit()
        and match[0][0] in "12"
        and not _UNIT.match(text, match.end())
    )


def _quantity(line: Line, view: SourceView) -> Iterator[Fact]:
    found = quantities(line.text, view.language)
    if len(found) != 1 or words(line.text).count(fold(found[0][0])) > 1:
        return
    start, end = found[0].span()
    if _OLD_YEAR.search(line.text[:start]) and found[0][0].isdigit() and not _UNIT.match(line.text, end):
        yield _gapped(line, view, start, end, AnswerType.YEAR, 0.75)
        return
    if found[0][0].isalpha() and line.text.count(",", end) > 1:
        return  # the sentence goes on to list what is counted
    yield _gapped(line, view, start, end, AnswerType.NUMBER, 0.7)


def _called(line: Line, view: SourceView) -> Iterator[Fact]:
    for match in _CALLED.finditer(line.text.rstrip(".")):
        start, end = match.span("name")
        if word_count(line.text[:start]) >= 4 and len(match["name"]) > 3:
            yield _gapped(line, view, start, end, AnswerType.TERM, 0.75)


def read_key_word(line: Line, view: SourceView) -> Iterator[Fact]:
    """A fact from a sentence in which no rule finds one: the most frequent noun of the source is left out, the later of two."""
    text = words(line.text)
    found = [
        match
        for match in _KEY_WORD[view.language].finditer(line.text)
        if text.count(fold(match["word"])) == 1 and fold(match["word"]) not in _NO_KEY_WORDS
    ]
    if found and word_count(line.text) <= _MAX_GAPPED_WORDS and is_clear(line, view.language):
        best = max(found, key=lambda match: (view.frequencies[stem(fold(match["word"]))], match.start()))
        yield _gapped(line, view, *best.span("word"), AnswerType.CLAUSE, 0.3)


def _gapped(
    line: Line, view: SourceView, start: int, end: int, answer_type: AnswerType, worth: float
) -> Fact:
    text = capitalise(line.text[:start]) + GAP + line.text[end:]
    return Fact(line, _FRAME[view.language].format(text), line.text[start:end], answer_type, worth)
