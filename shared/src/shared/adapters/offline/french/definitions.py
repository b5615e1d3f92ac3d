"""Facts about what something is, how it is called, what it is made of, and what it serves or depends on."""

import re
from collections.abc import Iterator

from shared.adapters.offline.document_view import Line, SourceView, word_count
from shared.adapters.offline.facts import MAX_BACK_WORDS, AnswerType, Fact, capitalise
from shared.adapters.offline.french.clauses import LEAD, cut, cut_definition, elide, parse
from shared.adapters.offline.french.nouns import (
    VAGUE,
    answer_type_of,
    contains_verb,
    is_bare_name,
    is_person,
    is_subject,
    is_unique,
    name_of,
)

_DEFINING = re.compile(
    r"(?P<term>[^,;:]{2,70}?) (?:(?P<be>est|sont|était|étaient|fut|furent) (?:donc |ainsi |aussi |probablement )?|désigne(?P<plural>nt)? |se définit comme |"
    r"correspond à |signifie |est défini(?:e)? comme )(?P<meaning>(?:une?|des?|les?|la|l'|l’|tou(?:te|t)|de) ?.+)"
)
_APPOSED = re.compile(
    r"(?P<term>(?:(?:la|le|les|l'|La|Le|Les|L') ?)?[\w-]+(?:(?: d'| de l'| du | de la | de | des | )[\w-]+){0,3}), (?P<id>c'est-à-dire )?"
    r"(?P<meaning>(?:une?|le|la|l'|les) ?[^,;:()]{10,140})(?=[,.;]|$)"
)
_ARTICLE = re.compile(r"(?:^|(?<=[ ']))(?:(?P<de>de )?(?:la|le|les|l') ?|du |au )", re.IGNORECASE)
_SERVES = re.compile(r"(?P<term>[^,;]{3,60}?) (?P<verb>sert|servent) (?P<use>à .+)")
_DEPENDS = re.compile(r"(?P<term>[^,;]{3,60}?) (?P<verb>dépend|dépendent) (?P<what>(?:de|du|des|d') ?.+)")
_MADE_OF = re.compile(
    r"(?P<term>[^,;]{3,60}?) (?P<verb>se compose|se composent|est composée?|sont composée?s|est constituée?|sont constituée?s|est formée?) (?P<parts>(?:de|du|des|d') ?.+)"
)
_CALLED = re.compile(
    r"(?P<what>On appelle) (?P<term>(?:[\w'-]+ ?){1,4}?) (?P<meaning>(?:une?|le|la|les|l'|des|tout|toute) ?.+)"
)


def read_definition(text: str, line: Line, view: SourceView) -> Iterator[Fact]:
    match = _DEFINING.fullmatch(text)
    if match is None or not is_subject(match["term"]) or contains_verb(match["term"]):
        return
    meaning = cut_definition(match["meaning"])
    if VAGUE.search(meaning) or not 3 <= word_count(meaning) <= MAX_BACK_WORDS:
        return
    term = name_of(match["term"], view)
    be = match["be"] or "est"
    if is_unique(meaning) or (is_bare_name(match["term"]) and not is_person(match["term"], meaning)):
        yield Fact(
            line,
            f"{_which(meaning, be)} {meaning} ?",
            capitalise(match["term"]),
            answer_type_of(match["term"], view),
            0.8,
        )
        return
    if meaning.startswith(("de ", "du ")):
        return
    asked = f"Qui {be} {term} ?" if is_person(match["term"], meaning) else _what_is(term, match["term"])
    yield Fact(line, elide(asked), capitalise(meaning), AnswerType.CLAUSE, 1.0, topic=match["term"])


def _what_is(term: str, written: str) -> str:
    return f"Que sont {term} ?" if written.lower().startswith(("les ", "des ")) else f"Qu'est-ce que {term} ?"


def _which(meaning: str, be: str) -> str:
    """`Quel est` or `Quelle est`, or `Qu'est-ce qui est` if the article does not show the gender."""
    if meaning.startswith("la "):
        return f"Quelle {be}"
    if meaning.startswith("le "):
        return f"Quel {be}"
    return "Qu'est-ce qui est"


def read_apposition(text: str, line: Line, view: SourceView) -> Iterator[Fact]:
    """`la Bastille, une prison royale` says what the Bastille is."""
    lead = LEAD.match(text)
    for match in _APPOSED.finditer(text, lead.end() if lead else 0):
        term, meaning = _noun_phrase(match["term"]), match["meaning"]
        is_listed = text[match.end() :].lstrip(", ").startswith(("et ", "ou "))
        is_clause = match["id"] is None and parse(capitalise(meaning)) is not None
        if term is None or is_listed or is_clause or not _can_be(term, meaning):
            continue
        asked = f"Qui est {term} ?" if is_person(term, meaning) else _what_is(name_of(term, view), term)
        worth = 0.95 if match["id"] else 0.85
        yield Fact(line, elide(asked), capitalise(meaning), AnswerType.CLAUSE, worth, topic=term)


def _can_be(term: str, meaning: str) -> bool:
    """Whether the meaning can describe the term."""
    return (
        word_count(meaning) >= _SHORTEST_MEANING
        and VAGUE.search(meaning) is None
        and re.match(r"(?:une?|les?|la|l') ?[\w-]+ (?:et|ou|est|sont)\b", meaning) is None
        and _agree(term, meaning)
    )


_SHORTEST_MEANING, _LONGEST_TERM = 4, 5
"""Limits in words."""


def _agree(term: str, meaning: str) -> bool:
    """Whether term and meaning agree in number and, if both articles show it, in gender."""
    article, other = (re.split(r"[ ']", text.lower(), maxsplit=1)[0] for text in (term, meaning))
    if (article == "les") != (other in ("les", "des")):
        return False
    return {article, other} not in ({"le", "la"}, {"le", "une"}, {"la", "un"})


def _noun_phrase(text: str) -> str | None:
    """The noun phrase at the end with its article, or a name; None if there is neither."""
    for article in _ARTICLE.finditer(text):
        phrase = re.sub(
            r"^(?:du|au) ", "le ", text[article.end("de") if article["de"] else article.start() :]
        )
        if len(phrase.split()) <= _LONGEST_TERM and not contains_verb(phrase):
            return phrase
    words = text.split()
    return text if len(words) < _LONGEST_TERM - 1 and all(word[:1].isupper() for word in words) else None


def read_called(text: str, line: Line, view: SourceView) -> Iterator[Fact]:
    match = _CALLED.fullmatch(text)
    if match and not VAGUE.search(match["meaning"]) and word_count(match["meaning"]) <= MAX_BACK_WORDS:
        yield Fact(
            line,
            f"Comment appelle-t-on {match['meaning']} ?",
            capitalise(match["term"].strip()),
            AnswerType.TERM,
            0.95,
        )


def read_use(text: str, line: Line, view: SourceView) -> Iterator[Fact]:
    for pattern, question, key, worth in (
        (_SERVES, "À quoi {verb} {term} ?", "use", 0.85),
        (_DEPENDS, "De quoi {verb} {term} ?", "what", 0.75),
        (_MADE_OF, "De quoi {verb} {term} ?", "parts", 0.85),
    ):
        match = pattern.fullmatch(text)
        if (
            match is None
            or not is_subject(match["term"])
            or contains_verb(match["term"])
            or ":" in match[key]
        ):
            continue
        answer = cut(match[key])
        if not VAGUE.search(answer) and 2 <= word_count(answer) <= MAX_BACK_WORDS:
            asked = question.format(verb=match["verb"], term=name_of(match["term"], view))
            yield Fact(line, asked, capitalise(answer), AnswerType.CLAUSE, worth)
