"""Finds the terms of a source: nouns that are rare in the language and stand in the source more than once.

They are wrong options where the source defines too few other terms. The lists of common words are stems: the English ones are
those of level 10 of SCOWL (Kevin Atkinson, free to use with its notice), the French ones were counted in the practical guides of
service-public.fr (Licence Ouverte 2.0).
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

from shared.domain.text.language import Language
from shared.domain.text.words import ALL_STOP_WORDS, fold, stem

_MIN_TIMES = 2
"""Times that a noun stands in a source that is about it."""
_NOUN = {
    Language.EN: re.compile(
        r"\b(?:the|an?|of|in|into|from|by|called|and) (?P<noun>[a-z]{5,})(?=[,.;:)]|\Z| (?:of|in|on|at|by|for|from|to|and|or|is|are|was|were|that|which|with|can|may|has|have)\b)"
    ),
    Language.FR: re.compile(
        r"(?:\b(?:les?|la|une?|du|des|de|au|aux|en)\s|\b[ld]')(?P<noun>[a-zà-ÿœ]{5,})(?=[,.;:)]|\Z| (?:de|du|des|est|sont|et|ou|qui|que|dans|par|pour|sur|en|avec|a|ont|était|étaient|au|aux)\b| d')"
    ),
}
_NO_NOUN = re.compile(r"(?:ly|ing|ed|ment|ant|eux|euse|ful|ous|able|ible|ive|ique|al|elle|aire|er|ir)\Z")
"""Endings of adverbs, adjectives and participles, with or without an article before them."""


@cache
def common_stems(language: Language) -> frozenset[str]:
    """Stems of the words that are common in texts of any subject."""
    return frozenset(
        files("shared.adapters.offline").joinpath(f"common_words/{language}.txt").read_text("utf-8").split()
    )


def rare_nouns(texts: Iterable[str], language: Language) -> list[str]:
    """The nouns that are rare in the language, in their most frequent form, the most frequent first."""
    common = common_stems(language)
    forms: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for text in texts:
        for match in _NOUN[language].finditer(text):
            noun = match["noun"]
            root = stem(fold(noun))
            if root not in common and fold(noun) not in ALL_STOP_WORDS and not _NO_NOUN.search(noun):
                forms[root][noun] += 1
    often = [count for count in forms.values() if count.total() >= _MIN_TIMES]
    ranked = sorted(often, key=lambda count: (-count.total(), min(count)))
    return [max(count, key=lambda noun: (count[noun], noun)) for count in ranked]
