"""Rules for the options of a question, which must differ in nothing but being right. Each rule says whether a candidate breaks
it."""

import re
from collections.abc import Sequence

from shared.domain.study.wording_rules import Candidate, Rule
from shared.domain.text.words import contains_phrase, content_words, fold, words

MIN_OPTIONS, MAX_OPTIONS = 3, 5
SHORTEST_RATIO, LONGEST_RATIO = 0.5, 2.0
"""Range of a distractor's length as a ratio to the answer's; an unusual length is a hint."""
SHORT_SLACK = 10
"""Characters added to both lengths before the comparison, because among short names the ratio means nothing."""
LONG_ANSWER_RATIO = 1.5
"""Limit of the answer's length as a ratio to the longest distractor's."""

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
    """Whether there are three to five options, none is empty, and `answer` is the index of one."""
    return (
        MIN_OPTIONS <= len(options) <= MAX_OPTIONS
        and 0 <= answer < len(options)
        and all(words(option) for option in options)
    )


def options_not_distinct(candidate: Candidate) -> bool:
    """Two options differ only in case, accents, punctuation or stop words."""
    options = [" ".join(words(option)) for option in _options(candidate)]
    if not candidate.has_word_rules:
        return len(set(options)) < len(options)
    meanings = [
        tuple(content_words(option)) or (said,)
        for option, said in zip(_options(candidate), options, strict=True)
    ]
    return len(set(options)) < len(options) or len({tuple(sorted(meaning)) for meaning in meanings}) < len(
        options
    )


def options_overlap(candidate: Candidate) -> bool:
    """One option contains another, so that both are right or both are wrong."""
    options = _options(candidate)
    return any(
        contains_phrase(one, _without_article(other))
        for index, one in enumerate(options)
        for position, other in enumerate(options)
        if index != position
    )


def has_catch_all_option(candidate: Candidate) -> bool:
    return any(_CATCH_ALL.search(fold(option)) for option in _options(candidate))


def options_not_alike(candidate: Candidate) -> bool:
    """Some options have digits and others have none, which is a hint."""
    return len({_HAS_DIGIT.search(option) is not None for option in _options(candidate)}) > 1


def option_lengths_differ(candidate: Candidate) -> bool:
    if not candidate.distractors:
        return False
    length = len(candidate.answer) + SHORT_SLACK
    others = [len(distractor) + SHORT_SLACK for distractor in candidate.distractors]
    return any(
        not SHORTEST_RATIO <= other / length <= LONGEST_RATIO for other in others
    ) or length > LONG_ANSWER_RATIO * max(others)


def distractor_in_quote(candidate: Candidate) -> bool:
    """The quote contains a distractor, which may be right too."""
    return any(
        contains_phrase(candidate.quote, _without_article(distractor)) for distractor in candidate.distractors
    )


OPTION_RULES: tuple[tuple[str, Rule], ...] = (
    ("options_not_distinct", options_not_distinct),
    ("options_overlap", options_overlap),
    ("catch_all_option", has_catch_all_option),
    ("options_not_alike", options_not_alike),
    ("option_lengths", option_lengths_differ),
    ("distractor_in_quote", distractor_in_quote),
)


def has_absolute_option(candidate: Candidate) -> bool:
    """An option contains a word such as `always` or `never`, which suggests that it is wrong."""
    return bool(candidate.distractors) and any(
        _ABSOLUTE.search(fold(option)) for option in _options(candidate)
    )


def has_grammar_cue(candidate: Candidate) -> bool:
    """An article such as `an` or `une` stands right before the gap, so that grammar excludes options."""
    return (
        bool(candidate.distractors)
        and _ARTICLE_AT_GAP.search(fold(candidate.stem).rstrip(' ?.:»"')) is not None
    )


def answer_echoes_stem(candidate: Candidate) -> bool:
    """The answer, and no distractor, repeats a word of the question."""
    if not candidate.distractors:
        return False
    echoed = set(content_words(candidate.stem)) & set(content_words(candidate.answer))
    return any(
        all(word not in content_words(distractor) for distractor in candidate.distractors) for word in echoed
    )


OPTION_FLAWS: tuple[tuple[str, Rule], ...] = (
    ("absolute_option", has_absolute_option),
    ("grammar_cue", has_grammar_cue),
    ("echoed_word", answer_echoes_stem),
)


def _without_article(option: str) -> str:
    return _ARTICLE.sub("", option) or option


def _options(candidate: Candidate) -> tuple[str, ...]:
    return (candidate.answer, *candidate.distractors) if candidate.distractors else ()
