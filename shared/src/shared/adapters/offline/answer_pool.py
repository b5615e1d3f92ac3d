"""The answers of a source by kind, from which the wrong options of a question are taken."""

import re
from collections.abc import Sequence

from shared.adapters.offline.distractors import rank_options, without_article
from shared.adapters.offline.document_view import SourceView
from shared.adapters.offline.facts import AnswerType, Fact, capitalise
from shared.adapters.offline.terms import rare_nouns
from shared.domain.text.words import fold, stem

MOST_RARE = 2
"""Wrong options that the source does not define; with more of them the options are of several kinds."""


class AnswerPool:
    """The answers of the source by type, from which wrong options are taken."""

    def __init__(self, facts: Sequence[Fact], view: SourceView) -> None:
        defined = [
            fact.topic or fact.back for fact in facts if fact.topic or fact.answer_type is AnswerType.TERM
        ]
        rare = rare_nouns((line.text for line in view.lines), view.language)
        self._view = view
        self._people = [short_name(fact) for fact in facts if is_person(fact)]
        self._terms = [capitalise(term) for term in defined if not _is_name(term, view)]
        self._rare = [capitalise(term) for term in rare]
        self._names = [
            capitalise(without_article(fact.topic or fact.back))
            for fact in facts
            if (fact.topic and _is_name(fact.topic, view))
            or (fact.answer_type is AnswerType.NAME and not is_person(fact))
        ]
        self._dates = [fact.back for fact in facts if fact.answer_type is AnswerType.DATE]

    def count_rare(self, options: Sequence[str]) -> int:
        """How many options are terms that no rule found."""
        return sum(option in self._rare and option not in self._terms for option in options)

    def candidates_for(self, fact: Fact) -> Sequence[str]:
        if fact.options:
            return fact.options
        if is_person(fact):
            return rank_options(self._people, fact)
        match fact.answer_type:
            case AnswerType.TERM if not _is_name(fact.back, self._view):
                return [*rank_options(self._terms, fact), *rank_options(self._rare, fact)]
            case AnswerType.TERM | AnswerType.NAME:
                return rank_options(self._names, fact)
            case AnswerType.DATE:
                return [one for one in dict.fromkeys(self._dates) if _shape(one) == _shape(fact.back)]
            case _:
                return []


def _is_name(term: str, view: SourceView) -> bool:
    """Whether the source writes the term with a capital within its sentences, and no acronym is meant."""
    found = without_article(term).split()
    if not found or found[-1][:2].isupper():
        return False
    is_alone = len(found) == 1
    return found[-1][:1].isupper() and (
        not is_alone or (found[0] in view.names and stem(fold(found[0])) not in view.plain_stems)
    )


def _shape(date: str) -> str:
    return re.sub(r"\d+", "0", re.sub(r"[^\W\d]+", "m", date))


def is_person(fact: Fact) -> bool:
    return fact.answer_type is AnswerType.NAME and fact.front.startswith(("Who ", "Qui ")) and not fact.topic


def short_name(fact: Fact) -> str:
    """The name alone, such as `Luke Howard` for `The English chemist Luke Howard`."""
    if fact.answer_type is not AnswerType.NAME:
        return fact.back
    capitals = re.findall(r"(?:\b[A-ZÀ-Þ][\w'-]*(?: (?:de|van|von|Le))* ?)+\Z", fact.back)
    name = capitals[0].strip() if capitals else fact.back
    return name if len(fact.back.split()) > 3 and " " in name else fact.back
