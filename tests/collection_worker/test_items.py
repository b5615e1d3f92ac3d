"""More items of a collection that is there: from a part of its text, and none that it has already."""

from msgspec.structs import replace
from tests.fakes import FakeAttemptContext
from tests.paths import read_text

from collection_worker.handlers import HANDLERS
from shared.adapters.offline.provider import OfflineProvider
from shared.domain.jobs.job import Kind
from shared.domain.jobs.outcome import Done, Fail, Outcome
from shared.domain.jobs.payload import CollectionInput, ItemsInput
from shared.domain.study.duplicates import dedupe
from shared.domain.study.material import Collection, Flashcard, MadeItems, Options, QuizQuestion

TEXT = read_text("solar_system.en.txt")
START = len(TEXT) // 3
PART = TEXT[START:]


async def make_collection(options: Options) -> Collection:
    context = FakeAttemptContext(OfflineProvider())
    outcome = await HANDLERS[Kind.COLLECTION](CollectionInput(text=TEXT, options=options), context)
    assert isinstance(outcome, Done)
    assert isinstance(outcome.result, Collection)
    return outcome.result


def ask(collection: Collection, **overrides: object) -> ItemsInput:
    job_input = ItemsInput(
        text=PART,
        options=Options(flashcards=3, questions=1, language="en"),
        collection_id="01920000-0000-7000-8000-000000000001",
        start=START,
        known_cards=collection.flashcards,
        known_questions=collection.quiz,
    )
    return replace(job_input, **overrides)


async def add(job_input: ItemsInput) -> tuple[Outcome, list[Flashcard | QuizQuestion]]:
    context = FakeAttemptContext(OfflineProvider())
    return await HANDLERS[Kind.ITEMS](job_input, context), context.items


def made_by(outcome: Outcome) -> MadeItems:
    assert isinstance(outcome, Done)
    assert isinstance(outcome.result, MadeItems)
    return outcome.result


async def test_new_items_quote_the_part_at_its_place_in_the_whole_text():
    collection = await make_collection(Options(flashcards=4, questions=1))

    outcome, published = await add(ask(collection))

    made = made_by(outcome)
    assert len(made.flashcards) == 3
    for item in [*made.flashcards, *made.quiz]:
        assert TEXT[item.source.start : item.source.end] == item.source.quote
        assert item.source.start >= START
    assert {item.id for item in published} == {item.id for item in [*made.flashcards, *made.quiz]}


async def test_new_items_do_not_repeat_what_is_there():
    collection = await make_collection(Options(flashcards=4, questions=1))

    outcome, _ = await add(ask(collection))

    cards = [*collection.flashcards, *made_by(outcome).flashcards]
    assert dedupe(cards) == cards
    assert len({card.id for card in cards}) == len(cards)


async def test_an_item_has_the_id_that_the_whole_collection_would_give_it():
    everything = await make_collection(Options(flashcards=100, questions=0))
    none = replace(everything, flashcards=[], quiz=[])

    outcome, _ = await add(ask(none, options=Options(flashcards=100, questions=0, language="en")))

    made = {card.id: card for card in made_by(outcome).flashcards}
    shared = [card for card in everything.flashcards if card.id in made]
    assert len(shared) > 3
    assert [made[card.id] for card in shared] == shared


async def test_where_nothing_is_new_the_job_fails_and_says_so():
    everything = await make_collection(Options(flashcards=100, questions=0))
    only = [card for card in everything.flashcards if card.source.quote in TEXT]
    sentence = only[0].source
    one = [card for card in only if (card.source.start, card.source.end) == (sentence.start, sentence.end)]
    job_input = ItemsInput(
        text=sentence.quote,
        options=Options(flashcards=len(one), questions=0, language="en"),
        collection_id="01920000-0000-7000-8000-000000000001",
        start=sentence.start,
        known_cards=one,
    )

    outcome, _ = await add(job_input)

    assert isinstance(outcome, Fail)
    assert outcome.problem.code in {"nothing_new", "no_usable_text"}
