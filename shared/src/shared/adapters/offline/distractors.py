"""Finds wrong options of the same type as the right one, in the source or by varying a number."""

import re
from collections.abc import Iterator, Sequence
from itertools import chain

from shared.adapters.offline.cloze import quantities
from shared.adapters.offline.document_view import SourceView
from shared.adapters.offline.english import lexicon as lexicon_en
from shared.adapters.offline.facts import AnswerType, Fact, capitalise
from shared.adapters.offline.french import lexicon as lexicon_fr
from shared.domain.study.option_rules import LONGEST_RATIO, SHORT_SLACK, SHORTEST_RATIO
from shared.domain.text.language import Language
from shared.domain.text.words import contains_phrase, fold, words

WANTED = 3
_YEAR = re.compile(r"\b(?:1\d{3}|20\d\d)\b")
_DATE = re.compile(
    rf"\b(?:\d{{1,2}}(?:er)? (?:{lexicon_fr.MONTHS})|(?:{lexicon_en.MONTHS}) \d{{1,2}},|(?:{lexicon_fr.MONTHS}|{lexicon_en.MONTHS})) (?:1\d{{3}}|20\d\d)\b"
)
_YEAR_STEPS = (-11, 7, -4, 13, -23, 21, 3)
_DAY_STEPS = (-5, 8, 11, -9, 4)
_FACTORS = (2.0, 0.5, 1.5, 0.75, 3.0, 0.25)
_SHARE_FACTORS = (0.9, 0.75, 0.6, 0.5)
_HALF = 50.0
"""Percentages above this are only varied downwards, because there is little room above."""
_SMALL_STEPS = (2, -1, 1, 3, -2, 4)
_SMALL = 12
"""Numbers up to this are varied by whole steps and not by factors: nobody believes in 1.5 moons."""
_SAME_AGE = 400
"""Limit of the difference between two years that may be confused, in years."""
_LAST_YEAR = 2030
_ARTICLE = re.compile(r"(?:l'|(?:the|an?|les?|la|une?|des) )", re.IGNORECASE)


def distractors(fact: Fact, options: Sequence[str], view: SourceView) -> list[str]:
    """At most three wrong options, the same in every run, or fewer if the source gives no more. `options` are other answers of
    the same type in the source, the likeliest first."""
    text, key = fact.line.text, fact.back
    candidates: Iterator[str]
    if fact.answer_type is AnswerType.YEAR:
        candidates = chain(_near_years(key, view)[:2], _varied_years(key))
    elif fact.answer_type is AnswerType.DATE:
        candidates = chain(_alike_dates(key, view), _varied_dates(key))
    elif fact.answer_type is AnswerType.NUMBER:
        candidates = chain(_varied_numbers(key, text, view.language))
    else:
        candidates = iter(options)
    return _first_fit(candidates, key, text)


def _first_fit(candidates: Iterator[str], key: str, text: str) -> list[str]:
    """The first candidates that the sentence does not contain, that do not contain each other, and that have a similar length."""
    chosen: list[str] = []
    for candidate in candidates:
        ratio = (len(candidate) + SHORT_SLACK) / (len(key) + SHORT_SLACK)
        bare = without_article(candidate)
        if (
            SHORTEST_RATIO <= ratio <= LONGEST_RATIO
            and not contains_phrase(text, bare)
            and not any(
                contains_phrase(other, bare) or contains_phrase(bare, without_article(other))
                for other in (key, *chosen)
            )
        ):
            chosen.append(candidate)
        if len(chosen) == WANTED:
            break
    return chosen


def without_article(text: str) -> str:
    return _ARTICLE.sub("", text, count=1) if _ARTICLE.match(text) else text


def article_of(text: str) -> str:
    """The normalised article, such as `the` or `le`, or nothing. The options of a question have the same one."""
    match = _ARTICLE.match(text)
    article = match[0].strip().lower() if match else ""
    return {"la": "le", "l'": "le", "une": "un", "an": "a", "des": "les"}.get(article, article)


def _near_years(key: str, view: SourceView) -> list[str]:
    found = {year for line in view.lines for year in _YEAR.findall(line.text)} - {key}
    near = [year for year in found if abs(int(year) - int(key)) <= _SAME_AGE]
    return sorted(near, key=lambda year: (abs(int(year) - int(key)), year))


def _varied_years(key: str) -> Iterator[str]:
    return (str(int(key) + step) for step in _YEAR_STEPS if int(key) + step <= _LAST_YEAR)


def _shape(date: str) -> str:
    return re.sub(r"\d+", "0", re.sub(r"[^\W\d]+", "m", date))


def _alike_dates(key: str, view: SourceView) -> list[str]:
    found = {date for line in view.lines for date in _DATE.findall(line.text)} - {key}
    year = _YEAR.findall(key)[-1]
    alike = [date for date in found if _shape(date) == _shape(key)]
    return sorted(alike, key=lambda date: (abs(int(_YEAR.findall(date)[-1]) - int(year)), date))


def _varied_dates(key: str) -> Iterator[str]:
    day = re.search(r"\b\d{1,2}\b", key)
    for step, years in zip(_DAY_STEPS, (1, 0, -1, 2, -2), strict=True):
        varied = _YEAR.sub(lambda year, by=years or 3: str(int(year[0]) + by), key)
        if day is not None and 0 < int(day[0]) + step <= 28:
            varied = re.sub(r"\b\d{1,2}\b", str(int(day[0]) + step), varied, count=1)
        yield varied


def _varied_numbers(key: str, text: str, language: Language) -> Iterator[str]:
    names = (lexicon_fr if language is Language.FR else lexicon_en).NUMBER_WORDS
    if key.lower() in names:
        place = names.index(key.lower())
        near = [names[place + step] for step in _SMALL_STEPS if 0 <= place + step < len(names)]
        yield from (capitalise(name) if key[0].isupper() else name for name in near)
        return
    is_share = bool(quantities(text, language)) and re.search(
        rf"{re.escape(key)} ?(?:%|percent|per cent|pour cent)", text
    )
    factors = _SHARE_FACTORS if is_share and _value(key, language) > _HALF else _FACTORS
    yield from (
        varied
        for varied in _scaled(key, language, factors)
        if not (is_share and _value(varied, language) > 100)
    )


def _scaled(key: str, language: Language, factors: Sequence[float]) -> Iterator[str]:
    value, decimals = _value(key, language), _decimals(key, language)
    steps = _SMALL_STEPS if value <= _SMALL and not decimals else ()
    changed = chain((value + step for step in steps), (value * factor for factor in factors))
    seen = {key}
    for number in changed:
        written = _written(number, key, decimals, language)
        if number > 0 and written not in seen and _value(written, language) > 0:
            seen.add(written)
            yield written


def _value(number: str, language: Language) -> float:
    if language is Language.FR:
        return float(number.replace(" ", "").replace(".", "").replace(",", "."))
    return float(number.replace(" ", "").replace(",", ""))


def _decimals(number: str, language: Language) -> int:
    mark = "," if language is Language.FR else "."
    return len(number.rsplit(mark, 1)[1]) if mark in number else 0


def _written(value: float, like: str, decimals: int, language: Language) -> str:
    """The number with the significant digits and separators of `like`."""
    digits = len(re.sub(r"\D", "", like).rstrip("0")) if not decimals else 0
    if digits and value >= 10:
        magnitude = len(str(int(value))) - max(digits, 1)
        value = round(value, -magnitude) if magnitude > 0 else round(value)
    written = f"{value:,.{decimals}f}"
    grouping = (
        ""
        if not re.search(r"\d[ ,.]\d{3}", like) and value < 10_000
        else " "
        if language is Language.FR
        else ","
    )
    mark = "," if language is Language.FR else "."
    return written.replace(",", "\0").replace(".", mark).replace("\0", grouping)


def rank_options(names: Sequence[str], like: Fact, *, any_article: bool = False) -> list[str]:
    """The answers of the same number and, unless `any_article`, the same article. Those of similar length come first."""
    article = article_of(like.back)
    alike: dict[str, str] = {}
    for name in names:
        agrees = any_article or article_of(name) == article
        if agrees and _is_plural(name) == _is_plural(like.back) and name != like.back:
            alike.setdefault(fold(without_article(name)), name)
    return sorted(alike.values(), key=lambda name: abs(len(words(name)) - len(words(like.back))))


def _is_plural(text: str) -> bool:
    if (article := article_of(text)) in ("les", "des"):
        return True
    last = text.split()[-1]
    return (
        article in ("", "the")
        and last.endswith("s")
        and last.islower()
        and not last.endswith(("ss", "is", "us"))
    )
