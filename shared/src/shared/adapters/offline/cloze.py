"""Finds facts without grammar: a year, a measured or counted number, or a name that a sentence gives, is left out.

Only sentences that stand alone are used, and only words that the rest of the sentence determines.
"""

import re
from collections.abc import Iterator

from shared.adapters.offline.document_view import Line, SourceView, plain, word_count
from shared.adapters.offline.english import lexicon as lexicon_en
from shared.adapters.offline.facts import AnswerType, Fact, capitalise
from shared.adapters.offline.french import lexicon as lexicon_fr
from shared.domain.text.language import Language
from shared.domain.text.words import ALL_STOP_WORDS, content_words, fold, words

GAP = "____"
_FRAMES = {
    Language.FR: {
        AnswerType.YEAR: "Complétez par l'année : « {} »",
        AnswerType.DATE: "Complétez par la date : « {} »",
        AnswerType.NUMBER: "Complétez par le nombre : « {} »",
        AnswerType.TERM: "Complétez par le terme : « {} »",
        AnswerType.NAME: "Complétez par le nom propre : « {} »",
    },
    Language.EN: {
        AnswerType.YEAR: "Complete with the year: “{}”",
        AnswerType.DATE: "Complete with the date: “{}”",
        AnswerType.NUMBER: "Complete with the number: “{}”",
        AnswerType.TERM: "Complete with the term: “{}”",
        AnswerType.NAME: "Complete with the name: “{}”",
    },
}
_FEWEST_WORDS, _MOST_WORDS = 7, 28
"""Limits for the words of a sentence with a gap: a shorter one says too little, a longer one too much."""

_DAY = rf"(?:(?:\d{{1,2}}(?:er)? )?(?:{lexicon_fr.MONTHS}) |(?:{lexicon_en.MONTHS}) (?:\d{{1,2}}, )?|\d{{1,2}} (?:{lexicon_en.MONTHS}) )"
_DATE = re.compile(
    rf"\b(?:[Ii]n|[Oo]n|[Ee]n|[Ll]e) (?P<date>{_DAY}(?:1\d{{3}}|20[012]\d))(?![\w%/]|[-–]\d| (?:to|and|or|à|et|ou)\b)"
)
_YEAR = re.compile(
    r"(?:\b[Ii]n|\b[Ee]n|\b[Bb]y|\b[Dd]ès|\b(?:of|de)(?= 1[0-9]| 20)) (?P<year>1\d{3}|20[012]\d)(?![\w%/]|[-–]\d|[.,]\d| (?:to|and|or|à|et|ou)\b| [a-z]*(?:mètres?|meters?|people|personnes|ans|years)\b)"
)
_ANY_YEAR = re.compile(r"(?<![\d.,])(?:1\d{3}|20[012]\d)(?![\d])")
_COUNTS = re.compile(r"\b(?:number|population|nombre|effectif)\b", re.IGNORECASE)
_CITED = re.compile(r"\([^()]*\d{4}[^()]*\)")
_ANY_NUMBER = re.compile(r"\d+(?:[ ,.\u00a0\u202f]\d+)*")
_UNITS = (
    r"%|°C?|percent|per cent|pour cent|(?:kilo|centi|milli|nano|micro)?(?:metres?|meters?|mètres?|grams?|grammes?)|km²?|kg|cm|mm|GHz|MHz|tons?|tonnes?|litres?|liters?"
    r"|degrees?|degrés?|hours?|heures?|minutes?|seconds?|secondes?|days?|jours?|weeks?|semaines?|months?|mois|years?|ans?|années?|centuries|siècles?|miles?|feet|people|habitants|inhabitants|euros?|dollars?"
)
_MEASURED = re.compile(
    rf"(?<!\bles )(?<!\bdes )(?<!\bthe )(?<!\bces )(?<![\w.,/:–-])(?P<number>\d{{1,3}}(?:[ ,.\u00a0\u202f]\d{{3}})+|\d+(?:[.,]\d+)?)[ \u00a0\u202f-]?(?:(?:million|billion|millions|milliards?) (?:de |d')?)?(?:{_UNITS})(?!\w)"
)
_COUNTED = {
    Language.EN: re.compile(
        rf"\b(?:has|have|had|contains?|contained|into|comprises?|consists? of|composed of|are|were) (?P<number>\d{{1,4}}|{'|'.join(lexicon_en.NUMBER_WORDS)}) (?:[a-z-]+ ){{0,2}}[a-z-]{{3,}}s\b"
    ),
    Language.FR: re.compile(
        rf"\b(?:a|ont|avait|avaient|possède|possèdent|contient|contiennent|compte|comptent|comprend|comprennent|comporte|comportent|en|de) (?P<number>\d{{1,4}}|{'|'.join(lexicon_fr.NUMBER_WORDS)}) (?!ans\b|mois\b|jours\b)[a-zà-ÿ-]{{3,}}[sx]\b"
    ),
}
_MILLIONS = re.compile(
    r"(?<![\w.,/:–-])(?P<number>\d+(?:[.,]\d+)?)[ \u00a0\u202f](?:million|billion|thousand|millions|milliards?) (?:de |d')?[a-zà-ÿ]{3,}s\b"
)
_CALLED = {
    Language.EN: re.compile(
        r"\b(?:a|an|the|[a-z-]+s) (?:[a-z-]+ ){0,4}(?:called|known as|termed) (?P<name>(?:(?:the|an?) )?[\w-]+(?: [a-z][\w-]+){0,2}?)(?=[.,;]| (?:that|which|by|in|when|where|is|are|to|and|or|for|from|with|as)\b|\Z)"
    ),
    Language.FR: re.compile(
        r"\b(?:appelée?s?|nommée?s?|dénommée?s?|(?:que l'on|qu'on|l'on|on) (?:appelle|nomme)) (?P<name>(?:(?:les?|la|une?|des) |l')?[\w-]+(?: (?:de |d'|du |of )?[a-zà-ÿ][\w-]+){0,2}?)(?=[.,;]| (?:qui|que|par|dans|lorsque|où|est|sont|et|ou|pour|avec|au|à|en)\b|\Z)"
    ),
}
_MARKED = re.compile(r"(?<![*\w])(?:\*\*|__)(?P<term>[^\W\d_][^*_\n]{2,40}?)(?:\*\*|__)(?![*\w])")


def read_gaps(line: Line, view: SourceView) -> Iterator[Fact]:
    """The gaps of a sentence that stands alone."""
    is_as_long = _FEWEST_WORDS <= word_count(line.text) <= _MOST_WORDS
    if line.text[0] in "\"“«'" or not is_as_long or not _has_verb(line.text, view.language):
        return
    if _VAGUE_SUBJECT.search(line.text) is None:
        yield from _year(line, view)
        yield from _proper_name(line, view)
    yield from _number(line, view)
    yield from _called(line, view)


_VAGUE_SUBJECT = re.compile(
    r"(?:\A|, |\A[A-Z][\w ]{2,20} )[Tt]he (?:[a-z]+|(?:first|second|third|last|oldest|largest)\b[\w ]{0,25}) (?:was|were|had|has|is|are|met|became|took|made|began|[a-z]+ed)\b"
)
"""A definite subject of one noun, which an earlier sentence has introduced."""
_VERB_ENDING = {
    Language.EN: re.compile(r"\b(?:has|have|had|can|may|must|will|could|should|would|[a-z]{2,}(?:ed|es))\b"),
    Language.FR: re.compile(
        r"\b(?:a|ont|peut|peuvent|doit|doivent|[a-zà-ÿ]{2,}(?:ait|aient|èrent|era|eront|irent))\b"
    ),
}


def _has_verb(text: str, language: Language) -> bool:
    """Whether a text has a word that is likely to be a finite verb, so that it is no heading or entry of a list."""
    lexicon = lexicon_fr if language is Language.FR else lexicon_en
    found = re.findall(r"[a-zà-ÿ]+", text)
    return any(word in lexicon.FORMS or word in lexicon.BE for word in found) or (
        _VERB_ENDING[language].search(text) is not None
    )


def _year(line: Line, view: SourceView) -> Iterator[Fact]:
    """The only date or year of a sentence that names somebody or something."""
    date = _DATE.search(line.text)
    if date and len(_ANY_YEAR.findall(line.text)) == 1 and _names_something(line.text, view.language):
        yield _gapped(line, view, *date.span("date"), AnswerType.DATE, 0.75)
        return
    match = _YEAR.search(line.text)
    if (
        match
        and not _COUNTS.search(line.text)
        and len(_ANY_NUMBER.findall(line.text)) == 1 == len(_ANY_YEAR.findall(line.text))
        and _names_something(line.text, view.language)
    ):
        yield _gapped(line, view, *match.span("year"), AnswerType.YEAR, 0.75)


_CAPITALISED = re.compile(r"(?<=[^.!?…:»”\"\s] )(?:l'|d'|L'|D')?(?P<name>[A-ZÀ-ÖØ-Þ][\w'-]+)")
_MONTH = re.compile(rf"(?:{lexicon_en.MONTHS}|{lexicon_fr.MONTHS})\Z", re.IGNORECASE)


def _names_something(text: str, language: Language) -> bool:
    names = [match["name"] for match in _CAPITALISED.finditer(text) if not _MONTH.match(match["name"])]
    lead = re.match(r"(?:In|On|En|Le|By|Dès) [^,]*\d{4},? (?P<rest>.+)", text)
    opening = (lead["rest"] if lead else text).split()[0]
    is_name = opening[:1].isupper() and fold(opening.strip(",'")) not in ALL_STOP_WORDS
    return bool(names) or (is_name and lead is not None)


def _number(line: Line, view: SourceView) -> Iterator[Fact]:
    """The only number of a sentence, if it has a unit or counts something."""
    match = (
        _MEASURED.search(line.text)
        or _COUNTED[view.language].search(line.text)
        or _MILLIONS.search(line.text)
    )
    if match is None or len(_ANY_NUMBER.findall(line.text)) > 1:
        return
    start, end = match.span("number")
    is_alone = words(line.text).count(fold(match["number"])) == 1
    if is_alone and not re.search(r"\d", line.text[:start] + line.text[end:]):
        yield _gapped(line, view, start, end, AnswerType.NUMBER, 0.55)


def _called(line: Line, view: SourceView) -> Iterator[Fact]:
    """What something is called, or the term that the author marked."""
    text = line.text.rstrip(".")
    for match in _CALLED[view.language].finditer(text):
        if word_count(text[: match.start("name")]) >= 4:
            yield from _term(line, view, match["name"], 0.8)
            return
    for mark in _MARKED.finditer(line.quote):
        yield from _term(line, view, plain(mark["term"]), 0.6)
        return


_PROPER = r"(?:[A-ZÀ-Þ][\w'-]+)(?: (?:de |du |of |von |van |the |al-|el-|d')?[A-ZÀ-Þ][\w'-]+){0,3}"
_AGENT = re.compile(
    rf"\b(?:by|par) (?:(?:the|le|la|les|l') ?)?(?:[a-zà-ÿ]+ ){{0,3}}?(?P<name>{_PROPER})(?= (?:in|at|on|of|during|after|who|and|en|au|à|le|qui|pour|from|to)\b|[.,;])"
)
_SUBJECT = re.compile(
    rf"(?:(?:In|En|By|Dès|During|On|Le|At|Au|À|After|Après) [^,]{{3,60}}, )?(?:(?:[Tt]he|[Ll]es?|[Ll]a|[Ll]') ?)?(?:[a-zà-ÿ]+ ){{0,3}}?(?P<name>{_PROPER})(?: and [^,]{{3,40}})? (?P<verb>[a-zà-ÿ]+)\b",
)
_DEEDS = frozenset(word for word, form in lexicon_en.FORMS.items() if form.tense == "past")


def _proper_name(line: Line, view: SourceView) -> Iterator[Fact]:
    """Who did something, where the sentence also says when, or names somebody or something else."""
    if ":" in line.text or _CITED.search(line.text):
        return
    found = _AGENT.search(line.text)
    if found is None and (subject := _SUBJECT.match(line.text)) and subject["verb"] in _DEEDS:
        found = subject
    if found is None or not set(content_words(found["name"])) <= view.rare_names:
        return
    rest = line.text[: found.start("name")] + line.text[found.end("name") :]
    is_anchored = _ANY_YEAR.search(rest) is not None or _names_something(rest, view.language)
    if is_anchored and not set(content_words(found["name"])) & set(content_words(rest)):
        yield _gapped(line, view, *found.span("name"), AnswerType.NAME, 0.6)


def _term(line: Line, view: SourceView, name: str, worth: float) -> Iterator[Fact]:
    """The sentence without a term that it says once, and that is neither an ordinary word nor part of a compound."""
    start = line.text.find(name)
    rest = line.text[:start] + line.text[start + len(name) :]
    is_once = start >= 0 and not set(content_words(name)) & set(content_words(rest))
    if is_once and content_words(name) and not line.text[start + len(name) :].startswith(("-", "'")):
        yield _gapped(line, view, start, start + len(name), AnswerType.TERM, worth)


def _gapped(
    line: Line, view: SourceView, start: int, end: int, answer_type: AnswerType, worth: float
) -> Fact:
    text = capitalise(line.text[:start]) + GAP + line.text[end:]
    front = _FRAMES[view.language][answer_type].format(text)
    return Fact(line, front, line.text[start:end], answer_type, worth)
