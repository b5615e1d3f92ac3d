"""Rules on what an item says: each takes a candidate and tells whether it is at fault."""

import re
from collections.abc import Callable
from math import ceil
from typing import NamedTuple

from shared.domain.text.language import Language
from shared.domain.text.language_detection import sure_language
from shared.domain.text.words import ALL_STOP_WORDS, content_words, fold, holds_phrase, numbers, words


class Candidate(NamedTuple):
    """A card or a question, seen the same way."""

    stem: str
    """A card's front, or the question."""
    answer: str
    """A card's back, or the right option."""
    quote: str
    """The source's own words."""
    language: Language
    is_translated: bool
    """The material is asked for in another language than the source's."""
    distractors: tuple[str, ...] = ()
    """Empty for a card."""
    explanation: str = ""


Rule = Callable[[Candidate], bool]

MAX_STEM_CHARACTERS = 300
MAX_ANSWER_CHARACTERS = 300
MAX_ANSWER_WORDS = 40
MAX_LISTED = 3
"""Parts of an answer: a longer list is several facts, and nobody recalls it as one."""
ANSWER_IN_QUOTE = 0.6
"""Share of the answer's content words that the quote must hold: an answer may be reworded, not invented."""
LEAKED = 0.8
"""Share of the answer's content words that gives it away when the front holds them."""
_LISTED_WORDS = 4
"""A longer part between commas is a clause, not an entry of a list."""

_DEICTIC = re.compile(
    r"""\b(?:
      this\ (?:text|passage|document|paragraph|excerpt|extract|chapter|quote|source)
    | the\ (?:text|passage|excerpt|extract|paragraph|author|source|article|document)\ (?:above|below|says?|states?|mentions?|describes?|explains?|tells?|claims?|argues?|provides?|refers?|gives?|does|did)
    | (?:according\ to|in|from|by)\ (?:the|this)\ (?:text|passage|excerpt|extract|paragraph|source|given\ text|author|document)
    | does\ the\ (?:text|passage|author|article|document|excerpt)
    | (?:mentioned|described|given|listed|discussed|stated)\ (?:above|below|in\ the\ (?:text|passage))
    | c(?:e|et)\ (?:texte|passage|document|extrait|paragraphe|chapitre)
    | (?:dans|selon|d'apres|suivant|par)\ (?:le|l'|cet|ce)\ ?(?:texte|passage|extrait|paragraphe|document|auteur)
    | (?:le\ texte|le\ passage|l'auteur|l'extrait|le\ document)\ (?:dit|indique|mentionne|explique|affirme|decrit|parle|presente|evoque|precise|cite|donne|definit)
    | (?:du|au)\ texte
    | ci-dess(?:us|ous)
    )\b""",
    re.VERBOSE,
)
_TRUE_OR_FALSE = frozenset({"oui", "non", "vrai", "faux", "yes", "no", "true", "false"})
_LIST_SEPARATOR = re.compile(r"\s*[,;/•]\s*|\s+(?:et|ou|and|or|&)\s+", re.IGNORECASE)
_SENTENCE_END = re.compile(r"[.!?](?=\s+[^\W\d_])")
_ABBREVIATED = re.compile(
    r"\b(?:[A-Z]|M|Mr|Mrs|Dr|St|av|env|cf|apr|e\.g|i\.e|vs|etc|p|no|ex)\.(?=\s)", re.IGNORECASE
)
_NEGATION = re.compile(r"\b(?:not|never|except|least|ne|n'\w+|sauf|excepte|jamais|aucune?)\b|n't\b")
_BLANK = re.compile(r"_{2,}")


def is_empty(candidate: Candidate) -> bool:
    return not words(candidate.stem) or not words(candidate.answer)


def is_too_long(candidate: Candidate) -> bool:
    return (
        len(candidate.stem) > MAX_STEM_CHARACTERS
        or len(candidate.answer) > MAX_ANSWER_CHARACTERS
        or len(words(candidate.answer)) > MAX_ANSWER_WORDS
    )


def is_in_another_language(candidate: Candidate) -> bool:
    """The question by itself, or all of it together; an answer alone may be a foreign title."""
    whole = " ".join((candidate.stem, candidate.answer, *candidate.distractors))
    found = {sure_language(candidate.stem), sure_language(whole)}
    return bool(found - {None, candidate.language})


def refers_to_text(candidate: Candidate) -> bool:
    """Nobody has the text before them when the card comes up in three months."""
    said = " | ".join((candidate.stem, candidate.answer, *candidate.distractors))
    return _DEICTIC.search(fold(said)) is not None


def is_true_or_false(candidate: Candidate) -> bool:
    said = words(candidate.answer)
    return bool(said) and said[0] in _TRUE_OR_FALSE and len(said) <= 2


def asks_several_facts(candidate: Candidate) -> bool:
    """One card, one fact: no second sentence, no second question, no list to recite."""
    answer = _ABBREVIATED.sub("", candidate.answer)
    return (
        candidate.stem.count("?") > 1
        or ";" in answer
        or _SENTENCE_END.search(answer) is not None
        or _is_list(answer)
    )


def is_answer_unsupported(candidate: Candidate) -> bool:
    """The quote must hold the answer: its numbers all, its words for the most part. Of a translation, the numbers."""
    if not numbers(candidate.answer) <= numbers(candidate.quote):
        return True
    needed = set(content_words(candidate.answer))
    if candidate.is_translated:
        return False
    if not needed:
        return not holds_phrase(candidate.quote, candidate.answer)
    found = needed & set(content_words(candidate.quote))
    return len(found) < ceil(ANSWER_IN_QUOTE * len(needed))


def leaks_answer(candidate: Candidate) -> bool:
    if holds_phrase(_BLANK.sub(" ", candidate.stem), candidate.answer):
        return True
    needed = set(content_words(candidate.answer))
    if not needed:
        return False
    told = needed & set(content_words(candidate.stem))
    return len(told) >= max(1, ceil(LEAKED * len(needed)))


WORDING_RULES: tuple[tuple[str, Rule], ...] = (
    ("empty", is_empty),
    ("too_long", is_too_long),
    ("wrong_language", is_in_another_language),
    ("refers_to_text", refers_to_text),
    ("true_or_false", is_true_or_false),
    ("several_facts", asks_several_facts),
    ("answer_not_in_quote", is_answer_unsupported),
    ("leaks_answer", leaks_answer),
)


def is_negative(candidate: Candidate) -> bool:
    """Of a question only: what is not so is harder to read than to know."""
    return bool(candidate.distractors) and _NEGATION.search(fold(candidate.stem)) is not None


def explains_by_the_text(candidate: Candidate) -> bool:
    return _DEICTIC.search(fold(candidate.explanation)) is not None


WORDING_FLAWS: tuple[tuple[str, Rule], ...] = (
    ("negative_question", is_negative),
    ("explanation_refers_to_text", explains_by_the_text),
)


def _is_list(answer: str) -> bool:
    parts = [part for part in _LIST_SEPARATOR.split(answer.strip(" .")) if part]
    return len(parts) > MAX_LISTED and all(
        len([word for word in words(part) if word not in ALL_STOP_WORDS]) <= _LISTED_WORDS - 1
        for part in parts
    )
