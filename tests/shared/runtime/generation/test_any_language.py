"""Texts in many languages through all kinds: with a model they become material in their language, without one the error says
what is missing."""

import json
from collections.abc import Callable

import msgspec
import pytest
from tests.factories import CARDS_PROMPT
from tests.fakes import FakeAttemptContext
from tests.paths import TEXTS
from tests.shared.domain.generation.plan_inputs import make_input
from tests.simulators.multilingual_model import text_of, write_in
from tests.simulators.scripted_server import Body, Response, ScriptedServer, completion

from ai_worker.handlers import HANDLERS as AI_HANDLERS
from collection_worker.handlers import HANDLERS as COLLECTION_HANDLERS
from shared.adapters.llm.openai.client import connect
from shared.adapters.llm.openai.provider import OpenAIProvider
from shared.adapters.offline.provider import OfflineProvider
from shared.domain.jobs.job import Kind
from shared.domain.jobs.outcome import Done, Fail, Outcome
from shared.domain.llm.provider import Provider
from shared.domain.study.draft_language import count_in_language
from shared.domain.study.material import (
    CardDrafts,
    Collection,
    Flashcards,
    MadeItems,
    NoteQuality,
    Options,
    Quiz,
    Summary,
)
from shared.domain.study.validation import CHECKS_OFF

HANDLERS = {**AI_HANDLERS, **COLLECTION_HANDLERS}
SENTENCES: dict[str, list[str]] = msgspec.json.decode((TEXTS / "sentences.json").read_bytes())
OTHERS = [
    "de",
    "es",
    "pt",
    "vi",
    "zh",
    "ja",
    "ko",
    "ru",
    "el",
    "ar",
    "fa",
    "he",
    "hi",
    "bn",
    "ta",
    "th",
    "hy",
    "ka",
    "am",
]
NOTES = [Kind.SUMMARY, Kind.EXPLANATION, Kind.OUTLINE, Kind.TEXT]
GERMAN = (
    "Das Herz ist ein muskulöses Organ, das Blut durch den Körper pumpt. Die Venen führen das Blut zum Herzen zurück."
    " Die Leber ist ein Organ, das Blut filtert."
)
GERMAN_QUOTE = "Das Herz ist ein muskulöses Organ, das Blut durch den Körper pumpt."


async def handle(kind: Kind, text: str, provider: Provider, language: str | None = None) -> Outcome:
    options = Options(language=language, flashcards=3, questions=3)
    return await HANDLERS[kind](make_input(kind, text, options), FakeAttemptContext(provider))


async def ask_model(
    kind: Kind, text: str, respond: Callable[[Body], Response], language: str | None = None
) -> tuple[Outcome, list[Body]]:
    """The outcome with a model behind HTTP, and the requests that it got."""
    async with ScriptedServer(respond) as server:
        provider = OpenAIProvider(connect("key", base_url=server.url), model="m")
        outcome = await handle(kind, text, provider, language)
        await provider.close()
    return outcome, server.requests


@pytest.mark.parametrize("kind", list(HANDLERS))
@pytest.mark.parametrize("language", OTHERS)
async def test_a_text_becomes_material_in_its_language(language: str, kind: Kind):
    sentences = SENTENCES[language]
    text = text_of(language, sentences)

    outcome, requests = await ask_model(kind, text, write_in(language, sentences))

    assert isinstance(outcome, Done), outcome
    result = outcome.result
    assert result.language == language
    assert len(requests) == 1
    if isinstance(result, Flashcards | Quiz | Collection | MadeItems):
        assert result.quality.checks_off == list(CHECKS_OFF)
        items = [*getattr(result, "flashcards", ()), *getattr(result, "quiz", ())]
        assert sum(result.quality.delivered.values()) == len(items) >= 2, result.quality
        assert all(text[one.source.start : one.source.end] == one.source.quote for one in items)
    else:
        assert result.quality is msgspec.UNSET


@pytest.mark.parametrize("kind", list(HANDLERS))
@pytest.mark.parametrize("language", OTHERS)
async def test_without_a_model_the_error_says_that_the_language_needs_one(language: str, kind: Kind):
    outcome = await handle(kind, text_of(language, SENTENCES[language]), OfflineProvider())

    assert isinstance(outcome, Fail)
    assert outcome.problem.code == "language_needs_model"


@pytest.mark.parametrize("kind", list(HANDLERS))
@pytest.mark.parametrize("language", ["fr", "en"])
async def test_french_and_english_have_all_checks(language: str, kind: Kind):
    sentences = SENTENCES[language]

    outcome, _ = await ask_model(kind, text_of(language, sentences), write_in(language, sentences))

    assert isinstance(outcome, Done)
    assert b"checks_off" not in msgspec.json.encode(outcome.result)


async def test_a_requested_language_is_that_of_the_material():
    outcome, requests = await ask_model(
        Kind.SUMMARY, SENTENCES["fr"][3], write_in("pt", SENTENCES["pt"]), language="pt-BR"
    )

    assert isinstance(outcome, Done)
    assert outcome.result.language == "pt-BR"
    assert len(requests) == 1


@pytest.mark.parametrize("kind", NOTES)
async def test_a_note_in_another_language_is_asked_for_once_more(kind: Kind):
    answers = [write_in("en", SENTENCES["en"]), write_in("fr", SENTENCES["fr"])]

    outcome, requests = await ask_model(kind, " ".join(SENTENCES["fr"]), lambda body: answers.pop(0)(body))

    assert isinstance(outcome, Done)
    assert (len(requests), outcome.result.language) == (2, "fr")
    assert "has to be written in French" in requests[1]["messages"][-1]["content"]
    assert b"language_differs" not in msgspec.json.encode(outcome.result)


@pytest.mark.parametrize("kind", NOTES)
@pytest.mark.parametrize(
    ("source", "written"), [("fr", "en"), ("de", "en"), ("zh", "en"), ("ar", "fa"), ("en", "fr")]
)
async def test_a_note_that_stays_in_another_language_says_so(kind: Kind, source: str, written: str):
    text = text_of(source, SENTENCES[source])

    outcome, requests = await ask_model(kind, text, write_in(written, SENTENCES[written]))

    assert isinstance(outcome, Done)
    assert (len(requests), outcome.result.language) == (2, source)
    assert getattr(outcome.result, "quality", None) == NoteQuality(language_differs=True)


async def test_the_second_answer_does_not_replace_a_better_first_one():
    answers = [write_in("en", SENTENCES["en"])]

    outcome, _ = await ask_model(
        Kind.SUMMARY,
        " ".join(SENTENCES["fr"]),
        lambda body: answers.pop()(body) if answers else completion("I cannot do that."),
    )

    assert isinstance(outcome, Done)
    assert isinstance(outcome.result, Summary)
    assert outcome.result.quality == NoteQuality(language_differs=True)


async def test_cards_in_another_language_are_asked_for_once_more():
    answers = [write_in("en", SENTENCES["en"]), write_in("de", SENTENCES["de"])]

    outcome, requests = await ask_model(
        Kind.FLASHCARDS, " ".join(SENTENCES["de"]), lambda body: answers.pop(0)(body)
    )

    assert isinstance(outcome, Done)
    assert len(requests) == 2
    assert "has to be written in German" in requests[1]["messages"][-1]["content"]


def cards_in(german: int, english: int) -> Response:
    """Cards on the German sentences, of which some ask in English."""
    cards = [
        *(
            {"front": f"Was sagt der Text im Abschnitt {n} darüber?", "back": "pumpt", "quote": GERMAN_QUOTE}
            for n in range(german)
        ),
        *(
            {
                "front": f"What does the heart do in the body, part {n}?",
                "back": "pumpt",
                "quote": GERMAN_QUOTE,
            }
            for n in range(english)
        ),
    ]
    return completion(json.dumps({"cards": cards}))


@pytest.mark.parametrize(
    ("first", "second", "kept"),
    [((4, 5), (9, 0), 9), ((4, 5), (0, 9), 4), ((1, 8), (4, 5), 4)],
)
async def test_cards_that_are_mostly_in_another_language_are_asked_for_once_more(
    first: tuple[int, int], second: tuple[int, int], kept: int
):
    answers = [cards_in(*first), cards_in(*second)]
    prompt = msgspec.structs.replace(CARDS_PROMPT, language="de", source=GERMAN)
    async with ScriptedServer(lambda _: answers.pop(0)) as server:
        provider = OpenAIProvider(connect("key", base_url=server.url), model="m")
        drafts = (await provider.complete(prompt, CardDrafts)).value
        await provider.close()
    assert len(server.requests) == 2
    assert count_in_language(drafts, "de") == kept


async def test_a_few_cards_in_another_language_are_told_in_the_quality():
    outcome, requests = await ask_model(Kind.FLASHCARDS, GERMAN, lambda _: cards_in(3, 1))

    assert isinstance(outcome, Done)
    assert isinstance(outcome.result, Flashcards)
    assert len(requests) == 1
    assert outcome.result.quality.dropped["wrong_language"] == 1


@pytest.mark.parametrize("kind", list(HANDLERS))
async def test_a_few_german_sentences_are_not_called_unusable(kind: Kind):
    outcome = await handle(kind, GERMAN, OfflineProvider())

    assert isinstance(outcome, Fail)
    assert outcome.problem.code == "language_needs_model"
