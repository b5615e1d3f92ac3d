"""Rules for noun phrases: which can be subjects, how they are written in a question, and which are persons."""

import re

from shared.adapters.offline.document_view import SourceView
from shared.adapters.offline.english.lexicon import (
    ANAPHORS,
    BE,
    DETERMINERS,
    FORMS,
    MODALS,
    NUMBER_WORDS,
    PERSONS,
    PREPOSITIONS,
)
from shared.adapters.offline.facts import AnswerType
from shared.domain.text.words import content_words, fold, listed, stem

TOKEN = re.compile(r"[\w'-]+")
VAGUE = re.compile(
    r"\b(?:this|these|those|such|former|latter|above|below|following|here|he|she|him|they|them|later|earlier|afterwards|that (?:year|day|time|period|date))\b",
    re.IGNORECASE,
)


def is_subject(text: str) -> bool:
    found = [word.lower() for word in TOKEN.findall(text)]
    return (
        0 < len(found) <= 9
        and not set(found) & ANAPHORS - {"one", "some", "most", "many"}
        and found[0] not in PREPOSITIONS
        and "," not in text
        and bool(content_words(text))
    )


def is_term(text: str) -> bool:
    """Whether the text is a noun phrase that can be defined: with an article or none, without a verb, a number or a comparison."""
    found = [word.lower() for word in TOKEN.findall(text)]
    return (
        is_subject(text)
        and len(found) <= _LONGEST_TERM
        and found[0] not in (DETERMINERS - _ARTICLES) | _NO_TERM_STARTS
        and not set(found) & (_COMPARING | set(NUMBER_WORDS))
        and found[-1] not in PREPOSITIONS
        and not contains_verb(text)
        and re.search(r"[\d:/\"“”]|\.\w", text) is None
    )


_LONGEST_TERM = 7
_ARTICLES = frozenset({"the", "a", "an"})
_NO_TERM_STARTS = frozenset(
    listed(
        """if when although though while because since whether what who whom whose which how why where not only even just unlike
        another other such same example examples one first second third fourth last next part all"""
    )
)
_COMPARING = frozenset(
    listed(
        "lower higher larger greater smaller better worse more less fewer longer shorter example examples reason result same "
        "itself difference most use feature advantage disadvantage aim and or first second third last next only it"
    )
)


def name_of(subject: str, view: SourceView, *, is_plural: bool = False) -> str:
    """The noun phrase as it is written within a question, in lower case unless it is a name."""
    first = subject.split(" ", 1)[0]
    bare = re.sub(r"'s?$", "", first)
    if first.lower() in DETERMINERS:
        return first.lower() + subject[len(first) :]
    is_alone = first == subject
    following = "" if is_alone else subject.split(" ")[1]
    if bare[1:] != bare[1:].lower() or any(char.isdigit() for char in bare) or following[:1].isupper():
        return subject
    looks_common = bare.endswith(_COMMON_ENDINGS) or (is_plural and bare.endswith("s"))
    if (is_alone and bare.endswith(_COMMON_ENDINGS)) or (
        bare not in view.names
        and (looks_common or stem(fold(bare)) in view.plain_stems or following[:1].islower())
    ):
        return first.lower() + subject[len(first) :]
    return subject


_COMMON_ENDINGS = ("tion", "sion", "sis", "ment", "ity", "ism", "ance", "ence", "ing", "ics")


def is_person(text: str, evidence: str) -> bool:
    """Whether the noun phrase is a person: it is a profession, or a full name near a profession or an action of people."""
    found = {word for word in TOKEN.findall(text) if word.islower()}
    if found & PERSONS or {word.removesuffix("s") for word in found} & PERSONS:
        return True
    is_full_name = len(text.split()) <= 3 and all(
        word[:1].isupper() and word.isalpha() for word in text.split()
    )
    evidence_words = {word.lower() for word in TOKEN.findall(evidence)[:_EVIDENCE_WORDS]}
    is_trade = any(word.endswith(("ist", "ologer")) for word in evidence_words)
    return (is_full_name and is_trade) or (
        is_full_name and bool(evidence_words & ((PERSONS | _HUMAN_DEEDS) if " " in text else PERSONS))
    )


_EVIDENCE_WORDS = 5
_HUMAN_DEEDS = frozenset(
    listed(
        "discovered proposed invented wrote published painted composed calculated proved founded designed built observed "
        "introduced described developed ruled led explained argued explored conquered translated signed"
    )
)


def answer_type_of(text: str, view: SourceView) -> AnswerType:
    """A name if the source capitalises it within a sentence, or else a term."""
    return AnswerType.NAME if text.split()[-1] in view.names or text in view.names else AnswerType.TERM


def is_bare_name(written: str, text: str) -> bool:
    """Whether the term is a name without an article, such as `Canberra`. Then the question asks for it by its description."""
    return written == text and text.split()[0].lower() not in DETERMINERS and len(text.split()) <= 3


def contains_verb(term: str) -> bool:
    """Whether a would-be noun phrase already holds a verb or opens with a preposition."""
    found = [word.lower() for word in TOKEN.findall(term)]
    return found[0] in PREPOSITIONS or any(
        word in BE or word in MODALS or (FORMS.get(word) and FORMS[word].tense == "past")
        for word in found[1:]
    )


def is_unspecific(text: str) -> bool:
    """Whether a noun phrase is too general to be an answer: `the rest`, `eight planets`, `many farmers`."""
    found = [word.lower() for word in TOKEN.findall(text)]
    return (
        found[-1] in UNSPECIFIC_NOUNS or found[0] in (DETERMINERS - {"the", "a", "an"}) or found[0].isdigit()
    )


UNSPECIFIC_NOUNS = frozenset(
    listed(
        "rest result results process number amount level molecule part parts kind type example way thing value"
    )
)
"""Subjects that a learner could not name from the question alone."""
