"""The command against the real thing: what a learner does in an afternoon."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.deadline import DEADLINE_SECONDS
from tests.etude.command_runner import Ran, etude
from tests.etude.conftest import Place
from tests.paths import TEXTS

FRENCH, ENGLISH = TEXTS / "photosynthese.fr.txt", TEXTS / "water_cycle.en.txt"


async def run(place: Place, *arguments: str, **more: Any) -> Ran:
    return await etude(*arguments, url=place.url, token=place.token, **more)


async def run_with_workers(place: Place, *arguments: str, **more: Any) -> Ran:
    """As `run`, with workers that do what it submits."""
    async with asyncio.timeout(DEADLINE_SECONDS), place.working():
        return await run(place, *arguments, **more)


@pytest.mark.parametrize("file", [FRENCH, ENGLISH], ids=["fr", "en"])
async def test_a_text_becomes_a_collection_with_exact_quotes(place: Place, file: Path):
    text = await asyncio.to_thread(file.read_text, encoding="utf-8")

    ran = await run_with_workers(place, "collection", str(file), "--title", "Science", "--json")

    made = json.loads(ran.out)
    assert (ran.code, made["status"], made["title"]) == (0, "ready", "Science")
    items = [*made["flashcards"], *made["quiz"]]
    assert all(
        text[item["source"]["start"] : item["source"]["end"]] == item["source"]["quote"] for item in items
    )
    assert len(made["flashcards"]) >= 10
    assert len(made["quiz"]) >= 5


async def test_a_collection_is_readable_and_its_cards_come_as_they_are_made(place: Place):
    ran = await run_with_workers(place, "collection", str(ENGLISH))

    assert ran.code == 0
    assert "✓" in ran.out
    assert "offline generator" in ran.out
    told = [
        line.split("card", 1)[1].strip() for line in ran.err.splitlines() if line.strip().startswith("card")
    ]
    assert told
    assert any(front in ran.out for front in told)


async def test_a_collection_is_edited_and_grows(place: Place):
    ran = await run_with_workers(
        place, "collection", str(ENGLISH), "--flashcards", "3", "--questions", "0", "--json"
    )
    before = json.loads(ran.out)

    edited = await run(place, "edit", before["id"], "1", "--front", "What is new?", "--flag")
    own = await run(place, "edit", before["id"], "--front", "Mine?", "--back", "Yes.")
    more = await run_with_workers(place, "edit", before["id"], "--more", "--flashcards", "2")

    assert (edited.code, own.code, more.code) == (0, 0, 0), more.err
    assert "What is new? (edited, flagged)" in edited.out
    assert "Mine? (own)" in own.out
    shown = await run(place, "jobs", before["id"], "--json")
    cards = json.loads(shown.out)["flashcards"]
    assert [card["front"] for card in cards[:4]] == [
        "What is new?",
        *(card["front"] for card in before["flashcards"][1:]),
        "Mine?",
    ]
    assert len(cards) == 6
    assert all(card["front"] in more.out for card in cards[4:])


@pytest.mark.parametrize("kind", ["flashcards", "quiz", "summary", "explanation", "outline", "text"])
async def test_every_kind_of_material_can_be_had(place: Place, kind: str):
    ran = await run_with_workers(place, "ai", kind, str(ENGLISH))

    assert (ran.code, bool(ran.out.strip())) == (0, True)


async def test_a_text_without_a_sentence_fails_with_a_reason(place: Place):
    ran = await run_with_workers(place, "collection", "-", stdin="7 8 9", language="fr")

    assert (ran.code, ran.out) == (1, "")
    assert "Aucune phrase exploitable" in ran.err


async def test_jobs_are_listed_and_shown(place: Place):
    await run_with_workers(place, "collection", str(ENGLISH))
    await run_with_workers(place, "ai", "summary", str(ENGLISH))

    listed = await run(place, "jobs")
    rows = [line.split() for line in listed.out.splitlines()[1:]]
    shown = [await run(place, "jobs", row[0]) for row in rows]

    assert [row[1:3] for row in rows] == [["summary", "succeeded"], ["collection", "ready"]]
    assert all(ran.code == 0 and "offline generator" in ran.out for ran in shown)


async def submit_and_leave(place: Place, resource: str) -> str:
    """Submit a job that nobody works on; returns its id."""
    text = await asyncio.to_thread(ENGLISH.read_text, encoding="utf-8")
    headers = {"Authorization": f"Bearer {place.token}"}
    content = {"kind": "summary", "input": {"text": text}} if resource == "ai" else {"text": text}
    async with httpx.AsyncClient(base_url=place.url, headers=headers) as http:
        answer = await http.post(f"/api/{resource}", json=content)
    return answer.json()["id"]


async def test_a_queued_job_can_be_cancelled(place: Place):
    job_id = await submit_and_leave(place, "ai")
    collection_id = await submit_and_leave(place, "collections")

    cancelled = [await run(place, "cancel", one) for one in (job_id, collection_id)]

    assert [ran.out for ran in cancelled] == [f"{job_id} is cancelled\n", f"{collection_id} is cancelled\n"]


async def test_to_cancel_a_ready_collection_leaves_it_alone(place: Place):
    made = await run_with_workers(place, "collection", str(ENGLISH), "--json")
    collection_id = json.loads(made.out)["id"]

    kept = await run(place, "cancel", collection_id)

    assert (kept.code, kept.out) == (0, f"{collection_id} is ready\n")
    assert (await run(place, "jobs", collection_id)).code == 0


async def test_an_unknown_job_cannot_be_cancelled(place: Place):
    ran = await run(place, "cancel", "01920000-0000-7000-8000-000000000001")

    assert ran.code == 1
    assert "there is no job" in ran.err


async def test_usage_shows_every_window(place: Place):
    ran = await run(place, "usage")

    assert ran.code == 0
    assert all(word in ran.out for word in ("day", "month", "1,000,000", "10,000,000"))


async def test_a_collection_can_be_asked(place: Place):
    made = await run_with_workers(place, "collection", str(FRENCH), "--json")

    ran = await run(place, "chat", "Que fait la chlorophylle ?", "--collection", json.loads(made.out)["id"])

    assert ran.code == 0
    assert "chlorophylle" in ran.out
    assert "«" in ran.out


async def test_a_wrong_token_is_one_line(place: Place):
    ran = await etude("usage", url=place.url, token="guess")

    assert (ran.code, ran.err) == (
        4,
        "etude: You are not signed in. Send a valid token in the Authorization header.\n",
    )
