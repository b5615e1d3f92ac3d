"""Makes items of texts with the code that makes collections, from the rules or from a model."""

from msgspec import Struct
from tests.fakes import FakeAttemptContext
from tests.quality.item import LintedItem, of_card, of_question

from collection_worker.handlers.collection import make_collection
from shared.adapters.llm.openai.client import connect
from shared.adapters.llm.openai.ladder.abilities import COMPATIBLE
from shared.adapters.llm.openai.ladder.learned_abilities import LearnedAbilities
from shared.adapters.llm.openai.provider import OpenAIProvider
from shared.adapters.offline.provider import OfflineProvider
from shared.domain.jobs.outcome import Done
from shared.domain.jobs.payload import CollectionInput
from shared.domain.llm.provider import Provider
from shared.domain.study.material import Collection, Options
from shared.domain.text.language_detection import detect_language
from shared.domain.text.words import word_count

WORDS_PER_CARD, WORDS_PER_QUESTION = 50, 80
"""A card and a question are asked for so many words of text: more than rules find, so that what is made shows what can be."""


class Produced(Struct, frozen=True):
    """What one text gave."""

    name: str
    language: str
    words: int
    items: list[LintedItem]
    dropped: dict[str, int]
    coverage: float


def open_provider(url: str, model: str, key: str) -> Provider:
    """The model at an OpenAI-compatible address; without a model's name, the offline rules."""
    if not model:
        return OfflineProvider()
    learned = LearnedAbilities(COMPATIBLE, model=model, is_known=False)
    return OpenAIProvider(connect(key, base_url=url or None), model=model, learned=learned)


async def produce(name: str, text: str, provider: Provider) -> Produced:
    words = word_count(text)
    options = Options(
        flashcards=min(100, max(4, words // WORDS_PER_CARD)),
        questions=min(100, max(2, words // WORDS_PER_QUESTION)),
    )
    outcome = await make_collection(CollectionInput(text=text, options=options), FakeAttemptContext(provider))
    if not isinstance(outcome, Done) or not isinstance(outcome.result, Collection):
        return Produced(name, detect_language(text), words, [], {}, 0.0)
    made = outcome.result
    return Produced(
        name=name,
        language=made.language,
        words=words,
        items=[*map(of_card, made.flashcards), *map(of_question, made.quiz)],
        dropped=made.quality.dropped,
        coverage=made.quality.coverage,
    )
