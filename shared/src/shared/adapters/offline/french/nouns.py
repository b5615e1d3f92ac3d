"""Rules for noun phrases: which can be subjects, how they are written in a question, and which are persons."""

import itertools
import re

from shared.adapters.offline.document_view import SourceView
from shared.adapters.offline.facts import AnswerType
from shared.adapters.offline.french.lexicon import (
    ANAPHORS,
    BE,
    DETERMINERS,
    FORMS,
    NUMBER_WORDS,
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


def is_subject(text: str) -> bool:
    """Whether the text can be the subject of a statement that stands alone."""
    found = [word.lower().rstrip("'") for word in TOKEN.findall(text)]
    return (
        0 < len(found) <= _LONGEST_SUBJECT
        and not set(found) & _POINTING
        and (found[0] not in PREPOSITIONS or found[0] in _ARTICLES)
        and "," not in text
        and not _is_infinitive(found)
        and (bool(content_words(text)) or len(found) == _ARTICLE_AND_NOUN)
    )


def is_term(text: str) -> bool:
    """Whether the text is a noun phrase that can be defined: with an article or none, without a verb, a number or a comparison."""
    found = [word.lower().rstrip("'") for word in TOKEN.findall(text)]
    return (
        is_subject(text)
        and len(found) <= _LONGEST_TERM
        and found[0] not in (DETERMINERS - _ARTICLES) | _NO_TERM_STARTS
        and not set(found) & (_COMPARING | set(NUMBER_WORDS))
        and found[-1] not in PREPOSITIONS
        and not contains_verb(text)
        and re.search(r"[\d:/\"«»“”]|\.\w|\b[A-Z]\b(?!')", text) is None
    )


_LONGEST_TERM = 8
_NO_TERM_STARTS = frozenset(
    listed(
        """si quand lorsque comme bien parce puisque car que qui quoi dont où pourquoi comment tout toute tous toutes chaque chacun
        exemple un-autre l'autre aucun aucune quel quelle enfin ainsi"""
    )
)
_COMPARING = frozenset(
    listed(
        """exemple exemples raison résultat même mêmes autre autres différence seconde second première premier premiers troisième
        quatrième dernier dernière plus moins meilleur et ou celle celui but objectif avantage inconvénient"""
    )
)


def _is_infinitive(found: list[str]) -> bool:
    """Whether the words are an infinitive with its object, such as `comprendre la photosynthèse`."""
    return len(found) > 1 and found[0].endswith(("er", "ir", "re")) and found[1] in DETERMINERS


_ARTICLES = frozenset(listed("le la l les un une des"))
_POINTING = ANAPHORS - set(listed("leur leurs son sa ses on vous nous certains certaines"))
_LONGEST_SUBJECT = 11
"""Limit of a subject, in words."""
_ARTICLE_AND_NOUN = 2
"""Words of a noun with its article. `un son` is a subject although `son` is a stop word."""


def name_of(subject: str, view: SourceView) -> str:
    """The noun phrase as it is written within a question, in lower case unless it is a name."""
    first = re.split(r"[ ']", subject, maxsplit=1)[0]
    if first.lower() in DETERMINERS:
        return first.lower() + subject[len(first) :]
    if first in view.names or stem(fold(first)) not in view.plain_stems:
        return subject
    return first.lower() + subject[len(first) :]


def is_person(text: str, evidence: str = "") -> bool:
    """Whether the noun phrase is a person: it is a profession, or a full name near a profession or an action of people."""
    found = [word.lower() for word in TOKEN.findall(text)]
    if PERSONS & {*found, *(word.removesuffix("s") for word in found)}:
        return True
    names = text.split()
    is_full_name = 1 < len(names) <= _LONGEST_NAME and names[0][:1].isupper() and names[-1][:1].isupper()
    evidence_words = {word.lower() for word in TOKEN.findall(evidence)[:_EVIDENCE_WORDS]}
    return (
        is_full_name
        and found[0].rstrip("'") not in DETERMINERS
        and bool(evidence_words & (PERSONS | _HUMAN_DEEDS))
    )


_LONGEST_NAME, _EVIDENCE_WORDS = 4, 12
_HUMAN_DEEDS = frozenset(
    listed(
        "découvre découvert invente inventé publie publié écrit fonde fondé propose proposé observe observé constate constaté montre reçu peint "
        "composé compose dirige dirigé décide décidé démontre démontré formule formulé exécutée exécuté guillotiné né née tente calcule"
    )
)


def answer_type_of(text: str, view: SourceView) -> AnswerType:
    """A name if the source capitalises it within a sentence, or else a term."""
    last = re.split(r"[ ']", text)[-1]
    return (
        AnswerType.NAME if last in view.names or re.split(r"[ ']", text)[0] in view.names else AnswerType.TERM
    )


def is_unique(meaning: str) -> bool:
    """Whether the meaning is a superlative, such as `la plus grande …`, which fits one thing only."""
    return re.match(rf"{SUPERLATIVE}|l[ea] [\w-]+ l[ea] (?:plus|moins) ", meaning) is not None


def is_bare_name(term: str) -> bool:
    """Whether the term is a name without an article, such as `Paris`. Then the question asks for it by its description."""
    return re.split(r"[ ']", term)[0].lower() not in DETERMINERS and len(term.split()) <= 3


def contains_verb(term: str) -> bool:
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


def is_unspecific(text: str) -> bool:
    """Whether a noun phrase is too general to be an answer: `le reste`, `deux planètes`, `plusieurs rois`."""
    found = [word.lower().rstrip("'") for word in TOKEN.findall(text)]
    return (
        bool(set(found[:3]) & UNSPECIFIC_NOUNS) or found[0] in DETERMINERS - _ARTICLES or found[0].isdigit()
    )


UNSPECIFIC_NOUNS = frozenset(
    listed(
        "reste résultat résultats processus nombre quantité niveau partie type exemple manière chose valeur héritage rôle intensité"
    )
)
"""Subjects that a learner could not name from the question alone."""
