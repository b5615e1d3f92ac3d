"""Everything the offline provider drafts from the long sample texts; run as a module, it writes that to its output."""

import asyncio
import sys

import msgspec
from tests.paths import read_text

from shared.adapters.offline.provider import OfflineProvider
from shared.domain.llm.provider import Prompt, Provider, Task
from shared.domain.study.material import (
    CardDrafts,
    ExplanationDraft,
    ItemCounts,
    OutlineDraft,
    QuestionDrafts,
    SummaryDraft,
    TextDraft,
)

LONG_TEXTS = ["photosynthese.fr.txt", "revolution.fr.txt", "water_cycle.en.txt", "solar_system.en.txt"]
SHORT_TEXTS = ["cellule.fr.txt", "supply_and_demand.en.txt"]
SCHEMAS: dict[Task, type[msgspec.Struct]] = {
    Task.CARDS: CardDrafts,
    Task.QUESTIONS: QuestionDrafts,
    Task.SUMMARY: SummaryDraft,
    Task.EXPLANATION: ExplanationDraft,
    Task.OUTLINE: OutlineDraft,
    Task.TEXT: TextDraft,
}

provider: Provider = OfflineProvider()


def prompt(
    task: Task, source: str, *, count: int = 20, language: str = "fr", difficulty: str = "medium"
) -> Prompt:
    return Prompt(
        task=task,
        instructions="",
        source=source,
        language=language,
        counts=ItemCounts(count if task is Task.CARDS else 0, count if task is Task.QUESTIONS else 0),
        difficulty=difficulty,
        max_output_tokens=1_000,
    )


async def write_all() -> None:
    for task, schema in SCHEMAS.items():
        for name in LONG_TEXTS:
            done = await provider.complete(prompt(task, read_text(name)), schema)
            sys.stdout.buffer.write(msgspec.json.encode(done))


if __name__ == "__main__":
    asyncio.run(write_all())
