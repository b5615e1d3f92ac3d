"""Rules for the wording of an item, whatever it asks. Each rule says whether a candidate breaks it."""

import re

from shared.domain.study.candidate import Candidate, Rule
from shared.domain.study.page_talk import talks_of_page
from shared.domain.text.language_detection import is_surely_other
from shared.domain.text.words import ALL_STOP_WORDS, contains_phrase, content_words, fold, word_count, words

MAX_STEM_CHARACTERS = 300
MAX_ANSWER_CHARACTERS = 300
MAX_ANSWER_WORDS = 40
MAX_LISTED = 3
"""Limit of the entries of a list in an answer; a longer list is several facts."""
_LISTED_WORDS = 4
"""Words from which a part between commas counts as a clause and not as an entry of a list."""

_TEXTS = "text|passage|excerpt|extract|paragraph|source|document|article|author"
_TEXTES = "texte|passage|document|extrait|paragraphe|chapitre|auteur|source|article"
_PERHAPS_DEICTIC = re.compile(
    rf"""\b(?:
      (?:in|from|by)\ the\ ({_TEXTS})
    | (?:dans|par)\ (?:le\ |la\ |l'|cet\ |ce\ )({_TEXTES})
    | (?:du|au)\ (texte)
    )\b""",
    re.VERBOSE,
)
"""Words for the text itself, unless the text speaks of a text: `the source of a river`, `le texte de loi`."""
_TRUE_OR_FALSE = frozenset({"oui", "non", "vrai", "faux", "yes", "no", "true", "false"})
_LIST_SEPARATOR = re.compile(r"\s*[,;/•、，،]\s*|\s+(?:et|ou|and|or|&)\s+", re.IGNORECASE)
_SENTENCE_END = re.compile(r"[.!?؟۔։](?=\s+[^\W\d_])|[。！？।።](?=\s*[^\W\d_])")
_QUESTION_MARK = re.compile(r"[?？؟]")
_ABBREVIATED = re.compile(
    r"\b(?:[A-Z]|M|Mr|Mrs|Dr|St|av|env|cf|apr|e\.g|i\.e|vs|etc|p|no|ex)\.(?=\s)", re.IGNORECASE
)
_VOCABULARY = re.compile(
    r"\b(?:phrases?|words?|expressions?|terms?|translat\w+|means?|mots?|termes?|tradui\w+|signifie\w*|veut dire|dit-on)\b"
)
_POINTING = re.compile(
    r"\b(?:this|these|those|(?<!est-)(?<!qu'est )ce|cet|cette|ces)\s+(?!que\b|qui\b|dont\b|of\b|is\b|are\b|was\b|were\b)(?P<noun>[^\W\d_]{3,})(?!\s*:)\b"
)
_PICKING = re.compile(
    r"\b(?:which|one|all|among|parmi|(?:le|la|les)?quel(?:le)?s?|tou(?:te)?s)\s+(?:of\s+|de\s+|d')?(?:these|those|ces)\b"
)
"""Words that point at the options: `which of these`, `lequel de ces`."""
_PRONOUN = re.compile(
    r"-t-(?:il|elle|ils|elles)\b|-(?:il|elle|ils|elles)\b|\b(?:he|she|they|il|elle|ils|elles)\b|\b(?:does|did|is|was|has) it\b"
)
_IMPERSONAL = re.compile(
    r"\b(?:se passe|passe-t-il|se produit|produit-il|arrive-t-il|y a|a-t-il|y avait|y aura|faut|fallait|faudra|suffit|pleut|s'agit|existe|fait|est-il (?:possible|vrai|necessaire|important)|peut-il)\b"
    r"|\bit (?:takes?|mean|important|possible|necessary|called|known|said|true|that|is|was)\b"
)
_NOUN = re.compile(r"\b(?:l[ae]s?|une?|des|du|aux?|son|sa|ses|leurs?)\s+[^\W\d_]{3,}|\bl'[^\W\d_]{3,}")
_ASKING_FIRST = frozenset(
    [
        "quand",
        "ou",
        "comment",
        "pourquoi",
        "combien",
        "que",
        "qu",
        "qui",
        "quoi",
        "quel",
        "quelle",
        "quels",
        "quelles",
        "a",
        "au",
        "aux",
        "en",
        "dans",
        "de",
        "d",
        "par",
        "pour",
        "sur",
        "depuis",
        "jusqu",
        "avec",
        "vers",
    ]
)
_QUOTED = re.compile(r"«[^»]*»|“[^”]*”|\"[^\"]*\"")
_NEGATION = re.compile(r"\b(?:not|never|except|least|ne|n'\w+|sauf|excepte|jamais|aucune?)\b|n't\b")


def is_too_long(candidate: Candidate) -> bool:
    return (
        len(candidate.stem) > MAX_STEM_CHARACTERS
        or len(candidate.answer) > MAX_ANSWER_CHARACTERS
        or word_count(candidate.answer) > MAX_ANSWER_WORDS
    )


def is_in_wrong_language(candidate: Candidate) -> bool:
    """The stem, or the whole item, is in another language. The answer is not checked alone, because it may be a foreign title; nor
    are options where the answer is a foreign phrase that the source quotes."""
    whole = " ".join((candidate.stem, candidate.answer, *candidate.distractors))
    is_vocabulary = not candidate.is_translated or _VOCABULARY.search(fold(candidate.stem)) is not None
    is_quoted = is_vocabulary and contains_phrase(candidate.quote, candidate.answer)
    texts = [candidate.stem] if is_quoted else [candidate.stem, whole, _QUOTED.sub(" ", candidate.stem)]
    return any(is_surely_other(text, candidate.language) for text in texts)


def refers_to_text(candidate: Candidate) -> bool:
    """The item refers to the text, which learners do not have before them months later."""
    whole = fold(" | ".join((candidate.stem, candidate.answer, *candidate.distractors)))
    if talks_of_page(whole):
        return True
    quoted = set(words(candidate.quote))
    return any(words(found.group())[-1] not in quoted for found in _PERHAPS_DEICTIC.finditer(whole))


def is_true_or_false(candidate: Candidate) -> bool:
    """A word that the quote is about, such as a value in a programming language, may be the answer."""
    verdict, *others = words(candidate.answer) or ("",)
    is_verdict = verdict in _TRUE_OR_FALSE and len(others) <= 1
    return is_verdict and not contains_phrase(candidate.quote, verdict)


def asks_several_facts(candidate: Candidate) -> bool:
    """The item has a second question, or the answer has a second sentence or is a list."""
    answer = _ABBREVIATED.sub("", candidate.answer)
    if not words(answer):
        return False
    return (
        len(_QUESTION_MARK.findall(candidate.stem)) > 1
        or ";" in answer
        or _SENTENCE_END.search(answer) is not None
        or _is_list(answer)
    )


def has_unclear_subject(candidate: Candidate) -> bool:
    """The stem speaks of `he`, `il` or `this value` without having said who or what that is."""
    stem = fold(candidate.stem)
    if candidate.distractors:
        stem = _PICKING.sub("", stem)
    if (found := _POINTING.search(stem)) and not _names_before(stem, found.start(), found["noun"]):
        return True
    pronoun = _PRONOUN.search(stem)
    if pronoun is None or _IMPERSONAL.search(stem):
        return False
    before = stem[: pronoun.start()]
    if pronoun[0].startswith("-"):
        return not _names_subject(before)
    return not content_words(before)


def _names_subject(before: str) -> bool:
    """Whether a noun stands before the verb to which a French pronoun is attached: `le mercure est-il`, and not `quand fut-il`."""
    first = (words(before) or ("",))[0]
    return _NOUN.search(before) is not None or first not in _ASKING_FIRST or len(content_words(before)) > 1


def _names_before(stem: str, end: int, noun: str) -> bool:
    return noun in words(stem[:end])


def has_bad_explanation(candidate: Candidate) -> bool:
    """A question is explained in its language, by its right option and not by a wrong one."""
    if not candidate.distractors:
        return False
    explained = candidate.explanation
    if not words(explained) or is_surely_other(explained, candidate.language):
        return True
    names_wrong = any(contains_phrase(explained, distractor) for distractor in candidate.distractors)
    names_right = contains_phrase(explained, candidate.answer)
    return names_wrong and not names_right and not _NEGATION.search(fold(explained))


WORDING_RULES: tuple[tuple[str, Rule], ...] = (
    ("too_long", is_too_long),
    ("wrong_language", is_in_wrong_language),
    ("refers_to_text", refers_to_text),
    ("true_or_false", is_true_or_false),
    ("several_facts", asks_several_facts),
    ("unclear_subject", has_unclear_subject),
    ("bad_explanation", has_bad_explanation),
)


def is_negative_question(candidate: Candidate) -> bool:
    """The question contains a negation, which makes it hard to read. Cards are not checked."""
    return bool(candidate.distractors) and _NEGATION.search(fold(candidate.stem)) is not None


def explanation_refers_to_text(candidate: Candidate) -> bool:
    return talks_of_page(candidate.explanation)


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
