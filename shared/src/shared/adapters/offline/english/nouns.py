"""Noun phrases: which may be subjects, how they stand in a question, whether somebody is meant."""

import re

from shared.adapters.offline.document_view import SourceView
from shared.adapters.offline.english.lexicon import (
    ANAPHORS,
    BE,
    DETERMINERS,
    FORMS,
    MODALS,
    PERSONS,
    PREPOSITIONS,
)
from shared.adapters.offline.facts import Sort
from shared.domain.text.words import content_words, fold, listed, stem

TOKEN = re.compile(r"[\w'-]+")
VAGUE = re.compile(
    r"\b(?:this|these|those|such|former|latter|above|below|following|here|he|she|him|they|them|later|earlier|afterwards|that (?:year|day|time|period|date))\b",
    re.IGNORECASE,
)


def is_subject(said: str) -> bool:
    found = [word.lower() for word in TOKEN.findall(said)]
    return (
        0 < len(found) <= 9
        and not set(found) & ANAPHORS - {"one", "some", "most", "many"}
        and found[0] not in PREPOSITIONS
        and "," not in said
        and bool(content_words(said))
    )


def name_of(subject: str, view: SourceView, *, is_plural: bool = False) -> str:
    """The noun phrase as it stands within a question: without its capital unless it is a name."""
    first = subject.split(" ", 1)[0]
    bare = first.removesuffix("'s")
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


def is_person(said: str, evidence: str) -> bool:
    """Whether somebody is meant: a trade says it, or a full name next to a trade or to what only people do."""
    found = {word.lower() for word in TOKEN.findall(said)}
    if found & PERSONS or {word.removesuffix("s") for word in found} & PERSONS:
        return True
    is_full_name = len(said.split()) in (2, 3) and all(
        word[:1].isupper() and word.isalpha() for word in said.split()
    )
    told = {word.lower() for word in TOKEN.findall(evidence)[:12]}
    return is_full_name and bool(told & (PERSONS | _HUMAN_DEEDS))


_HUMAN_DEEDS = frozenset(
    listed(
        "discovered proposed invented wrote published painted composed calculated proved founded designed built observed "
        "introduced described developed ruled led explained argued explored conquered translated signed"
    )
)


def sort_of(said: str, view: SourceView) -> Sort:
    """A name when the source capitalises it in mid-sentence."""
    return Sort.NAME if said.split()[-1] in view.names or said in view.names else Sort.TERM


def is_bare_name(written: str, said: str) -> bool:
    """Whether it keeps its capital and has no article, as `Canberra` does: the description asks, the name answers."""
    return written == said and said.split()[0].lower() not in DETERMINERS and len(said.split()) <= 3


def holds_verb(term: str) -> bool:
    """Whether a would-be noun phrase already holds a verb or opens with a preposition."""
    found = [word.lower() for word in TOKEN.findall(term)]
    return found[0] in PREPOSITIONS or any(
        word in BE or word in MODALS or (FORMS.get(word) and FORMS[word].tense == "past")
        for word in found[1:]
    )


def is_hollow(said: str) -> bool:
    """Whether a noun phrase names nothing by itself: `the rest`, `eight planets`, `many farmers`."""
    found = [word.lower() for word in TOKEN.findall(said)]
    return found[-1] in HOLLOW or found[0] in (DETERMINERS - {"the", "a", "an"}) or found[0].isdigit()


HOLLOW = frozenset(
    listed(
        "rest result results process number amount level molecule part parts kind type example way thing value"
    )
)
"""Subjects that nobody could name from the question alone."""
