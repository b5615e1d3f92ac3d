"""Finds wrong options of the same kind as the right one. All of them stand in the source: none is invented."""

import re
from collections.abc import Iterable, Sequence

from shared.adapters.offline.document_view import SourceView
from shared.adapters.offline.facts import AnswerType, Fact
from shared.domain.study.option_rules import LONGEST_RATIO, SHORT_SLACK, SHORTEST_RATIO
from shared.domain.text.words import contains_phrase, content_words, fold, words

WANTED = 3
_YEAR = re.compile(r"(?<![\d.,])(?:1\d{3}|20[012]\d)(?![\ds])")
_SAME_AGE = 150
"""Limit of the difference between two years that may be confused, in years."""
_ARTICLE = re.compile(r"(?:l'|(?:the|an?|les?|la|une?|des) )", re.IGNORECASE)


def distractors(fact: Fact, options: Sequence[str], view: SourceView) -> list[str]:
    """Three wrong options, the same in every run, or fewer if the source has no more. `options` are answers of the same type,
    the likeliest first."""
    candidates = _near_years(fact.back, view) if fact.answer_type is AnswerType.YEAR else options
    return _first_fit(candidates, fact)


def _first_fit(candidates: Iterable[str], fact: Fact) -> list[str]:
    """The first candidates that neither sentence nor question contains, that share no word, and that are about as long."""
    key, chosen = fact.back, list[str]()
    for candidate in candidates:
        ratio = (len(candidate) + SHORT_SLACK) / (len(key) + SHORT_SLACK)
        bare = without_article(candidate)
        if (
            SHORTEST_RATIO <= ratio <= LONGEST_RATIO
            and not contains_phrase(fact.line.text, bare)
            and not set(content_words(fact.front)) & set(content_words(bare))
            and not any(_overlap(bare, without_article(other)) for other in (key, *chosen))
        ):
            chosen.append(candidate)
        if len(chosen) == WANTED:
            break
    return chosen


def _overlap(one: str, other: str) -> bool:
    """Whether one says what the other says, or a part of it."""
    mine, theirs = set(content_words(one)), set(content_words(other))
    return contains_phrase(one, other) or contains_phrase(other, one) or bool(mine and mine == theirs)


def without_article(text: str) -> str:
    return _ARTICLE.sub("", text, count=1) if _ARTICLE.match(text) else text


def _near_years(key: str, view: SourceView) -> list[str]:
    found = {year for line in view.lines for year in _YEAR.findall(line.text)} - {key}
    near = [year for year in found if abs(int(year) - int(key)) <= _SAME_AGE]
    return sorted(near, key=lambda year: (abs(int(year) - int(key)), year))


def rank_options(names: Iterable[str], like: Fact) -> list[str]:
    """The answers of the same number as the right one. Those with as many words come first."""
    alike: dict[str, str] = {}
    for name in names:
        if is_plural(name) == is_plural(like.back) and name != like.back:
            alike.setdefault(fold(without_article(name)), name)
    return sorted(alike.values(), key=lambda name: abs(len(words(name)) - len(words(like.back))))


def is_plural(text: str) -> bool:
    article = _ARTICLE.match(text)
    if article and article[0].strip().lower() in ("les", "des"):
        return True
    first = without_article(text).split()[0] if without_article(text).split() else ""
    last = text.split()[-1] if text.split() else ""
    is_english = article is None or article[0].strip().lower() in ("the", "a", "an")
    head = last if is_english else first
    return head.endswith(("s", "x")) and head[1:].islower() and not head.endswith(("ss", "is", "us", "ics"))
