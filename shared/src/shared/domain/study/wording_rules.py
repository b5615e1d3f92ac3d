"""Rules for the wording of an item. Each rule says whether a candidate breaks it."""

import re
from collections.abc import Callable
from math import ceil
from typing import NamedTuple

from shared.domain.text.language import rules_language
from shared.domain.text.language_detection import is_surely_other
from shared.domain.text.words import (
    ALL_STOP_WORDS,
    contains_phrase,
    content_words,
    fold,
    numbers,
    word_count,
    words,
)


class Candidate(NamedTuple):
    """A card or a question, in the form that the rules share."""

    stem: str
    """The front of a card, or the question."""
    answer: str
    """The back of a card, or the right option."""
    quote: str
    """The sentence of the source that supports the answer, verbatim."""
    language: str
    is_translated: bool
    """Whether the language of the item is not that of the source."""
    distractors: tuple[str, ...] = ()
    """The wrong options; empty for a card."""
    explanation: str = ""

    @property
    def has_word_rules(self) -> bool:
        """Whether our rules know the words of the item's language."""
        return rules_language(self.language) is not None


Rule = Callable[[Candidate], bool]

MAX_STEM_CHARACTERS = 300
MAX_ANSWER_CHARACTERS = 300
MAX_ANSWER_WORDS = 40
MAX_LISTED = 3
"""Limit of the entries of a list in an answer; a longer list is several facts."""
ANSWER_IN_QUOTE = 0.6
"""Share of the answer's content words that the quote must contain. An answer may be reworded but not invented."""
LEAKED = 0.8
"""Share of the answer's content words in the stem from which the stem gives the answer away."""
_LISTED_WORDS = 4
"""Words from which a part between commas counts as a clause and not as an entry of a list."""

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
_LIST_SEPARATOR = re.compile(r"\s*[,;/•、，،]\s*|\s+(?:et|ou|and|or|&)\s+", re.IGNORECASE)
_SENTENCE_END = re.compile(r"[.!?؟۔։](?=\s+[^\W\d_])|[。！？।።](?=\s*[^\W\d_])")
_QUESTION_MARK = re.compile(r"[?？؟]")
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
        or word_count(candidate.answer) > MAX_ANSWER_WORDS
    )


def is_in_wrong_language(candidate: Candidate) -> bool:
    """The stem, or the whole item, is in another language. The answer is not checked alone, because it may be a foreign title."""
    whole = " ".join((candidate.stem, candidate.answer, *candidate.distractors))
    return any(is_surely_other(text, candidate.language) for text in (candidate.stem, whole))


def refers_to_text(candidate: Candidate) -> bool:
    """The item refers to the text, which learners do not have before them months later."""
    whole = " | ".join((candidate.stem, candidate.answer, *candidate.distractors))
    return _DEICTIC.search(fold(whole)) is not None


def is_true_or_false(candidate: Candidate) -> bool:
    answer = words(candidate.answer)
    return bool(answer) and answer[0] in _TRUE_OR_FALSE and len(answer) <= 2


def asks_several_facts(candidate: Candidate) -> bool:
    """The item has a second question, or the answer has a second sentence or is a list."""
    answer = _ABBREVIATED.sub("", candidate.answer)
    return (
        len(_QUESTION_MARK.findall(candidate.stem)) > 1
        or ";" in answer
        or _SENTENCE_END.search(answer) is not None
        or _is_list(answer)
    )


def answer_not_in_quote(candidate: Candidate) -> bool:
    """The quote lacks a number of the answer or, unless the item is a translation, too many of its words. Words are compared only
    where their endings are known."""
    if not numbers(candidate.answer) <= numbers(candidate.quote):
        return True
    needed = set(content_words(candidate.answer))
    if candidate.is_translated or not candidate.has_word_rules:
        return False
    if not needed:
        return not contains_phrase(candidate.quote, candidate.answer)
    found = needed & set(content_words(candidate.quote))
    return len(found) < ceil(ANSWER_IN_QUOTE * len(needed))


def stem_leaks_answer(candidate: Candidate) -> bool:
    if contains_phrase(_BLANK.sub(" ", candidate.stem), candidate.answer):
        return True
    needed = set(content_words(candidate.answer))
    if not needed or not candidate.has_word_rules:
        return False
    leaked = needed & set(content_words(candidate.stem))
    return len(leaked) >= max(1, ceil(LEAKED * len(needed)))


WORDING_RULES: tuple[tuple[str, Rule], ...] = (
    ("empty", is_empty),
    ("too_long", is_too_long),
    ("wrong_language", is_in_wrong_language),
    ("refers_to_text", refers_to_text),
    ("true_or_false", is_true_or_false),
    ("several_facts", asks_several_facts),
    ("answer_not_in_quote", answer_not_in_quote),
    ("leaks_answer", stem_leaks_answer),
)


def is_negative_question(candidate: Candidate) -> bool:
    """The question contains a negation, which makes it hard to read. Cards are not checked."""
    return bool(candidate.distractors) and _NEGATION.search(fold(candidate.stem)) is not None


def explanation_refers_to_text(candidate: Candidate) -> bool:
    return _DEICTIC.search(fold(candidate.explanation)) is not None


WORDING_FLAWS: tuple[tuple[str, Rule], ...] = (
    ("negative_question", is_negative_question),
    ("explanation_refers_to_text", explanation_refers_to_text),
)


def _is_list(answer: str) -> bool:
    parts = [part for part in _LIST_SEPARATOR.split(answer.strip(" .")) if part]
    return len(parts) > MAX_LISTED and all(
        len([word for word in words(part) if word not in ALL_STOP_WORDS]) <= _LISTED_WORDS - 1
        for part in parts
    )
