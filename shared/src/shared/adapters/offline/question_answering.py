"""Answers a chat question with quotes from the sources, or says that they contain no answer."""

from collections import Counter
from collections.abc import Mapping, Sequence

from shared.adapters.offline.document_view import Line, SourceView
from shared.domain.text.language import Language
from shared.domain.text.matching.follow_up import leans_on_earlier
from shared.domain.text.matching.word_matching import WordMatcher
from shared.domain.text.words import content_words, inverse_document_frequency

MAX_QUOTES = 3
_MIN_COVERAGE = 0.34
"""Share of the weight of the question's words that the best sentence must contain."""
_MIN_RELATIVE_SCORE = 0.6
"""Score of a further quoted sentence, as a ratio to the best."""
_EARLIER_WEIGHT = 0.3
"""Weight of a word of an earlier turn, as a ratio to one of the question."""
_FOUND = {
    Language.FR: "Voici ce qu’en dit votre cours :\n\n{}",
    Language.EN: "Here is what your material says about it:\n\n{}",
}
_QUOTED = {Language.FR: "« {} »", Language.EN: "“{}”"}
_NOTHING = {
    Language.FR: "Je ne trouve pas la réponse dans votre cours. Sans modèle de langage, je ne peux que citer ce qu’il dit : "
    "essayez avec les mots qu’il emploie.",
    Language.EN: "I cannot find the answer in your material. Without a language model I can only quote what it says: "
    "try the words it uses.",
}
_NO_SOURCE = {
    Language.FR: "Sans modèle de langage, je ne peux répondre qu’en citant un cours : posez votre question à propos d’une collection.",
    Language.EN: "Without a language model I can only answer by quoting study material: ask about one of your collections.",
}


def answer(question: str, sources: Sequence[str], language: Language, *, earlier: Sequence[str] = ()) -> str:
    """The sentences that fit the question best, verbatim and in the order of the sources, or a message that there are none.

    `earlier` are the turns that a question without a subject of its own leans on.
    """
    if not any(source.strip() for source in sources):
        return _NO_SOURCE[language]
    lines = [line for source in sources for line in SourceView(source).lines]
    best = _best(_weigh(question, earlier), lines)
    if not best:
        return _NOTHING[language]
    quotes = (_QUOTED[language].format(line.quote) for line in lines if line in best)
    return _FOUND[language].format("\n\n".join(dict.fromkeys(quotes)))


def _weigh(question: str, earlier: Sequence[str]) -> dict[str, float]:
    asked = dict.fromkeys(content_words(question), 1.0)
    if not leans_on_earlier(question):
        return asked
    return {word: _EARLIER_WEIGHT for turn in earlier for word in content_words(turn)} | asked


def _best(asked: Mapping[str, float], lines: Sequence[Line]) -> list[Line]:
    """The sentences that cover most of the question. A word weighs more, the fewer sentences contain it.

    The coverage of the question decides here, not BM25 as in the chat service: a sentence must contain a fixed share of the
    question to be quoted as its answer, and sentences have similar lengths.
    """
    found = [set(content_words(line.text)) for line in lines]
    holding = Counter(word for held in found for word in held)
    matcher = WordMatcher(holding.keys())
    scores, total = [0.0] * len(lines), 0.0
    for word, weight in asked.items():
        matched = matcher.match(word) or {word: 1.0}
        rarity = {other: inverse_document_frequency(holding[other], len(lines)) for other in matched}
        total += weight * max(rarity.values())
        for index, held in enumerate(found):
            values = (rarity[other] * matched[other] for other in matched if other in held)
            scores[index] += weight * max(values, default=0.0)
    top = max(scores, default=0.0)
    if not total or top < _MIN_COVERAGE * total:
        return []
    ranked = sorted(range(len(lines)), key=lambda index: (-scores[index], index))
    return [lines[index] for index in ranked[:MAX_QUOTES] if scores[index] >= _MIN_RELATIVE_SCORE * top]
