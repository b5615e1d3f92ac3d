"""Flaws of flashcards, and of cards and questions against the sentence that supports them."""

import re

from tests.quality.flaws.stem import GAP, VERDICTS, is_in_other_language, is_verdict
from tests.quality.item import LintedItem

from shared.domain.study.answer_rules import (
    answer_not_in_quote,
    belongs_to_other_clause,
    drops_negation,
    stem_leaks_answer,
)
from shared.domain.study.wording_rules import MAX_ANSWER_WORDS, asks_several_facts, has_bad_explanation
from shared.domain.text.quantities import quantities
from shared.domain.text.words import ALL_STOP_WORDS, fold, word_count, words

SENTENCE_WORDS = 6
LISTED = 3
TERM_WORDS = 7
"""Words up to which a front without a verb may be a term."""

_TWO_QUESTIONS = re.compile(
    r"\b(?:and|et)\s+(?:(?:in|at|by|for|to|from|with|en|a|de|par|pour)\s+)?(?:what|which|who|when|where|why|how|qui|que|quand|ou|comment|pourquoi|combien|quel(?:le)?s?)\b"
)
_YES_NO_ASKED = re.compile(
    r"\A\W*(?:is|are|was|were|does|do|did|can|could|has|have|had|will|would|should|est-ce qu|est-il vrai|peut-on|faut-il|a-t-on)\b"
    r"(?!.*\b(?:or|ou)\b)"
)
_PAGE_NUMBER = re.compile(
    r"\b(?:pages?|p\.|figures?|fig\.?|chapters?|chapitres?|tables?|tableaux?|sections?|no\.?|n°|exercises?|exercices?|notes?|volumes?|vol\.?|step|etape|eq\.?|equation)\s*\(?\Z"
)
_YEAR = re.compile(r"\A\W*(?:1\d{3}|20\d{2}|[1-9]\d{2})\W*\Z")
_BEFORE_YEAR = re.compile(
    r"\b(?:in|since|from|until|by|of|before|after|around|circa|to|and|year|en|depuis|vers|avant|apres|de|annee|an|l'an|jusqu'en|des|a|et)\s*\(?\Z|\(\s*\Z|[-–]\s*\Z"
)
_ADVERB = re.compile(r"\A(?:\w+ly|\w{3,}(?:amment|emment|ement|iment|ument|ément))\Z")
_NO_ADVERBS = frozenset(
    [
        "family",
        "supply",
        "assembly",
        "italy",
        "july",
        "anomaly",
        "monopoly",
        "reply",
        "butterfly",
        "fly",
        "element",
        "document",
        "gouvernement",
        "mouvement",
        "parlement",
        "monument",
        "sediment",
        "ciment",
        "aliment",
        "moment",
        "segment",
        "traitement",
        "developpement",
        "changement",
        "rendement",
        "argument",
        "instrument",
        "firmament",
        "ligament",
        "pigment",
        "departement",
        "logement",
        "jugement",
        "fragment",
        "complement",
    ]
)
_FILLERS = frozenset(
    [
        "thing",
        "things",
        "way",
        "ways",
        "kind",
        "kinds",
        "type",
        "types",
        "part",
        "example",
        "case",
        "fact",
        "number",
        "also",
        "however",
        "therefore",
        "thus",
        "very",
        "really",
        "quite",
        "instead",
        "together",
        "indeed",
        "well",
        "such",
        "certain",
        "different",
        "various",
        "main",
        "new",
        "good",
        "great",
        "important",
        "chose",
        "choses",
        "maniere",
        "facon",
        "sorte",
        "type",
        "exemple",
        "cas",
        "fait",
        "donc",
        "cependant",
        "toutefois",
        "ainsi",
        "aussi",
        "tres",
        "bien",
        "vraiment",
        "plutot",
        "ensemble",
        "certain",
        "certaine",
        "differents",
        "divers",
        "principal",
        "nouveau",
        "bon",
        "grand",
        "important",
    ]
)
_LISTED = re.compile(r"\s*[,;]\s*(?:and\s|et\s)?|\s+(?:and|et)\s+")
_HALF_BEFORE = re.compile(
    r"(?:\A\W*|\b(?:the|an?|l[ae]s?|une?|des|du)\s+|\bl')([^\W\d_]{3,})\s+(?:de\s+|d')?\Z"
)
_CATCH_OR_COMBINED = re.compile(
    r"\b(?:all|none|both|everything|toutes?|tous|aucune?|les deux|l'ensemble|tout ce qui|les reponses)\b|\A\W*(?:[a-e]|[ivx]+|\d)\W*(?:,|and|et|&|\+|or|ou)\W*(?:[a-e]|[ivx]+|\d)\b"
)
_OPEN_END = re.compile(r"[,;:(–-]\s*\Z")


def tells_several_facts(item: LintedItem) -> bool:
    listed_parts = [part for part in _LISTED.split(item.right) if words(part)]
    is_list = len(listed_parts) >= LISTED and all(len(words(part)) <= 4 for part in listed_parts)
    return is_list or asks_several_facts(item.candidate) or _TWO_QUESTIONS.search(fold(item.stem)) is not None


def is_yes_or_no(item: LintedItem) -> bool:
    first = words(item.right)[:1]
    is_verdict = bool(first) and first[0] in VERDICTS
    return is_verdict or (
        _YES_NO_ASKED.search(fold(item.stem)) is not None and item.stem.rstrip().endswith("?")
    )


def is_too_long(item: LintedItem) -> bool:
    return word_count(item.right) > MAX_ANSWER_WORDS


def is_fragment(item: LintedItem) -> bool:
    """The front is neither a question, nor a term, nor a whole sentence, with or without a gap."""
    front = item.stem.strip()
    bare = front.rstrip(' »”")*')
    if bare.endswith("?") or (bare.endswith(":") and word_count(front) <= TERM_WORDS):
        return False
    starts_inside = front[:1].islower() and word_count(front) > 3
    ends_open = _OPEN_END.search(front) is not None or (words(front) or ("",))[-1] in ALL_STOP_WORDS
    if GAP.search(front):
        return starts_inside or not re.search(r"[.!?…]\W*\Z", bare) or _OPEN_END.search(bare) is not None
    if word_count(front) <= TERM_WORDS and not starts_inside:
        return ends_open
    return starts_inside or ends_open or not re.search(r"[.!:]\Z", bare)


def hides_bare_number(item: LintedItem) -> bool:
    """The gap hides a number that counts nothing: a page, a figure, or one without a unit."""
    if not re.fullmatch(r"\W*\d[\d.,\s]*\W*", item.right) or not (gap := GAP.search(item.stem)):
        return False
    before, after = fold(item.stem[: gap.start()]), fold(item.stem[gap.end() :])
    if _PAGE_NUMBER.search(before.rstrip()):
        return True
    if _YEAR.match(item.right) and _BEFORE_YEAR.search(before):
        return False
    counted = re.match(r"\s*(?:%|°|€|\$|£)|[\s-]+(?!\d)([^\W\d_][\w'-]*)", after)
    return counted is None or (counted[1] is not None and counted[1] in ALL_STOP_WORDS)


def hides_filler(item: LintedItem) -> bool:
    """The gap hides a small word, an adverb, or half of a compound."""
    if not (gap := GAP.search(item.stem)):
        return False
    hidden = words(item.right)
    is_joined = item.stem[: gap.start()].endswith("-") or item.stem[gap.end() :].startswith("-")
    if not hidden or is_joined:
        return True
    if quantities(item.right):
        return False
    half = _HALF_BEFORE.search(fold(item.stem[: gap.start()]))
    is_half = half is not None and half[1] not in ALL_STOP_WORDS
    return is_half or all(_is_filler(word) for word in hidden)


def _is_filler(word: str) -> bool:
    is_adverb = _ADVERB.match(word) is not None and word not in _NO_ADVERBS
    return word in ALL_STOP_WORDS or word in _FILLERS or is_adverb


def leaks_answer(item: LintedItem) -> bool:
    return not is_yes_or_no(item) and stem_leaks_answer(item.candidate)


def repeats_quote(item: LintedItem) -> bool:
    told = words(item.right)
    return len(told) >= SENTENCE_WORDS and told == words(item.quote)


def is_unsupported(item: LintedItem) -> bool:
    candidate = item.candidate
    if item.is_card and (is_yes_or_no(item) or is_too_long(item) or tells_several_facts(item)):
        return False
    if not item.is_card and (is_verdict(item) or _CATCH_OR_COMBINED.search(fold(item.right))):
        return False
    return not is_in_other_language(item) and (
        answer_not_in_quote(candidate) or drops_negation(candidate) or belongs_to_other_clause(candidate)
    )


def is_badly_explained(item: LintedItem) -> bool:
    return has_bad_explanation(item.candidate)
