"""Fakes for the two ports a handler sees: the context of its attempt, and the provider."""

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import TypeVar
from uuid import UUID

import msgspec
from msgspec import Struct

from shared.domain.errors import LeaseLost
from shared.domain.jobs.job import EntryId, JobId, LeasedJob, StreamName, UserId
from shared.domain.jobs.payload import decode_step, encode_step
from shared.domain.llm.provider import (
    ChatRequest,
    Completion,
    Delta,
    KeptResponse,
    Prompt,
    Provider,
    Task,
)
from shared.domain.study.material import (
    CardDraft,
    CollectionItems,
    ExplanationDraft,
    Flashcard,
    ItemDrafts,
    OutlineDraft,
    OutlineSection,
    QuestionDraft,
    QuizQuestion,
    SummaryDraft,
    Term,
    TextDraft,
)
from shared.domain.text.segmentation import is_usable, sentences
from shared.domain.usage import Usage

T = TypeVar("T")


class FakeAttemptContext:
    """Serves several attempts in a row: it keeps steps as bytes, and lists events."""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        self.steps: dict[str, bytes] = {}
        self.collections: dict[UUID, CollectionItems] = {}
        self.asked: list[str] = []
        """Steps the provider was asked for, in order."""
        self.items: list[Flashcard | QuizQuestion] = []
        self.progressed: list[tuple[int, int]] = []

    @property
    def job(self) -> LeasedJob:
        return LeasedJob(
            id=JobId("01920000-0000-7000-8000-000000000001"),
            user=UserId("ada"),
            kind="collection",
            version=1,
            payload=b"",
            shard=0,
            stream=StreamName.COLLECTION,
            entry=EntryId("1-0"),
            attempt=1,
        )

    async def complete(self, step: str, prompt: Prompt, schema: type[T]) -> Completion[T]:
        if step not in self.steps:
            self.asked.append(step)
            self.steps[step] = encode_step(await self.provider.complete(prompt, schema))
        return decode_step(self.steps[step], schema)

    async def find_items(self, collection: UUID) -> CollectionItems:
        return self.collections.get(collection, CollectionItems())

    async def progress(self, done: int, total: int) -> None:
        self.progressed.append((done, total))

    async def item(self, item: Flashcard | QuizQuestion) -> None:
        self.items.append(item)


class FakeResponseKeeper:
    """Keeps the responses of one step in memory; a test chooses what becomes of its job."""

    def __init__(self) -> None:
        self.kept: dict[str, KeptResponse] = {}
        self.is_job_cancelled = False
        self.has_lost_lease = False
        self.changed = asyncio.Event()

    def find(self, call: str) -> KeptResponse | None:
        return self.kept.get(call)

    async def keep(self, call: str, response: KeptResponse) -> None:
        if self.has_lost_lease:
            raise LeaseLost
        self.kept[call] = response
        self.changed.set()

    async def is_cancelled(self) -> bool:
        return self.is_job_cancelled


class FakeProvider:
    """A model that answers from the source by filling gaps; `faults` maps a prompt to the error it meets instead."""

    def __init__(
        self,
        *,
        faults: Callable[[Prompt], Exception | None] = lambda prompt: None,
        model: str = "model-1",
        generated_by: str = "openai",
    ) -> None:
        self.prompts: list[Prompt] = []
        self.most_at_once = 0
        self._at_once = 0
        self._faults = faults
        self._model = model
        self._generated_by = generated_by

    @property
    def paid_model(self) -> str:
        return self._model if self._generated_by == "openai" else ""

    async def complete(self, prompt: Prompt, schema: type[T]) -> Completion[T]:
        self.prompts.append(prompt)
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        await asyncio.sleep(0)
        self._at_once -= 1
        if (fault := self._faults(prompt)) is not None:
            raise fault
        value = msgspec.convert(msgspec.to_builtins(draft_for(prompt)), schema)
        return Completion(
            value=value, usage=Usage(100, 10), model=self._model, generated_by=self._generated_by
        )

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta]:
        yield Delta(text=request.messages[-1].content)
        yield Delta(usage=Usage(10, 1), model=self._model, generated_by=self._generated_by)

    async def abandon(self, prompt: Prompt) -> None:
        pass

    async def close(self) -> None: ...


def draft_for(prompt: Prompt) -> Struct:
    """Plain material that passes the checks: gaps in the sentences of the source."""
    said = [
        sentence
        for span in sentences(prompt.source)
        if not re.match(
            r"(?:Il|Elle|Ils|Elles|He|She|They|Ce|Cet|Cette|Ces|This|These) ",
            sentence := span.of(prompt.source),
        )
    ]
    usable = [sentence for sentence in said if is_usable(sentence)]
    match prompt.task:
        case Task.CARDS | Task.QUESTIONS | Task.ITEMS:
            return ItemDrafts(
                [_draft_card(sentence) for sentence in usable[: prompt.counts.cards]],
                [_draft_question(sentence, usable) for sentence in usable[: prompt.counts.questions]],
            )
        case Task.SUMMARY:
            return SummaryDraft(usable[0], usable[:3])
        case Task.EXPLANATION:
            return ExplanationDraft(usable[0], [Term(_longest_word(usable[0]), usable[0])])
        case Task.OUTLINE:
            return OutlineDraft(usable[0][:40], [OutlineSection(usable[0][:40], usable[:2])])
        case _:
            return TextDraft("\n\n".join(usable[:3]))


def _draft_card(sentence: str) -> CardDraft:
    word = _longest_word(sentence)
    return CardDraft(re.sub(rf"\b{word}\b", "____", sentence), word, sentence)


def _draft_question(sentence: str, others: Sequence[str]) -> QuestionDraft:
    word = _longest_word(sentence)
    strangers = dict.fromkeys(
        _longest_word(other) for other in others if _longest_word(other) not in sentence
    )
    alike = sorted(strangers, key=lambda stranger: abs(len(stranger) - len(word)))[:3]
    return QuestionDraft(re.sub(rf"\b{word}\b", "____", sentence), [word, *alike], 0, sentence, sentence)


def _longest_word(sentence: str) -> str:
    return max(re.findall(r"\w+", sentence), key=len)
