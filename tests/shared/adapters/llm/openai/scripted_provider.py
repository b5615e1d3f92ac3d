"""A provider in front of a server whose every response a test writes."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any

import msgspec
from tests.simulators.scripted_server import Body, Response, ScriptedServer

from shared.adapters.llm.openai.client import connect
from shared.adapters.llm.openai.ladder.abilities import COMPATIBLE
from shared.adapters.llm.openai.ladder.learned_abilities import LearnedAbilities
from shared.adapters.llm.openai.provider import OpenAIProvider
from shared.domain.llm.provider import ChatRequest, Delta, Message, Prompt, Task
from shared.domain.study.material import (
    CardDraft,
    CardDrafts,
    ExplanationDraft,
    ItemCounts,
    OutlineDraft,
    OutlineSection,
    QuestionDraft,
    QuestionDrafts,
    SummaryDraft,
    Term,
    TextDraft,
)

PROMPT = Prompt(
    task=Task.CARDS,
    instructions="You write flashcards. Write 2.",
    source="Ada Lovelace wrote the first published program in 1843, for a machine that was never built.",
    language="en",
    counts=ItemCounts(cards=2),
    max_output_tokens=900,
    call_id="job-1/cards/0",
)
CARDS = CardDrafts(
    cards=[CardDraft("Who wrote it?", "Ada Lovelace", "Ada Lovelace wrote the first published program")]
)
DRAFTS: list[object] = [
    CARDS,
    QuestionDrafts(
        questions=[QuestionDraft("Who?", ["Ada", "Bob", "Cy", "Di"], 0, "She did [in 1843].", "Ada wrote")]
    ),
    SummaryDraft("Ada wrote a program.", ["Ada {Lovelace}", "1843"]),
    ExplanationDraft("It is about Ada.", [Term("program", "a row of steps")]),
    OutlineDraft("Ada", [OutlineSection("Life", ["wrote", "lived"])]),
    TextDraft('# Ada\n\n- wrote `code`, see "notes"'),
]
GOOD = msgspec.json.encode(CARDS).decode()


class Setting:
    """A provider in front of a scripted server."""

    def __init__(self, server: ScriptedServer) -> None:
        self.server = server
        self.learned = LearnedAbilities(COMPATIBLE, model="m")
        self.corrections = 0
        self.provider = OpenAIProvider(
            connect("key", base_url=server.url),
            model="m",
            learned=self.learned,
            on_usage_corrected=self._count_correction,
        )

    def _count_correction(self) -> None:
        self.corrections += 1

    async def ask(self, schema: type[Any] = CardDrafts) -> Any:
        return await self.provider.complete(PROMPT, schema)

    async def chat(self, question: str = "Who wrote it?") -> list[Delta]:
        request = ChatRequest(
            messages=[Message("user", question)],
            sources=[PROMPT.source],
            language="en",
            max_output_tokens=50,
        )
        async with aclosing(self.provider.stream(request)) as deltas:
            return [delta async for delta in deltas]


@asynccontextmanager
async def serving(respond: Callable[[Body], Response] | Response) -> AsyncGenerator[Setting]:
    def answer(body: Body) -> Response:
        return respond if isinstance(respond, Response) else respond(body)

    async with ScriptedServer(answer) as server:
        setting = Setting(server)
        try:
            yield setting
        finally:
            await setting.provider.close()
