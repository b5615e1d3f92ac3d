"""Rules on a question's options: alike in everything but being right. Each tells whether a candidate is at fault."""

import re
from collections.abc import Callable, Sequence

from shared.domain.study.wording_rules import Candidate
from shared.domain.text.words import content_words, fold, holds_phrase, words

Rule = Callable[[Candidate], bool]

MIN_OPTIONS, MAX_OPTIONS = 3, 5
SHORTEST_RATIO, LONGEST_RATIO = 0.5, 2.0
"""Length of a distractor against the key's: a length that stands out is a hint."""
SHORT_SLACK = 10
"""Characters added to both before they are compared: between short names length tells nothing."""
STANDS_OUT = 1.5
"""Times the next longest option."""

_CATCH_ALL = re.compile(
    r"\b(?:(?:all|none|both|any|neither)(?: of)? (?:the |these )?(?:above|below|options|answers|choices|others?|following)"
    r"|(?:both|either|neither) [a-e] (?:and|or|nor) [a-e]|all of (?:them|these)|none of (?:them|these)|it depends"
    r"|(?:toutes?|tous|aucune?s?)(?: de)? (?:l|c)es (?:reponses|propositions|options|choix|deux)"
    r"|(?:toutes|aucune) (?:ces|des) (?:reponses|propositions|options)(?: ci-dessus| precedentes)?"
    r"|(?:les deux|a et b|b et c|a et c)(?: reponses| propositions)?$|ca depend|aucune (?:reponse|proposition)|rien de tout cela)"
)
_ABSOLUTE = re.compile(
    r"\b(?:always|never|only|every|everyone|all|none|completely|toujours|jamais|uniquement|seulement|tous|toutes|aucune?|totalement)\b"
)
_ARTICLE_AT_GAP = re.compile(r"\b(?:an?|une?|la)\s*(?:_{2,}|\.{3}|\Z)")
_ARTICLE = re.compile(r"\A\s*(?:(?:the|an?|les?|la|une?|des|du)\s+|l['’]\s*)", re.IGNORECASE)
_HAS_DIGIT = re.compile(r"\d")


def is_well_formed(options: Sequence[str], answer: int) -> bool:
    """Three to five options, none empty, and a key among them."""
    return (
        MIN_OPTIONS <= len(options) <= MAX_OPTIONS
        and 0 <= answer < len(options)
        and all(words(option) for option in options)
    )


def are_not_distinct(candidate: Candidate) -> bool:
    """Options that differ only in case, accents, punctuation or small words are one."""
    options = [" ".join(words(option)) for option in _options(candidate)]
    meanings = [
        tuple(content_words(option)) or (said,)
        for option, said in zip(_options(candidate), options, strict=True)
    ]
    return len(set(options)) < len(options) or len({tuple(sorted(meaning)) for meaning in meanings}) < len(
        options
    )


def overlap(candidate: Candidate) -> bool:
    """One option inside another: both right, or both wrong."""
    options = _options(candidate)
    return any(
        holds_phrase(one, _without_article(other))
        for index, one in enumerate(options)
        for position, other in enumerate(options)
        if index != position
    )


def hold_a_catch_all(candidate: Candidate) -> bool:
    return any(_CATCH_ALL.search(fold(option)) for option in _options(candidate))


def are_not_alike(candidate: Candidate) -> bool:
    """A number among names, or a name among numbers, answers by its looks."""
    return len({_HAS_DIGIT.search(option) is not None for option in _options(candidate)}) > 1


def differ_in_length(candidate: Candidate) -> bool:
    if not candidate.distractors:
        return False
    key = len(candidate.answer) + SHORT_SLACK
    others = [len(distractor) + SHORT_SLACK for distractor in candidate.distractors]
    return any(
        not SHORTEST_RATIO <= other / key <= LONGEST_RATIO for other in others
    ) or key > STANDS_OUT * max(others)


def stand_in_the_quote(candidate: Candidate) -> bool:
    """A distractor from the very sentence may be right too."""
    return any(
        holds_phrase(candidate.quote, _without_article(distractor)) for distractor in candidate.distractors
    )


OPTION_RULES: tuple[tuple[str, Rule], ...] = (
    ("options_not_distinct", are_not_distinct),
    ("options_overlap", overlap),
    ("catch_all_option", hold_a_catch_all),
    ("options_not_alike", are_not_alike),
    ("option_lengths", differ_in_length),
    ("distractor_in_quote", stand_in_the_quote),
)


def are_absolute(candidate: Candidate) -> bool:
    """`Always` and `never` give a wrong option away."""
    return bool(candidate.distractors) and any(
        _ABSOLUTE.search(fold(option)) for option in _options(candidate)
    )


def is_told_by_article(candidate: Candidate) -> bool:
    """`a`/`an`, `un`/`une` or `la` right before the gap rules options out by grammar."""
    return (
        bool(candidate.distractors)
        and _ARTICLE_AT_GAP.search(fold(candidate.stem).rstrip(' ?.:»"')) is not None
    )


def is_told_by_echo(candidate: Candidate) -> bool:
    """A word of the question that only the key repeats."""
    if not candidate.distractors:
        return False
    echoed = set(content_words(candidate.stem)) & set(content_words(candidate.answer))
    return any(
        all(word not in content_words(distractor) for distractor in candidate.distractors) for word in echoed
    )


OPTION_FLAWS: tuple[tuple[str, Rule], ...] = (
    ("absolute_option", are_absolute),
    ("grammar_cue", is_told_by_article),
    ("echoed_word", is_told_by_echo),
)


def _without_article(option: str) -> str:
    return _ARTICLE.sub("", option) or option


def _options(candidate: Candidate) -> tuple[str, ...]:
    return (candidate.answer, *candidate.distractors) if candidate.distractors else ()
