"""Answers a chat question with quotes from the sources, or says that they contain no answer."""

from collections import Counter
from collections.abc import Sequence

from shared.adapters.offline.document_view import Line, SourceView
from shared.domain.text.language import Language
from shared.domain.text.words import content_words, inverse_document_frequency

MAX_QUOTES = 3
_MIN_COVERAGE = 0.34
"""Share of the weight of the question's words that the best sentence must contain."""
_MIN_RELATIVE_SCORE = 0.6
"""Score of a further quoted sentence, as a ratio to the best."""
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


def answer(question: str, sources: Sequence[str], language: Language) -> str:
    """The sentences that fit the question best, verbatim and in the order of the sources, or a message that there are none."""
    if not any(source.strip() for source in sources):
        return _NO_SOURCE[language]
    lines = [line for source in sources for line in SourceView(source).lines]
    best = _best(content_words(question), lines)
    if not best:
        return _NOTHING[language]
    quotes = (_QUOTED[language].format(line.quote) for line in lines if line in best)
    return _FOUND[language].format("\n\n".join(dict.fromkeys(quotes)))


def _best(asked: list[str], lines: Sequence[Line]) -> list[Line]:
    """The sentences that cover most of the question. A word weighs more, the fewer sentences contain it.

    The coverage of the question decides here, not BM25 as in the chat service: a sentence must contain a fixed share of the
    question to be quoted as its answer, and sentences have similar lengths.
    """
    found = [set(content_words(line.text)) for line in lines]
    holding = Counter(word for held in found for word in held)
    weight = {word: inverse_document_frequency(holding[word], len(lines)) for word in set(asked)}
    total = sum(weight.values())
    scores = [sum(weight[word] for word in weight if word in held) for held in found]
    top = max(scores, default=0.0)
    if not total or top < _MIN_COVERAGE * total:
        return []
    ranked = sorted(range(len(lines)), key=lambda index: (-scores[index], index))
    return [lines[index] for index in ranked[:MAX_QUOTES] if scores[index] >= _MIN_RELATIVE_SCORE * top]
