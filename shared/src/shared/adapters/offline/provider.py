"""The provider of last resort: study material by rules, from the source alone. No key, no network, no cost.

It writes in the source's language: it cannot translate. Whoever checks its items must ask for that language
(`detect_language(source)`), not for the one the learner wished; `generated_by` tells. The same prompt gives the same
bytes. A source without a usable sentence gives empty drafts: the handler decides what that means.
"""

from collections.abc import AsyncGenerator, Callable
from typing import TypeVar

from msgspec import Struct

from shared.adapters.cpu_pool import run_in_cpu_pool
from shared.adapters.offline.document_view import SourceView
from shared.adapters.offline.item_generation import make_cards, make_questions
from shared.adapters.offline.question_answering import answer
from shared.adapters.offline.summaries import explain, outline, summarise, write_note
from shared.domain.errors import ProviderMisconfigured
from shared.domain.llm.provider import ChatRequest, Completion, Delta, Prompt, Task
from shared.domain.study.material import CardDrafts, Difficulty, QuestionDrafts
from shared.domain.text.language import Language
from shared.domain.usage import Usage

T = TypeVar("T")

MODEL = "etude-offline-1"
GENERATED_BY = "offline"
DEFAULT_COUNT = 10
_WORDS_PER_DELTA = 6

_WRITERS: dict[Task, Callable[[Prompt], Struct]] = {
    Task.CARDS: lambda prompt: CardDrafts(
        make_cards(_view(prompt), _count(prompt), Difficulty(prompt.difficulty))
    ),
    Task.QUESTIONS: lambda prompt: QuestionDrafts(
        make_questions(_view(prompt), _count(prompt), Difficulty(prompt.difficulty))
    ),
    Task.SUMMARY: lambda prompt: summarise(_view(prompt)),
    Task.EXPLANATION: lambda prompt: explain(_view(prompt)),
    Task.OUTLINE: lambda prompt: outline(_view(prompt)),
    Task.TEXT: lambda prompt: write_note(_view(prompt)),
}


class OfflineProvider:
    """A `Provider` that always answers. Its usage is zero: nothing was bought."""

    async def complete(self, prompt: Prompt, schema: type[T]) -> Completion[T]:
        """Raises `ProviderMisconfigured` when the schema is not the task's: a bug of ours."""
        writer = _WRITERS.get(prompt.task)
        if writer is None:
            raise ProviderMisconfigured(model=MODEL)
        value = await run_in_cpu_pool(writer, prompt)
        if not isinstance(value, schema):
            raise ProviderMisconfigured(model=MODEL)
        return Completion(value=value, usage=Usage(), model=MODEL, generated_by=GENERATED_BY)

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta]:
        """The best passages of `sources` on the last question, quoted verbatim."""
        question = next(
            (message.content for message in reversed(request.messages) if message.role == "user"), ""
        )
        told = await run_in_cpu_pool(answer, question, request.sources, Language(request.language))
        for piece in _pieces(told):
            yield Delta(text=piece)
        yield Delta(usage=Usage(), model=MODEL, generated_by=GENERATED_BY)

    async def close(self) -> None:
        """Nothing is open."""


def _view(prompt: Prompt) -> SourceView:
    return SourceView(prompt.source)


def _count(prompt: Prompt) -> int:
    return prompt.count or DEFAULT_COUNT


def _pieces(told: str) -> list[str]:
    """A few words at a time; joined they are the text."""
    parts = told.split(" ")
    groups = [
        " ".join(parts[start : start + _WORDS_PER_DELTA]) for start in range(0, len(parts), _WORDS_PER_DELTA)
    ]
    return [group + " " for group in groups[:-1]] + groups[-1:]
