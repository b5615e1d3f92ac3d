"""The offline provider makes study material by rules from the source alone, without key, network or cost.

It writes French and English. It cannot translate, so it writes in the language of the source, and its items have to be checked
for that language. The same prompt gives the same bytes. A source without a usable sentence gives empty drafts.
"""

from collections.abc import AsyncGenerator, Callable
from functools import partial
from typing import TypeVar

from msgspec import Struct

from shared.adapters.cpu_pool import run_in_cpu_pool
from shared.adapters.offline.document_view import SourceView, is_written_offline
from shared.adapters.offline.item_generation import make_cards, make_questions, read_all_facts
from shared.adapters.offline.question_answering import answer
from shared.adapters.offline.summaries import explain, outline, summarise, write_note
from shared.domain.llm.provider import ChatRequest, Completion, Delta, Prompt, Task
from shared.domain.provider_errors import LanguageNeedsModel, ProviderMisconfigured
from shared.domain.study.material import CardDrafts, Difficulty, ItemCounts, ItemDrafts, QuestionDrafts
from shared.domain.text.language import Language, rules_language
from shared.domain.usage import Usage

T = TypeVar("T")

MODEL = "etude-offline-1"
GENERATED_BY = "offline"
_WORDS_PER_DELTA = 6


def _write_items(prompt: Prompt) -> ItemDrafts:
    """The best items whose fronts are not known."""
    view, difficulty, counts = _view(prompt), Difficulty(prompt.difficulty), prompt.counts
    facts, known = read_all_facts(view), frozenset(prompt.known_fronts)
    cards = make_cards(facts, view, counts.cards + len(known), difficulty) if counts.cards else []
    questions = (
        make_questions(facts, view, counts.questions + len(known), difficulty) if counts.questions else []
    )
    return ItemDrafts(
        [card for card in cards if card.front not in known][: counts.cards],
        [question for question in questions if question.question not in known][: counts.questions],
    )


def _in_shape(drafts: Struct, schema: type, counts: ItemCounts) -> Struct:
    """Cards alone or questions alone, where a job has only those."""
    if isinstance(drafts, ItemDrafts) and schema is CardDrafts and not counts.questions:
        return CardDrafts(drafts.cards)
    if isinstance(drafts, ItemDrafts) and schema is QuestionDrafts and not counts.cards:
        return QuestionDrafts(drafts.questions)
    return drafts


_WRITERS: dict[Task, Callable[[Prompt], Struct]] = {
    Task.CARDS: _write_items,
    Task.QUESTIONS: _write_items,
    Task.ITEMS: _write_items,
    Task.SUMMARY: lambda prompt: summarise(_view(prompt)),
    Task.EXPLANATION: lambda prompt: explain(_view(prompt)),
    Task.OUTLINE: lambda prompt: outline(_view(prompt)),
    Task.TEXT: lambda prompt: write_note(_view(prompt)),
}


class OfflineProvider:
    """A `Provider` that is always available. Its usage is zero."""

    @property
    def paid_model(self) -> str:
        return ""

    async def complete(self, prompt: Prompt, schema: type[T]) -> Completion[T]:
        """Raises `LanguageNeedsModel` for a source in another language, and `ProviderMisconfigured` if the schema is not that of
        the task, which is a bug."""
        writer = _WRITERS.get(prompt.task)
        if writer is None:
            raise ProviderMisconfigured(model=MODEL)
        value = _in_shape(await run_in_cpu_pool(_write, writer, prompt), schema, prompt.counts)
        if not isinstance(value, schema):
            raise ProviderMisconfigured(model=MODEL)
        return Completion(value=value, usage=Usage(), model=MODEL, generated_by=GENERATED_BY)

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta]:
        """Stream the passages of `sources` that fit the last question best, quoted verbatim."""
        *earlier, question = [turn.content for turn in request.messages if turn.role != "system"] or [""]
        language = rules_language(request.language) or Language.EN
        request.on_call(GENERATED_BY)
        find = partial(answer, question, request.sources, language, earlier=earlier[-2:])
        reply = await run_in_cpu_pool(find)
        for piece in _pieces(reply):
            yield Delta(text=piece)
        yield Delta(usage=Usage(), model=MODEL, generated_by=GENERATED_BY)

    async def abandon(self, prompt: Prompt) -> None:
        """Nothing goes on here once a call has returned."""

    async def close(self) -> None:
        """Nothing is open."""


def _write(writer: Callable[[Prompt], Struct], prompt: Prompt) -> Struct:
    if not is_written_offline(prompt.source):
        raise LanguageNeedsModel(model=MODEL)
    return writer(prompt)


def _view(prompt: Prompt) -> SourceView:
    return SourceView(prompt.source)


def _pieces(reply: str) -> list[str]:
    """Split the text into pieces of a few words."""
    parts = reply.split(" ")
    groups = [
        " ".join(parts[start : start + _WORDS_PER_DELTA]) for start in range(0, len(parts), _WORDS_PER_DELTA)
    ]
    return [group + " " for group in groups[:-1]] + groups[-1:]
