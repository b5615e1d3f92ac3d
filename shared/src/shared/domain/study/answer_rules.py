"""Rules that hold an answer against its quote and its question. Each says whether a candidate breaks it.

Quantities are compared by value, sign, scale and unit, and other words by their stems.
"""

import re
import unicodedata
from math import ceil

from shared.domain.study.candidate import Candidate, Rule
from shared.domain.text.number_words import roman_value
from shared.domain.text.quantities import quantities, quantity_words, unsupported
from shared.domain.text.words import contains_phrase, content_words, fold, numbers, stem, words

ANSWER_IN_QUOTE = 0.6
"""Share of the answer's content words that the quote must contain. An answer may be reworded but not invented."""
LEAKED = 0.8
"""Share of the answer's content words in the stem from which the stem gives the answer away."""
MIN_REPEATED = 2
"""Content words of a question that an answer to `who` may not repeat: it names somebody, and tells no story."""
MIN_SENTENCE_WORDS = 6
"""Content words from which an answer that is its whole quote is a sentence and not a term."""

ARTICLE = re.compile(r"\A\s*(?:(?:the|an?|les?|la|une?|des|du)\s+|l['’]\s*)", re.IGNORECASE)
_BLANK = re.compile(r"_{2,}")
_WHO = re.compile(r"\A\W*(?:who|whom|qui)\b(?! est-ce que| is it that)")
_NEGATED = r"\b(?:not|never|no longer|nor|isn't|aren't|wasn't|weren't|pas|jamais|plus)\b(?:\W+(?:an?|the|une?|de|des|du|l[ae]s?|l|d)\b)?\W+"
_NEGATIONS = re.compile(r"\b(?:not|never|no|except|pas|jamais|plus|sauf|aucune?|non|cannot)\b|n't\b")
_DENIES = re.compile(r"\b(?:not|never|no longer|pas|jamais)\b|n't\b")
_DENIED = re.compile(
    r"\b(?:not|never|no|none|nor|neither|nobody|nothing|without|lacks?|lacking|fails?|cannot|unlike|rather|instead|non|ne|n'\w+|pas|jamais|plus|sans|aucune?|ni|rien|personne|refuse\w*|interdi\w+|un\w{4,}|in\w{4,}|im\w{4,}|dis\w{4,})\b|n't\b"
)
"""Words of which one at least stands in a sentence that denies something. Too many of them are listed rather than too few."""
_CLAUSE_END = re.compile(r"[,;:—]|\b(?:and|but|while|then|whereas|et|mais|puis|tandis que|alors que)\b")
_NAME = re.compile(r"\b[^\W\d_a-z][\w’'-]*(?:\s+(?:de |von |van |d’|d')?[^\W\d_a-z][\w’'-]+)+")
_YEAR = re.compile(r"(?<!\d)[12]\d{3}(?!\d)")
_DECADE = re.compile(r"(?:in |during |dans |durant )?(?:the |les )?(?:annees )?([12]\d{2}0)(?:s|'s)?")
_CENTURY = re.compile(
    r"(?:in |during |au |le |the |l[ae] )*(\d{1,2}|[ivx]+)(?:st|nd|rd|th|e|er|eme)?[ -](?:century|siecle)"
)
_REGNAL = re.compile(r"\b([A-ZÀ-Ý][^\W\d_]+) ([IVX]+)(?:er)?\b")
_LETTER = re.compile(r"(?<![\w’'])[B-HJ-Z](?![\w’'])")
"""A letter that names something, as in `vitamin D`; `A` and `I` are words."""
_NAME_STEM = 4
"""Letters by which a name is looked for in a quote of another language."""


def is_empty(candidate: Candidate) -> bool:
    return not words(candidate.stem) or not has_content(candidate.answer)


def has_content(text: str) -> bool:
    """Whether a text holds a word or a symbol, such as an operator of a programming language."""
    return bool(words(text)) or any(is_symbol(char) for char in text)


def is_symbol(char: str) -> bool:
    return unicodedata.category(char)[0] == "S" or char in "%&@#/\\*|;:!?{}[]()-_"


def answer_not_in_quote(candidate: Candidate) -> bool:
    """The quote lacks a quantity of the answer or too many of its words. Words are compared only where their endings are known,
    and unless the item is a translation."""
    if not words(candidate.answer):
        return candidate.answer.strip() not in candidate.quote
    if not candidate.has_word_rules:
        return not numbers(candidate.answer) <= numbers(candidate.quote)
    if _is_period_of(candidate.answer, candidate.quote):
        return False
    if unsupported(candidate.answer, candidate.quote, asked=candidate.stem):
        return True
    if _numbers_name_otherwise(candidate):
        return True
    if candidate.is_translated:
        return _invents_person(candidate)
    return _lacks_words(candidate.answer, candidate.quote)


def _is_period_of(answer: str, quote: str) -> bool:
    """The answer is the decade or the century of a year in the quote."""
    years = [int(year) for year in _YEAR.findall(quote)]
    if found := _DECADE.fullmatch(fold(answer).strip(" .")):
        return any(year // 10 * 10 == int(found[1]) for year in years)
    if found := _CENTURY.fullmatch(fold(answer).strip(" .")):
        century = int(found[1]) if found[1].isdigit() else roman_value(found[1].upper())
        return any((year + 99) // 100 == century for year in years)
    return False


def _numbers_name_otherwise(candidate: Candidate) -> bool:
    """The answer says `Charles II` and the quote speaks of `Charles I` alone."""
    told = dict(_REGNAL.findall(candidate.quote))
    return any(told.get(name, number) != number for name, number in _REGNAL.findall(candidate.answer))


def _lacks_words(answer: str, quote: str) -> bool:
    compared_by_value = {stem(word) for word in quantity_words(answer)}
    everything = set(content_words(answer))
    needed = everything - compared_by_value
    if not needed:
        return not everything and not quantities(answer) and not contains_phrase(quote, answer)
    found = needed & set(content_words(quote))
    return len(found) < ceil(ANSWER_IN_QUOTE * len(needed))


def _invents_person(candidate: Candidate) -> bool:
    """The answer to `who` is a name of which no part stands in the quote. Names of places differ between languages, and so do
    names of one word."""
    if not _WHO.match(fold(candidate.stem)) or not _NAME.fullmatch(candidate.answer.strip(" .")):
        return False
    quoted = words(candidate.quote)
    parts = [part[:_NAME_STEM] for part in words(candidate.answer) if len(part) >= _NAME_STEM]
    return bool(parts) and not any(word.startswith(part) for part in parts for word in quoted)


def stem_leaks_answer(candidate: Candidate) -> bool:
    asked = _BLANK.sub(" ", candidate.stem)
    if not words(candidate.answer):
        return candidate.answer.strip() in candidate.stem
    if contains_phrase(asked, candidate.answer):
        return not _tells_number(candidate.answer, asked)
    needed = set(content_words(candidate.answer))
    if not needed or not candidate.has_word_rules or unsupported(candidate.answer, asked):
        return False  # the stem lacks a quantity, which is what is asked for
    if not set(_LETTER.findall(candidate.answer)) <= set(_LETTER.findall(candidate.stem)):
        return False
    leaked = needed & set(content_words(candidate.stem))
    return len(leaked) >= max(1, ceil(LEAKED * len(needed))) and not _tells_number(candidate.answer, asked)


def _tells_number(answer: str, asked: str) -> bool:
    """The answer has a number that the question has not, if only as a word: `un mois`, or `six` where `eighty-six` is asked about."""
    return bool(quantities(answer)) and not any(
        one.agrees_with(other) for one in quantities(answer) for other in quantities(asked)
    )


def drops_negation(candidate: Candidate) -> bool:
    """The quote denies what the answer says, or says what the answer denies."""
    if candidate.is_translated:
        return False
    if _DENIES.search(fold(candidate.answer)) and not _DENIED.search(
        fold(f"{candidate.quote} {candidate.stem}")
    ):
        return True
    answer = re.escape(_without_article(fold(candidate.answer).strip(" .")))
    denied = re.search(_NEGATED + answer + r"\b", fold(candidate.quote)) if answer else None
    return denied is not None and not _NEGATIONS.search(f"{fold(candidate.stem)} {fold(candidate.answer)}")


def belongs_to_other_clause(candidate: Candidate) -> bool:
    """The quote has two clauses with a quantity each; the question repeats every word of one, and the answer is of the other."""
    if not quantities(candidate.answer) or candidate.is_translated:
        return False
    asked = set(content_words(candidate.stem))
    clauses = [clause for clause in _CLAUSE_END.split(fold(candidate.quote)) if quantities(clause)]
    answering = [clause for clause in clauses if not unsupported(candidate.answer, clause)]
    asked_about = [clause for clause in clauses if len(_told(clause)) > 1 and _told(clause) <= asked]
    if len(answering) != 1 or len(asked_about) != 1 or answering == asked_about:
        return False
    return not _told(answering[0]) <= asked


def _told(clause: str) -> set[str]:
    """The words of a clause without its quantities."""
    return set(content_words(clause)) - {stem(word) for word in quantity_words(clause)}


def repeats_question(candidate: Candidate) -> bool:
    """The answer to `who` is a sentence, or the back of a card is the whole sentence that it was asked about."""
    told, asked = set(content_words(candidate.answer)), set(content_words(candidate.stem))
    is_story = _WHO.match(fold(candidate.stem)) is not None and len(told & asked) >= MIN_REPEATED
    is_sentence = len(told) >= MIN_SENTENCE_WORDS and words(candidate.answer) == words(candidate.quote)
    return is_story or (is_sentence and bool(told & asked) and not _BLANK.search(candidate.stem))


def _without_article(text: str) -> str:
    return ARTICLE.sub("", text) or text


ANSWER_RULES: tuple[tuple[str, Rule], ...] = (
    ("answer_not_in_quote", answer_not_in_quote),
    ("contradicts_quote", drops_negation),
    ("other_clause", belongs_to_other_clause),
    ("leaks_answer", stem_leaks_answer),
    ("repeats_question", repeats_question),
)
