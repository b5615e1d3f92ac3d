"""Noun phrases: which may be subjects, how they stand in a question, whether somebody is meant."""

import itertools
import re

from shared.adapters.offline.document_view import SourceView
from shared.adapters.offline.facts import Sort
from shared.adapters.offline.french.lexicon import (
    ANAPHORS,
    BE,
    DETERMINERS,
    FORMS,
    PERSONS,
    PREPOSITIONS,
    SUPERLATIVE,
)
from shared.domain.text.words import content_words, fold, listed, stem

TOKEN = re.compile(r"\w+'|[\w-]+")
VAGUE = re.compile(
    r"\b(?:ce|cet|cette|ces|cela|ça|celui-ci|celle-ci|ceux-ci|ci-dessus|ci-dessous|suivante?s?|précédente?s?|ici|y|plus tard|lendemain|auparavant|veille)\b",
    re.IGNORECASE,
)


def is_plural_word(word: str) -> bool:
    return word.endswith(("s", "x"))


def is_subject(said: str) -> bool:
    """Whether it can be the subject of a statement that stands alone."""
    found = [word.lower().rstrip("'") for word in TOKEN.findall(said)]
    return (
        0 < len(found) <= _LONGEST_SUBJECT
        and not set(found) & _POINTING
        and (found[0] not in PREPOSITIONS or found[0] in _ARTICLES)
        and "," not in said
        and not _is_infinitive(found)
        and (bool(content_words(said)) or len(found) == _ARTICLE_AND_NOUN)
    )


def _is_infinitive(found: list[str]) -> bool:
    """`comprendre la photosynthèse`: an act, not a thing."""
    return len(found) > 1 and found[0].endswith(("er", "ir", "re")) and found[1] in DETERMINERS


_ARTICLES = frozenset(listed("le la l les un une des"))
_POINTING = ANAPHORS - set(listed("leur leurs son sa ses on vous nous certains certaines"))
_LONGEST_SUBJECT = 11
"""Words."""
_ARTICLE_AND_NOUN = 2
"""`un son`: the noun looks like a possessive."""


def name_of(subject: str, view: SourceView) -> str:
    """The noun phrase as it stands within a question: without its capital unless it is a name."""
    first = re.split(r"[ ']", subject, maxsplit=1)[0]
    if first.lower() in DETERMINERS:
        return first.lower() + subject[len(first) :]
    if first in view.names or stem(fold(first)) not in view.plain_stems:
        return subject
    return first.lower() + subject[len(first) :]


def is_person(said: str, evidence: str = "") -> bool:
    """Whether somebody is meant: a trade says it, or a full name next to a trade or to what only people do."""
    found = [word.lower() for word in TOKEN.findall(said)]
    if PERSONS & {*found, *(word.removesuffix("s") for word in found)}:
        return True
    names = said.split()
    is_full_name = 1 < len(names) <= _LONGEST_NAME and names[0][:1].isupper() and names[-1][:1].isupper()
    told = {word.lower() for word in TOKEN.findall(evidence)[:_EVIDENCE_WORDS]}
    return is_full_name and found[0].rstrip("'") not in DETERMINERS and bool(told & (PERSONS | _HUMAN_DEEDS))


_LONGEST_NAME, _EVIDENCE_WORDS = 4, 12
_HUMAN_DEEDS = frozenset(
    listed(
        "découvre découvert invente inventé publie publié écrit fonde fondé propose proposé observe observé constate constaté montre reçu peint "
        "composé compose dirige dirigé décide décidé démontre démontré formule formulé exécutée exécuté guillotiné né née tente calcule"
    )
)


def sort_of(said: str, view: SourceView) -> Sort:
    """A name when the source capitalises it in mid-sentence."""
    last = re.split(r"[ ']", said)[-1]
    return Sort.NAME if last in view.names or re.split(r"[ ']", said)[0] in view.names else Sort.TERM


def is_unique(meaning: str) -> bool:
    """Whether only one thing fits: `la plus grande …`, `la protéine la plus abondante`."""
    return re.match(rf"{SUPERLATIVE}|l[ea] [\w-]+ l[ea] (?:plus|moins) ", meaning) is not None


def is_bare_name(term: str) -> bool:
    """Whether it has no article, as `Paris` has none: the description asks, the name answers."""
    return re.split(r"[ ']", term)[0].lower() not in DETERMINERS and len(term.split()) <= 3


def holds_verb(term: str) -> bool:
    """Whether a would-be noun phrase already holds a verb."""
    found = [word.lower() for word in TOKEN.findall(term)]
    return any(
        word in BE
        or (
            word in FORMS
            and previous.rstrip("'") not in DETERMINERS | PREPOSITIONS
            and FORMS[word].is_plural == is_plural_word(previous)
        )
        for previous, word in itertools.pairwise(found)
    )


def is_hollow(said: str) -> bool:
    """Whether a noun phrase names nothing by itself: `le reste`, `deux planètes`, `plusieurs rois`."""
    found = [word.lower().rstrip("'") for word in TOKEN.findall(said)]
    return bool(set(found[:3]) & HOLLOW) or found[0] in DETERMINERS - _ARTICLES or found[0].isdigit()


HOLLOW = frozenset(
    listed(
        "reste résultat résultats processus nombre quantité niveau partie type exemple manière chose valeur héritage rôle intensité"
    )
)
"""Subjects that nobody could name from the question alone."""
