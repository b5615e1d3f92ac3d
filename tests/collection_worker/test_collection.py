"""A document becomes a collection whose items are grounded, told as they are made, and counted in its report."""

from collections import Counter
from uuid import UUID

import msgspec
import pytest
from tests.fakes import FakeAttemptContext, FakeProvider
from tests.paths import TEXTS, read_text

from collection_worker.handlers import HANDLERS
from collection_worker.handlers.collection import find_title, make_collection
from collection_worker.handlers.items import add_items
from shared.adapters.offline.provider import OfflineProvider
from shared.domain.errors import NoUsableText, Problem
from shared.domain.jobs.job import Kind
from shared.domain.jobs.outcome import Done, Fail
from shared.domain.jobs.payload import CollectionInput
from shared.domain.llm.provider import Prompt, Provider
from shared.domain.provider_errors import ProviderBusy, ProviderError, ProviderGarbled, ProviderRefused
from shared.domain.study.material import Collection, CollectionItems, Flashcard, Options, QuizQuestion
from shared.domain.study.places import Place, PlaceKind, PlaceMarks
from shared.domain.text.language import Language

FRENCH = read_text("photosynthese.fr.txt")
ENGLISH = read_text("water_cycle.en.txt")
KNOWN = UUID("01920000-0000-7000-8000-000000000002")
LONG = "\n\n".join(path.read_text(encoding="utf-8") for path in sorted(TEXTS.glob("*.fr.txt"))) * 5


async def collect(
    text: str, context: FakeAttemptContext, title: str = "", options: Options | None = None
) -> Collection:
    outcome = await make_collection(
        CollectionInput(text=text, title=title, options=options or Options()), context
    )
    assert isinstance(outcome, Done)
    assert isinstance(outcome.result, Collection)
    return outcome.result


async def fail_to_collect(text: str, context: FakeAttemptContext) -> Problem:
    outcome = await make_collection(CollectionInput(text=text), context)
    assert isinstance(outcome, Fail)
    return outcome.problem


def refuse_parts_with(words: str, error: ProviderError | None = None) -> FakeProvider:
    return FakeProvider(
        faults=lambda prompt: (error or ProviderRefused()) if words in prompt.source else None
    )


def all_items(collection: Collection) -> list[Flashcard | QuizQuestion]:
    return [*collection.flashcards, *collection.quiz]


def test_the_worker_handles_collections_and_nothing_else():
    assert {Kind.COLLECTION: make_collection, Kind.ITEMS: add_items} == HANDLERS


@pytest.mark.parametrize("provider", [OfflineProvider(), FakeProvider()], ids=["offline", "model"])
@pytest.mark.parametrize("name", ["photosynthese.fr", "revolution.fr", "solar_system.en", "water_cycle.en"])
async def test_600_words_give_cards_and_questions_with_exact_quotes(name: str, provider: Provider):
    text = read_text(f"{name}.txt")

    collection = await collect(text, FakeAttemptContext(provider))

    assert name.endswith(collection.language)
    assert len(collection.flashcards) >= 10
    assert len(collection.quiz) >= 5
    assert collection.quality.coverage >= 0.7
    for item in all_items(collection):
        assert text[item.source.start : item.source.end] == item.source.quote
        assert item.language == collection.language


@pytest.mark.slow
async def test_without_a_key_the_same_document_gives_the_same_collection_to_the_byte():
    first = await collect(LONG, FakeAttemptContext(OfflineProvider()))
    again = await collect(LONG, FakeAttemptContext(OfflineProvider()))

    assert msgspec.json.encode(first) == msgspec.json.encode(again)


async def test_the_quality_report_accounts_for_every_draft():
    quality = (await collect(LONG, FakeAttemptContext(FakeProvider()))).quality

    assert sum(quality.drafted.values()) == sum(quality.delivered.values()) + sum(quality.dropped.values())
    assert quality.requested.keys() == quality.delivered.keys() == {"flashcards", "questions"}
    assert 0 < quality.coverage <= 1
    assert quality.sections_failed == 0


async def test_what_known_collections_ask_is_not_asked_again():
    context = FakeAttemptContext(FakeProvider())
    first = await collect(ENGLISH, context, options=Options(flashcards=4, questions=0))
    context.collections[KNOWN] = CollectionItems(flashcards=first.flashcards)
    context.steps.clear()

    more = await collect(ENGLISH, context, options=Options(flashcards=15, questions=0, known=[KNOWN]))

    assert more.flashcards
    assert {card.front for card in first.flashcards}.isdisjoint(card.front for card in more.flashcards)
    assert more.quality.dropped["duplicate"] >= 4


async def test_a_collection_of_known_facts_alone_says_that_nothing_is_new():
    text = "The heart of a whale beats about eight times in a minute. " * 2
    options = Options(flashcards=1, questions=0, known=[KNOWN])
    context = FakeAttemptContext(FakeProvider())
    first = await collect(text, context, options=options)
    context.collections[KNOWN] = CollectionItems(flashcards=first.flashcards)
    context.steps.clear()

    outcome = await make_collection(CollectionInput(text=text, options=options), context)

    assert isinstance(outcome, Fail)
    assert outcome.problem.code == "nothing_new"


async def test_the_published_items_are_those_of_the_result():
    context = FakeAttemptContext(FakeProvider())

    collection = await collect(LONG, context)

    assert Counter(item.id for item in context.items) == Counter(item.id for item in all_items(collection))


async def test_items_are_published_when_their_part_is_ready():
    told_before_last_call: list[int] = []
    context = FakeAttemptContext(
        FakeProvider(faults=lambda prompt: told_before_last_call.append(len(context.items)))
    )

    await collect(ENGLISH * 40, context)

    assert told_before_last_call[-1] > 0


async def test_progress_counts_every_step_once():
    context = FakeAttemptContext(FakeProvider())

    await collect(LONG, context)

    total = len(context.asked)
    assert total > 2
    assert context.progressed == [(count, total) for count in range(1, total + 1)]


async def test_a_second_attempt_makes_the_same_collection_from_the_kept_steps_without_a_call():
    context = FakeAttemptContext(FakeProvider())
    first = await collect(LONG, context)
    context.asked.clear()

    assert await collect(LONG, context) == first
    assert context.asked == []


async def test_a_refused_part_is_reported_and_the_others_give_items():
    marked = LONG.replace("1789", "1789 (réservé)", 3)
    whole = await collect(marked, FakeAttemptContext(FakeProvider()))

    partial = await collect(marked, FakeAttemptContext(refuse_parts_with("réservé")))

    assert whole.quality.sections_failed == 0
    assert partial.quality.sections_failed > 0
    assert len(partial.flashcards) > 0


async def test_the_attempt_after_a_busy_provider_makes_only_the_missing_calls():
    is_busy = True

    def fault(prompt: Prompt) -> Exception | None:
        return ProviderBusy(retry_after=20) if is_busy and "1789" in prompt.source else None

    context = FakeAttemptContext(FakeProvider(faults=fault))
    with pytest.raises(ProviderBusy) as raised:
        await collect(LONG, context)
    kept = set(context.steps)
    is_busy = False
    context.asked.clear()

    collection = await collect(LONG, context)

    assert raised.value.retry_after == 20
    assert kept.isdisjoint(context.asked)
    assert collection.quality.sections_failed == 0


@pytest.mark.parametrize("error", [ProviderRefused(), ProviderGarbled()])
async def test_when_every_part_fails_the_job_fails_with_the_providers_reason(error: ProviderError):
    context = FakeAttemptContext(refuse_parts_with("", error))

    assert await fail_to_collect(FRENCH, context) == error.problem


@pytest.mark.parametrize("text", ["", "xxxx " * 3_000, "0101 1010 " * 900, "Title\n\n# Another\n"])
async def test_a_text_without_a_usable_sentence_fails_before_anything_is_paid(text: str):
    context = FakeAttemptContext(FakeProvider())

    assert await fail_to_collect(text, context) == NoUsableText().problem
    assert context.asked == []


async def test_drafts_that_all_fail_the_checks_never_make_an_empty_collection():
    context = FakeAttemptContext(FakeProvider())
    await collect(ENGLISH, context)
    for step, kept in context.steps.items():
        context.steps[step] = kept.replace(b'"quote":"', b'"quote":"invented ')

    assert await fail_to_collect(ENGLISH, context) == ProviderGarbled().problem


async def test_the_requested_counts_are_delivered():
    collection = await collect(
        FRENCH, FakeAttemptContext(FakeProvider()), options=Options(flashcards=3, questions=0)
    )

    assert len(collection.flashcards) == 3
    assert collection.quiz == []
    assert collection.quality.requested == {"flashcards": 3}


async def test_offline_material_states_the_language_of_its_source():
    context = FakeAttemptContext(FakeProvider(generated_by="offline"))

    collection = await collect(FRENCH, context, options=Options(language=Language.EN))

    assert collection.language == "fr"
    assert {item.language for item in all_items(collection)} == {"fr"}


async def test_a_given_title_is_kept():
    assert (await collect(FRENCH, FakeAttemptContext(FakeProvider()), title=" Biologie ")).title == "Biologie"


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("# Le cycle de l’eau\n\nL’eau circule sans cesse.", "Le cycle de l’eau"),
        ("The water\ncycle has no end. It never stops.", "The water cycle has no end"),
        (
            "Rivers " + "and streams " * 20 + "flow.",
            "Rivers and streams and streams and streams and streams and streams and streams…",
        ),
        ("x" * 500, "x" * 79 + "…"),
        ("", ""),
    ],
)
def test_without_a_title_the_first_heading_or_sentence_gives_one(text: str, title: str):
    assert find_title(text) == title
    assert len(title) <= 80


async def test_an_item_tells_the_page_of_its_quote_and_the_report_the_pages_that_were_not_read():
    marks = PlaceMarks(PlaceKind.PAGE, [0, len(FRENCH) // 2], [3, 7])
    outcome = await make_collection(
        CollectionInput(text=FRENCH, places=marks, unread_pages=[4, 5, 6]),
        FakeAttemptContext(OfflineProvider()),
    )

    assert isinstance(outcome, Done)
    assert isinstance(outcome.result, Collection)
    assert all(one.source.place == marks.at(one.source.start) for one in all_items(outcome.result))
    assert {one.source.place for one in all_items(outcome.result)} == {
        Place(PlaceKind.PAGE, 3),
        Place(PlaceKind.PAGE, 7),
    }
    assert outcome.result.quality.unread_pages == [4, 5, 6]
