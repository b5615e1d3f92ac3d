"""A document of 120 pages becomes items on nearly all of its facts, and the map tells of the others."""

import asyncio
from collections import Counter
from heapq import heappop, heappush

import pytest
from tests.fakes import FakeAttemptContext
from tests.simulators.planted_document import PlantedDocument, PlantedFactModel, plant

from collection_worker.handlers.collection import make_collection
from shared.domain.generation.call_plan import plan_steps
from shared.domain.generation.sizing import PARALLEL_CALLS
from shared.domain.jobs.job import Kind
from shared.domain.jobs.outcome import Done
from shared.domain.jobs.payload import CollectionInput
from shared.domain.study.material import Collection, MapEntry, Options

DOCUMENT = plant(120)
CALL_SECONDS, DRAFT_SECONDS = 2.0, 0.5
"""What a call of a usual model takes for the source, and for each draft."""
ENOUGH = 0.95
"""Share of the planted facts that an item must quote."""


async def collect(document: PlantedDocument, options: Options) -> Collection:
    context = FakeAttemptContext(PlantedFactModel(careless=40))
    outcome = await make_collection(
        CollectionInput(text=document.text, places=document.places, options=options), context
    )
    assert isinstance(outcome, Done)
    assert isinstance(outcome.result, Collection)
    return outcome.result


@pytest.fixture(scope="module")
def collection() -> Collection:
    return asyncio.run(collect(DOCUMENT, Options(flashcards=300, questions=100)))


def missing_facts(document: PlantedDocument, collection: Collection) -> list[int]:
    """Where the facts are that no item quotes."""
    quotes = " ".join(item.source.quote for item in [*collection.flashcards, *collection.quiz])
    words = set(quotes.split())
    return [fact.start for fact in document.facts if fact.name not in words]


def entries(collection: Collection) -> list[MapEntry]:
    assert isinstance(collection.quality.map, list)
    return collection.quality.map


def is_told(place: int, found: list[MapEntry]) -> bool:
    """Whether an entry says that something is missing there."""
    return any(entry.start <= place < entry.end and (entry.left_out or entry.dropped) for entry in found)


def test_nearly_every_planted_fact_has_an_item(collection: Collection):
    missing = missing_facts(DOCUMENT, collection)

    assert len(DOCUMENT.facts) > 250
    assert 1 - len(missing) / len(DOCUMENT.facts) >= ENOUGH


def test_the_map_tells_of_every_fact_without_an_item(collection: Collection):
    missing, found = missing_facts(DOCUMENT, collection), entries(collection)

    assert missing
    assert all(is_told(place, found) for place in missing)


def test_the_map_has_every_page_and_row_and_counts_each_draft_once(collection: Collection):
    found, quality = entries(collection), collection.quality
    by_kind = Counter(entry.kind for entry in found)

    assert by_kind["page"] == 120
    assert by_kind["row"] == DOCUMENT.text.count("\n| ") - DOCUMENT.text.count("| Stone |")
    assert len(found) <= 500
    for kind in ("page", "section"):
        counted = [entry for entry in found if entry.kind in (kind, "part")]
        assert sum(entry.items for entry in counted) == sum(quality.delivered.values())
        assert sum((Counter(entry.dropped) for entry in counted), Counter[str]()) == quality.dropped


async def test_what_was_not_asked_for_is_told_as_left_out():
    document = plant(8)
    collection = await collect(document, Options(flashcards=3, questions=0))

    left_out = [entry.number for entry in entries(collection) if entry.kind == "page" and entry.left_out]
    quoted = {document.text.count("# Mills", 0, item.source.start) for item in collection.flashcards}
    assert quoted == {1}
    assert len(left_out) >= 5


def test_the_first_items_of_five_hundred_come_within_a_quarter_of_the_time():
    """A call takes as long as its drafts do, and the calls of a job that run at a time are bounded."""
    options = Options(flashcards=500, questions=500)
    steps = plan_steps(Kind.COLLECTION, CollectionInput(text=DOCUMENT.text, options=options))
    free_at, ends = [0.0] * PARALLEL_CALLS, list[float]()
    for step in steps:
        ends.append(heappop(free_at) + CALL_SECONDS + DRAFT_SECONDS * step.prompt.counts.total)
        heappush(free_at, ends[-1])

    assert ends[0] <= max(ends) / 4
