"""Retrieves the passages of a collection that are relevant to a question, and finds the sentences that an answer used.

Every passage and quote is a span of the learner's text: `text[start:end]` is what was shown to the provider and what is quoted.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from shared.domain.study.material import Source
from shared.domain.text.quote_matching import MAX_QUOTE_CHARACTERS, MIN_QUOTE_CHARACTERS, QuoteFinder
from shared.domain.text.segmentation import sentences
from shared.domain.text.segments import segments
from shared.domain.text.span import Span
from shared.domain.text.words import content_words, inverse_document_frequency

PASSAGE_CHARACTERS = 600
"""Target length of a passage, in characters: a few sentences, so that a pronoun comes with its noun."""
MAX_PASSAGES = 8
MAX_QUOTES = 8

_FREQUENCY_SATURATION = 1.2
_LENGTH_WEIGHT = 0.75
"""The usual BM25 constants k1 and b."""
_EARLIER_WEIGHT = 0.4
"""Weight of a word from an earlier question. A follow-up refers to it without repeating it."""
_RESTATED_SHARE = 0.75
"""An answer restates a sentence if one of its own sentences contains at least this share of the content words."""
_MIN_RESTATED_WORDS = 4
_IN_QUOTATION_MARKS = re.compile(r"«([^«»]+)»|“([^“”]+)”|\"([^\"]+)\"")


def passages(text: str) -> list[Span]:
    """The complete text as runs of sentences and rows of about `PASSAGE_CHARACTERS`, in order, without overlap."""
    found: list[Span] = []
    for sentence in _bounded([segment.span for segment in segments(text)]):
        if found and sentence.end - found[-1].start <= PASSAGE_CHARACTERS:
            found[-1] = Span(found[-1].start, sentence.end)
        else:
            found.append(sentence)
    return found


def choose_passages(text: str, questions: Sequence[str], *, limit: int = MAX_PASSAGES) -> list[Span]:
    """The passages most relevant to the last of `questions`, in the order of the text.

    A question that shares no word with the text ("what is this about?") gets passages from all over it.
    """
    found = passages(text)
    if len(found) <= limit:
        return found
    scores = _score([content_words(span.of(text)) for span in found], _weigh(questions))
    best = sorted((i for i, score in enumerate(scores) if score > 0), key=lambda i: -scores[i])[:limit]
    chosen = sorted(best) or _spread(len(found), limit)
    return [found[i] for i in chosen]


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


def _score(documents: Sequence[Sequence[str]], query: dict[str, float]) -> list[float]:
    """The BM25 score of each document for a query of weighted words."""
    counts = [Counter(word for word in document if word in query) for document in documents]
    mean = sum(len(document) for document in documents) / len(documents) or 1.0
    holding = Counter(word for count in counts for word in count)
    rarity = {word: inverse_document_frequency(n, len(documents)) for word, n in holding.items()}

    def score(document: Sequence[str], count: Counter[str]) -> float:
        length = 1 - _LENGTH_WEIGHT + _LENGTH_WEIGHT * len(document) / mean
        return sum(
            query[word]
            * rarity[word]
            * n
            * (_FREQUENCY_SATURATION + 1)
            / (n + _FREQUENCY_SATURATION * length)
            for word, n in count.items()
        )

    return [score(document, count) for document, count in zip(documents, counts, strict=True)]


def _weigh(questions: Sequence[str]) -> dict[str, float]:
    *earlier, last = questions
    weights = {word: _EARLIER_WEIGHT for question in earlier for word in content_words(question)}
    return weights | dict.fromkeys(content_words(last), 1.0)


def _spread(count: int, limit: int) -> list[int]:
    return sorted({round(i * (count - 1) / max(1, limit - 1)) for i in range(limit)})


def _bounded(spans: Sequence[Span]) -> Iterator[Span]:
    """Split sentences that are longer than a passage."""
    for start, end in spans:
        for cut in range(start, end, PASSAGE_CHARACTERS):
            yield Span(cut, min(end, cut + PASSAGE_CHARACTERS))


def _sentences_in(text: str, passage: Span) -> Iterator[Span]:
    for start, end in sentences(passage.of(text)):
        yield Span(passage.start + start, passage.start + end)


def _spans_overlap(one: Span, other: Span) -> bool:
    return one.start < other.end and other.start < one.end
