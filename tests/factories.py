"""Things to test with: valid as they come, and changed by naming what matters to the test."""

import itertools
from typing import Any

import msgspec

from shared.domain.budgets import Plan
from shared.domain.jobs.job import EntryId, JobId, JobState, Kind, LeasedJob, StreamName, UserId
from shared.domain.jobs.job_id import RANDOM_BYTES, new_job_id
from shared.domain.jobs.job_snapshot import JobSnapshot
from shared.domain.jobs.payload import WIRE_VERSION, AiInput, encode_input
from shared.domain.jobs.submission import Submission
from shared.domain.llm.provider import Prompt, Task
from shared.domain.study.material import (
    Choice,
    Collection,
    Flashcard,
    Flashcards,
    ItemCounts,
    Quality,
    QuizQuestion,
    Source,
    Summary,
)
from shared.domain.usage import Usage

NOW = 1_795_000_000.0
"""Unix seconds: a day in November 2026."""
ADA, BOB = UserId("ada"), UserId("bob")
TEXT = "Water boils at one hundred degrees. La Seine traverse Paris 🗼."
PLAN = Plan(
    tokens_per_day=1_000_000,
    tokens_per_month=10_000_000,
    requests_per_minute=100_000,
    concurrent_jobs=1_000,
    unfinished_jobs=100_000,
)
"""Wide enough to stay out of the way."""

SUMMARY_PROMPT = Prompt(
    task=Task.SUMMARY,
    instructions="Summarise.",
    source="Water boils at one hundred degrees in an open pot.",
    language="en",
    max_output_tokens=100,
)
CARDS_PROMPT = Prompt(
    task=Task.CARDS,
    instructions="Write cards.",
    source="Photosynthesis is the process by which plants turn light into sugar.",
    request="Write up to 1 cards.",
    counts=ItemCounts(cards=1),
    language="en",
    max_output_tokens=500,
)

_numbers = itertools.count(1)


def make_job_id(*, now: float = NOW) -> JobId:
    """Never the same twice in one process, and later ones sort later."""
    return new_job_id(int(now * 1000), next(_numbers).to_bytes(RANDOM_BYTES))


def make_plan(**overrides: Any) -> Plan:
    return msgspec.structs.replace(PLAN, **overrides)


def make_submission(**overrides: Any) -> Submission:
    fields: dict[str, Any] = {
        "id": make_job_id(),
        "user": ADA,
        "kind": Kind.SUMMARY,
        "payload": encode_input(AiInput(text=TEXT)),
        "plan_name": "pro",
        "plan": PLAN,
        "hold_tokens": 1_000,
        "request_id": "req-1",
    }
    return Submission(**fields | overrides)


def make_job(**overrides: Any) -> LeasedJob:
    """A leased job, first attempt."""
    fields: dict[str, Any] = {
        "id": make_job_id(),
        "user": ADA,
        "kind": Kind.SUMMARY,
        "version": WIRE_VERSION,
        "payload": encode_input(AiInput(text=TEXT)),
        "shard": 0,
        "stream": StreamName.AI,
        "entry": EntryId("1-1"),
        "attempt": 1,
        "created_at": NOW,
        "started_at": NOW + 1,
        "plan": "pro",
        "request_id": "req-1",
        "windows": "day:2026-11-18,month:2026-11",
        "held": 1_000,
    }
    return LeasedJob(**fields | overrides)


def make_source(quote: str = "Water boils at one hundred degrees.") -> Source:
    start = TEXT.index(quote)
    return Source(quote, start, start + len(quote))


def make_card(**overrides: Any) -> Flashcard:
    fields: dict[str, Any] = {
        "id": "c1",
        "front": "When does water boil?",
        "back": "at one hundred degrees",
        "source": make_source(),
    }
    return Flashcard(**fields | overrides)


def make_question(**overrides: Any) -> QuizQuestion:
    fields: dict[str, Any] = {
        "id": "q1",
        "question": "Quelle ville la Seine traverse-t-elle ?",
        "options": [
            Choice(id="a", text="Lyon", correct=False),
            Choice(id="b", text="Paris", correct=True),
            Choice(id="c", text="Lille", correct=False),
        ],
        "explanation": "La Seine traverse Paris.",
        "source": make_source("La Seine traverse Paris 🗼."),
        "seed": 7,
        "language": "fr",
    }
    return QuizQuestion(**fields | overrides)


def make_collection(**overrides: Any) -> Collection:
    fields: dict[str, Any] = {
        "title": "Eau et Seine",
        "language": "fr",
        "flashcards": [make_card(), make_card(id="c2", front="À quelle température ?")],
        "quiz": [make_question()],
        "quality": Quality(requested={"flashcards": 2}, delivered={"flashcards": 2}, coverage=0.5),
        "text": TEXT,
    }
    return Collection(**fields | overrides)


def make_flashcards(**overrides: Any) -> Flashcards:
    fields: dict[str, Any] = {"language": "en", "flashcards": [make_card()], "quality": Quality()}
    return Flashcards(**fields | overrides)


def make_final_job(**overrides: Any) -> JobSnapshot:
    """A succeeded job: of the kind given, with a result of that kind."""
    kind = overrides.get("kind", Kind.SUMMARY)
    succeeded = overrides.get("state", JobState.SUCCEEDED) == JobState.SUCCEEDED
    result = (
        make_collection()
        if kind == Kind.COLLECTION
        else Summary(language="en", summary="Short.", key_points=[])
    )
    fields: dict[str, Any] = {
        "id": make_job_id(),
        "user": ADA,
        "kind": kind,
        "state": JobState.SUCCEEDED,
        "attempt": 1,
        "created_at": NOW,
        "started_at": NOW + 1,
        "finished_at": NOW + 2,
        "plan": "pro",
        "usage": Usage(100, 20),
        "windows": ("day:2026-11-18", "month:2026-11"),
        "model": "model-1",
        "generated_by": "openai",
        "title": "Eau et Seine" if kind == Kind.COLLECTION else "",
        "result": msgspec.json.encode(result) if succeeded else None,
    }
    return JobSnapshot(**fields | overrides)
