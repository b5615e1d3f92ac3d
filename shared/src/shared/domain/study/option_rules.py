"""Rules for the options of a question, which must differ in nothing but being right. Each rule says whether a candidate breaks
it."""

import re
from collections.abc import Sequence

from shared.domain.study.answer_rules import ARTICLE, has_content, is_symbol
from shared.domain.study.candidate import Candidate, Rule
from shared.domain.text.quantities import are_different, quantities, unsupported
from shared.domain.text.words import ALL_STOP_WORDS, content_words, fold, stem, words

MIN_OPTIONS, MAX_OPTIONS = 3, 5
SHORTEST_RATIO, LONGEST_RATIO = 0.5, 2.0
"""Range of a distractor's length as a ratio to the answer's; an unusual length is a hint."""
SHORT_SLACK = 10
"""Characters added to both lengths before the comparison, because among short names the ratio means nothing."""
MIN_FORMS = 3
"""Options that differ in their endings alone from which the endings are what is asked for, as in a conjugation."""
LONG_ANSWER_RATIO = 1.5
"""Limit of the answer's length as a ratio to the longest distractor's."""

_CATCH_ALL = re.compile(
    r"\A\W*(?:none of|no (?:option|answer|choice) |everything (?:listed |said )?above|aucune? (?:de ces|des) |l'ensemble des (?:reponses|propositions|choix))|\btou(?:te)?s les \w+ (?:cites|citees|ci-dessus|precedents|precedentes|mentionnes|mentionnees)\b|\b(?:(?:all|none|both|any|neither)(?: of)? (?:the |these )?(?:above|below|options|answers|choices|others?|following)"
    r"|(?:both|either|neither) [a-e] (?:and|or|nor) [a-e]|all of (?:them|these)|none of (?:them|these)|it depends"
    r"|(?:toutes?|tous|aucune?s?)(?: de)? (?:l|c)es (?:reponses|propositions|options|choix|deux)"
    r"|(?:toutes|aucune) (?:ces|des) (?:reponses|propositions|options)(?: ci-dessus| precedentes)?"
    r"|(?:les deux|a et b|b et c|a et c)(?: reponses| propositions)?$|ca depend|aucune (?:reponse|proposition)|rien de tout cela)"
)
_ABSOLUTE = re.compile(
    r"\b(?:always|never|only|every|everyone|all|none|completely|toujours|jamais|uniquement|seulement|tous|toutes|aucune?|totalement)\b"
)
_ARTICLE_AT_GAP = re.compile(r"\b(?:an?|une?|la)\s*(?:_{2,}|\.{3}|\Z)")
_HAS_NUMBER = re.compile(r"(?<![^\W\d_])\d")
"""A number, which is no part of a name like `H2O`."""
_TOKEN = re.compile(r"[^\W_]+|[<>=!&|*]+|[^\s\w]")


def is_well_formed(options: Sequence[str], answer: int) -> bool:
    """Whether there are three to five options, none is empty, and `answer` is the index of one."""
    return (
        MIN_OPTIONS <= len(options) <= MAX_OPTIONS
        and 0 <= answer < len(options)
        and all(has_content(option) for option in options)
    )


def options_not_distinct(candidate: Candidate) -> bool:
    """Two options say the same: they differ only in case, accents, an article, spaces or punctuation, or in how a number is
    written. Signs, order and small words make a difference."""
    options = _options(candidate)
    said = [_meaning(option) for option in options]
    if said and max(map(said.count, said)) >= MIN_FORMS:
        said = [(option.casefold(),) for option in options]
    return len(set(said)) < len(options) or any(
        _is_same_quantity(one, other) for index, one in enumerate(options) for other in options[:index]
    )


def _meaning(option: str) -> tuple[str, ...]:
    """The words and symbols in order, without a leading article. The words of a bare name count by their stems, in any order."""
    kept = _tokens(option)
    is_name = all(token.isalpha() and token not in ALL_STOP_WORDS for token in kept)
    return tuple(sorted(map(stem, kept))) if is_name and kept else kept or (option,)


def _tokens(text: str) -> tuple[str, ...]:
    found = _TOKEN.findall(_without_article(fold(text)))
    return tuple(token for token in found if token[0].isalnum() or is_symbol(token[0]))


def _is_same_quantity(one: str, other: str) -> bool:
    """Both are one quantity and nothing else, and it is the same one."""
    mine, theirs = quantities(one), quantities(other)
    alone = len(mine) == len(theirs) == 1 and all(map(_is_quantity, (one, other)))
    return alone and mine[0].unit == theirs[0].unit and bool(mine[0].values & theirs[0].values)


def _is_quantity(option: str) -> bool:
    found = quantities(option)
    return len(found) == 1 and set(words(option)) <= {word for part in found[0].words for word in words(part)}


def options_overlap(candidate: Candidate) -> bool:
    """One option contains another, so that both are right or both are wrong. A sign before it makes it another one."""
    options = _options(candidate)
    said = [_tokens(option) for option in options]
    return any(
        one != other
        and _contains(one, other)
        and not _is_signed(one, other)
        and not are_different(options[index], options[position])
        for index, one in enumerate(said)
        for position, other in enumerate(said)
    )


def _is_signed(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Only a sign is added: `−cos x` to `cos x`."""
    return one[1:] == other and one[0] in "-−+±√"


def _contains(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    width = len(other)
    return any(one[start : start + width] == other for start in range(len(one) - width + 1))


def has_catch_all_option(candidate: Candidate) -> bool:
    return any(_CATCH_ALL.search(fold(option)) for option in _options(candidate))


def options_not_alike(candidate: Candidate) -> bool:
    """Some options have digits and others have none, which is a hint."""
    return len({_HAS_NUMBER.search(option) is not None for option in _options(candidate)}) > 1


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
    return any(_is_in(distractor, candidate.quote) for distractor in candidate.distractors)


def _is_in(distractor: str, quote: str) -> bool:
    is_said = _contains(_tokens(quote), _tokens(distractor))
    return is_said and not (_is_quantity(distractor) and unsupported(distractor, quote))


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
    return ARTICLE.sub("", option) or option


def _options(candidate: Candidate) -> tuple[str, ...]:
    return (candidate.answer, *candidate.distractors) if candidate.distractors else ()
