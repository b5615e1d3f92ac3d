"""Finds the sentences of a collection that an answer used.

Every quote is a span of the learner's text: `text[start:end]` is what was shown to the provider and what is quoted.
"""

import re
from collections.abc import Iterator, Sequence

from shared.domain.study.material import Source
from shared.domain.text.quote_matching import MAX_QUOTE_CHARACTERS, MIN_QUOTE_CHARACTERS, QuoteFinder
from shared.domain.text.segmentation import sentences
from shared.domain.text.span import Span
from shared.domain.text.words import content_words

MAX_QUOTES = 8

_RESTATED_SHARE = 0.75
"""An answer restates a sentence if one of its own sentences contains at least this share of the content words."""
_MIN_RESTATED_WORDS = 4
_IN_QUOTATION_MARKS = re.compile(r"«([^«»]+)»|“([^“”]+)”|\"([^\"]+)\"")


def used_quotes(answer: str, text: str, shown: Sequence[Span]) -> list[Source]:
    """What the answer took from the passages it was shown: sentences it repeats or closely follows, and fragments it
    sets in quotation marks. Verbatim from `text`, in its order, without overlap."""
    quoted = list(_quoted(answer, text, shown))
    covered = list(quoted)
    statements = [set(content_words(span.of(answer))) for span in sentences(answer)]
    repeated = QuoteFinder(answer)
    for sentence in (part for span in shown for part in _sentences_in(text, span)):
        if any(_spans_overlap(sentence, span) for span in covered):
            continue
        if repeated.find(sentence.of(text)) or _is_restated(
            set(content_words(sentence.of(text))), statements
        ):
            covered.append(sentence)
    return [Source(span.of(text), span.start, span.end) for span in sorted(covered)[:MAX_QUOTES]]


def _quoted(answer: str, text: str, shown: Sequence[Span]) -> Iterator[Span]:
    finders = [QuoteFinder(text, within=span) for span in shown]
    found: list[Span] = []
    for match in _IN_QUOTATION_MARKS.finditer(answer):
        fragment = next(group for group in match.groups() if group)
        if not MIN_QUOTE_CHARACTERS <= len(fragment) <= MAX_QUOTE_CHARACTERS:
            continue
        span = next((span for finder in finders if (span := finder.find(fragment))), None)
        if span and not any(_spans_overlap(span, other) for other in found):
            found.append(span)
            yield span


def _is_restated(words: set[str], statements: Sequence[set[str]]) -> bool:
    if len(words) < _MIN_RESTATED_WORDS:
        return False
    return any(len(words & statement) >= _RESTATED_SHARE * len(words) for statement in statements)


def _sentences_in(text: str, passage: Span) -> Iterator[Span]:
    for start, end in sentences(passage.of(text)):
        yield Span(passage.start + start, passage.start + end)


def _spans_overlap(one: Span, other: Span) -> bool:
    return one.start < other.end and other.start < one.end
